"""The trivial model beside the real ones: how far properties alone separate the active controls from the library.

A ranking is worth its models only as far as it beats this. Logistic regression on seven properties and their squares,
so that it can also prefer a middle size.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

FOLDS = 5
# More compounds of the library move twenty coefficients no further.
_FITTED_LIBRARY = 20_000
_PENALTY = 1.0
_SEED = 0

Array = NDArray[np.float64]


def property_scores(
    actives: NDArray[np.float32], library: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Log odds of being an active by properties alone, each from a model that was fitted without the compound.

    Args:
        actives: Properties of the active controls, [n, p].
        library: The same of the library, which counts as inactive, [m, p].

    Returns:
        Scores of the actives and of the library; None with fewer than two actives or compounds for each fold.

    """
    if min(len(actives), len(library)) < 2 * FOLDS:
        return None
    random = np.random.default_rng(_SEED)
    folds = [_folds(len(rows), random) for rows in (actives, library)]
    center, spread = library.mean(axis=0, dtype=np.float64), library.std(axis=0, dtype=np.float64)
    scores = (np.empty(len(actives), np.float32), np.empty(len(library), np.float32))
    for fold in range(FOLDS):
        left = [rows[at != fold] for rows, at in zip((actives, library), folds, strict=True)]
        if len(left[1]) > _FITTED_LIBRARY:
            left[1] = left[1][random.choice(len(left[1]), _FITTED_LIBRARY, replace=False)]
        coefficients = _fit(*(_features(rows, center, spread) for rows in left))
        for rows, at, into in zip((actives, library), folds, scores, strict=True):
            into[at == fold] = _features(rows[at == fold], center, spread) @ coefficients
    return scores


def _folds(count: int, random: np.random.Generator) -> NDArray[np.int64]:
    folds: NDArray[np.int64] = np.arange(count) % FOLDS
    random.shuffle(folds)
    return folds


def _features(properties: NDArray[np.float32], center: Array, spread: Array) -> Array:
    scaled = np.clip((properties - center) / np.where(spread > 0, spread, 1.0), -10, 10)
    return np.hstack([np.ones((len(scaled), 1)), scaled, scaled**2])


def _fit(actives: Array, library: Array) -> Array:
    """Coefficients of a ridge logistic regression in which both kinds weigh the same."""
    rows = np.vstack([actives, library])
    labels = np.repeat([1.0, 0.0], [len(actives), len(library)])
    weights = np.repeat([0.5 / len(actives), 0.5 / len(library)], [len(actives), len(library)]) * len(actives)
    shrunk = np.r_[0.0, np.full(rows.shape[1] - 1, _PENALTY)]

    def loss(coefficients: Array) -> tuple[float, Array]:
        logits = rows @ coefficients
        value = weights @ (np.logaddexp(0, logits) - labels * logits) + (shrunk * coefficients) @ coefficients / 2
        return float(value), rows.T @ (weights * (expit(logits) - labels)) + shrunk * coefficients

    found = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(found.x, dtype=np.float64)
