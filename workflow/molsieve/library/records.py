"""The records table: every row of every library file, as it was read."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from molsieve.columns import LOW_CARDINALITY, Column, arrow_schema
from molsieve.library.batch import Batch

RECORDS: tuple[Column, ...] = (
    Column("record_id", pa.int64(), "Number of the record in the run, from 0, in input order.", nullable=False),
    Column("source", LOW_CARDINALITY, "Name of the file the record comes from.", nullable=False),
    Column("source_row", pa.int64(), "Data row of the table or record of the SD file, from 1.", nullable=False),
    Column("compound_id", pa.string(), "The user's identifier as it stands in the file; null when there is none."),
    Column(
        "structure",
        pa.string(),
        "Structure as in the file: SMILES with its CXSMILES extension, or a molblock.",
    ),
    Column("structure_format", LOW_CARDINALITY, "smiles or molblock.", nullable=False),
    Column(
        "properties",
        pa.string(),
        "JSON object of the other columns or data fields in file order, as text, without empty ones; null when none.",
    ),
    Column("read_error", LOW_CARDINALITY, "Why the reader could not use the row; null when it could."),
    Column("read_detail", pa.string(), "Details of read_error."),
)

SCHEMA = arrow_schema(RECORDS)

READ_ERRORS: dict[str, str] = {
    "empty_structure": "The row holds no structure: an empty field, or a record without text.",
    "invalid_character": "The structure contains a NUL byte or a byte its encoding has no character for.",
    "line_too_long": "The line, cell or SD record is longer than any compound needs; it was not read whole.",
    "too_many_fields": "The row has more fields than the table has columns: its structure may be another field.",
    "truncated_record": "The file ends in the middle of this SD record.",
}

_FORMATS = ("smiles", "molblock")
_CODES = tuple(READ_ERRORS)


def records_table(
    batch: Batch,
    *,
    first_record_id: int,
    first_source_row: int,
    sources: Sequence[str],
    source: int,
    structure_format: str,
) -> pa.Table:
    """Rows of the records table.

    Args:
        batch: Consecutive rows of one file.
        first_record_id: Number of the first of them in the run.
        first_source_row: Its number in the file.
        sources: Names of all files of the run, so that all tables share one dictionary.
        source: Position of this file in ``sources``.
        structure_format: ``smiles`` or ``molblock``.

    """
    rows = len(batch)
    columns = {
        "record_id": np.arange(first_record_id, first_record_id + rows, dtype=np.int64),
        "source": _constant(source, sources, rows),
        "source_row": np.arange(first_source_row, first_source_row + rows, dtype=np.int64),
        "compound_id": batch.identifiers,
        "structure": batch.structures,
        "structure_format": _constant(_FORMATS.index(structure_format), _FORMATS, rows),
        "properties": batch.properties,
        "read_error": _dictionary(pa.nulls(rows, pa.int32()), _CODES),
        "read_detail": pa.nulls(rows, pa.string()),
    }
    if batch.errors:
        codes: list[int | None] = [None] * rows
        details: list[str | None] = [None] * rows
        for row, (code, detail) in batch.errors.items():
            codes[row], details[row] = _CODES.index(code), detail
        columns["read_error"] = _dictionary(pa.array(codes, pa.int32()), _CODES)
        columns["read_detail"] = pa.array(details, pa.string())
    return pa.table(columns, schema=SCHEMA)


def _constant(value: int, values: Sequence[str], rows: int) -> pa.DictionaryArray:
    return _dictionary(pa.array(np.full(rows, value, dtype=np.int32)), values)


def _dictionary(indices: pa.Array, values: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(indices, pa.array(values, pa.string()))
