"""Weights of a network as they are stored: the embedding in 4 bits."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from molsieve.models.network import UNKNOWN_ROW, NetworkShape, SparseNetwork

_LEVELS = 7
"""Steps of a stored weight to either side of zero."""

Tensors = dict[str, NDArray[Any]]


def pack_network(network: SparseNetwork) -> Tensors:
    """Weights as they are stored: the embedding in 4 bits with a scale for each id and member, the rest in float32.

    The rounding moves a prediction by far less than the members disagree (a test says how much less).
    """
    shape = network.shape
    tensors = {name: t.detach().cpu().numpy().copy() for name, t in network.state_dict().items()}
    table = tensors.pop("embedding").reshape(shape.rows, shape.members, shape.width)
    scale = (np.abs(table).max(axis=2, keepdims=True).astype(np.float32) / _LEVELS).astype(np.float16)
    scale = np.maximum(scale, np.float16(6e-8))
    levels = np.clip(np.rint(table / scale.astype(np.float32)), -_LEVELS, _LEVELS).astype(np.int8) + _LEVELS
    pairs = levels.astype(np.uint8).reshape(shape.rows, -1, 2)
    return tensors | {"embedding_pairs": pairs[:, :, 0] | pairs[:, :, 1] << 4, "embedding_scale": scale[:, :, 0]}


def unpack_network(tensors: Mapping[str, NDArray[Any]], shape: NetworkShape) -> SparseNetwork:
    """Network with the stored weights, in float32."""
    network = SparseNetwork(shape)
    pairs = tensors["embedding_pairs"]
    levels = np.stack([pairs & 15, pairs >> 4], axis=2).reshape(shape.rows, shape.members, shape.width)
    scale = tensors["embedding_scale"].astype(np.float32)
    table = (levels.astype(np.float32) - _LEVELS) * scale[:, :, None]
    table[UNKNOWN_ROW] = 0.0
    state = {name: torch.from_numpy(tensors[name]) for name in network.state_dict() if name != "embedding"}
    network.load_state_dict(state | {"embedding": torch.from_numpy(table.reshape(shape.rows, -1))})
    return network.eval()


def as_stored(network: SparseNetwork) -> SparseNetwork:
    """Network as it will be after saving and loading; what is evaluated is what ships."""
    return unpack_network(pack_network(network), network.shape)
