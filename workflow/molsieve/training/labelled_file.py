"""The columns of a labelled file that matter, read with the readers of libraries."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from molsieve.errors import MolsieveError
from molsieve.library.roles import column_named, listed
from molsieve.library.source import LibrarySource, resolve
from molsieve.library.understanding import Understanding, understand

# Enough to see what a column holds.
_HEAD_ROWS = 200


class LabelledCells(NamedTuple):
    """The columns of a file that matter, one entry a row."""

    label_column: str
    structures: list[str]
    label_texts: list[str | None]
    splits: list[str | None] | None
    errors: list[tuple[str, str | None] | None]
    heads: dict[str, list[str]]
    """The first cells of every column, without the structures of an SD file."""


def understand_one(path: str | Path, smiles_column: str | None) -> Understanding:
    """Find out how a single file is read.

    Raises:
        MolsieveError: It is missing, not one file, not a table with structures, or lacks the column that was named.

    """
    source = LibrarySource.parse(str(path))
    if smiles_column is not None:
        source = source.model_copy(update={"structure_column": smiles_column})
    files = resolve([source])
    if len(files) > 1:
        raise MolsieveError(
            f"{path} stands for {len(files)} files; labels are read from one.", where=str(path), fix="Name the file."
        )
    try:
        return understand(files[0])
    except MolsieveError as error:
        # The reader of libraries names its own key, which here is an option.
        raise MolsieveError(
            error.what.replace("structure_column is ", "--smiles is "), where=error.where, fix=error.fix
        ) from None


def read_cells(file: Understanding, label_column: str, split_column: str | None) -> LabelledCells:
    """Read the whole file.

    Raises:
        MolsieveError: A column is not there, or the file is damaged.

    """
    where = file.where
    label = file.columns[column_named(label_column, file.columns, "--label", where)]
    split = None
    if split_column is not None:
        split = file.columns[column_named(split_column, file.columns, "--split-column", where)]
    named = [column for column in (file.structure_column, label, split) if column is not None]
    if repeated := [column for column in named if named.count(column) > 1]:
        raise MolsieveError(
            f"The column {repeated[0]!r} is named for two things: structures, labels and split are different columns.",
            where=where,
            fix=f"Columns: {listed(file.columns)}.",
        )
    cells = LabelledCells(label, [], [], None if split is None else [], [], {name: [] for name in file.columns})
    for structure, error, values in _records(file):
        if len(cells.structures) < _HEAD_ROWS:
            for name, head in cells.heads.items():
                head.append(structure if name == file.structure_column else values.get(name, ""))
        cells.structures.append(structure)
        cells.label_texts.append(values.get(label))
        cells.errors.append(error)
        if cells.splits is not None:
            cells.splits.append(values.get(split or ""))
    return cells


def _records(file: Understanding) -> Iterator[tuple[str, tuple[str, str | None] | None, dict[str, str]]]:
    """Structure, reading error, and the other cells of each row by their columns."""
    width = len(file.columns)
    for batch in file.batches():
        lists = zip(
            batch.structures.to_pylist(), batch.identifiers.to_pylist(), batch.properties.to_pylist(), strict=True
        )
        for index, (structure, identifier, properties) in enumerate(lists):
            values: dict[str, str] = json.loads(properties) if properties else {}
            error = batch.errors.get(index)
            if batch.long_rows and error is None and width > 2 and _is_displaced(values, file.columns):
                error = ("too_many_fields", "a delimiter too many, so the label may be another cell")
            if file.id_column is not None and identifier is not None:
                values[file.id_column] = identifier
            yield structure or "", error, values


def _is_displaced(values: dict[str, str], columns: tuple[str, ...]) -> bool:
    """Whether a row has cells beyond the last column (``text_table`` calls them column_N)."""
    beyond = (re.fullmatch(r"column_(\d+)", name) for name in values if name not in columns)
    return any(match is not None and int(match[1]) > len(columns) for match in beyond)
