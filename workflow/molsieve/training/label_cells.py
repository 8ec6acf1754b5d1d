"""What the cells of a label column say: classes or numbers, and nothing in between."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from molsieve.errors import MolsieveError
from molsieve.training.phrases import counted

Task = Literal["classification", "regression"]

POSITIVE = frozenset(["1", "true", "t", "yes", "y", "active", "positive", "pos"])
NEGATIVE = frozenset(["0", "false", "f", "no", "n", "inactive", "negative", "neg"])

# What programs write into a cell that was not measured.
NOT_MEASURED = frozenset(["", "na", "n/a", "#n/a", "nan", "null", "none"])

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_INFINITE = re.compile(r"[-+]?(?:inf|infinity)", re.IGNORECASE)
_CENSORED = re.compile(r"[<>≤≥~]")
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_EXAMPLES = 5
# So few different whole numbers in so many cells are grades, not measurements.
_GRADES = 5
_TELLING = 20


@dataclass(frozen=True)
class Labels:
    """A label column that was understood."""

    task: Task
    values: NDArray[np.float64]
    """One a cell: 0, 1 or a number; NaN where nothing was measured."""
    inferred: bool
    """Whether the task was found out from the cells."""
    spellings: dict[str, int]
    """For a classification, how positive and negative cells are written, and the class of each spelling."""


def read_labels(
    cells: Sequence[str | None], task: Task | None, *, column: str, where: str, active_means: str | None = None
) -> Labels:
    """Read a column of labels.

    Args:
        cells: Text of each cell in row order; None stands for a row that has no such cell.
        task: What the user says it is; None to find out: classes when all cells are 0, 1, true, false, yes, no, active,
            inactive, positive or negative, else numbers.
        column: Its name, for messages.
        where: The file, for messages.
        active_means: Which compounds are active, where an endpoint says so, for advice.

    Raises:
        MolsieveError: Cells are neither classes nor numbers, do not fit the task, or are infinite.

    """
    texts = [_plain(cell) for cell in cells]
    filled = [(row, text) for row, text in enumerate(texts, 1) if text.casefold() not in NOT_MEASURED]
    if not filled:
        raise MolsieveError(
            f"The column {column!r} holds no label: all {len(texts):,} cells are empty.",
            where=where,
            fix="Name the column with the measurements.",
        )
    class_of = {text: _class_of(text) for _, text in filled}
    number_of = {text: _number_of(text) for text in class_of}
    _refuse_infinite(filled, column, where)
    found = task or _infer(filled, class_of, number_of, column, where)
    meaning = class_of if found == "classification" else number_of
    if unknown := [(row, text) for row, text in filled if meaning[text] is None]:
        raise _unreadable(unknown, found, number_of, column, where, active_means)
    values = np.full(len(texts), np.nan)
    for row, text in filled:
        values[row - 1] = meaning[text]
    spellings = {text: int(value) for text, value in class_of.items() if value is not None}
    return Labels(found, values, task is None, spellings if found == "classification" else {})


def examples(cells: Iterable[tuple[int, str]]) -> str:
    """Rows and their cells for a message, each kind of cell once: ``row 3: 'maybe', row 9: '>30'``."""
    first: dict[str, int] = {}
    for row, text in cells:
        first.setdefault(text, row)
    shown = [f"row {row}: {text[:40]!r}" for text, row in list(first.items())[:_EXAMPLES]]
    return ", ".join(shown)


def _plain(cell: str | None) -> str:
    # Word processors write a real minus sign.
    return (cell or "").strip().replace("\u2212", "-")


def _class_of(text: str) -> float | None:
    word = text.casefold()
    if word in POSITIVE or word in NEGATIVE:
        return float(word in POSITIVE)
    number = _number_of(text)
    return number if number in (0.0, 1.0) else None


def _number_of(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _refuse_infinite(filled: list[tuple[int, str]], column: str, where: str) -> None:
    infinite = [(row, text) for row, text in filled if _INFINITE.fullmatch(text) or math.isinf(_number_of(text) or 0.0)]
    if infinite:
        raise MolsieveError(
            f"The column {column!r} has {counted(len(infinite), 'infinite cell')}: {examples(infinite)}.",
            where=where,
            fix="Empty these cells, or correct the calculation they come from (a logarithm of 0?).",
        )


def _infer(
    filled: list[tuple[int, str]],
    class_of: dict[str, float | None],
    number_of: dict[str, float | None],
    column: str,
    where: str,
) -> Task:
    if None not in class_of.values():
        return "classification"
    if None in number_of.values():
        if unknown := [(row, text) for row, text in filled if class_of[text] is None and number_of[text] is None]:
            raise _unreadable(unknown, None, number_of, column, where)
        numbers = [(row, text) for row, text in filled if class_of[text] is None]
        raise MolsieveError(
            f"The column {column!r} mixes words for classes with {counted(len(numbers), 'number')}: "
            f"{examples(numbers)}.",
            where=where,
            fix="Write 0 and 1 in every row, or numbers in every row.",
        )
    if len(distinct := sorted({value for value in number_of.values() if value is not None})) == 2:
        raise MolsieveError(
            f"The column {column!r} holds two different numbers only, {distinct[0]:g} and {distinct[1]:g}: "
            "are they classes or measurements?",
            where=where,
            fix="Write 0 and 1 for classes; for measurements say that the task is regression.",
        )
    if len(filled) >= _TELLING and len(distinct) <= _GRADES and all(value.is_integer() for value in distinct):
        grades = ", ".join(f"{value:g}" for value in distinct)
        raise MolsieveError(
            f"The column {column!r} holds {len(distinct)} different whole numbers only ({grades}): are they classes or "
            "measurements?",
            where=where,
            fix="Write 1 for the grades you call active and 0 for the others; to predict the grade as a value, say "
            "that the task is regression.",
        )
    return "regression"


def is_label(cell: str) -> bool:
    """Whether a cell says a class or a number, or that nothing was measured."""
    text = _plain(cell)
    return text.casefold() in NOT_MEASURED or _class_of(text) is not None or _number_of(text) is not None


def _unreadable(
    unknown: list[tuple[int, str]],
    task: Task | None,
    number_of: dict[str, float | None],
    column: str,
    where: str,
    active_means: str | None = None,
) -> MolsieveError:
    """Error for cells that cannot be labels, with the advice that fits the commonest trouble."""
    texts = Counter(text for _, text in unknown)
    wanted = {
        None: "a class (0/1, true/false, active/inactive, yes/no, pos/neg) or a number",
        "classification": "0/1, true/false, active/inactive, yes/no or pos/neg",
        "regression": "a number",
    }[task]
    if all(number_of[text] is not None for text in texts):
        numbers = sorted(float(text) for text in texts.elements())
        span = f"{numbers[0]:g} to {numbers[-1]:g}, median {numbers[len(numbers) // 2]:g}"
        fix = (
            f"The endpoint is of classes, these are measurements ({span}). Write 1 for compounds that are active by "
            f"its limit and 0 for the others; active means: {active_means}."
            if active_means
            else f"These are measurements ({span}). Write 1 for every compound you call active and 0 for the others, "
            "or say that the task is regression."
        )
    elif any(_CENSORED.match(text) for text in texts):
        fix = "'Less than' and 'more than' are no numbers: write 0 and 1 for inactive and active, or empty these cells."
    elif any(_DECIMAL_COMMA.fullmatch(text) for text in texts):
        fix = "Write numbers with a decimal point, not a comma."
    else:
        fix = "Correct these cells, empty them where nothing was measured, or name another column."
    return MolsieveError(
        f"The column {column!r} has {counted(len(unknown), 'cell')} that cannot be read as {wanted}: "
        f"{examples(unknown)}.",
        where=where,
        fix=fix,
    )
