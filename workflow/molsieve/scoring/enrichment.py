"""How early a ranking finds known actives: enrichment factor, BEDROC and ROC, with bootstrap intervals.

Enrichment factor and ROC: Jain and Nicholls, J Comput Aided Mol Des 2008, 22:133 (doi 10.1007/s10822-008-9196-5).
BEDROC: Truchon and Bayly, J Chem Inf Model 2007, 47:488 (doi 10.1021/ci600426e).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]
Counts = NDArray[np.int64]

BEDROC_ALPHA = 20.0
# A larger background adds nothing to the variance that the actives do not drown, but costs time: it is held fixed.
RESAMPLED_BACKGROUND = 5_000


@dataclass(frozen=True)
class Estimate:
    """A figure with the bounds of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Enrichment:
    """How early actives come among a background, higher scores first.

    Attributes:
        n_active: Actives.
        n_background: Compounds they are ranked among.
        auroc: Probability that an active scores higher than a background compound, ties counted half.
        bedroc: Boltzmann-enhanced ROC at alpha 20; 1 is perfect. It grows with the share of actives.
        ef1: Enrichment factor in the top 1 % of actives and background together.
        ef5: The same in the top 5 %.
        ef1_max: Largest ``ef1`` that these numbers of actives and background allow.
        ef5_max: The same for ``ef5``.
        top1: Share of the actives that score as high as the best 1 % of the background.
        top5: The same for 5 %.

    """

    n_active: int
    n_background: int
    auroc: Estimate
    bedroc: Estimate
    ef1: Estimate
    ef5: Estimate
    ef1_max: float
    ef5_max: float
    top1: Estimate
    top5: Estimate


class Places(NamedTuple):
    """Where each active stands: how many compounds score higher, and how many the same."""

    n_background: int
    higher_background: Counts
    tied_background: Counts
    higher: Counts
    """Among actives and background together."""
    tied: Counts
    """Among both together, the active itself included."""

    @property
    def n_active(self) -> int:
        """Actives."""
        return len(self.higher)

    @property
    def total(self) -> int:
        """Actives and background."""
        return self.n_active + self.n_background

    @classmethod
    def among(cls, active: Scores, ordered_background: Scores) -> "Places":
        """Place actives among a background that is sorted ascending."""
        higher_background, tied_background = _compare(active, ordered_background)
        return cls._merged(active, len(ordered_background), higher_background, tied_background)

    def resample(self, active: Scores, chosen: NDArray[np.int64]) -> "Places":
        """Places of a resample of the actives among the same background."""
        return self._merged(
            active[chosen], self.n_background, self.higher_background[chosen], self.tied_background[chosen]
        )

    @classmethod
    def _merged(cls, active: Scores, n_background: int, higher: Counts, tied: Counts) -> "Places":
        higher_active, tied_active = _compare(active, np.sort(active))
        return cls(n_background, higher, tied, higher + higher_active, tied + tied_active)


def _compare(scores: Scores, ordered: Scores) -> tuple[Counts, Counts]:
    """How many of ``ordered`` are higher than each score, and how many are equal."""
    not_higher = np.searchsorted(ordered, scores, "right")
    return len(ordered) - not_higher, not_higher - np.searchsorted(ordered, scores, "left")


def auroc(places: Places) -> float:
    """Probability that an active scores higher than a background compound, ties counted half."""
    return float(1 - (places.higher_background + places.tied_background / 2).mean() / places.n_background)


def enrichment_factor(places: Places, fraction: float) -> float:
    """Concentration of actives in the best ``fraction`` of actives and background together, relative to chance.

    The selection is rounded up to whole compounds; of compounds tied at its edge the expected share counts.
    """
    selected = _selected(places.total, fraction)
    found = np.clip((selected - places.higher) / places.tied, 0, 1).sum()
    return float(found / selected * places.total / places.n_active)


def largest_enrichment_factor(n_active: int, n_background: int, fraction: float) -> float:
    """Enrichment factor of a perfect ranking."""
    selected = _selected(n_active + n_background, fraction)
    return min(n_active, selected) / selected * (n_active + n_background) / n_active


def _selected(total: int, fraction: float) -> int:
    # The tolerance keeps 0.07 * 100 = 7.000000000000001 from selecting eight.
    return max(1, int(np.ceil(total * fraction - 1e-9)))


def share_in_top(places: Places, fraction: float) -> float:
    """Share of the actives that would be among the best ``fraction`` of the background, each added to it alone."""
    return float(np.mean(places.higher_background < places.n_background * fraction))


def bedroc(places: Places, alpha: float = BEDROC_ALPHA) -> float:
    """Boltzmann-enhanced discrimination of ROC; tied compounds share the mean of their ranks."""
    ranks = places.higher + (places.tied + 1) / 2
    share = places.n_active / places.total
    mean_by_chance = (1 - np.exp(-alpha)) / np.expm1(alpha / places.total) / places.total
    rie = np.exp(-alpha * ranks / places.total).mean() / mean_by_chance
    scale = share * np.sinh(alpha / 2) / (np.cosh(alpha / 2) - np.cosh(alpha / 2 - alpha * share))
    return float(rie * scale + 1 / (1 - np.exp(alpha * (1 - share))))


def roc_curve(active: Scores, background: Scores, points: int = 200) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Trace false and true positive rates, both rising from 0 to 1, thinned to about ``points`` points.

    The false positive rates are spaced so that a linear and a logarithmic axis both show the curve.
    """
    n = len(background)
    wanted = np.concatenate([np.linspace(0, 1, points // 2), np.geomspace(1 / n, 1, points // 2)])
    allowed = np.unique(np.round(wanted * n).astype(np.int64))
    # With k false positives allowed, every active above the background compound after them is found.
    limits = np.append(np.sort(background)[::-1], -np.inf)[allowed]
    higher, tied = _compare(limits, np.sort(active))
    return allowed / n, (higher + tied / 2) / len(active)


def enrichment(active: Scores, background: Scores, *, resamples: int = 500, seed: int = 0) -> Enrichment | None:
    """All figures with their intervals; None when there are no actives or no background.

    Intervals are percentiles over bootstrap resamples of the actives, and of the background while it is small.
    """
    if not len(active) or not len(background):
        return None
    measures: dict[str, Callable[[Places], float]] = {
        "auroc": auroc,
        "bedroc": bedroc,
        "ef1": lambda places: enrichment_factor(places, 0.01),
        "ef5": lambda places: enrichment_factor(places, 0.05),
        "top1": lambda places: share_in_top(places, 0.01),
        "top5": lambda places: share_in_top(places, 0.05),
    }
    random = np.random.default_rng(seed)
    ordered = np.sort(background)
    places = Places.among(active, ordered)
    drawn: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(resamples):
        chosen = random.integers(0, len(active), len(active))
        if len(background) > RESAMPLED_BACKGROUND:
            resample = places.resample(active, chosen)
        else:
            resample = Places.among(active[chosen], np.sort(random.choice(ordered, len(ordered))))
        for name, measure in measures.items():
            drawn[name].append(measure(resample))
    estimates = {
        name: Estimate(measure(places), *map(float, np.percentile(drawn[name], [2.5, 97.5])))
        for name, measure in measures.items()
    }
    return Enrichment(
        n_active=len(active),
        n_background=len(background),
        ef1_max=largest_enrichment_factor(len(active), len(background), 0.01),
        ef5_max=largest_enrichment_factor(len(active), len(background), 0.05),
        **estimates,
    )


def matched_auroc(
    active: Scores, decoys: Scores, matched_to: NDArray[np.int64], *, resamples: int = 500, seed: int = 0
) -> Estimate | None:
    """Share of its own decoys that an active scores higher than, averaged over the actives that have any.

    Unlike the AUROC over all decoys together it cannot be moved by actives that found fewer decoys than others. The
    interval resamples the actives, each with its decoys.

    Args:
        active: Scores of the actives, [n].
        decoys: Scores of the decoys, [d].
        matched_to: Place of each decoy's active among the actives, [d].
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Returns:
        The estimate, ties counted half; None when no active has a decoy.

    """
    counts = np.bincount(matched_to, minlength=len(active))
    has_decoys = counts > 0
    if not has_decoys.any():
        return None
    own = active[matched_to]
    wins = np.bincount(matched_to, weights=(own > decoys) + (own == decoys) / 2, minlength=len(active))
    shares = wins[has_decoys] / counts[has_decoys]
    chosen = np.random.default_rng(seed).integers(0, len(shares), (resamples, len(shares)))
    low, high = np.percentile(shares[chosen].mean(axis=1), [2.5, 97.5])
    return Estimate(float(shares.mean()), float(low), float(high))
