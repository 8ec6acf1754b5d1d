"""Tensors of a model as one safetensors file, the large ones deflated where that makes them smaller.

Levels of an embedding and bits of fingerprints have less information than digits: a fifth of the bytes is saved, at a
fifth of a second a model.
"""

import json
import zlib
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

_DEFLATED = "deflated"
"""Key of the file's metadata: type and shape of each deflated tensor, as JSON."""
_LEAST_BYTES = 50_000
_LEAST_SAVED = 0.1


def pack(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Content of the file; the same for the same tensors."""
    stored, deflated = {}, {}
    for name, tensor in tensors.items():
        stored[name] = np.ascontiguousarray(tensor)
        if tensor.nbytes >= _LEAST_BYTES:
            content = zlib.compress(stored[name].tobytes(), 9)
            if len(content) < (1 - _LEAST_SAVED) * tensor.nbytes:
                stored[name] = np.frombuffer(content, dtype=np.uint8)
                deflated[name] = [tensor.dtype.str, *tensor.shape]
    packed: bytes = save(stored, metadata={_DEFLATED: json.dumps(deflated, sort_keys=True)})
    return packed


def unpack(content: bytes) -> dict[str, NDArray[Any]]:
    """Tensors that were packed, or of any other safetensors file.

    Raises:
        SafetensorError: The content is no such file, or a deflated tensor is damaged.

    """
    tensors: dict[str, NDArray[Any]] = load(content)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    for name, (kind, *shape) in json.loads(header.get("__metadata__", {}).get(_DEFLATED, "{}")).items():
        size = np.dtype(kind).itemsize * prod(shape)
        try:
            # Never more than the file says: a damaged or made-up stream cannot fill the memory.
            data = zlib.decompressobj().decompress(tensors[name].tobytes(), size)
            tensors[name] = np.frombuffer(bytearray(data), dtype=kind).reshape(shape)
        except (zlib.error, ValueError, KeyError) as error:
            raise SafetensorError(f"{name} cannot be inflated: {error}") from error
    return tensors
