"""The sparse multi-task network that sees the whole library."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's customary name

from molsieve.models.features import SparseFeatures

UNKNOWN_ROW = 0


@dataclass(frozen=True)
class NetworkShape:
    """Sizes of the network; stored in ``model.json``, so that the weights can be read back."""

    rows: int
    """Rows of the embedding table; row 0 stands for ids too rare, or unknown, and adds nothing."""
    descriptors: int
    members: int
    width: int
    """Embedding width of one member."""
    hidden: int
    endpoints: int


class MemberLinear(nn.Module):
    """One linear layer a member, applied to all members in one batched product: [n, m, i] -> [n, m, o]."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = (3.0 / inputs) ** 0.5
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Apply each member's layer to its own slice."""
        return torch.baddbmm(self.bias, x.transpose(0, 1), self.weight).transpose(0, 1)


class SparseNetwork(nn.Module):
    """Ensemble of sparse multi-task networks, evaluated in one pass.

    Morgan ids, weighted by log2(1 + count), are summed from one embedding table whose rows hold the vectors of all
    members side by side, so one gather serves the ensemble. Standardised descriptors are added, then each member has
    its own hidden layer and one output for each endpoint.
    """

    descriptor_mean: Tensor
    descriptor_sd: Tensor

    def __init__(self, shape: NetworkShape, dropout: float = 0.0, bit_dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        self.dropout = dropout
        self.bit_dropout = bit_dropout
        self.embedding = nn.Parameter(torch.randn(shape.rows, shape.members * shape.width) * 0.05)
        with torch.no_grad():
            self.embedding[UNKNOWN_ROW] = 0.0
        self.register_buffer("descriptor_mean", torch.zeros(shape.descriptors))
        self.register_buffer("descriptor_sd", torch.ones(shape.descriptors))
        self.descriptor_layer = nn.Linear(shape.descriptors, shape.members * shape.width)
        self.norm = nn.LayerNorm(shape.width)
        self.hidden = MemberLinear(shape.members, shape.width, shape.hidden)
        self.heads = MemberLinear(shape.members, shape.hidden, shape.endpoints)

    def forward(self, rows: Tensor, weights: Tensor, offsets: Tensor, descriptors: Tensor) -> Tensor:
        """Compute every member's logits, or standardised values for regression: [molecules, members, endpoints].

        Args:
            rows: Embedding rows of all molecules' Morgan ids, [nnz], int64.
            weights: log2(1 + count) of each, [nnz], float32.
            offsets: Where each molecule begins in ``rows``, [molecules].
            descriptors: Raw descriptors, [molecules, descriptors], float32.

        """
        shape = self.shape
        if self.training and self.bit_dropout:
            weights = F.dropout(weights, self.bit_dropout)
        # The row is zero, so leaving it out of the sum changes nothing but the time (twice as long) and the gradient.
        left_out = UNKNOWN_ROW if self.training else None
        x = F.embedding_bag(rows, self.embedding, offsets, mode="sum", per_sample_weights=weights, padding_idx=left_out)
        scaled = ((descriptors - self.descriptor_mean) / self.descriptor_sd).clamp(-4.0, 4.0)
        x = (x + self.descriptor_layer(scaled)).view(-1, shape.members, shape.width)
        x = F.relu(self.norm(x))
        if self.training and self.dropout:
            x = F.dropout(x, self.dropout)
        x = F.relu(self.hidden(x))
        if self.training and self.dropout:
            x = F.dropout(x, self.dropout)
        outputs: Tensor = self.heads(x)
        return outputs


def with_heads(network: SparseNetwork, endpoints: NDArray[np.int64]) -> SparseNetwork:
    """Keep some of the outputs; everything else is shared with the given network."""
    kept = SparseNetwork(replace(network.shape, rows=1, endpoints=len(endpoints)))
    kept.shape = replace(network.shape, endpoints=len(endpoints))
    kept.embedding = network.embedding
    heads = {name: t[:, :, endpoints] for name, t in network.heads.state_dict().items()}
    others = {n: t for n, t in network.state_dict().items() if not n.startswith("heads.")}
    kept.load_state_dict(others | {f"heads.{name}": tensor for name, tensor in heads.items()})
    return kept.eval()


def masked_loss(
    outputs: Tensor, targets: Tensor, cell_weights: Tensor, is_regression: Tensor, member_weights: Tensor | None = None
) -> Tensor:
    """Weighted mean loss over the measured cells; cells that are NaN take no part and pass no gradient.

    Args:
        outputs: [molecules, members, endpoints].
        targets: [molecules, endpoints]; 0/1, standardised values for regression, NaN where not measured.
        cell_weights: Weight of each endpoint's cells, [endpoints].
        is_regression: Which endpoints are regressions (Huber loss), [endpoints], bool.
        member_weights: Weight of each molecule for each member, [molecules, members]; the bootstrap.

    """
    measured = ~targets.isnan()
    goal = torch.where(measured, targets, 0.0).unsqueeze(1).expand_as(outputs)
    loss = F.binary_cross_entropy_with_logits(outputs, goal.clamp(0.0, 1.0), reduction="none")
    if bool(is_regression.any()):
        loss = torch.where(is_regression, F.huber_loss(outputs, goal, reduction="none"), loss)
    cells = (measured * cell_weights).unsqueeze(1).expand_as(outputs)
    if member_weights is not None:
        cells = cells * member_weights.unsqueeze(2)
    return (loss * cells).sum() / outputs.shape[0] / outputs.shape[1]


def network_outputs(
    network: SparseNetwork, features: SparseFeatures, rows: NDArray[np.int64], *, batch_size: int, device: str = "cpu"
) -> Tensor:
    """Compute every member's outputs for any number of molecules, in float32, on the CPU: [n, members, endpoints].

    Args:
        network: In evaluation mode, on ``device``.
        features: The molecules.
        rows: Embedding row of each entry of ``features.ids`` (``Vocabulary.rows_of``).
        batch_size: Molecules a forward pass.
        device: Torch device.

    """
    shape = network.shape
    outputs = torch.empty(features.molecules, shape.members, shape.endpoints)
    weights = np.log2(1.0 + features.counts.astype(np.float32))
    with torch.inference_mode(), full_precision():
        for start in range(0, features.molecules, batch_size):
            stop = min(start + batch_size, features.molecules)
            first, last = features.offsets[start], features.offsets[stop]
            outputs[start:stop] = network(
                torch.from_numpy(rows[first:last]).to(device),
                torch.from_numpy(weights[first:last]).to(device),
                torch.from_numpy(features.offsets[start:stop] - first).to(device),
                torch.from_numpy(features.descriptors[start:stop]).to(device),
            ).cpu()
    return outputs


@contextmanager
def full_precision() -> Iterator[None]:
    """Keep matrix products in float32 on GPUs that would otherwise round their inputs to TF32."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
