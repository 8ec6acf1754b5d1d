"""Rows of SMILES, CSV and TSV files, streamed."""

import json
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from molsieve.library import smiles_lines
from molsieve.library.batch import KEPT_CHARACTERS, Batch, batch_of, properties_json
from molsieve.library.layout import WHITESPACE, Layout
from molsieve.library.lines import MAX_LINE_BYTES, LongLine
from molsieve.library.rows import Cells, RowSplitter
from molsieve.library.structures import is_certain_smiles


def read_text_table(blocks: Iterable[str | LongLine], layout: Layout) -> Iterator[Batch]:
    """Batches of one record for each row of the table.

    A row with fewer cells than columns lacks the last ones. With more cells it is known only what the first one is:
    where that is the structure the row is used, without an identifier (a table of two columns takes the rest for the
    second); otherwise the row gets the error ``too_many_fields``. Its cells are all kept.

    Args:
        blocks: The whole file, from its first line.
        layout: How it is laid out.

    """
    if layout.delimiter == WHITESPACE:
        yield from _read_smiles_lines(blocks, layout)
        return
    splitter = RowSplitter(
        layout.delimiter,
        quoting=layout.quoting,
        columns=len(layout.columns),
        is_row=lambda cells: is_certain_smiles(cells[layout.structure]),
    )
    rest = ""
    for block in _after_first_lines(blocks, layout.first_line):
        if isinstance(block, LongLine):
            cells, _ = splitter.cells(rest, final=True)
            rest = ""
            yield from _batch(cells, layout)
            yield _long_line(block, splitter.split_line(block.start), layout)
        else:
            cells, rest = splitter.cells(rest + block, final=False)
            yield from _batch(cells, layout)
    if rest:
        cells, _ = splitter.cells(rest, final=True)
        yield from _batch(cells, layout)


def _read_smiles_lines(blocks: Iterable[str | LongLine], layout: Layout) -> Iterator[Batch]:
    for block in _after_first_lines(blocks, layout.first_line):
        if isinstance(block, LongLine):
            yield _long_line(block, smiles_lines.split_line(block.start), layout)
        else:
            yield from _batch(smiles_lines.cells(block), layout)


def _after_first_lines(blocks: Iterable[str | LongLine], lines: int) -> Iterator[str | LongLine]:
    """Leave out the first ``lines`` lines of the file."""
    for block in blocks:
        if not lines:
            yield block
        elif isinstance(block, LongLine):
            lines -= 1
        else:
            parts = block.split("\n", lines)
            lines -= len(parts) - 1
            if parts[-1]:
                yield parts[-1]


def _batch(cells: Cells, layout: Layout) -> Iterator[Batch]:
    columns = list(cells.columns)
    if not columns or not len(columns[0]):
        return
    # Names may stand in some lines of a SMILES file and not in those the layout was found from.
    names = layout.columns if layout.delimiter != WHITESPACE else ("", "")
    identifier = layout.identifier if layout.delimiter != WHITESPACE else 1
    errors: dict[int, tuple[str, str | None]] = {}
    if cells.overflow and len(columns) == 2 and layout.structure == 0:
        columns[1] = _rejoined(columns[1], cells.overflow, layout.delimiter)
    elif cells.overflow:
        errors = _displaced(columns[layout.structure], cells.overflow, layout)
    others = [index for index in range(len(columns)) if index not in (layout.structure, identifier)]
    properties = pa.nulls(len(columns[0]), pa.string())
    if others:
        properties = properties_json([names[index] for index in others], [columns[index] for index in others])
    identifiers = None if identifier is None else columns[identifier]
    if cells.overflow and len(columns) > 2:
        properties = _with_overflow(properties, cells.overflow, layout.columns, identifier, identifiers)
        if identifiers is not None:
            uncertain = pa.array([row in cells.overflow for row in range(len(identifiers))])
            identifiers = pc.if_else(uncertain, pa.scalar(None, pa.string()), identifiers)
    batch = batch_of(columns[layout.structure], identifiers, properties, errors)
    batch.short_rows = cells.short
    batch.long_rows = len(cells.overflow)
    yield batch


def _rejoined(names: pa.Array, overflow: dict[int, list[str]], delimiter: str) -> pa.Array:
    """Take all that follows the structure of a two-column table as one cell: chemical names have commas in them."""
    texts = names.to_pylist()
    for row, cells in overflow.items():
        texts[row] = delimiter.join([texts[row], *cells])
    return pa.array(texts, pa.string())


def _displaced(
    structures: pa.Array, overflow: dict[int, list[str]], layout: Layout
) -> dict[int, tuple[str, str | None]]:
    """Errors of rows in which a delimiter too many may have put another cell in the place of the structure.

    A structure in the first column is in its place whatever follows, unless its CXSMILES extension was cut.
    """
    width = len(layout.columns)
    return {
        row: ("too_many_fields", f"{width + len(cells)} fields, {width} columns")
        for row, cells in overflow.items()
        if layout.structure or (structures[row].as_py() or "").count("|") % 2
    }


def _with_overflow(
    properties: pa.Array,
    overflow: dict[int, list[str]],
    names: Sequence[str],
    identifier: int | None,
    identifiers: pa.Array | None,
) -> pa.Array:
    """Properties with the cells beyond the last column, and with the identifier, which may be any other cell."""
    texts = properties.to_pylist()
    for row, cells in overflow.items():
        found = json.loads(texts[row] or "{}")
        if identifier is not None and identifiers is not None and identifiers[row].as_py():
            found[names[identifier]] = identifiers[row].as_py()
        found.update({f"column_{len(names) + number}": cell for number, cell in enumerate(cells, 1) if cell})
        texts[row] = json.dumps(found, ensure_ascii=False)
    return pa.array(texts, pa.string())


def _long_line(line: LongLine, cells: list[str], layout: Layout) -> Batch:
    """Record of a line past the limit: the beginning of its structure, and its identifier where that was still read."""
    structure = cells[layout.structure][:KEPT_CHARACTERS] if layout.structure < len(cells) else None
    identifier = None
    if layout.identifier is not None and layout.identifier < len(cells) - 1:  # the last cell may be cut
        identifier = cells[layout.identifier][:KEPT_CHARACTERS]
    detail = f"the line has {line.bytes:,} bytes; the limit is {MAX_LINE_BYTES:,}"
    return Batch(
        pa.array([structure], pa.string()),
        pa.array([identifier], pa.string()),
        pa.nulls(1, pa.string()),
        {0: ("line_too_long", detail)},
    )
