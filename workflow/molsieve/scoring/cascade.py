"""What the cascade has lost: how the fast look at the whole library agrees with the reference models.

The shortlist holds the best compounds by the triage predictions and a random sample of all others, and the reference
models see both. So each compound of the sample stands for a known number of compounds they never saw.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from molsieve.scoring.enrichment import Estimate

RESAMPLES = 1000
_SEED = 0
# A correlation of fewer says nothing.
_FEWEST = 10
# Share of the resamples on each side of the interval, and standard deviations to its ends.
_TAIL = 0.025
_Z95 = 1.96

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Kept:
    """Share of the best compounds by the reference models that triage had put on top."""

    best: int
    """How many compounds of the library count as best."""
    share: Estimate
    missed_in_sample: int
    """Compounds of the random sample that belong to the best: what the estimate of the loss rests on."""


@dataclass(frozen=True)
class Cascade:
    """Agreement of the two tiers over one library.

    Attributes:
        compounds: Compounds that triage predicted.
        top: Compounds that triage put on top and the reference models predicted.
        audit: Compounds of the random sample of the others, predicted by the reference models.
        spearman: Rank correlation of the first scores of both tiers within the sample; None when it is too small.
        kept: Shares kept of the best, the largest number first; empty when nothing was left out.

    """

    compounds: int
    top: int
    audit: int
    spearman: Estimate | None
    kept: Sequence[Kept]


def cascade(compounds: int, is_audit: NDArray[np.bool_], triage: Floats, refined: Floats) -> Cascade:
    """Compare the tiers.

    Args:
        compounds: Compounds that triage predicted.
        is_audit: Which compounds of the shortlist were drawn at random, [n].
        triage: Their first scores by the triage predictions, [n].
        refined: The same by the reference models, [n].

    """
    sample, top = refined[is_audit], refined[~is_audit]
    spearman = _spearman(triage[is_audit], sample) if len(sample) >= _FEWEST else None
    left_out = compounds - len(top)
    kept = []
    if len(sample) and len(top) and left_out > 0:
        sizes = dict.fromkeys((len(top), max(1, len(top) // 10)))
        kept = [_kept(best, top, sample, left_out) for best in sizes]
    return Cascade(compounds, len(top), len(sample), spearman, kept)


def _kept(best: int, top: Floats, sample: Floats, left_out: int) -> Kept:
    """Share of the ``best`` compounds by refined score that are on top; the sample stands for ``left_out`` others."""
    scores = np.concatenate([top, sample])
    # Of equal scores those on top come first: a tie is no loss.
    order = np.lexsort((np.arange(len(scores)), -scores))
    is_top = order < len(top)
    each = left_out / len(sample)
    counted = _counted(best, np.where(is_top, 1.0, each))
    share = float(counted[is_top].sum() / counted.sum())
    missed = int((counted[~is_top] > 0).sum())
    if len(sample) >= left_out:
        return Kept(best, Estimate(share, share, share), missed)
    random = np.random.default_rng(_SEED)
    shares = []
    for _ in range(RESAMPLES):
        weights = np.ones(len(order))
        weights[~is_top] = each * np.bincount(random.integers(len(sample), size=len(sample)), minlength=len(sample))
        counted = _counted(best, weights)
        shares.append(counted[is_top].sum() / counted.sum())
    low, high = np.quantile(shares, (_TAIL, 1 - _TAIL))
    if not missed:
        # None of the sample was missed, so resampling shows no loss; so many could be without being seen (95 %).
        low = best / (best + left_out * (1 - (2 * _TAIL) ** (1 / len(sample))))
    return Kept(best, Estimate(share, float(low), float(high)), missed)


def _counted(best: int, weights: Floats) -> Floats:
    """What each compound, best first, contributes to the ``best`` of the library."""
    return np.clip(best - (np.cumsum(weights) - weights), 0.0, weights)


def _spearman(one: Floats, other: Floats) -> Estimate | None:
    """Rank correlation with its 95 % interval after Bonett and Wright, doi:10.1007/BF02294183; None for a constant."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    value = float(spearmanr(one, other).statistic)
    reach = _Z95 * np.sqrt((1 + value**2 / 2) / (len(one) - 3))
    # A perfect correlation has no finite transform.
    middle = np.arctanh(np.clip(value, -0.999999, 0.999999))
    return Estimate(value, float(np.tanh(middle - reach)), float(np.tanh(middle + reach)))
