"""Records of SD files (V2000 and V3000), streamed as text; nothing is parsed by RDKit here."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from molsieve.errors import MolsieveError
from molsieve.library.batch import KEPT_CHARACTERS, Batch, batch_of
from molsieve.library.header import unused_name
from molsieve.library.lines import MAX_LINE_BYTES, LongLine
from molsieve.library.roles import column_named, find_roles

TITLE = "title"
MAX_RECORD_CHARACTERS = 4_000_000

_END = re.compile(r"^\$\$\$\$[^\n]*\n", re.MULTILINE)
_DATA = re.compile(r"^>[^\n<]*<([^\n]*)>[^\n]*\n", re.MULTILINE)
_MOLBLOCK_END = re.compile(r"^M  END[ \t]*$", re.MULTILINE)
_TRAILING_NUMBER = re.compile(r"^\D*?0*(\d+)$")
_BATCH_RECORDS = 2000


class SdfRecord(NamedTuple):
    """One record as it stands in the file."""

    title: str
    molblock: str
    fields: dict[str, str]
    """Data fields in file order; a repeated name gets ``(2)``."""
    error: tuple[str, str | None] | None


def read_sdf(blocks: Iterable[str | LongLine], identifier: str | None) -> Iterator[Batch]:
    """Batches of one record for each record of the file.

    Args:
        blocks: The whole file.
        identifier: Name of the data field with the identifier, ``title`` for the title line, None for none.

    """
    records: list[SdfRecord] = []
    size = 0
    for record in sdf_records(blocks):
        records.append(record)
        size += len(record.molblock)
        if len(records) >= _BATCH_RECORDS or size > MAX_RECORD_CHARACTERS:
            yield _batch(records, identifier)
            records, size = [], 0
    if records:
        yield _batch(records, identifier)


def sdf_records(blocks: Iterable[str | LongLine]) -> Iterator[SdfRecord]:
    """Cut an SD file into records; one that the end of the file cuts carries the error ``truncated_record``."""
    for text, error, final in _record_texts(blocks):
        record = _parse(text, error)
        if final and error is None and not _is_whole(text):
            record = record._replace(error=("truncated_record", "the file ends in the middle of this record"))
        yield record


def find_identifier(records: Sequence[SdfRecord], wanted: str | None, where: str) -> str | None:
    """Find the data field that identifies the records, or ``title`` for their title lines, or None.

    Title lines are taken when most are filled, unless they merely count the records (``Compound 1``, ``Compound 2``)
    and a data field does better.

    Args:
        records: The first records.
        wanted: The user's choice, or None.
        where: File, for the error message.

    Raises:
        MolsieveError: The field the user chose is not there.

    """
    names = list(dict.fromkeys(name for record in records for name in record.fields))
    if wanted is not None:
        if wanted.lower() in (TITLE, "_name") and wanted not in names:
            return TITLE
        return names[column_named(wanted, names, "id_column", where)]
    titles = [record.title.strip() for record in records]
    filled = [title for title in titles if title]
    counting = [_TRAILING_NUMBER.match(title) for title in titles]
    only_counts = all(
        match is not None and int(match[1]) in (position, position + 1) for position, match in enumerate(counting)
    )
    if len(filled) * 2 > len(titles) and not (only_counts and len(titles) > 1):
        return TITLE
    columns = [[record.fields.get(name, "") for record in records] for name in names]
    position = find_roles(names, columns, named=True)._replace(structure=None).identifier if names else None
    if position is not None:
        return names[position]
    return TITLE if filled else None


def field_names(records: Sequence[SdfRecord]) -> tuple[str, ...]:
    """Names of the data fields of some records, the usual order first."""
    counts = Counter(name for record in records for name in record.fields)
    return tuple(counts)


def refuse_structure_column(name: str, where: str) -> MolsieveError:
    """Error for a structure column given for an SD file, where the structure is the molblock."""
    return MolsieveError(
        f"structure_column is {name!r}, but the structures of an SD file are its molblocks",
        where=where,
        fix="Leave structure_column out for this file.",
    )


def _record_texts(blocks: Iterable[str | LongLine]) -> Iterator[tuple[str, tuple[str, str | None] | None, bool]]:
    """Text of each record without ``$$$$``, with an error found on the way and whether the file ended in it."""
    pending: list[str] = []
    length = 0
    error: tuple[str, str | None] | None = None
    for block in blocks:
        if isinstance(block, LongLine):
            error = ("line_too_long", f"a line has {block.bytes:,} bytes; the limit is {MAX_LINE_BYTES:,}")
            pending.append(block.start[:KEPT_CHARACTERS] + "\n")
            continue
        text = block.replace("\r\n", "\n") if "\r" in block else block
        begin = 0
        for end in _END.finditer(text) if "$$$$" in text else ():
            pending.append(text[begin : end.start()])
            yield "".join(pending), error, False
            pending, length, error = [], 0, None
            begin = end.end()
        length += len(text) - begin
        if length <= MAX_RECORD_CHARACTERS:
            pending.append(text[begin:])
        elif error is None:
            error = ("line_too_long", f"the record has more than {MAX_RECORD_CHARACTERS:,} characters")
    last = "".join(pending)
    if last.strip():
        yield last, error, True


def _is_whole(text: str) -> bool:
    """Whether a record without ``$$$$`` is complete all the same: some programs leave the last one out."""
    end = _MOLBLOCK_END.search(text)
    return end is not None and (not text[end.end() :].strip() or text.endswith("\n\n"))


def _parse(text: str, error: tuple[str, str | None] | None) -> SdfRecord:
    end = _MOLBLOCK_END.search(text)
    headings = list(_DATA.finditer(text, end.end() if end else 0))
    molblock = text[: headings[0].start()] if headings else text
    if end:
        molblock = text[: end.end()] + "\n"
    fields: dict[str, str] = {}
    ends = [following.start() for following in headings[1:]] + [len(text)]
    for heading, until in zip(headings, ends, strict=False):  # without a heading there is one end too many
        name = heading[1] if heading[1] not in fields else unused_name(heading[1], tuple(fields))
        fields[name] = text[heading.end() : until].rstrip("\n")
    if error is None and not molblock.strip():
        error = ("empty_structure", None)
    elif error:
        molblock = molblock[:KEPT_CHARACTERS]
    return SdfRecord(text.split("\n", 1)[0], molblock, fields, error)


def _batch(records: Sequence[SdfRecord], identifier: str | None) -> Batch:
    identifiers: list[str | None] = []
    properties: list[str | None] = []
    for record in records:
        fields = record.fields
        if identifier == TITLE:
            identifiers.append(record.title.strip())
        else:
            identifiers.append(fields.get(identifier) if identifier else None)
            fields = {name: value for name, value in fields.items() if name != identifier}
            if record.title.strip():
                fields = {unused_name(TITLE, tuple(fields)): record.title, **fields}
        properties.append(json.dumps(fields, ensure_ascii=False) if fields else None)
    return batch_of(
        pa.array([record.molblock for record in records], pa.string()),
        pa.array(identifiers, pa.string()),
        pa.array(properties, pa.string()),
        {row: record.error for row, record in enumerate(records) if record.error},
    )
