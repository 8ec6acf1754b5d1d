"""Evaluating the criteria of a profile on predicted compounds, vectorised over a shard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from molsieve.models.reliability import Reliability
from molsieve.normal import Z90
from molsieve.results.schema import GUT_SPECTRUM
from molsieve.scoring.contributions import contributions
from molsieve.scoring.desirability import geometric_mean, plateau, ramp
from molsieve.scoring.probability import (
    Belief,
    Draws,
    Spread,
    central_threshold,
    common_draws,
    joint_draws,
    spread,
    thresholds,
)
from molsieve.scoring.profile import Criterion, Profile

# Compounds whose draws are in memory at a time: few enough for the cache of a core.
CHUNK_ROWS = 2048
_UNKNOWN = Reliability(family="")
# Shares and their bounds are kept away from 0 and 1, where a normal distribution has none. Bounds of a few percent
# of strains reach far down (1e-14), and cutting them there would shift the distribution; single precision ends near 1.
_LEAST_SHARE, _LARGEST_SHARE = 1e-15, 1 - 1e-7

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ProfileFit:
    """How well each compound of a shard fits the profile; every array has one entry a compound.

    Attributes:
        values: Raw value of each criterion, by name: the probability of the wanted outcome, or the property; NaN where
            no model predicted what it asks for.
        desirabilities: The same between 0 and 1, or NaN.
        probability: Probability that all required criteria are met, with its 90 % interval.
        desirability: Weighted geometric mean of all desirabilities.
        preference: The same over the criteria that are not required: it weighs the probability into the score.
        contributions: What each criterion adds to the logarithm of the score, by name; NaN where it was not judged.
        selectivity: Margin between activity and toxicity, with its 90 % interval; None when the profile names none.

    """

    values: dict[str, Floats]
    desirabilities: dict[str, Floats]
    probability: Spread
    desirability: Floats
    preference: Floats
    contributions: dict[str, Floats]
    selectivity: Spread | None

    @property
    def profile_prob(self) -> Floats:
        """Probability that all required criteria are met."""
        return self.probability.mean


def fit_profile(profile: Profile, compounds: pa.Table, reliabilities: Mapping[str, Reliability]) -> ProfileFit:
    """Evaluate a profile.

    What was not predicted is neutral: a criterion of several endpoints is judged by those there are, and one without
    any counts neither for nor against a compound.

    Args:
        profile: The target product profile.
        compounds: Predictions and properties, one row a compound. Predictions of endpoints may be missing or null,
            because some models see the shortlist alone.
        reliabilities: Family and calibration error of each endpoint. One that is not among them counts as independent
            of all others, and its calibration as exact.

    """
    beliefs = {
        name: Belief(
            _column(compounds, f"{name}_prob"), _column(compounds, f"{name}_sd"), reliabilities.get(name, _UNKNOWN)
        )
        for name in dict.fromkeys(name for criterion in profile.criteria for name in criterion.endpoints)
    }
    values, met, desirabilities = {}, {}, {}
    for criterion in profile.criteria:
        if criterion.endpoints:
            value = _outcome(criterion, beliefs)
            met[criterion.name] = value
            worst, best = criterion.desirability or (0.0, 1.0)
            desirability = ramp(value, worst, best)
        else:
            value, met[criterion.name], desirability = _range(criterion, compounds)
        values[criterion.name] = value
        desirabilities[criterion.name] = np.where(np.isnan(value), np.float32(np.nan), desirability)
    soft = [criterion for criterion in profile.criteria if not criterion.required and criterion.weight]
    weighted = [criterion for criterion in profile.criteria if criterion.weight]
    probability, selectivity = _drawn(profile, beliefs, met, compounds.num_rows)
    return ProfileFit(
        values=values,
        desirabilities=desirabilities,
        probability=probability,
        desirability=_mean(weighted, desirabilities, compounds.num_rows),
        preference=_mean(soft, desirabilities, compounds.num_rows),
        contributions=contributions(profile, met, desirabilities, probability.mean),
        selectivity=selectivity,
    )


def _mean(criteria: Sequence[Criterion], desirabilities: Mapping[str, Floats], rows: int) -> Floats:
    return geometric_mean([desirabilities[c.name] for c in criteria], [c.weight for c in criteria], rows)


def _drawn(
    profile: Profile, beliefs: Mapping[str, Belief], met: Mapping[str, Floats], rows: int
) -> tuple[Spread, Spread | None]:
    """Probability of the required criteria and selectivity, each with its interval."""
    fixed = np.ones(rows, dtype=np.float32)
    for criterion in profile.criteria:
        if criterion.required and not criterion.endpoints:
            fixed *= np.nan_to_num(met[criterion.name], nan=1.0)
    required = [criterion for criterion in profile.criteria if criterion.required and criterion.endpoints]
    margin = _Margin.of(profile)
    used = {name for c in (*required, *margin.criteria) for name in c.endpoints}
    believed = {name: belief for name, belief in beliefs.items() if name in used}
    families = {name: belief.reliability.family or name for name, belief in believed.items()}
    draws = common_draws(believed)
    probabilities, margins = [], []
    for first in range(0, max(rows, 1), CHUNK_ROWS):
        part = slice(first, first + CHUNK_ROWS)
        drawn = {name: thresholds(name, _rows(belief, part), draws) for name, belief in believed.items()}
        size = len(fixed[part])
        joint = joint_draws(required, drawn, families, size, draws.count)
        probabilities.append(spread(joint * fixed[part][:, None]))
        if margin.criteria:
            margins.append(spread(margin.draws(drawn, families, size, draws)))
    selectivity = _joined(margins) if margins else None
    if selectivity is not None:
        unknown = np.any([np.isnan(met[criterion.name]) for criterion in margin.criteria], axis=0)
        selectivity = Spread(*(np.where(unknown, np.float32(np.nan), values) for values in selectivity))
    return _joined(probabilities), selectivity


@dataclass(frozen=True)
class _Margin:
    """Activity less toxicity, draw by draw."""

    activity: Sequence[Criterion]
    toxicity: Sequence[Criterion]

    @classmethod
    def of(cls, profile: Profile) -> "_Margin":
        if profile.selectivity is None:
            return cls((), ())
        named = {criterion.name: criterion for criterion in profile.criteria}
        return cls(
            [named[name] for name in profile.selectivity.activity],
            [named[name] for name in profile.selectivity.toxicity],
        )

    @property
    def criteria(self) -> list[Criterion]:
        return [*self.activity, *self.toxicity]

    def draws(self, drawn: Mapping[str, Floats], families: Mapping[str, str], rows: int, draws: Draws) -> Floats:
        def each(criteria: Sequence[Criterion]) -> list[Floats]:
            return [joint_draws([criterion], drawn, families, rows, draws.count) for criterion in criteria]

        worst: Floats = 1 - np.min(each(self.toxicity), axis=0)
        margin: Floats = np.max(each(self.activity), axis=0) - worst
        return margin


def _rows(belief: Belief, part: slice) -> Belief:
    return belief._replace(probability=belief.probability[part], sd=belief.sd[part])


def _joined(parts: Sequence[Spread]) -> Spread:
    return Spread(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _outcome(criterion: Criterion, beliefs: Mapping[str, Belief]) -> Floats:
    """Probability of the wanted outcome, NaN where nothing it asks for was predicted."""
    certain = {name: central_threshold(beliefs[name])[:, None] for name in criterion.endpoints}
    families = {name: beliefs[name].reliability.family or name for name in criterion.endpoints}
    rows = len(next(iter(certain.values())))
    value = joint_draws([criterion], certain, families, rows, 1)[:, 0]
    absent = np.all([np.isnan(beliefs[name].probability) for name in criterion.endpoints], axis=0)
    return np.where(absent, np.float32(np.nan), value)


def _range(criterion: Criterion, compounds: pa.Table) -> tuple[Floats, Floats, Floats]:
    """Raw value, probability of lying in the accepted range, desirability."""
    accept = criterion.accept or (None, None)
    column = criterion.descriptor or _value_column(compounds, criterion.endpoint or "")
    value = _column(compounds, column)
    desirability = plateau(value, accept, criterion.fade)
    if criterion.descriptor and criterion.descriptor != GUT_SPECTRUM:
        return value, np.where(np.isnan(value), value, plateau(value, accept, (0.0, 0.0))), desirability
    low, high = (_column(compounds, f"{column}_{bound}").astype(np.float64) for bound in ("lo90", "hi90"))
    if criterion.descriptor == GUT_SPECTRUM:
        # The distribution of such a share is normal in its threshold (models.gut_spectrum).
        low, high = (ndtri(np.clip(bound, _LEAST_SHARE, _LARGEST_SHARE)) for bound in (low, high))
        least, most = (None if bound is None else float(ndtri(np.clip(bound, 0.0, 1.0))) for bound in accept)
        return value, _normal_share((low + high) / 2, high - low, (least, most)), desirability
    return value, _normal_share(value.astype(np.float64), high - low, accept), desirability


def _normal_share(
    middle: NDArray[np.float64], width: NDArray[np.float64], accept: tuple[float | None, float | None]
) -> Floats:
    """Share inside ``accept`` of normal distributions whose 90 % interval has this width."""
    sd = np.maximum(width / (2 * Z90), 1e-6)
    low, high = accept
    below = ndtr((low - middle) / sd) if low is not None else np.zeros(len(middle))
    upto = ndtr((high - middle) / sd) if high is not None else np.ones(len(middle))
    return np.where(np.isnan(middle), np.nan, upto - below).astype(np.float32)


def _value_column(compounds: pa.Table, endpoint: str) -> str:
    """Column of a regression's value: it stands three before its spread, after which the unit need not be known."""
    names = compounds.column_names
    spread_column = f"{endpoint}_sd"
    return names[names.index(spread_column) - 3] if spread_column in names else endpoint


def _column(compounds: pa.Table, name: str) -> Floats:
    """Values of a column, NaN where they are null or there is no such column."""
    if name not in compounds.column_names:
        return np.full(compounds.num_rows, np.nan, dtype=np.float32)
    return np.asarray(compounds[name].to_numpy(), dtype=np.float32)
