"""A look at the first rows of a library: what was understood, before anyone waits for a queue."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rdkit import Chem

from molsieve.chemistry import rdkit_log
from molsieve.chemistry.parse import parse
from molsieve.chemistry.reasons import RejectedStructure
from molsieve.library.records import READ_ERRORS
from molsieve.library.roles import find_roles
from molsieve.library.source import LibrarySource, resolve, source_names
from molsieve.library.understanding import Understanding, understand

SHOWN = 5
_SHOWN_CHARACTERS = 200
_FEW_PARSE = 0.5


class Example(NamedTuple):
    """A row that was read."""

    row: int
    compound_id: str | None
    structure: str


class Failure(NamedTuple):
    """A row that cannot be used."""

    row: int
    compound_id: str | None
    structure: str
    reason_code: str
    detail: str


@dataclass(frozen=True)
class LibraryCheck:
    """What was understood of one file, and how its first rows fare."""

    source: str
    location: str
    format: str
    compression: str | None
    encoding: str | None
    delimiter: str | None
    title_lines: int
    header: bool | None
    columns: list[str]
    structure_column: str | None
    id_column: str | None
    structure_format: str
    rows: int
    """Rows looked at."""
    whole_file: bool
    """Whether these are all rows of the file."""
    parsed: int
    """Rows of these whose structure RDKit reads."""
    examples: list[Example]
    failures: list[Failure]
    """The first ones."""
    duplicate_identifiers: int
    warnings: list[str]


def check(sources: Sequence[LibrarySource], rows: int = 1000) -> list[LibraryCheck]:
    """Read the first rows of each file and say what was understood.

    Structures are parsed in this process, as they will be in the run; RDKit's messages are kept from the terminal from
    then on, because they explain the failures.

    Args:
        sources: Libraries to look at.
        rows: Rows a file.

    Raises:
        MolsieveError: A file is not there, cannot be read or is not understood; the first such file ends the check.

    """
    rdkit_log.capture()
    files = resolve(sources)
    return [_check_file(understand(file), name, rows) for file, name in zip(files, source_names(files), strict=True)]


class _Row(NamedTuple):
    compound_id: str | None
    structure: str | None
    properties: str | None
    error: tuple[str, str | None] | None


def _check_file(file: Understanding, name: str, rows: int) -> LibraryCheck:
    first, whole_file = _first_rows(file, rows)
    failures: list[Failure] = []
    examples: list[Example] = []
    parsed = 0
    for number, row in enumerate(first, 1):
        try:
            mol = _molecule(row, file.structure_format)
        except RejectedStructure as rejected:
            if len(failures) < SHOWN:
                shown = (row.structure or "")[:_SHOWN_CHARACTERS]
                failures.append(Failure(number, row.compound_id, shown, rejected.reason_code, rejected.detail))
            continue
        parsed += 1
        if len(examples) < SHOWN:
            # Nobody recognises a compound by its molblock.
            smiles = Chem.MolToSmiles(mol) if file.structure_format == "molblock" else row.structure or ""
            examples.append(Example(number, row.compound_id, smiles[:_SHOWN_CHARACTERS]))
    identifiers = [row.compound_id for row in first if row.compound_id]
    duplicates = len(identifiers) - len(set(identifiers))
    return LibraryCheck(
        source=name,
        location=file.file.source.path if file.file.path is None else str(file.path),
        format=file.format,
        compression=file.compression,
        encoding=None if file.format == "parquet" else file.notes.described(),
        delimiter=file.delimiter,
        title_lines=file.title_lines,
        header=file.header,
        columns=list(file.columns),
        structure_column=file.structure_column,
        id_column=file.id_column,
        structure_format=file.structure_format,
        rows=len(first),
        whole_file=whole_file,
        parsed=parsed,
        examples=examples,
        failures=failures,
        duplicate_identifiers=duplicates,
        warnings=_warnings(file, first, parsed, duplicates),
    )


def _first_rows(file: Understanding, rows: int) -> tuple[list[_Row], bool]:
    """Read the first rows, and tell whether the file has no more."""
    first: list[_Row] = []
    for batch in file.batches():
        wanted = rows - len(first)
        if wanted <= 0:
            return first, False
        columns = [
            array.slice(0, wanted).to_pylist() for array in (batch.identifiers, batch.structures, batch.properties)
        ]
        for row, (compound_id, structure, properties) in enumerate(zip(*columns, strict=True)):
            first.append(_Row(compound_id, structure, properties, batch.errors.get(row)))
        if wanted < len(batch):
            return first, False
    return first, True


def _molecule(row: _Row, structure_format: str) -> Chem.Mol:
    """Parse the structure of a row as the run will.

    Raises:
        RejectedStructure: The row cannot be used.

    """
    if row.error:
        code, detail = row.error
        raise RejectedStructure(code, detail or READ_ERRORS[code])
    return parse(row.structure or "", structure_format)


def _warnings(file: Understanding, first: Sequence[_Row], parsed: int, duplicates: int) -> list[str]:
    warnings = []
    if parsed < _FEW_PARSE * len(first):
        better = _better_column(first, parsed)
        hint = f"; column {better!r} holds more structures (structure_column={better})" if better else ""
        warnings.append(f"only {parsed:,} of the first {len(first):,} rows parse: is this the right column?{hint}")
    if file.id_column is None:
        warnings.append("no identifier column was found; rows are known by their number (name one with id_column=)")
    elif unnamed := sum(row.compound_id is None for row in first):
        warnings.append(
            f"{unnamed:,} of the first {len(first):,} rows have no identifier, or too many fields to be sure of it"
        )
    if duplicates:
        warnings.append(
            f"{duplicates:,} of the first {len(first):,} rows repeat an identifier; they are kept as they are"
        )
    if file.notes.latin1_lines:
        warnings.append(
            f"{file.notes.latin1_lines:,} lines are not UTF-8 and were read as Latin-1 (give encoding= if wrong)"
        )
    if file.notes.nul_bytes:
        warnings.append(f"{file.notes.nul_bytes:,} NUL bytes were replaced; the file may be damaged")
    return warnings


def _better_column(first: Sequence[_Row], parsed: int) -> str | None:
    """Find another column with clearly more structures than the one taken."""
    sample = [json.loads(row.properties or "{}") for row in first[:200]]
    names = list(dict.fromkeys(name for row in sample for name in row))
    roles = find_roles(names, [[row.get(name, "") for row in sample] for name in names], named=True)
    if roles.structure is None:
        return None
    found = roles.shares[roles.structure].structures
    enough = found > _FEW_PARSE * len(sample) and found * len(first) > 2 * parsed * len(sample)
    return names[roles.structure] if enough else None
