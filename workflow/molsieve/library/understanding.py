"""What a library file is, found out from its first rows before any of it is read in earnest."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from molsieve.errors import MolsieveError
from molsieve.library.batch import Batch
from molsieve.library.compression import compression_of, read_chunks
from molsieve.library.formats import kind_of
from molsieve.library.header import MAX_TITLE_LINES
from molsieve.library.layout import SAMPLE_ROWS, WHITESPACE, Layout, find_layout
from molsieve.library.lines import LongLine, TextNotes, text_blocks
from molsieve.library.parquet import find_columns, open_parquet, read_parquet
from molsieve.library.sdf import field_names, find_identifier, read_sdf, refuse_structure_column, sdf_records
from molsieve.library.source import ResolvedFile
from molsieve.library.text_table import read_text_table

_SAMPLE_CHARACTERS = 1 << 19
_HEAD_BYTES = 1 << 16
_DELIMITER_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe", " ": "space", WHITESPACE: WHITESPACE}


@dataclass
class Understanding:
    """A file of a library and how it is read."""

    file: ResolvedFile
    path: Path
    format: str
    """``smiles``, ``csv``, ``tsv``, ``sdf`` or ``parquet``."""
    compression: str | None
    columns: tuple[str, ...]
    """Columns, or the data fields of the first SD records."""
    structure_column: str | None
    """None for an SD file and for a file without a header."""
    id_column: str | None
    structure_format: str
    layout: Layout | None = None
    positions: tuple[int, int | None] = (0, None)
    """Structure and identifier column of a Parquet file."""
    notes: TextNotes = field(default_factory=TextNotes)
    """Of the last reading."""

    @property
    def where(self) -> str:
        """The file in messages."""
        return self.file.location

    @property
    def delimiter(self) -> str | None:
        """The delimiter by its name, None where there is none."""
        return _DELIMITER_NAMES.get(self.layout.delimiter, self.layout.delimiter) or None if self.layout else None

    @property
    def title_lines(self) -> int:
        """Lines above the header, or above the first row."""
        return self.layout.title_lines if self.layout else 0

    @property
    def header(self) -> bool | None:
        """Whether a header was seen; None where the format has none."""
        return self.layout.header if self.layout else None

    def batches(self) -> Iterator[Batch]:
        """All rows of the file, in order, one for each record.

        Raises:
            MolsieveError: The file is damaged.

        """
        if self.format == "parquet":
            with open_parquet(self.path, self.where) as file:
                yield from read_parquet(file, self.columns, *self.positions)
            return
        self.notes = TextNotes()
        blocks = text_blocks(read_chunks(self.path, where=self.where), self.notes, self.file.source.encoding)
        if self.layout is None:
            yield from read_sdf(blocks, self.id_column)
        else:
            yield from read_text_table(blocks, self.layout)


def understand(file: ResolvedFile) -> Understanding:
    """Find out format, layout and columns of a file, downloading it first where it is a URL.

    Raises:
        MolsieveError: It cannot be fetched or read, is empty, binary or damaged, has no structure column, or not the
            column the user named.

    """
    path = file.local()
    where, source = file.location, file.source
    head = next(read_chunks(path, where=where, size=_HEAD_BYTES), b"")
    kind = kind_of(file.name, head, source.format, where)
    compression = compression_of(path)
    if kind == "parquet":
        with open_parquet(path, where) as parquet:
            names, structure, identifier, structure_format = find_columns(parquet, source, where)
        id_column = None if identifier is None else names[identifier]
        return Understanding(
            file, path, kind, compression, names, names[structure], id_column, structure_format,
            positions=(structure, identifier),
        )  # fmt: skip
    notes = TextNotes()
    blocks = text_blocks(read_chunks(path, where=where), notes, source.encoding)
    if kind == "sdf":
        if source.structure_column:
            raise refuse_structure_column(source.structure_column, where)
        records = list(islice(sdf_records(blocks), SAMPLE_ROWS))
        if not records:
            raise MolsieveError("the file holds no record", where=where, fix="Check the export that made it.")
        identifier_name = find_identifier(records, source.id_column, where)
        return Understanding(
            file, path, kind, compression, field_names(records), None, identifier_name, "molblock", notes=notes
        )
    layout = find_layout(_sample(blocks, source.skip_rows or 0), kind, source, where)
    return Understanding(
        file,
        path,
        layout.format,
        compression,
        layout.columns,
        layout.columns[layout.structure],
        None if layout.identifier is None else layout.columns[layout.identifier],
        layout.structure_format,
        layout=layout,
        notes=notes,
    )


def _sample(blocks: Iterator[str | LongLine], skip_rows: int) -> str:
    """Text of the first lines of a file."""
    wanted = skip_rows + MAX_TITLE_LINES + SAMPLE_ROWS
    parts: list[str] = []
    lines = characters = 0
    for block in blocks:
        text = f"{block.start}\n" if isinstance(block, LongLine) else block
        lines += text.count("\n")
        characters += len(text)
        parts.append(text)
        if lines >= wanted or characters > _SAMPLE_CHARACTERS:
            break
    kept = "".join(parts).split("\n", wanted)
    return "\n".join(kept[:wanted]) + "\n"
