"""New calibration, conformal scores and intervals for one endpoint from somebody's own measurements; weights unchanged.

Swapping the calibration data restores the validity of conformal sets on another laboratory's or chemistry's molecules
without training (Morger et al. 2021, doi:10.1186/s13321-021-00511-5). What is gained is measured on molecules the new
calibration was not fitted on, by cross-validation.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molsieve.errors import MolsieveError
from molsieve.models.calibration import expected_calibration_error
from molsieve.models.conformal import ConformalScores
from molsieve.models.model import Model
from molsieve.models.trust import Fitted, Trust
from molsieve.training.calibrating import fit_calibration, fit_interval
from molsieve.training.endpoint_predictions import EndpointPredictions, predictions_under
from molsieve.training.external import CONFORMAL_ERRORS
from molsieve.training.external_metrics import (
    CALIBRATION_BINS,
    ConformalFigures,
    IntervalFigures,
    brier,
    conformal_figures,
    interval_figures,
)
from molsieve.training.trusting import calibration_quality, conformal_quality

FOLDS = 5
# With fewer of a class a conformal set at error 0.1 can rule out nothing, and a fold may have none.
LEAST_OF_CLASS = 20

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TrustFigures:
    """How far an endpoint's probabilities, sets or intervals can be believed on some data."""

    ece: float | None
    """Expected calibration error; None for regression."""
    brier: float | None
    conformal: tuple[ConformalFigures, ...]
    interval: IntervalFigures | None


@dataclass(frozen=True)
class Recalibrated:
    """New trust of a model, and what it changed."""

    trust: Trust
    method: str
    n: int
    n_positive: int
    before: TrustFigures
    """Of the old trust on all the data."""
    after: TrustFigures
    """Of new ones on the fold each was not fitted on."""
    metrics: dict[str, Any]
    """What these figures replace in the endpoint's stored metrics, and what they were measured on."""


def recalibrate(
    model: Model, endpoint: str, predicted: EndpointPredictions, truth: Array, *, source: str, seed: int = 0
) -> Recalibrated:
    """Fit the trust of one endpoint on new data.

    Args:
        model: The model.
        endpoint: Its endpoint.
        predicted: Predictions for molecules the endpoint was not trained on, all described.
        truth: Their labels.
        source: What the data are, for ``Fitted.on``.
        seed: Of the folds.

    Raises:
        MolsieveError: Too few molecules of a class.

    """
    is_regression = model.info.endpoints[model.info.endpoint_index(endpoint)].is_regression
    if not is_regression:
        _refuse_few(truth)
    folds = _folds(truth, seed, stratified=not is_regression)
    after = predicted
    sets = {error: np.zeros(len(truth), dtype=np.int8) for error in CONFORMAL_ERRORS}
    for fold in range(FOLDS):
        held_out = np.flatnonzero(folds == fold)
        trust = _fitted(model, endpoint, predicted.take(folds != fold), truth[folds != fold], source)
        there = predictions_under(model, trust, endpoint, predicted.take(held_out))
        after = after.put(held_out, there)
        if not is_regression:
            for error in CONFORMAL_ERRORS:
                sets[error][held_out] = trust.conformal[endpoint].sets(there.output, error)
    trust = _fitted(model, endpoint, predicted, truth, source)
    stored: dict[str, Any]
    if is_regression:
        method = "interval scaled by the ensemble's spread" if trust.intervals[endpoint].floor else "constant interval"
        old_sets: dict[float, NDArray[np.int8]] = {}
        sets = {}
        width = interval_figures(truth, after.low, after.high)
        stored = {"interval": {"mean_width": round(width.mean_width, 3), "coverage": round(width.coverage.value, 4)}}
    else:
        method = trust.calibrations[endpoint].method
        quality = calibration_quality(predicted.output, truth, folds.astype(np.int8))
        stored = {
            "calibration": {"method": method, **quality},
            "conformal": conformal_quality(predicted.output, truth, folds.astype(np.int8)),
        }
        old_sets = {e: model.trust.conformal[endpoint].sets(predicted.output, e) for e in CONFORMAL_ERRORS}
    return Recalibrated(
        trust=model.trust.swapped(trust),
        method=method,
        n=len(truth),
        n_positive=0 if is_regression else int(truth.sum()),
        before=_figures(truth, predicted, old_sets),
        after=_figures(truth, after, sets),
        metrics={"recalibrated_on": source, **stored},
    )


def _fitted(model: Model, endpoint: str, predicted: EndpointPredictions, truth: Array, source: str) -> Trust:
    """Trust with this endpoint alone."""
    fitted = {
        endpoint: Fitted(
            on=source,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            n=len(truth),
            n_positive=0 if endpoint in model.info.scales else int(truth.sum()),
        )
    }
    if endpoint in model.info.scales:
        interval = fit_interval(predicted.value, predicted.sd, truth)
        return Trust(calibrations={}, conformal={}, intervals={endpoint: interval}, fitted=fitted)
    return Trust(
        calibrations={endpoint: fit_calibration(predicted.output, truth)},
        conformal={endpoint: ConformalScores.of(predicted.output, truth)},
        intervals={},
        fitted=fitted,
    )


def _figures(truth: Array, predicted: EndpointPredictions, sets: dict[float, NDArray[np.int8]]) -> TrustFigures:
    if not sets:
        return TrustFigures(None, None, (), interval_figures(truth, predicted.low, predicted.high))
    return TrustFigures(
        ece=expected_calibration_error(predicted.value, truth, CALIBRATION_BINS),
        brier=brier(truth, predicted.value)["brier"],
        conformal=tuple(conformal_figures(truth, codes, error) for error, codes in sets.items()),
        interval=None,
    )


def _folds(truth: Array, seed: int, *, stratified: bool) -> NDArray[np.int64]:
    """Random fold of each molecule, both classes spread evenly."""
    random = np.random.default_rng(seed)
    folds = np.empty(len(truth), dtype=np.int64)
    groups = [np.flatnonzero(truth == c) for c in (0, 1)] if stratified else [np.arange(len(truth))]
    for group in groups:
        folds[random.permutation(group)] = np.arange(len(group)) % FOLDS
    return folds


def _refuse_few(truth: Array) -> None:
    for label, name in ((1, "active"), (0, "inactive")):
        count = int((truth == label).sum())
        if count < LEAST_OF_CLASS:
            raise MolsieveError(
                f"There are {count} {name} molecules the endpoint was not trained on; a calibration needs at least "
                f"{LEAST_OF_CLASS} of either class.",
                fix="Measure or collect more of them; until then use the model as it is.",
            )
