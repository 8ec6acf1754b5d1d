"""Whether figures over held-out sets are clear of chance, or of one another."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu, t

from molsieve.training.evaluation import scores
from molsieve.training.external_metrics import RESAMPLES, Array, Labelled, bootstrap

CONFIDENCE = 0.95
"""Of the two-sided intervals; chance is beaten when it lies below the lower bound."""
CHANCE = 0.5
"""AUROC of an order that knows nothing."""


def corrected_error(values: NDArray[np.float64], test_to_train: float) -> float:
    """Standard error of the mean over held-out sets whose training data overlap.

    Their scores vary less than the truth does, so the variance of the mean over k sets is (1/k + test/train) times
    theirs. Nadeau and Bengio, doi:10.1023/A:1024068626366.

    Args:
        values: A figure of each held-out set, or a difference of two.
        test_to_train: Molecules of a held-out set by those trained on.

    """
    return float(values.std(ddof=1) * np.sqrt(1 / len(values) + test_to_train))


def margin(values: NDArray[np.float64], test_to_train: float) -> float:
    """Half the width of the interval of the mean over held-out sets; infinite for one set."""
    if len(values) < 2:
        return float("inf")
    return float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * corrected_error(values, test_to_train)


def beats_chance(sets: Sequence[Labelled], *, regression: bool, test_to_train: float = 0.0) -> bool:
    """Whether predictions clearly rank better than at random, or are clearly better than the mean of the labels.

    Several sets are judged by their spread; a single one by a Mann-Whitney test, which holds for few actives where a
    bootstrap does not, or by a bootstrap of R2.

    Args:
        sets: Labels and predictions of each held-out set; those that cannot be judged are left out.
        regression: Whether the labels are values.
        test_to_train: As in ``corrected_error``; of no account for one set.

    """
    metric = "r2" if regression else "auroc"
    found = [scores(one.truth, one.value, regression=regression).get(metric) for one in sets]
    known = [(one, score) for one, score in zip(sets, found, strict=True) if score is not None]
    if len(known) > 1:
        values = np.array([score for _, score in known])
        return bool(values.mean() - margin(values, test_to_train) > (0.0 if regression else CHANCE))
    if not known:
        return False
    truth, value = known[0][0]
    if regression:
        return bootstrap(_r2, truth, value, classes=False, resamples=RESAMPLES, seed=0)["r2"].low > 0
    test = mannwhitneyu(value[truth == 1], value[truth == 0], alternative="greater")
    return bool(test.pvalue < (1 - CONFIDENCE) / 2)


def _r2(truth: Array, value: Array) -> dict[str, float]:
    return {"r2": scores(truth, value, regression=True).get("r2", np.nan)}
