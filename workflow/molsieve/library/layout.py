"""How a text table is laid out: delimiter, title lines, header, columns, and which of them matter.

Every delimiter is tried on the first rows, and the one is taken under which a structure column appears, in most
rows; a header that names one counts as well. A human does the same: he looks for the column with the SMILES.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from molsieve.errors import MolsieveError
from molsieve.library import smiles_lines
from molsieve.library.header import column_names, find_header, is_header_by_content, usual_width
from molsieve.library.roles import Roles, column_named, find_roles, listed, normal_name, says_structure, structure_rank
from molsieve.library.rows import RowSplitter
from molsieve.library.source import LibrarySource
from molsieve.library.structures import is_molblock

SAMPLE_ROWS = 200

# Delimiter of SMILES files: a structure, white space, and the rest of the line is the name.
WHITESPACE = "whitespace"

_TABLE_DELIMITERS = (",", "\t", ";", "|")
_NATURAL = {"csv": ",", "tsv": "\t"}


@dataclass(frozen=True)
class Layout:
    """How a text table is laid out."""

    delimiter: str
    """One character, empty for a single column, or ``whitespace``."""
    quoting: bool
    title_lines: int
    """Physical lines above the header, or above the first row."""
    first_line: int
    """Physical lines above the first row of data."""
    header: bool
    columns: tuple[str, ...]
    structure: int
    identifier: int | None
    structure_format: str
    """``smiles`` or ``molblock``."""

    @property
    def format(self) -> str:
        """The format as users call it."""
        if self.delimiter in (WHITESPACE, " ") or not self.quoting:
            return "smiles"
        return "tsv" if self.delimiter == "\t" else "csv"


@dataclass(frozen=True)
class _Reading:
    """The first rows as one delimiter makes them appear."""

    delimiter: str
    title_lines: int
    first_line: int
    header: bool
    names: tuple[str, ...]
    body: list[list[str]]
    roles: Roles
    quoting: bool

    @property
    def shown_names(self) -> Sequence[str]:
        """Column names; without a recognised header the first row, which holds them more often than not."""
        return self.names if self.header or not self.body else self.body[0]

    def column(self, index: int) -> list[str]:
        return _column(self.body, index)


def find_layout(sample: str, kind: str, source: LibrarySource, where: str) -> Layout:
    """Find out how a table is laid out, except for what the user said.

    Args:
        sample: The first lines.
        kind: What the name promises: ``smiles``, ``csv``, ``tsv`` or ``text``.
        source: The user's options.
        where: File, for error messages.

    Raises:
        MolsieveError: There is a header and no row, no structure column, or a column the user named is not there.

    """
    readings = [
        reading
        for delimiter in _candidates(kind, source)
        if (reading := _read_as(sample, delimiter, kind, source)) is not None
    ]
    if not readings:
        raise MolsieveError(
            "the file holds nothing but blank or skipped lines",
            where=where,
            fix="Check the file, and skip_rows if it is given.",
        )
    best = max(readings, key=lambda reading: _merit(reading, kind, source))
    structure, identifier = _roles(best, kind, source, where)
    if structure is None and not best.body and best.header is False:
        raise _no_structure(best, where)
    if not best.body:
        raise MolsieveError(
            "the file has a header and no row", where=where, fix="Check the export that made it, or leave the file out."
        )
    if structure is None:
        raise _no_structure(best, where)
    molblocks = sum(is_molblock(cell) for cell in best.column(structure))
    single = len(best.names) == 1 and best.delimiter not in (source.delimiter, _NATURAL.get(kind), WHITESPACE)
    return Layout(
        delimiter="" if single else best.delimiter,
        quoting=best.quoting,
        title_lines=best.title_lines,
        first_line=best.first_line,
        header=best.header,
        columns=best.names,
        structure=structure,
        identifier=identifier,
        structure_format="molblock" if molblocks * 2 > len(best.body) else "smiles",
    )


def _candidates(kind: str, source: LibrarySource) -> list[str]:
    if source.delimiter:
        return [source.delimiter]
    if source.format == "tsv":
        return ["\t"]
    # The natural one first: of equals the first is taken.
    natural = _NATURAL.get(kind, WHITESPACE)
    return list(dict.fromkeys([natural, *_TABLE_DELIMITERS, WHITESPACE, " "]))


def _read_as(sample: str, delimiter: str, kind: str, source: LibrarySource) -> _Reading | None:
    """Read the first rows with one delimiter; None when there are none."""
    quoting = kind != "smiles" and delimiter != WHITESPACE
    rows, starts = _split(sample, delimiter, source.skip_rows or 0, quoting=quoting)
    if not rows:
        return None
    wanted = {normal_name(name) for name in (source.structure_column, source.id_column) if name}
    conventional = kind == "smiles" or delimiter == WHITESPACE
    first, header = find_header(rows, words=conventional, wanted=wanted)
    if source.skip_rows is not None:
        first, header = 0, header and first == 0
    if source.header is not None:
        header = source.header
    body = rows[first + header :]
    names = column_names(rows[first] if header else [], body)
    roles = _find_roles(names, body, named=header)
    if source.header is None and not header and not conventional and body[1:]:
        # The structure column is found in the rows below, so that a header of unknown words does not count against it.
        below = _find_roles(names, body[1:], named=False)
        if below.structure is not None and is_header_by_content(rows[first], below.structure):
            header, body = True, body[1:]
            names = column_names(rows[first], body)
            roles = _find_roles(names, body, named=True)
    if header and len(rows[first]) == usual_width(body) - 1:
        # R writes no name above its row names: the header has one cell less than the rows.
        moved = column_names(["", *rows[first]], body)
        moved_roles = _find_roles(moved, body, named=True)
        if _evidence(moved, moved_roles) > _evidence(names, roles):
            names, roles = moved, moved_roles
    title_lines = starts[first]
    data = first + header
    first_line = starts[data] if data < len(rows) else starts[first] + 1
    return _Reading(delimiter, title_lines, first_line, bool(header), names, body[:SAMPLE_ROWS], roles, quoting)


def _split(sample: str, delimiter: str, skip: int, *, quoting: bool) -> tuple[list[list[str]], list[int]]:
    """Split the first rows, and tell the line each begins in, counted from the start of the file."""
    lines = sample.split("\n")
    text = "\n".join(lines[skip:])
    if delimiter == WHITESPACE:
        numbered = [(number, smiles_lines.split_line(line)) for number, line in enumerate(text.split("\n"))]
    else:
        numbered = RowSplitter(delimiter, quoting=quoting).numbered_rows(text)
    numbered = [(number, row) for number, row in numbered if row]
    return [row for _, row in numbered], [number + skip for number, _ in numbered]


def _find_roles(names: Sequence[str], body: Sequence[Sequence[str]], *, named: bool) -> Roles:
    rows = body[:SAMPLE_ROWS]
    return find_roles(names, [_column(rows, index) for index in range(len(names))], named=named)


def _column(rows: Sequence[Sequence[str]], index: int) -> list[str]:
    return [row[index] if index < len(row) else "" for row in rows]


def _evidence(names: Sequence[str], roles: Roles) -> tuple[int, bool]:
    """Structures in the structure column, and whether its name fits."""
    if roles.structure is None:
        return 0, False
    return roles.shares[roles.structure].structures, structure_rank(names[roles.structure]) is not None


def _merit(reading: _Reading, kind: str, source: LibrarySource) -> tuple[float, float, int]:
    """How well a delimiter explains the first rows; larger is better.

    The parts: whether the column the user named is there, how many rows show a structure in a regular table (a header
    that names the structure column counts as much as all rows showing one), and how many columns there are when nothing
    was found, for the error message.
    """
    wanted = [name for name in (source.structure_column, source.id_column) if name]
    named = sum(any(normal_name(name) == normal_name(column) for column in reading.names) for name in wanted)
    body, names, structure = reading.body, reading.names, reading.roles.structure
    if source.structure_column in names:
        structure = names.index(source.structure_column)
    regular = sum(len(row) == len(names) for row in body) / len(body) if body else 1.0
    if reading.delimiter == WHITESPACE:
        if structure not in (0, None):
            structure = None
        # What stands behind the structure is a name; more columns make it a table.
        tabs = sum("\t" in row[1] for row in body if len(row) > 1)
        words = len(names[1].split()) if reading.header and len(names) > 1 else 1
        regular = 0.5 if tabs * 2 > len(body) or words > 1 else 1.0
    if structure is None:
        return (
            named,
            0.05 if kind == "smiles" and reading.delimiter == WHITESPACE else 0.0,
            len(names) if regular > 0.5 else 0,
        )
    shown = reading.roles.shares[structure].structures / len(body) if body else 0.0
    # Under a wrong delimiter the whole header is one name, with SMILES somewhere in it.
    named_smiles = (
        reading.header and says_structure(names[structure]) and not any(d in names[structure] for d in ",;\t|")
    )
    evidence = shown + named_smiles + 0.01
    return named, round(evidence * (0.5 + 0.5 * regular), 2), 0


def _roles(reading: _Reading, kind: str, source: LibrarySource, where: str) -> tuple[int | None, int | None]:
    """Positions of the structure and the identifier column, the user's word first."""
    names, structure, identifier = reading.names, reading.roles.structure, reading.roles.identifier
    if source.structure_column is not None:
        structure = column_named(source.structure_column, names, "structure_column", where)
        if reading.roles.identifier == structure:
            identifier = None
    if reading.delimiter == WHITESPACE:
        structure = 0 if structure is not None or kind == "smiles" else None
        identifier = 1 if len(names) > 1 else None
    if source.id_column is not None:
        identifier = column_named(source.id_column, names, "id_column", where)
    return structure, identifier


def _no_structure(reading: _Reading, where: str) -> MolsieveError:
    return MolsieveError(
        "no structure column was found: no column is named SMILES, and none holds SMILES in most of its first rows",
        where=where,
        fix=f"Name it with structure_column=, if it is one of: {listed(reading.shown_names)}. "
        "Otherwise leave the file out; only SMILES and molblocks can be read, no names, CAS numbers or InChI.",
    )
