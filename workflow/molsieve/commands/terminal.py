"""Tables and figures in a terminal; plain text where there is no colour, and whole where output is piped."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from molsieve.scoring.enrichment import Estimate

_PIPED_WIDTH = 160


def console() -> Console:
    """Console for results; of a fixed, wide size when its output goes into a file or pipe."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=_PIPED_WIDTH)


def table(
    title: str | None, headings: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1
) -> RenderableType:
    """Table without a frame.

    Args:
        title: Its title; it may be wider than the table.
        headings: Of the columns; none are shown when all are empty.
        rows: Cells.
        text_columns: Columns from the left that hold words; the others hold numbers and stand to the right.

    """
    found = Table(box=None, padding=(0, 2, 0, 0), show_header=any(headings))
    for place, heading in enumerate(headings):
        is_text = place < text_columns
        found.add_column(heading, justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text)
    for row in rows:
        found.add_row(*map(escape, row))
    return found if title is None else Group(Text(title, style="bold"), found)


def number(value: float | None, digits: int = 3) -> str:
    """A figure, or a dash where there is none."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share in percent, or a dash where there is none."""
    return "-" if value is None or not math.isfinite(value) else f"{100 * value:.{digits}f} %"


def interval(estimate: "Estimate | None", digits: int = 3) -> str:
    """Figure with its interval, or a dash."""
    if estimate is None or not math.isfinite(estimate.value):
        return "-"
    return f"{estimate.value:.{digits}f} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


@contextmanager
def progress(title: str) -> "Iterator[Callable[[int, int], None]]":
    """Progress bar on the standard error that a call with done and total moves; gone when done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
