"""What a ranking and a probability are worth in a library where actives are rarer than in the training data.

A screen that was trained on has perhaps 1 % actives, a library to be screened perhaps 0.01 %. How a model ranks does
not depend on that (true and false positive rates are conditional on the class), how many of its best are active does:
precision = p TPR / (p TPR + (1 - p) FPR). Probabilities move with the prior odds (Saerens, Latinne and Decaestecker
2002, doi:10.1162/089976602753284446). Both hold as far as the library's actives and inactives resemble the training
data's.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from molsieve.errors import MolsieveError

Array = NDArray[np.float64]


class TopOfLibrary(NamedTuple):
    """What to expect of the best-ranked share of a library."""

    share: float
    """Share of the library that is taken."""
    precision: float
    """Share of those taken that are active."""
    enrichment: float
    """Precision relative to the prevalence."""
    recall: float
    """Share of all actives that are among them (true positive rate)."""
    fpr: float
    """Share of all inactives that are among them."""


def precision_at(fpr: Array, tpr: Array, prevalence: float) -> Array:
    """Share of actives among those above each cut-off of a ranking; NaN where nothing is above it.

    Args:
        fpr: Share of the inactives above each cut-off.
        tpr: Share of the actives above it.
        prevalence: Share of actives in the library.

    Raises:
        MolsieveError: The prevalence is not between 0 and 1.

    """
    check_prevalence(prevalence)
    found, taken = prevalence * tpr, prevalence * tpr + (1 - prevalence) * fpr
    return np.divide(found, taken, out=np.full_like(taken, np.nan), where=taken > 0)


def top_of_library(
    fpr: Sequence[float],
    tpr: Sequence[float],
    prevalence: float,
    shares: Sequence[float],
    *,
    inactives: int | None = None,
) -> list[TopOfLibrary]:
    """Expected precision of the best-ranked shares of a library, between the points of a ROC curve linear.

    Shares smaller than the first cut-off of the curve at which an inactive is above are left out: the test data had too
    few inactives to say how many come in so early, and a precision of 1 there would be invented.

    Args:
        fpr: False positive rates, ascending.
        tpr: True positive rates, ascending.
        prevalence: Share of actives in the library.
        shares: Shares of the library to take, between 0 and 1.
        inactives: Inactives the curve was measured with; None when every rate above 0 is known to be of whole ones.

    Raises:
        MolsieveError: The prevalence is not between 0 and 1.

    """
    check_prevalence(prevalence)
    known = np.asarray(fpr, dtype=np.float64) > 0
    if inactives is not None:
        known &= np.asarray(fpr, dtype=np.float64) * inactives >= 1 - 1e-9
    false, true = np.asarray(fpr, dtype=np.float64)[known], np.asarray(tpr, dtype=np.float64)[known]
    if not len(false):
        return []
    if false[-1] < 1:
        false, true = np.append(false, 1.0), np.append(true, 1.0)
    taken = prevalence * true + (1 - prevalence) * false
    rows = []
    for share in shares:
        if share < taken[0]:
            continue
        recall = float(np.interp(share, taken, true))
        rate = float(np.interp(share, taken, false))
        precision = min(prevalence * recall / share, 1.0)
        rows.append(TopOfLibrary(share, precision, precision / prevalence, recall, rate))
    return rows


def shifted(probability: Array | float, trained: float, stated: float) -> Array:
    """Probability of being active in a library of another prevalence than the calibration data.

    The odds change by the ratio of the prior odds.

    Args:
        probability: Calibrated probability.
        trained: Prevalence in the data it was calibrated on.
        stated: Prevalence in the library.

    Raises:
        MolsieveError: A prevalence is not between 0 and 1.

    """
    check_prevalence(trained)
    check_prevalence(stated)
    given = np.asarray(probability, dtype=np.float64)
    active = given * stated / trained
    inactive = (1 - given) * (1 - stated) / (1 - trained)
    result: Array = active / (active + inactive)
    return result


def check_prevalence(prevalence: float) -> None:
    """Refuse what is no share of actives.

    Raises:
        MolsieveError: It is not above 0 and below 1.

    """
    if not 0 < prevalence < 1:
        raise MolsieveError(
            f"A prevalence of {prevalence:g} is not between 0 and 1.",
            fix="Give the share of actives expected, for example 0.001 for one in a thousand.",
        )
