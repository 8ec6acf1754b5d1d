"""What a look at the cluster found, in words a chemist can act on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        level: ``ok``; ``warning``, a run may still work; ``problem``, it will not.
        about: What was looked at, e.g. ``account``.
        said: What was found, in one sentence.
        fix: What to do about it; None where all is well.

    """

    level: Level
    about: str
    said: str
    fix: str | None = None

    def __str__(self) -> str:
        return f"{self.about}: {self.said}" + (f"\n  fix:   {self.fix}" if self.fix else "")


def ok(about: str, said: str) -> Finding:
    """All is well."""
    return Finding("ok", about, said)


def warning(about: str, said: str, fix: str) -> Finding:
    """A run may work all the same."""
    return Finding("warning", about, said, fix)


def problem(about: str, said: str, fix: str) -> Finding:
    """A run would fail or wait for ever."""
    return Finding("problem", about, said, fix)


def of_level(findings: Iterable[Finding], level: Level) -> list[Finding]:
    """Those of one level, in their order."""
    return [finding for finding in findings if finding.level == level]


def elsewhere(names: Sequence[str], option: str, otherwise: str) -> str:
    """A fix: what else to give an option, where there is anything, or what to do otherwise."""
    return f"Try {option} {' or '.join(names)}, or {otherwise}." if names else f"{otherwise[0].upper()}{otherwise[1:]}."
