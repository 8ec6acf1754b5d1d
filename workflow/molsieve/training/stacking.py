"""How much each part of a stack counts, chosen family by family from out-of-fold predictions."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from molsieve.models.predict import mean_and_spread
from molsieve.models.read_across import neighbour_logits
from molsieve.training.data import TrainingData
from molsieve.training.evaluation import OutOfFold, member_mean, scores
from molsieve.training.splits import FOLDS

# Few, so that choosing among them cannot fit noise: all parts alike, one counting double, and every subset.
CANDIDATES: tuple[tuple[float, float, float], ...] = (
    (1, 1, 1),
    (2, 1, 1),
    (1, 2, 1),
    (1, 1, 2),
    (1, 1, 0),
    (1, 0, 1),
    (0, 1, 1),
    (1, 0, 0),
    (0, 1, 0),
    (0, 0, 1),
)
NEIGHBOURS = "neighbours"
"""The part that is not trained: read-across (``models.read_across``)."""
# Its share for classifications. It and read_across.PRIOR were chosen on the scaffold and cluster folds, once and not
# nested, so figures on these are flattered by the best of few (benchmarks/read_across.py); random folds and published
# test sets chose nothing. What it did to regressions was mixed, so they do without.
READ_ACROSS = 0.2
# A candidate must beat equal weights by so much, in the mean over the family's endpoints, to replace them.
LEAST_GAIN = 0.002

Weights = tuple[float, ...]


def stacked(parts: Sequence[NDArray[np.float32]], weights: Weights) -> NDArray[np.float32]:
    """Weighted mean of the parts' means, [n] or [n, endpoints]; a part without a prediction (NaN) is left out."""
    total = np.zeros(parts[0].shape, dtype=np.float64)
    used = np.zeros_like(total)
    for outputs, weight in zip(parts, weights, strict=True):
        known = ~np.isnan(outputs)
        total[known] += weight * outputs[known]
        used[known] += weight
    mean: NDArray[np.float32] = (total / np.maximum(used, 1e-9)).astype(np.float32)
    return mean


def choose_weights(data: TrainingData, oof: OutOfFold, among: NDArray[np.bool_]) -> dict[str, Weights]:
    """Weights of each family's endpoints that rank best, judged on the folds of the given molecules alone.

    The criterion is the mean over endpoints and folds of the average precision, for regressions of R2. Read-across is
    not chosen: after the trained parts it gets ``READ_ACROSS`` of the whole.

    Args:
        data: The molecules of ``oof``.
        oof: Out-of-fold predictions of all parts.
        among: Which molecules may be looked at, [n].

    """
    parts = [member_mean(outputs) for name, outputs in oof.parts.items() if name != NEIGHBOURS]
    candidates = CANDIDATES if len(parts) == len(CANDIDATES[0]) else ((1.0,) * len(parts),)
    chosen: dict[str, Weights] = {}
    for family in dict.fromkeys(e.family for e in data.endpoints):
        places = [i for i, e in enumerate(data.endpoints) if e.family == family]
        gains = [np.mean([_quality(data, oof, parts, i, weights, among) for i in places]) for weights in candidates]
        best = int(np.argmax(gains))
        weights = candidates[best if gains[best] > gains[0] + LEAST_GAIN else 0]
        chosen[family] = _normalised(with_read_across(weights) if NEIGHBOURS in oof.parts else weights)
    return chosen


def with_read_across(trained: Weights) -> Weights:
    """Weights of the trained parts followed by that of read-across."""
    scale = (1 - READ_ACROSS) / sum(trained)
    return (*(weight * scale for weight in trained), READ_ACROSS)


def add_read_across(data: TrainingData, oof: OutOfFold) -> OutOfFold:
    """Make the stored nearest neighbours a part of the stack, for the classifications they were computed for."""
    means = oof.baselines[NEIGHBOURS]
    outputs = np.full((data.molecules, 1, len(data.endpoints)), np.nan, dtype=np.float32)
    classes = np.flatnonzero(~data.is_regression[: means.shape[1]])
    outputs[:, 0, classes] = neighbour_logits(means[:, classes])
    return replace(oof, parts={**oof.parts, NEIGHBOURS: outputs})


def nested(data: TrainingData, oof: OutOfFold) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Output and spread of the stack for every molecule, with weights chosen without its fold: [n, endpoints] each.

    What is reported for the stack is this, so choosing the weights of the trained parts flatters nothing; the share of
    read-across is the same in all folds (``READ_ACROSS`` says what it was chosen by). The spread is that of
    ``models.predict``: over all trained members, weighted as they are in the mean.
    """
    parts = list(oof.parts.values())
    trained = len(parts) - (NEIGHBOURS in oof.parts)
    mean: NDArray[np.float32] = np.empty_like(parts[0][:, 0])
    sd = np.empty_like(mean)
    for fold in range(FOLDS):
        inside = np.flatnonzero(oof.folds == fold)
        weights = choose_weights(data, oof, oof.folds != fold)
        for i, endpoint in enumerate(data.endpoints):
            members = [part[inside][:, :, i] for part in parts]
            own = weights[endpoint.family]
            mean[inside, i], _ = with_spread(members, own)
            _, sd[inside, i] = with_spread(members[:trained], own[:trained])
    return mean, sd


def with_spread(
    parts: Sequence[NDArray[np.float32]], weights: Weights
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weighted mean and standard deviation over the members of all parts that have a prediction.

    Args:
        parts: Outputs of each part's members, [n, members].
        weights: Of the parts.

    """
    outputs = np.concatenate(parts, axis=1)
    shares = np.concatenate([_shares(part, weight) for part, weight in zip(parts, weights, strict=True)], axis=1)
    shares /= shares.sum(axis=1, keepdims=True)
    # Each molecule may have other members, so here the molecules take the place of the endpoints.
    each = torch.from_numpy(shares.T.astype(np.float32))
    mean, sd = mean_and_spread(torch.from_numpy(np.nan_to_num(outputs).T[None]), each)
    return mean[0].numpy(), sd[0].numpy()


def _shares(outputs: NDArray[np.float32], weight: float) -> NDArray[np.float64]:
    """Weight of each member of a part, [n, members]; those that predict share the part's alike."""
    there = ~np.isnan(outputs)
    return np.where(there, weight / np.maximum(there.sum(axis=1, keepdims=True), 1), 0.0)


def _quality(
    data: TrainingData,
    oof: OutOfFold,
    parts: Sequence[NDArray[np.float32]],
    index: int,
    weights: Weights,
    among: NDArray[np.bool_],
) -> float:
    regression = data.endpoints[index].is_regression
    rows = np.flatnonzero(~np.isnan(data.targets[:, index]) & among)
    predicted = stacked([part[rows, index] for part in parts], weights)
    found = []
    for fold in range(FOLDS):
        inside = oof.folds[rows] == fold
        if inside.any():
            truth = data.targets[rows[inside], index].astype(float)
            score = scores(truth, predicted[inside].astype(float), regression=regression)
            found += [score["r2" if regression else "auprc"]] if score else []
    return float(np.mean(found)) if found else 0.0


def _normalised(weights: Sequence[float]) -> Weights:
    return tuple(round(w / sum(weights), 4) for w in weights)
