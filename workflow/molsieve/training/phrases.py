"""Counts and row numbers in the sentences that tell a user about a file."""

from collections.abc import Sequence

_SHOWN_ROWS = 5


def listed_rows(rows: Sequence[int]) -> str:
    """Row numbers for a message: the first few, and how many more."""
    shown = ", ".join(map(str, rows[:_SHOWN_ROWS]))
    more = f" and {len(rows) - _SHOWN_ROWS:,} more" if len(rows) > _SHOWN_ROWS else ""
    return f"{'row' if len(rows) == 1 else 'rows'} {shown}{more}"


def counted(count: int, noun: str) -> str:
    """Number and noun, ``1 row`` or ``2,331 rows``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
