"""Deriving the limit of the applicability domain from out-of-fold errors."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from molsieve.models.store import Domain
from molsieve.training.evaluation import OutOfFold, apply
from molsieve.training.fit import TrainingData

EDGES = (0.0, 0.05, 0.1, 0.2, 0.3, 1.0)
# Beyond the limit the error is at least this many times that of the molecules nearest to the training data.
TOLERANCE = 1.15
# Bins in which the rarer class of an endpoint has fewer labels say nothing about it.
LEAST_LABELS = 10


def derive_domain(data: TrainingData, oof: OutOfFold, calibrations: dict[str, Any]) -> Domain:
    """Error by share of unseen Morgan ids, and the share beyond which it is too large.

    The error of a label is |calibrated probability - label|, averaged within each class of an endpoint before the
    classes are averaged, so that bins with more positives do not look worse; for regression it is the absolute error.
    Each endpoint's errors are divided by that endpoint's mean error, then averaged over endpoints with enough labels in
    the bin. The limit is the upper edge of the last bin before the first whose error exceeds ``TOLERANCE`` times that
    of the nearest bin.
    """
    curves: dict[str, list[dict[str, Any]]] = {}
    relative: list[list[float]] = [[] for _ in EDGES[:-1]]
    for i, endpoint in enumerate(data.endpoints):
        measured = ~np.isnan(data.targets[:, i])
        truth = data.targets[measured, i].astype(float)
        output = oof.outputs[measured][:, :, i].mean(axis=1).astype(float)
        predicted = output if endpoint.is_regression else apply(calibrations[endpoint.name], output)
        unseen = oof.unseen_fraction[measured]
        overall = _error(truth, predicted, regression=endpoint.is_regression)
        curve = []
        for b, inside in enumerate(_bins(unseen)):
            rarer = inside.sum() if endpoint.is_regression else min(truth[inside].sum(), (1 - truth[inside]).sum())
            entry: dict[str, Any] = {"from": EDGES[b], "to": EDGES[b + 1], "n": int(inside.sum())}
            if rarer >= LEAST_LABELS:
                error = _error(truth[inside], predicted[inside], regression=endpoint.is_regression)
                entry["error"] = round(error, 4)
                relative[b].append(error / overall)
            curve.append(entry)
        curves[endpoint.name] = curve
    pooled = [round(float(np.mean(r)), 4) if r else None for r in relative]
    return Domain(
        max_unseen_fraction=limit(pooled),
        statistics={
            "measure": "share of the molecule's distinct Morgan ids that no training molecule has",
            "edges": list(EDGES),
            "relative_error": pooled,
            "endpoints_in_bin": [len(r) for r in relative],
            "molecules_in_bin": [int(inside.sum()) for inside in _bins(oof.unseen_fraction)],
            "tolerance": TOLERANCE,
            "by_endpoint": curves,
        },
    )


def limit(relative_error: list[float | None]) -> float:
    """Upper edge of the last bin before the error first exceeds the tolerance."""
    nearest = next(error for error in relative_error if error is not None)
    for b, error in enumerate(relative_error):
        if error is not None and b > 0 and error > TOLERANCE * nearest:
            return EDGES[b]
    return EDGES[-1]


def _bins(unseen: NDArray[np.float32]) -> list[NDArray[np.bool_]]:
    index = np.clip(np.digitize(unseen, EDGES[1:-1], right=True), 0, len(EDGES) - 2)
    return [index == b for b in range(len(EDGES) - 1)]


def _error(truth: NDArray[np.float64], predicted: NDArray[np.float64], *, regression: bool) -> float:
    error = np.abs(predicted - truth)
    if regression:
        return float(error.mean())
    return float((error[truth == 1].mean() + error[truth == 0].mean()) / 2)
