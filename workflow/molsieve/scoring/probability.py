"""How probable it is that a compound meets a profile, and how far that probability itself is to be trusted.

A calibrated probability is uncertain twice over. The members of the ensemble disagree (``<endpoint>_sd``), together for
endpoints of one family, because they share a trunk; and the calibration was fitted on so many labels and no more. The
outcomes of endpoints of one family go together as well: what inhibits one bacterium is likelier to inhibit another.

All three are one-factor Gaussian models (Vasicek, Risk 2002, 15 (12), 160), in which a probability p is the chance that
a normal variable stays below Phi^-1(p). Spreading that threshold gives a distribution of probabilities around p whose
mean is p exactly, so a calibrated probability keeps its mean whatever its uncertainty. The spread is solved for the
standard deviation there is. Correlations within families are measured (``models.families``).

The draws are quasi-random (scrambled Sobol points with their mirror images) and the same for all compounds: two equal
compounds get equal probabilities, the ranking is smooth, and an error of a calibration moves all compounds together, as
it would in truth. Over the common factor of the outcomes the integral is by Gauss and Hermite.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator
from scipy.special import ndtr, ndtri, owens_t, roots_hermitenorm
from scipy.stats import qmc

from molsieve.models.families import MEMBER_CORRELATION, OUTCOME_CORRELATION
from molsieve.models.reliability import Reliability
from molsieve.scoring.profile import Criterion

DRAWS = 64
"""Points at which the probabilities are drawn; half of them are mirror images of the others."""

NODES = 8
"""Points of the integral over the common factor of the outcomes."""

# Thresholds of more extreme probabilities are those of these.
_LEAST = 1e-7
_TAIL = 0.05
# Ends of the table of spreads: distance of the threshold from 0, and relative standard deviation.
_FARTHEST = 5.0
_LARGEST = 0.6
# Newton's steps that put the mean of the draws right, and the longest one in standard deviations.
_STEPS = 3
_LONGEST = np.float32(0.5)
_SEED = 20_240_517

Floats = NDArray[np.float32]


class Belief(NamedTuple):
    """What is believed of one endpoint, for some compounds; NaN where it was not predicted."""

    probability: Floats
    """Calibrated probability of being active, [n]."""
    sd: Floats
    """Standard deviation of that probability over the ensemble's members, [n]."""
    reliability: Reliability


class Spread(NamedTuple):
    """Mean over the draws with the 90 % interval, [n] each."""

    mean: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Draws:
    """Common standard normal numbers, [draws] each: of a family, and of an endpoint alone."""

    count: int
    family: Mapping[str, Floats]
    endpoint: Mapping[str, Floats]


def common_draws(beliefs: Mapping[str, Belief], count: int = DRAWS) -> Draws:
    """Draw the numbers that all compounds share; they depend on the names alone."""
    families = sorted({belief.reliability.family for belief in beliefs.values()})
    columns = _normal_points(len(families) + len(beliefs), count)
    own = zip(sorted(beliefs), columns[len(families) :], strict=True)
    return Draws(count, dict(zip(families, columns, strict=False)), dict(own))


@cache
def _normal_points(dimensions: int, count: int) -> Floats:
    """Quasi-random standard normal points with their mirror images, of variance 1, [dimensions, count]."""
    points = qmc.Sobol(max(dimensions, 1), scramble=True, rng=np.random.default_rng(_SEED)).random(count // 2)
    half = ndtri(points).T[:dimensions]
    both = np.concatenate([half, -half], axis=1)
    return np.asarray(both / np.sqrt((both**2).mean(axis=1, keepdims=True)), dtype=np.float32)


def central_threshold(belief: Belief) -> Floats:
    """Threshold of an endpoint without its uncertainty, [n]."""
    return np.asarray(ndtri(_bounded(belief.probability)), dtype=np.float32)


def _bounded(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    bounded: NDArray[np.float64] = np.clip(probability.astype(np.float64), _LEAST, 1 - _LEAST)
    return bounded


def thresholds(name: str, belief: Belief, draws: Draws) -> Floats:
    """Draws of the threshold of an endpoint: ``ndtr`` of them are draws of its probability, [n, draws]."""
    probability = _bounded(belief.probability)
    central = ndtri(probability)
    of_members = np.nan_to_num(belief.sd, nan=0.0).astype(np.float64) ** 2
    calibration = belief.reliability.calibration
    of_calibration = 0.0 if calibration is None else calibration.standard_error(belief.probability) ** 2
    variance = of_members + of_calibration
    share = spread_of_threshold(probability, np.sqrt(variance))
    family = belief.reliability.family
    together = MEMBER_CORRELATION.get(family, 0.0) * of_members / np.maximum(variance, 1e-12)
    of_family = np.sqrt(share * together / (1 - share)).astype(np.float32)
    alone = np.sqrt(share * (1 - together) / (1 - share)).astype(np.float32)
    drawn: Floats = (central / np.sqrt(1 - share)).astype(np.float32)[:, None] + (
        of_family[:, None] * draws.family[family] + alone[:, None] * draws.endpoint[name]
    )
    return drawn + _recentred(drawn, belief.probability)[:, None]


def _recentred(drawn: Floats, probability: Floats) -> Floats:
    """Shift of thresholds that makes the mean over so few draws the probability itself, by Newton's method, [n]."""
    shift = np.zeros(len(drawn), dtype=np.float32)
    for _ in range(_STEPS):
        at = drawn + shift[:, None]
        slope = np.exp(-0.5 * at * at).mean(axis=1) / np.float32(np.sqrt(2 * np.pi))
        missed = ndtr(at).mean(axis=1) - probability
        shift -= np.clip(missed / np.maximum(slope, np.float32(1e-9)), -_LONGEST, _LONGEST)
    return shift


def spread_of_threshold(probability: NDArray[np.float64], sd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the threshold's variance at which probabilities scatter by ``sd`` around ``probability``; 0 to 1.

    With that share r, probabilities Phi((Phi^-1(p) + sqrt(r) z) / sqrt(1 - r)) have the mean p and the standard
    deviation asked for, or 0.6 of the largest there can be: members that disagree more say hardly anything.
    """
    central = np.abs(ndtri(_bounded(probability)))
    relative = sd / np.sqrt(probability * (1 - probability))
    at = np.stack([np.minimum(central, _FARTHEST), np.clip(relative, 0.0, _LARGEST)], axis=-1)
    found: NDArray[np.float64] = _share_table()(np.nan_to_num(at, nan=0.0)) ** 2
    return found


@cache
def _share_table() -> RegularGridInterpolator:
    """Square root of the share by distance of the threshold from 0 and relative standard deviation.

    The variance of such probabilities is p (1 - p) - 2 T(h, sqrt((1 - r) / (1 + r))) with Owen's T function.
    """
    distances, relatives = np.linspace(0, _FARTHEST, 51), np.linspace(0, _LARGEST, 31)
    roots = np.sin(np.linspace(0, np.pi / 2, 400))[:-1]
    rows = []
    for distance in distances:
        p = ndtr(-distance)
        largest = p * (1 - p)
        variance = largest - 2 * owens_t(distance, np.sqrt((1 - roots**2) / (1 + roots**2)))
        rows.append(np.interp(relatives, np.sqrt(np.clip(variance / largest, 0, None)), roots))
    return RegularGridInterpolator((distances, relatives), np.stack(rows))


def joint_draws(
    criteria: Sequence[Criterion], drawn: Mapping[str, Floats], families: Mapping[str, str], rows: int, count: int
) -> Floats:
    """Draws of the probability that a compound meets all of the criteria, [rows, count].

    What was not predicted is neutral: a criterion is judged by the endpoints there are, and met where there are none.

    Args:
        criteria: Criteria of classification endpoints.
        drawn: Thresholds of their endpoints, [rows, count], NaN where not predicted.
        families: Family of each endpoint.
        rows: Compounds.
        count: Draws.

    """
    total = np.ones((rows, count), dtype=np.float32)
    for group in _of_one_family(criteria, families):
        names = [name for criterion in group for name in criterion.endpoints]
        # Of a criterion that mixes families the smallest correlation is taken; a single outcome has none.
        correlation = min(OUTCOME_CORRELATION.get(families[name], 0.0) for name in names) if len(names) > 1 else 0.0
        nodes, weights = _nodes() if correlation > 0 else (np.zeros(1), np.ones(1))
        scale, reach = np.float32(1 / np.sqrt(1 - correlation)), np.sqrt(correlation)
        met = np.zeros((rows, count), dtype=np.float32)
        for node, weight in zip(nodes, weights, strict=True):
            shift = np.float32(reach * node)
            product = np.full((rows, count), np.float32(weight))
            for criterion in group:
                product *= _met(criterion, drawn, shift, scale)
            met += product
        total *= met
    return total


def _met(criterion: Criterion, drawn: Mapping[str, Floats], shift: np.float32, scale: np.float32) -> Floats:
    """Probability of meeting one criterion, the common factor of the outcomes given."""
    sign = scale if criterion.want == "active" else -scale
    at = [(drawn[name] + shift) * sign for name in criterion.endpoints]
    if len(at) == 1:
        return np.asarray(np.nan_to_num(ndtr(at[0]), nan=1.0), dtype=np.float32)
    if criterion.combine == "all":
        return np.asarray(np.prod([np.nan_to_num(ndtr(x), nan=1.0) for x in at], axis=0), dtype=np.float32)
    absent = np.stack([np.isnan(x[:, :1]) for x in at])
    if criterion.combine == "any":
        missed = np.prod([np.nan_to_num(ndtr(-x), nan=1.0) for x in at], axis=0)
        return np.where(absent.all(axis=0), np.float32(1), 1 - missed).astype(np.float32)
    weights = [np.float32(criterion.weight_of_endpoints()[name]) for name in criterion.endpoints]
    counted = sum(w * ~missing for w, missing in zip(weights, absent, strict=True))
    share = sum(w * np.nan_to_num(ndtr(x), nan=0.0) for w, x in zip(weights, at, strict=True))
    return np.where(counted > 0, share / np.maximum(counted, np.float32(1e-9)), 1).astype(np.float32)


def _of_one_family(criteria: Sequence[Criterion], families: Mapping[str, str]) -> list[list[Criterion]]:
    """Criteria in groups that share no family, so that the outcomes of the groups are independent."""
    groups: list[tuple[set[str], list[Criterion]]] = []
    for criterion in criteria:
        own = {families[name] for name in criterion.endpoints}
        joined = [group for group in groups if group[0] & own]
        groups = [group for group in groups if not group[0] & own]
        members = [member for _, group in joined for member in group]
        groups.append((own.union(*(found for found, _ in joined)), [*members, criterion]))
    return [members for _, members in groups]


@cache
def _nodes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = roots_hermitenorm(NODES)
    return nodes, weights / weights.sum()


def spread(drawn: Floats) -> Spread:
    """Mean and 90 % interval of draws, [n, draws]."""
    ordered = np.sort(drawn, axis=1)
    at = _TAIL * (drawn.shape[1] - 1)
    left, part = int(at), np.float32(at - int(at))
    low = ordered[:, left] + part * (ordered[:, min(left + 1, drawn.shape[1] - 1)] - ordered[:, left])
    mirror = drawn.shape[1] - 1 - left
    high = ordered[:, mirror] - part * (ordered[:, mirror] - ordered[:, max(mirror - 1, 0)])
    return Spread(drawn.mean(axis=1), low, high)
