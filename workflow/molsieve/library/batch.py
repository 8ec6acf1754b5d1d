"""A few thousand rows of a library on their way from a file to the records table."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from molsieve.library.lines import REPLACEMENT

# A structure that cannot be used is stored shortened.
KEPT_CHARACTERS = 1000


@dataclass
class Batch:
    """Consecutive rows of one file, one for each record."""

    structures: Any
    """String array, null where the row has none."""
    identifiers: Any
    """String array, null where the row has none."""
    properties: Any
    """String array of JSON objects, null where there are none."""
    errors: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    """Row -> code of ``READ_ERRORS`` and details."""
    short_rows: int = 0
    long_rows: int = 0

    def __len__(self) -> int:
        return len(self.structures)


def batch_of(
    structures: Any,  # noqa: ANN401 - pyarrow array
    identifiers: Any,  # noqa: ANN401
    properties: Any,  # noqa: ANN401
    errors: dict[int, tuple[str, str | None]] | None = None,
) -> Batch:
    """Batch with the errors that the values themselves show: no structure, or a structure with broken characters."""
    found = dict(errors or {})
    empty = pc.equal(pc.binary_length(pc.utf8_trim_whitespace(structures.fill_null(""))), 0)
    for row in _true_rows(empty):
        found.setdefault(row, ("empty_structure", None))
    for row in _true_rows(pc.match_substring(structures, REPLACEMENT).fill_null(False)):  # noqa: FBT003 - a value
        found.setdefault(
            row, ("invalid_character", "the structure has a NUL byte or an undecodable one, shown as \ufffd")
        )
    if identifiers is None:
        identifiers = pa.nulls(len(structures), pa.string())
    return Batch(structures, null_if_empty(identifiers), properties, found)


def properties_json(names: Sequence[str], columns: Sequence[Any]) -> Any:  # noqa: ANN401 - pyarrow array
    """One JSON object a row from string columns, in their order; empty cells are left out, null where nothing is left.

    Args:
        names: Keys; each once.
        columns: String arrays of one length.

    """
    pairs = []
    for name, column in zip(names, columns, strict=True):
        key = json.dumps(name, ensure_ascii=False) + ": "
        pairs.append(pc.binary_join_element_wise(key, _quoted(null_if_empty(column)), ""))
    # The empty piece in front is for Arrow, which leaves out a row altogether when all its pieces are null.
    joined = pc.binary_join_element_wise("", *pairs, ", ", null_handling="skip")
    return pc.binary_join_element_wise("{", null_if_empty(pc.utf8_slice_codeunits(joined, 2)), "}", "")


def null_if_empty(column: Any) -> Any:  # noqa: ANN401 - pyarrow array
    """Put null for empty strings."""
    empty = pc.equal(pc.binary_length(column), 0)
    return pc.if_else(empty, pa.scalar(None, pa.string()), column) if pc.any(empty).as_py() else column


def _quoted(column: Any) -> Any:  # noqa: ANN401 - pyarrow array
    """JSON strings of a string column."""
    if pc.any(pc.match_substring_regex(column, r"[\x00-\x1f]")).as_py():
        texts = [None if value is None else json.dumps(value, ensure_ascii=False) for value in column.to_pylist()]
        return pa.array(texts, pa.string())
    escaped = pc.replace_substring(pc.replace_substring(column, "\\", "\\\\"), '"', '\\"')
    return pc.binary_join_element_wise('"', escaped, '"', "")


def _true_rows(mask: Any) -> list[int]:  # noqa: ANN401 - pyarrow array
    return pc.indices_nonzero(mask).to_pylist()  # type: ignore[no-any-return]
