"""Fitting what turns outputs into numbers to believe, on out-of-fold predictions, and checking that it holds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from molsieve.models.calibration import Calibration, CalibrationTable, expected_calibration_error
from molsieve.models.conformal import SETS, ConformalScores
from molsieve.models.trust import Fitted, Trust
from molsieve.training.calibrating import fit_calibration, fit_interval
from molsieve.training.data import TrainingData
from molsieve.training.splits import FOLDS

ERRORS = (0.1, 0.2)
"""Errors at which the conformal sets are checked."""

Array = NDArray[np.float64]


def fit_trust(data: TrainingData, mean: NDArray[np.float32], sd: NDArray[np.float32], *, on: str, date: str) -> Trust:
    """Calibrations, conformal scores and intervals of all endpoints.

    Args:
        data: Curated molecules.
        mean: Out-of-fold output of the model: logits, or values in the endpoint's unit, [n, endpoints].
        sd: Spread of its members, [n, endpoints]; used for regressions.
        on: What ``mean`` is, in words.
        date: UTC, ISO 8601.

    """
    calibrations, conformal, intervals, fitted = {}, {}, {}, {}
    for i, endpoint in enumerate(data.endpoints):
        measured = ~np.isnan(data.targets[:, i])
        truth, outputs = data.targets[measured, i].astype(float), mean[measured, i].astype(float)
        if endpoint.is_regression:
            intervals[endpoint.name] = fit_interval(outputs, sd[measured, i].astype(float), truth)
        else:
            calibrations[endpoint.name] = fit_calibration(outputs, truth)
            conformal[endpoint.name] = ConformalScores.of(outputs, truth)
        positives = 0 if endpoint.is_regression else int(truth.sum())
        fitted[endpoint.name] = Fitted(on=on, date=date, n=len(truth), n_positive=positives)
    return Trust(calibrations=calibrations, conformal=conformal, intervals=intervals, fitted=fitted)


def calibrated(calibration: Calibration, logits: Array) -> Array:
    """Calibrated probabilities of one endpoint."""
    tensor = torch.from_numpy(logits.astype(np.float32))[:, None]
    probabilities: Array = CalibrationTable([calibration]).probabilities(tensor)[:, 0].numpy().astype(float)
    return probabilities


def calibration_quality(logits: Array, labels: Array, folds: NDArray[np.int8]) -> dict[str, Any]:
    """Calibration error before, and after a calibration fitted on the other folds (so not flattered).

    ``reliability`` holds mean prediction, observed frequency and size of ten bins of equal mass, after.
    """
    probabilities = np.empty_like(logits)
    for fold in range(FOLDS):
        inside = folds == fold
        others = labels[~inside]
        if not inside.any():
            continue
        if not len(others) or others.min() == others.max():
            probabilities[inside] = others.mean() if len(others) else labels.mean()
            continue
        probabilities[inside] = calibrated(fit_calibration(logits[~inside], others), logits[inside])
    bins = np.array_split(np.argsort(probabilities, kind="stable"), min(10, len(labels)))
    return {
        "ece_raw": round(expected_calibration_error(1 / (1 + np.exp(-logits)), labels), 4),
        "ece_cross_fitted": round(expected_calibration_error(probabilities, labels), 4),
        "reliability": [
            [round(float(probabilities[part].mean()), 4), round(float(labels[part].mean()), 4), len(part)]
            for part in bins
        ],
    }


def conformal_quality(logits: Array, labels: Array, folds: NDArray[np.int8]) -> list[dict[str, Any]]:
    """Validity and efficiency of the conformal sets, each fold judged by scores of the other folds.

    ``coverage_*``: share of a class whose set holds it, which should be 1 - error; ``single``: share of sets with
    exactly one label, the useful ones; ``exchangeable_*``: coverage when the calibration molecules are drawn at random
    instead of from other scaffolds, which is what the guarantee is about.
    """
    shuffled = np.random.default_rng(0).permutation(len(labels)) % FOLDS
    rows = []
    for error in ERRORS:
        sets = _cross_sets(logits, labels, folds, error)
        at_random = _cross_sets(logits, labels, shuffled.astype(np.int8), error)
        names = np.array(SETS)
        rows.append(
            {
                "error": error,
                "coverage_active": _coverage(sets, labels, 1),
                "coverage_inactive": _coverage(sets, labels, 0),
                "exchangeable_active": _coverage(at_random, labels, 1),
                "exchangeable_inactive": _coverage(at_random, labels, 0),
                "single": round(float(np.isin(names[sets], ("active", "inactive")).mean()), 4),
                "both": round(float((names[sets] == "both").mean()), 4),
                "none": round(float((names[sets] == "none").mean()), 4),
            }
        )
    return rows


def _cross_sets(logits: Array, labels: Array, folds: NDArray[np.int8], error: float) -> NDArray[np.int8]:
    sets = np.zeros(len(labels), dtype=np.int8)
    for fold in range(FOLDS):
        inside = folds == fold
        sets[inside] = ConformalScores.of(logits[~inside], labels[~inside]).sets(logits[inside], error)
    return sets


def _coverage(sets: NDArray[np.int8], labels: Array, label: int) -> float:
    bit = 2 if label else 1
    return round(float(((sets[labels == label] & bit) > 0).mean()), 4)


def mean_width(trust: Trust, name: str, values: Sequence[float] | Array, sds: Array) -> float:
    """Mean width of a regression's 90 % interval, in the endpoint's unit."""
    low, high = trust.intervals[name].bounds(torch.as_tensor(np.asarray(values)), torch.from_numpy(sds))
    return round(float((high - low).mean()), 3)
