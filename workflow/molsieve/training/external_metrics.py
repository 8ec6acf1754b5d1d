"""How good predictions are for molecules with measured labels, every figure with its 95 % interval.

Intervals are percentiles over bootstrap resamples drawn within each class, so that every resample has the prevalence of
the data; shares of counts have Wilson intervals (doi:10.1080/01621459.1927.10502953). Early recognition as in
``scoring.enrichment``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, spearmanr

from molsieve.models.calibration import expected_calibration_error
from molsieve.models.conformal import SETS
from molsieve.scoring.enrichment import Estimate, Places, auroc, bedroc, enrichment_factor, largest_enrichment_factor

Array = NDArray[np.float64]
Measure = Callable[[Array, Array], dict[str, float]]

RESAMPLES = 2000
CUTOFF = 0.5
CALIBRATION_BINS = 15
# Of a class with fewer molecules than these a bin says nothing.
LEAST_OF_CLASS = 5
# A bin of a regression with fewer molecules than these says nothing.
LEAST_IN_BIN = 10

SIMILARITY_EDGES = (0.0, 0.3, 0.4, 0.5, 1.0)
UNSEEN_EDGES = (0.0, 0.05, 0.1, 0.2, 1.0)

_CHANCE_DRAWS = 200


@dataclass(frozen=True)
class ReliabilityBin:
    """Molecules of similar predicted probability, and how many of them are active."""

    n: int
    predicted: float
    """Mean probability."""
    observed: Estimate
    """Share of actives."""


@dataclass(frozen=True)
class CalibrationFigures:
    """Whether predicted probabilities can be read as frequencies."""

    ece: float
    """Expected calibration error over ``CALIBRATION_BINS`` bins of equal mass."""
    ece_by_chance: float
    """What it would be on average for so many molecules if the probabilities were exactly right."""
    brier: Estimate
    brier_of_prevalence: float
    """Of predicting the prevalence for every molecule."""
    mean_probability: float
    reliability: tuple[ReliabilityBin, ...]


@dataclass(frozen=True)
class ConformalFigures:
    """Whether conformal sets hold the true label as often as they promise, and how much they say."""

    error: float
    """Stated error; the coverage of either class should be at least 1 - error."""
    coverage_active: Estimate
    coverage_inactive: Estimate
    shares: dict[str, float]
    """Share of the molecules with each set."""


@dataclass(frozen=True)
class IntervalFigures:
    """Whether the 90 % intervals of a regression hold the true value, and how wide they are."""

    coverage: Estimate
    mean_width: float


@dataclass(frozen=True)
class DomainBin:
    """Molecules at one distance from the training data."""

    measure: str
    """``nn_similarity`` or ``unseen_fraction``."""
    low: float
    high: float
    n: int
    n_positive: int | None
    """None for regression."""
    figures: dict[str, Estimate]
    """AUROC, AUPRC and Brier score, or MAE and RMSE; empty where there are too few molecules."""
    coverage: float | None
    """Share with the true label in the conformal set (error 0.2), or the true value in the 90 % interval."""


class Labelled(NamedTuple):
    """Predictions beside measurements, one row a molecule."""

    truth: Array
    """0 and 1, or values."""
    value: Array
    """Probabilities or values."""


def bootstrap(
    measure: Measure, truth: Array, value: Array, *, classes: bool, resamples: int, seed: int
) -> dict[str, Estimate]:
    """Figures with the 2.5th and 97.5th percentile over resamples.

    Args:
        measure: Figures of labels and predictions.
        truth: Labels.
        value: Predictions.
        classes: Resample within each class.
        resamples: Number of resamples.
        seed: Of the draws.

    """
    random = np.random.default_rng(seed)
    groups = [np.flatnonzero(truth == c) for c in np.unique(truth)] if classes else [np.arange(len(truth))]
    drawn: dict[str, list[float]] = {}
    for _ in range(resamples):
        rows = np.concatenate([group[random.integers(0, len(group), len(group))] for group in groups])
        for name, figure in measure(truth[rows], value[rows]).items():
            drawn.setdefault(name, []).append(figure)
    return {
        name: Estimate(figure, *map(float, np.nanpercentile(drawn[name], [2.5, 97.5])))
        if np.isfinite(figure)
        else Estimate(np.nan, np.nan, np.nan)
        for name, figure in measure(truth, value).items()
    }


def share(count: int, of: int) -> Estimate:
    """Share with its Wilson interval; all NaN of nothing."""
    if not of:
        return Estimate(np.nan, np.nan, np.nan)
    interval = binomtest(int(count), int(of)).proportion_ci(method="wilson")
    return Estimate(count / of, float(interval.low), float(interval.high))


def ranking(truth: Array, value: Array) -> dict[str, float]:
    """AUROC, AUPRC (average precision), BEDROC (alpha 20) and EF1%; ties count half, or with their mean rank."""
    places = Places.among(value[truth == 1], np.sort(value[truth == 0]))
    return {
        "auroc": auroc(places),
        "auprc": _average_precision(places),
        "bedroc": bedroc(places),
        "ef1": enrichment_factor(places, 0.01),
    }


def _average_precision(places: Places) -> float:
    taken = places.higher + places.tied
    return float(np.mean(1 - (places.higher_background + places.tied_background) / taken))


def at_cutoff(truth: Array, value: Array) -> dict[str, float]:
    """MCC, sensitivity and specificity when a probability of ``CUTOFF`` or more counts as active.

    MCC is 0 when all molecules are called the same.
    """
    called = value >= CUTOFF
    tp, fn = float((called & (truth == 1)).sum()), float((~called & (truth == 1)).sum())
    fp, tn = float((called & (truth == 0)).sum()), float((~called & (truth == 0)).sum())
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    mcc = (tp * tn - fp * fn) / product**0.5 if product else 0.0
    return {"mcc": mcc, "sensitivity": tp / (tp + fn), "specificity": tn / (tn + fp)}


def brier(truth: Array, value: Array) -> dict[str, float]:
    """Mean squared distance between probability and label."""
    return {"brier": float(((value - truth) ** 2).mean())}


def classification_figures(truth: Array, value: Array, *, resamples: int, seed: int) -> dict[str, Estimate]:
    """Prevalence, ranking and decisions at ``CUTOFF``."""

    def measure(labels: Array, probabilities: Array) -> dict[str, float]:
        return ranking(labels, probabilities) | at_cutoff(labels, probabilities)

    figures = bootstrap(measure, truth, value, classes=True, resamples=resamples, seed=seed)
    return {"prevalence": share(int(truth.sum()), len(truth)), **figures}


def best_ef1(truth: Array) -> float:
    """EF1% of a perfect ranking."""
    active = int(truth.sum())
    return largest_enrichment_factor(active, len(truth) - active, 0.01)


def regression_figures(truth: Array, value: Array, *, resamples: int, seed: int) -> dict[str, Estimate]:
    """MAE, RMSE, R2 (against the mean of these labels) and Spearman's rank correlation."""
    return bootstrap(_errors, truth, value, classes=False, resamples=resamples, seed=seed)


def _errors(truth: Array, value: Array) -> dict[str, float]:
    error = value - truth
    spread = ((truth - truth.mean()) ** 2).sum()
    distinct = len(np.unique(truth)) > 1 and len(np.unique(value)) > 1
    return _distances(truth, value) | {
        "r2": float(1 - (error**2).sum() / spread) if spread > 0 else np.nan,
        "spearman": float(spearmanr(truth, value).statistic) if distinct else np.nan,
    }


def _distances(truth: Array, value: Array) -> dict[str, float]:
    error = value - truth
    return {"mae": float(np.abs(error).mean()), "rmse": float(np.sqrt((error**2).mean()))}


def calibration_figures(truth: Array, value: Array, *, resamples: int, seed: int) -> CalibrationFigures:
    """Calibration error, Brier score and reliability table of probabilities."""
    random = np.random.default_rng(seed)
    chance = [
        expected_calibration_error(value, (random.random(len(value)) < value).astype(np.float64), CALIBRATION_BINS)
        for _ in range(_CHANCE_DRAWS)
    ]
    prevalence = float(truth.mean())
    order = np.argsort(value, kind="stable")
    parts = np.array_split(order, min(CALIBRATION_BINS, len(order)))
    return CalibrationFigures(
        ece=expected_calibration_error(value, truth, CALIBRATION_BINS),
        ece_by_chance=float(np.mean(chance)),
        brier=bootstrap(brier, truth, value, classes=True, resamples=resamples, seed=seed)["brier"],
        brier_of_prevalence=prevalence * (1 - prevalence),
        mean_probability=float(value.mean()),
        reliability=tuple(
            ReliabilityBin(len(part), float(value[part].mean()), share(int(truth[part].sum()), len(part)))
            for part in parts
        ),
    )


def conformal_figures(truth: Array, sets: NDArray[np.int8], error: float) -> ConformalFigures:
    """Coverage of either class and how often each set occurs.

    Args:
        truth: 0 or 1.
        sets: Indices into ``conformal.SETS``.
        error: Error the sets were made for.

    """
    covered = set_covers(truth, sets)
    coverage = {label: share(int(covered[truth == label].sum()), int((truth == label).sum())) for label in (0, 1)}
    shares = {name: float((sets == code).mean()) for code, name in enumerate(SETS)}
    return ConformalFigures(error, coverage[1], coverage[0], shares)


def set_covers(truth: Array, sets: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Whether each set holds the true label (bit 1 of a set holds ``active``, bit 0 ``inactive``)."""
    return np.where(truth == 1, sets & 2, sets & 1) > 0


def interval_figures(truth: Array, low: Array, high: Array) -> IntervalFigures:
    """Coverage and width of intervals."""
    inside = (truth >= low) & (truth <= high)
    return IntervalFigures(share(int(inside.sum()), len(truth)), float((high - low).mean()))


def by_domain(
    predicted: Labelled,
    distance: Array,
    covered: NDArray[np.bool_],
    *,
    measure: str,
    edges: tuple[float, ...],
    classes: bool,
    resamples: int,
    seed: int,
) -> list[DomainBin]:
    """Figures for molecules by their distance from the training data.

    Args:
        predicted: Labels and predictions.
        distance: Similarity or unseen fraction of each molecule.
        covered: Whether its set or interval holds the truth.
        measure: Name of the distance.
        edges: Limits of the bins; a value on a limit belongs to the upper bin, but for the last one.
        classes: Whether the labels are classes.
        resamples: Bootstrap resamples.
        seed: Of the draws.

    """
    found = []
    index = np.digitize(distance, edges[1:-1])
    for place, (low, high) in enumerate(pairwise(edges)):
        inside = index == place
        truth, value = predicted.truth[inside], predicted.value[inside]
        n, positive = len(truth), int(truth.sum()) if classes else None
        figures: dict[str, Estimate] = {}
        if classes and positive is not None and min(positive, n - positive) >= LEAST_OF_CLASS:
            figures = bootstrap(_ranking_and_brier, truth, value, classes=True, resamples=resamples, seed=seed)
        elif not classes and n >= LEAST_IN_BIN:
            figures = bootstrap(_distances, truth, value, classes=False, resamples=resamples, seed=seed)
        coverage = float(covered[inside].mean()) if n else None
        found.append(DomainBin(measure, low, high, n, positive, figures, coverage))
    return found


def _ranking_and_brier(truth: Array, value: Array) -> dict[str, float]:
    found = ranking(truth, value)
    return {"auroc": found["auroc"], "auprc": found["auprc"]} | brier(truth, value)
