"""Fitting calibrations and prediction intervals on out-of-fold predictions."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from molsieve.models.calibration import Calibration, Interval, grid, to_logit

# Fewer labels, or fewer of the rarer class, than these cannot carry a curve of free shape.
ISOTONIC_LABELS = 1000
ISOTONIC_RARER = 500
# The weakest slope the stored curve may have, in logits per logit, so that no ties are created.
MIN_SLOPE = 0.01

Array = NDArray[np.float64]


def fit_calibration(logits: Array, labels: Array) -> Calibration:
    """Platt scaling for small sets, smoothed isotonic regression for large ones.

    Reference: Niculescu-Mizil and Caruana, doi:10.1145/1102351.1102430.

    Args:
        logits: Mean logit of the ensemble for each molecule, out of fold.
        labels: 0 or 1.

    """
    rarer = min(labels.sum(), len(labels) - labels.sum())
    if len(labels) >= ISOTONIC_LABELS and rarer >= ISOTONIC_RARER:
        return Calibration(method="isotonic", logits=_rounded(_isotonic(logits, labels)))
    slope, intercept = platt(logits, labels)
    return Calibration(method="platt", logits=_rounded(slope * grid() + intercept))


def platt(logits: Array, labels: Array) -> tuple[float, float]:
    """Slope (positive) and intercept of a logistic curve, with Platt's targets against overconfidence."""
    positives = labels.sum()
    negatives = len(labels) - positives
    targets = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    x = np.stack([logits, np.ones_like(logits)], axis=1)

    def loss(parameters: Array) -> tuple[float, Array]:
        z = x @ parameters
        residual = 1 / (1 + np.exp(-z)) - targets
        return float((np.logaddexp(0, z) - targets * z).mean()), x.T @ residual / len(z)

    slope, intercept = minimize(loss, np.array([1.0, 0.0]), jac=True, bounds=[(MIN_SLOPE, None), (None, None)]).x
    return float(slope), float(intercept)


def _isotonic(logits: Array, labels: Array) -> Array:
    """Isotonic steps joined at their centres into a curve; each is shrunk to the prevalence by one observation."""
    order = np.argsort(logits, kind="stable")
    x, y = logits[order], labels[order]
    steps = IsotonicRegression().fit_transform(x, y)
    starts = np.flatnonzero(np.diff(steps, prepend=np.nan) != 0)
    prevalence = labels.mean()
    centres, values = [], []
    for first, last in zip(starts, [*starts[1:], len(x)], strict=True):
        centres.append(x[first:last].mean())
        values.append(to_logit((y[first:last].sum() + prevalence) / (last - first + 1)))
    return _increasing(np.interp(grid(), centres, np.maximum.accumulate(values)), float(np.median(x)))


def _increasing(values: Array, anchor: float) -> Array:
    """Give the curve at least ``MIN_SLOPE``, leaving it where it is at the anchor, a logit."""
    least = MIN_SLOPE * (grid()[1] - grid()[0])
    steps = np.maximum(np.diff(values), least)
    rebuilt = np.concatenate([[0.0], np.cumsum(steps)])
    fixed = int(np.abs(grid() - anchor).argmin())
    curve: Array = rebuilt - rebuilt[fixed] + values[fixed]
    return curve


def _rounded(values: Array) -> tuple[float, ...]:
    return tuple(round(float(v), 5) for v in values)


def fit_interval(values: Array, sds: Array, truths: Array) -> Interval:
    """90 % interval from out-of-fold residuals: of constant width or scaled by the spread, whichever is narrower."""
    residuals = truths - values
    low, high = _conformal_bounds(residuals)
    best, width = Interval(low=low, high=high, floor=None), high - low
    for floor in np.quantile(sds, [0.1, 0.5, 0.9]):
        if floor == 0:
            continue
        scale = np.sqrt(sds**2 + floor**2)
        low, high = _conformal_bounds(residuals / scale)
        if ((high - low) * scale).mean() < width:
            width = ((high - low) * scale).mean()
            best = Interval(low=low, high=high, floor=float(floor))
    return best


def _conformal_bounds(residuals: Array) -> tuple[float, float]:
    """Bounds that hold 90 % of new residuals: plain quantiles would hold 81 % with 20 of them; widest below 19.

    Ranks as in split conformal prediction, doi:10.1080/01621459.2017.1307116.
    """
    n = len(residuals)
    low, high = max(int(np.floor((n + 1) * 0.05)), 1), min(int(np.ceil((n + 1) * 0.95)), n)
    found = np.sort(residuals)
    return float(found[low - 1]), float(found[high - 1])
