"""A network for a small assay that starts from what the shipped network has learned.

The donor's embedding of Morgan ids and its hidden layer are kept as they are; its outputs are replaced by one new
output, a ridge or logistic regression of every member on its own hidden layer, which is exact and without randomness.
The rest of the network is not trained further: in a first trial (skin reaction, 200 molecules) that changed nothing, as
Kumar et al., arXiv:2202.10054, would expect. benchmarks/own_assay.py compares with training from scratch.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molsieve.models.features import SparseFeatures
from molsieve.models.model import NetworkPart
from molsieve.models.network import SparseNetwork, with_heads

# Least spread that a hidden unit is standardised by, as a share of the median unit's.
_LEAST_SD = 0.3


@dataclass(frozen=True)
class WarmOptions:
    """Hyperparameters; chosen in benchmarks/own_assay.py, the same for all assays."""

    ridge: float = 10.0
    """L2 penalty of the new output on the standardised hidden layer; four times that for values, whose squared error is
    four times as curved as the logistic loss."""


def fit_warm(
    donor: NetworkPart,
    features: SparseFeatures,
    targets: NDArray[np.float32],
    options: WarmOptions,
    *,
    regression: bool,
) -> NetworkPart:
    """Network for one endpoint.

    Args:
        donor: Trained network; it is not changed.
        features: Of the training molecules, of the kind the donor takes.
        targets: 0 and 1, or standardised values, [molecules].
        options: Hyperparameters.
        regression: Whether the targets are values.

    """
    features = features._replace(descriptors=np.ascontiguousarray(features.descriptors[:, donor.descriptors]))
    # One output, to be fitted below; the embedding, which is large and never trained here, is shared.
    network = with_heads(donor.network, np.array([0]))
    rows = torch.from_numpy(donor.vocabulary.rows_of(features.ids))
    goal = torch.from_numpy(targets.astype(np.float32))
    _fit_head(network, features, rows, goal, options, regression=regression)
    return NetworkPart(network.eval(), donor.vocabulary, donor.descriptors)


def _inputs(features: SparseFeatures, rows: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    weights = torch.from_numpy(np.log2(1.0 + features.counts.astype(np.float32)))
    return rows, weights, torch.from_numpy(features.offsets[:-1]), torch.from_numpy(features.descriptors)


def _hidden(network: SparseNetwork, features: SparseFeatures, rows: Tensor) -> Tensor:
    """What the new output sees, [molecules, members, hidden]."""
    found: list[Tensor] = []
    handle = network.heads.register_forward_pre_hook(lambda _, given: found.append(given[0]))
    try:
        with torch.inference_mode():
            network.eval()(*_inputs(features, rows))
    finally:
        handle.remove()
    return found[0].clone()


def _fit_head(
    network: SparseNetwork,
    features: SparseFeatures,
    rows: Tensor,
    goal: Tensor,
    options: WarmOptions,
    *,
    regression: bool,
) -> None:
    """Fit the output of every member on its own hidden layer and put the scaling into its weights."""
    hidden = _hidden(network, features, rows).double()
    goal = goal.double()
    for member in range(network.shape.members):
        own = hidden[:, member]
        mean, sd = own.mean(dim=0), own.std(dim=0)
        # A unit that hardly moves here may move a lot for new molecules.
        sd = sd.clamp(min=max(_LEAST_SD * float(sd.median()), 1e-3))
        scaled = (own - mean) / sd
        if regression:
            weight, bias = _ridge(scaled, goal, 4 * options.ridge)
        else:
            weight, bias = _logistic(scaled, goal, options.ridge)
        with torch.no_grad():
            network.heads.weight[member, :, 0] = (weight / sd).float()
            network.heads.bias[member, 0, 0] = (bias - (weight * mean / sd).sum()).float()


def _ridge(x: Tensor, y: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    bias = y.mean()
    gram = x.T @ x + penalty * torch.eye(x.shape[1], dtype=x.dtype)
    return torch.linalg.solve(gram, x.T @ (y - bias)), bias


def _logistic(x: Tensor, y: Tensor, penalty: float, iterations: int = 25) -> tuple[Tensor, Tensor]:
    """Newton's method; the intercept has no penalty."""
    design = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], dim=1)
    ridge = torch.full((design.shape[1],), penalty, dtype=x.dtype)
    ridge[-1] = 1e-6
    beta = torch.zeros(design.shape[1], dtype=x.dtype)
    beta[-1] = torch.logit(y.mean().clamp(1e-3, 1 - 1e-3))
    for _ in range(iterations):
        p = torch.sigmoid(design @ beta)
        curvature = (p * (1 - p)).clamp(min=1e-6)
        hessian = (design * curvature[:, None]).T @ design + torch.diag(ridge)
        step = torch.linalg.solve(hessian, design.T @ (y - p) - ridge * beta)
        beta = beta + step
        if float(step.abs().max()) < 1e-6:
            break
    return beta[:-1], beta[-1]
