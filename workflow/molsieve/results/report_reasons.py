"""Why a hit ranks where it does: what each criterion and its alerts take from the score, as bars and in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from molsieve.scoring.profile import Profile

# Longest bar: a factor of a hundred. What costs more is drawn as long and told in the number.
_LONGEST = math.log(100)
# A factor this near to 1 costs nothing that a reader need look at.
_NEGLIGIBLE = 0.02
_GOOD, _POOR = math.log(0.8), math.log(0.4)


@dataclass(frozen=True)
class Part:
    """What one criterion takes from the score.

    Attributes:
        title: The criterion, or the structural alerts.
        factor: Factor that it puts on the score, e.g. 0.31, as text.
        width: Length of its bar in per cent of a loss of 99 %, on a logarithmic axis.
        quality: ``good`` for hardly a loss, ``poor`` for a large one.

    """

    title: str
    factor: str
    width: float
    quality: Literal["good", "fair", "poor"]


@dataclass(frozen=True)
class Contributions:
    """All parts, the dearest first, and the same in a sentence."""

    parts: Sequence[Part]
    words: str


def contributions(profile: Profile, row: Mapping[str, Any], score: float) -> Contributions | None:
    """Lay out what each criterion takes from the score of a hit.

    Args:
        profile: The profile.
        row: Row of the scores table; ``<criterion>_contribution`` is the natural logarithm of the factor on the score.
            What they leave of the score is the penalty for alerts, where there are any: of probabilities under one in
            a million they leave something as well.
        score: The score.

    Returns:
        The parts; None where the scores hold no contributions, as before schema version 1.2.

    """
    known = [(c.title, row.get(f"{c.name}_contribution")) for c in profile.criteria]
    found = [(title, float(value)) for title, value in known if value is not None]
    if not found:
        return None
    rest = math.log(score) - sum(value for _, value in found) if score > 0 else 0.0
    if rest < -_NEGLIGIBLE and any(row.get(catalogue) for catalogue in profile.structure.alert_penalties):
        found.append(("Structural alerts", rest))
    ordered = sorted(found, key=lambda item: item[1])
    costly = [f"{title} ({_factor(value)})" for title, value in ordered if value < -_NEGLIGIBLE]
    free = len(ordered) - len(costly)
    words = f"Loses most by {_joined(costly[:3])}." if costly else "Loses nothing by any criterion."
    if costly and free:
        words += f" {free} of {len(ordered)} cost nothing."
    return Contributions([_part(title, value) for title, value in ordered], words)


def _part(title: str, value: float) -> Part:
    loss = min(1.0, max(0.0, -value / _LONGEST))
    return Part(
        title=title,
        factor=_factor(value),
        width=round(100 * loss, 1),
        quality="good" if value >= _GOOD else "poor" if value < _POOR else "fair",
    )


def _factor(value: float) -> str:
    factor = math.exp(value)
    return f"\N{MULTIPLICATION SIGN} {factor:.2f}" if factor >= 0.01 else "\N{MULTIPLICATION SIGN} < 0.01"


def _joined(texts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))
