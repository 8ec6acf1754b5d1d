"""Evaluating the criteria of a profile on predicted compounds, vectorised over a shard."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from molsieve.scoring.desirability import geometric_mean, plateau, ramp
from molsieve.scoring.profile import Criterion, Profile

# Two-sided 90 % interval of a normal distribution, in standard deviations.
Z90 = 1.6448536

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ProfileFit:
    """How well each compound of a shard fits the profile; every array has one entry a compound.

    Attributes:
        values: Raw value of each criterion, by name: the probability of the wanted outcome, or the property; NaN where
            no model predicted what it asks for.
        desirabilities: The same between 0 and 1, or NaN.
        profile_prob: Probability that all required criteria are met, taking endpoints as independent.
        desirability: Weighted geometric mean of all desirabilities.
        preference: The same over the criteria that are not required: it weighs the probability into the score.

    """

    values: dict[str, Floats]
    desirabilities: dict[str, Floats]
    profile_prob: Floats
    desirability: Floats
    preference: Floats


def fit_profile(profile: Profile, compounds: pa.Table) -> ProfileFit:
    """Evaluate a profile.

    What was not predicted is neutral: a criterion of several endpoints is judged by those there are, and one without
    any counts neither for nor against a compound.

    Args:
        profile: The target product profile.
        compounds: Predictions and properties, one row a compound. Predictions of endpoints may be missing or null,
            because some models see the shortlist alone.

    """
    rows = compounds.num_rows
    values: dict[str, Floats] = {}
    desirabilities: dict[str, Floats] = {}
    profile_prob = np.ones(rows, dtype=np.float32)
    for criterion in profile.criteria:
        value, met, desirability = _evaluate(criterion, compounds)
        values[criterion.name] = value
        desirabilities[criterion.name] = np.where(np.isnan(value), np.float32(np.nan), desirability)
        if criterion.required:
            profile_prob *= np.where(np.isnan(met), np.float32(1), met)
    soft = [criterion for criterion in profile.criteria if not criterion.required and criterion.weight]
    weighted = [criterion for criterion in profile.criteria if criterion.weight]
    return ProfileFit(
        values=values,
        desirabilities=desirabilities,
        profile_prob=profile_prob,
        desirability=geometric_mean([desirabilities[c.name] for c in weighted], [c.weight for c in weighted], rows),
        preference=geometric_mean([desirabilities[c.name] for c in soft], [c.weight for c in soft], rows),
    )


def _evaluate(criterion: Criterion, compounds: pa.Table) -> tuple[Floats, Floats, Floats]:
    """Raw value, probability of being met, desirability."""
    if criterion.endpoints:
        active = np.stack([_column(compounds, f"{name}_prob") for name in criterion.endpoints])
        wanted = active if criterion.want == "active" else 1 - active
        met = np.nanprod(wanted, axis=0) if criterion.combine == "all" else 1 - np.nanprod(1 - wanted, axis=0)
        met = np.where(np.isnan(active).all(axis=0), np.nan, met).astype(np.float32)
        worst, best = criterion.desirability or (0.0, 1.0)
        return met, met, ramp(met, worst, best)
    accept = criterion.accept or (None, None)
    if criterion.descriptor:
        value = _column(compounds, criterion.descriptor)
        inside = plateau(value, accept, 0.0)
        return value, inside, plateau(value, accept, criterion.fade)
    column = _value_column(compounds, criterion.endpoint or "")
    value = _column(compounds, column)
    spread = (_column(compounds, f"{column}_hi90") - _column(compounds, f"{column}_lo90")) / (2 * Z90)
    return value, _normal_share(value, spread, accept), plateau(value, accept, criterion.fade)


def _normal_share(value: Floats, spread: Floats, accept: tuple[float | None, float | None]) -> Floats:
    """Share of normal distributions around ``value`` that lies inside ``accept``."""
    from scipy.special import ndtr

    spread = np.maximum(spread, 1e-6)
    low, high = accept
    below = ndtr((low - value) / spread) if low is not None else np.zeros(len(value))
    upto = ndtr((high - value) / spread) if high is not None else np.ones(len(value))
    return np.asarray(upto - below, dtype=np.float32)


def _value_column(compounds: pa.Table, endpoint: str) -> str:
    """Column of a regression's value: it stands three before its spread, after which the unit need not be known."""
    names = compounds.column_names
    spread = f"{endpoint}_sd"
    return names[names.index(spread) - 3] if spread in names else endpoint


def _column(compounds: pa.Table, name: str) -> Floats:
    """Values of a column, NaN where they are null or there is no such column."""
    if name not in compounds.column_names:
        return np.full(compounds.num_rows, np.nan, dtype=np.float32)
    return np.asarray(compounds[name].to_numpy(), dtype=np.float32)
