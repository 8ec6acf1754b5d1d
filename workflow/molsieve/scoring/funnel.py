"""A funnel: how many compounds remain after each step, and examples of what each step removed.

A published filter recipe (:mod:`~.funnel_recipe`) and a run of the workflow are counted with the same :class:`Tally`:
each compound leaves at the first step that removes it, with a reason, so the steps always add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

MAX_EXAMPLES = 3


class Example(NamedTuple):
    """A compound that a step removed."""

    identifier: str
    """The user's identifier, or the row."""
    smiles: str | None
    """Structure to draw; None for what is no structure."""
    why: str
    """What it was removed for, e.g. the name of an alert."""


@dataclass(frozen=True)
class Step:
    """One step of a funnel, after it."""

    name: str
    title: str
    """What is true of the compounds that remain."""
    removed: int
    remaining: int
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Funnel:
    """What went in, and what each step left of it."""

    title: str
    """What went in."""
    start: int
    steps: tuple[Step, ...]

    @property
    def remaining(self) -> int:
        """What is left at the end."""
        return self.steps[-1].remaining if self.steps else self.start

    def emptied_at(self) -> Step | None:
        """The step that removed the last compound; None when some are left, or none went in."""
        return next((step for step in self.steps if step.removed and not step.remaining), None)


class Tally:
    """Counts, piece by piece, what the steps of a funnel remove.

    Args:
        title: What goes in.
        steps: Name and title of each step, in order.

    """

    def __init__(self, title: str, steps: Sequence[tuple[str, str]]) -> None:
        self._title = title
        self._steps = tuple(steps)
        self._start = 0
        self._removed = dict.fromkeys((name for name, _ in steps), 0)
        self._examples: dict[str, list[Example]] = {name: [] for name, _ in steps}

    def enter(self, count: int) -> None:
        """Count compounds that go in."""
        self._start += count

    def remove(self, step: str, count: int = 1) -> None:
        """Count compounds that a step removes."""
        self._removed[step] += count

    def wants_example(self, step: str) -> bool:
        """Whether another example of this step would be kept."""
        return len(self._examples[step]) < MAX_EXAMPLES

    def show(self, step: str, example: Example) -> None:
        """Keep an example of what a step removes, unless there are enough."""
        if self.wants_example(step):
            self._examples[step].append(example)

    def funnel(self) -> Funnel:
        """Return the funnel so far."""
        steps = []
        remaining = self._start
        for name, title in self._steps:
            remaining -= self._removed[name]
            steps.append(Step(name, title, self._removed[name], remaining, tuple(self._examples[name])))
        return Funnel(self._title, self._start, tuple(steps))
