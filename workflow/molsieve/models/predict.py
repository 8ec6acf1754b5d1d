"""From features to published predictions: value, spread, interval, conformal set and domain."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from molsieve.models.features import SparseFeatures
from molsieve.models.model import Model

NO_SET = -1
"""Code of a conformal set that does not exist (regression) or was not asked for."""


class Predictions(NamedTuple):
    """Predictions of all endpoints, in the order of the model."""

    value: NDArray[np.float32]
    """Calibrated probability or value, [n, endpoints]."""
    sd: NDArray[np.float32]
    """Standard deviation over the trained members, [n, endpoints]."""
    low: NDArray[np.float32]
    """Lower 90 % bound, [n, endpoints]; NaN for classification."""
    high: NDArray[np.float32]
    sets: NDArray[np.int8]
    """Conformal sets as indices into ``conformal.SETS``, [n, endpoints]; ``NO_SET`` where there is none."""


def predict(
    model: Model,
    features: SparseFeatures,
    batch_size: int = 8192,
    conformal_error: float | None = None,
    neighbours: NDArray[np.float32] | None = None,
) -> Predictions:
    """Predict all endpoints; the result does not depend on the batch size.

    Everything is done batch by batch, calibration included, so memory is bounded by the batch.

    Args:
        model: The model.
        features: The features it takes.
        batch_size: Molecules a forward pass.
        conformal_error: Error of the conformal sets; None leaves them out, which is faster.
        neighbours: What ``model.neighbours`` says of the same molecules.

    """
    starts = range(0, max(features.molecules, 1), batch_size)
    parts = []
    for start in starts:
        stop = min(start + batch_size, features.molecules)
        near = None if neighbours is None else neighbours[start:stop]
        parts.append(_predict_batch(model, features.slice(start, stop), near, conformal_error))
    return Predictions(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def mean_and_spread(outputs: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weighted mean and unbiased standard deviation over the members.

    Args:
        outputs: [n, members, endpoints].
        weights: [members, endpoints]; columns sum to 1.

    """
    mean = (outputs * weights).sum(dim=1)
    freedom = (1.0 - (weights**2).sum(dim=0)).clamp(min=1e-6)
    variance = (weights * (outputs - mean[:, None]) ** 2).sum(dim=1) / freedom
    return mean, variance.sqrt()


def _predict_batch(
    model: Model, features: SparseFeatures, neighbours: NDArray[np.float32] | None, conformal_error: float | None
) -> Predictions:
    n, endpoints = features.molecules, model.endpoints
    outputs, weights = model.outputs(features, neighbours), model.member_weights
    is_regression = torch.tensor(model.info.is_regression)
    value, sd = torch.empty(n, len(endpoints)), torch.empty(n, len(endpoints))
    logits = outputs[:, :, ~is_regression].to(model.device)
    mean_logits = (logits * weights[:, ~is_regression].to(model.device)).sum(dim=1)
    value[:, ~is_regression] = model.calibration.probabilities(mean_logits).cpu()
    spread_weights = model.spread_weights[:, ~is_regression].to(model.device)
    _, spread = mean_and_spread(model.calibration.probabilities(logits), spread_weights)
    sd[:, ~is_regression] = spread.cpu()
    low, high = torch.full_like(value, torch.nan), torch.full_like(value, torch.nan)
    sets = np.full((n, len(endpoints)), NO_SET, dtype=np.int8)
    scores = dict(zip(np.flatnonzero(~is_regression.numpy()), mean_logits.cpu().numpy().T, strict=True))
    for i, endpoint in enumerate(endpoints):
        if endpoint.is_regression:
            scale = model.info.scales[endpoint.name]
            mean, spread = mean_and_spread(outputs[:, :, i : i + 1] * scale.sd + scale.mean, weights[:, i : i + 1])
            value[:, i], sd[:, i] = mean[:, 0], spread[:, 0]
            low[:, i], high[:, i] = model.trust.intervals[endpoint.name].bounds(value[:, i], sd[:, i])
        elif conformal_error is not None:
            sets[:, i] = model.trust.conformal[endpoint.name].sets(scores[i], conformal_error)
    return Predictions(value.numpy(), sd.numpy(), low.numpy(), high.numpy(), sets)
