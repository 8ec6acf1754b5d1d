"""Rows of Parquet files, streamed by row group."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from molsieve.errors import MolsieveError
from molsieve.library.batch import KEPT_CHARACTERS, Batch, batch_of, properties_json
from molsieve.library.compression import compression_of, read_chunks
from molsieve.library.layout import SAMPLE_ROWS
from molsieve.library.lines import MAX_LINE_BYTES, REPLACEMENT
from molsieve.library.roles import column_named, find_roles, listed
from molsieve.library.source import LibrarySource
from molsieve.library.structures import is_molblock

BATCH_ROWS = 10_000


@contextmanager
def open_parquet(path: Path, where: str) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file; one in an archive is unpacked to a temporary file first.

    Raises:
        MolsieveError: The file or its footer is damaged, now or while the block reads it.

    """
    try:
        with tempfile.TemporaryFile() as unpacked:
            if compression_of(path):
                for chunk in read_chunks(path, where=where):
                    unpacked.write(chunk)
                unpacked.seek(0)
            with pq.ParquetFile(unpacked if compression_of(path) else path, pre_buffer=False) as file:
                yield file
    except pa.ArrowInvalid as error:
        raise _damaged(error, where) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise _damaged(error, where) from None


def _damaged(error: Exception, where: str) -> MolsieveError:
    return MolsieveError(
        f"the Parquet file is damaged: {str(error).splitlines()[0][:200]}", where=where, fix="Fetch or write it again."
    )


def find_columns(
    file: pq.ParquetFile, source: LibrarySource, where: str
) -> tuple[tuple[str, ...], int, int | None, str]:
    """Column names, positions of the structure and the identifier column, and the structure format.

    Raises:
        MolsieveError: There are no rows, no structure column, or not the column the user named.

    """
    names = tuple(file.schema_arrow.names)
    if file.metadata.num_rows == 0:
        raise MolsieveError("the file has columns and no row", where=where, fix="Check the export that made it.")
    table = pa.Table.from_batches([next(file.iter_batches(batch_size=SAMPLE_ROWS))])
    texts = [_texts(column, limit=2000) for column in table.columns]
    cells = [[value or "" for value in text.to_pylist()] for text in texts]
    strings = [_is_text(column.type) for column in table.columns]
    roles = find_roles(
        names, [cell if text else [""] * len(cell) for cell, text in zip(cells, strings, strict=True)], named=True
    )
    structure, identifier = roles.structure, find_roles(names, cells, named=True).identifier
    if source.structure_column is not None:
        structure = column_named(source.structure_column, names, "structure_column", where)
        if not strings[structure]:
            raise MolsieveError(
                f"structure_column {names[structure]!r} holds {table.schema.types[structure]}, not text",
                where=where,
                fix=f"Text columns: {listed([name for name, text in zip(names, strings, strict=True) if text])}.",
            )
    if structure is None:
        raise MolsieveError(
            "no structure column was found: no text column is named SMILES or holds SMILES in most of its first rows",
            where=where,
            fix=f"Name it with structure_column=, if it is one of: {listed(names)}.",
        )
    if identifier == structure:
        identifier = None
    if source.id_column is not None:
        identifier = column_named(source.id_column, names, "id_column", where)
    molblocks = sum(is_molblock(cell) for cell in cells[structure]) * 2 > len(cells[structure])
    return names, structure, identifier, "molblock" if molblocks else "smiles"


def read_parquet(file: pq.ParquetFile, names: Sequence[str], structure: int, identifier: int | None) -> Iterator[Batch]:
    """Batches of one record for each row.

    Args:
        file: The open file.
        names: Its columns.
        structure: Position of the structure column.
        identifier: Position of the identifier column, or None.

    """
    others = [index for index in range(len(names)) if index not in (structure, identifier)]
    for piece in file.iter_batches(batch_size=BATCH_ROWS):
        # A few wide rows may hold as much as many narrow ones.
        structures = _no_nul(_texts(piece.column(structure)))
        identifiers = None if identifier is None else _no_nul(_texts(piece.column(identifier)))
        properties = pa.nulls(len(piece), pa.string())
        if others:
            properties = properties_json([names[i] for i in others], [_no_nul(_texts(piece.column(i))) for i in others])
        structures, errors = _without_giants(structures)
        yield batch_of(structures, identifiers, properties, errors)


def _without_giants(structures: Any) -> tuple[Any, dict[int, tuple[str, str | None]]]:  # noqa: ANN401 - pyarrow arrays
    giant = pc.greater(pc.binary_length(structures), MAX_LINE_BYTES).fill_null(False)  # noqa: FBT003 - a value
    errors: dict[int, tuple[str, str | None]] = {
        row: (
            "line_too_long",
            f"the structure has {len(structures[row].as_py()):,} characters; the limit is {MAX_LINE_BYTES:,}",
        )
        for row in pc.indices_nonzero(giant).to_pylist()
    }
    if errors:
        structures = pc.if_else(giant, pc.utf8_slice_codeunits(structures, 0, KEPT_CHARACTERS), structures)
    return structures, errors


def _no_nul(column: Any) -> Any:  # noqa: ANN401 - pyarrow array
    if pc.any(pc.match_substring(column, "\0")).as_py():
        return pc.replace_substring(column, "\0", REPLACEMENT)
    return column


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _texts(column: Any, limit: int | None = None) -> Any:  # noqa: ANN401 - pyarrow array
    """Turn a column of any type into strings; lists and structures into JSON, bytes into hexadecimal."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    try:
        text = column.cast(pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        text = pa.array([_as_text(value) for value in column.to_pylist()], pa.string())
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:  # a file can claim to hold text and hold other bytes
        values = text.cast(pa.binary()).to_pylist()
        text = pa.array([None if value is None else value.decode(errors="replace") for value in values], pa.string())
    return text if limit is None else pc.utf8_slice_codeunits(text, 0, limit)


def _as_text(value: object) -> str | None:
    if value is None:
        return None
    return value.hex() if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, default=str)
