"""The files of a filter recipe: compounds in any format the library is read in, lists, and the verdict on every row."""

import csv
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from rdkit import Chem

from molsieve.chemistry.fingerprints import morgan_bits
from molsieve.chemistry.parse import parse
from molsieve.chemistry.reasons import RejectedStructure
from molsieve.chemistry.standardise import standardise
from molsieve.errors import MolsieveError
from molsieve.files import replacing, write_table
from molsieve.library.records import READ_ERRORS
from molsieve.library.source import LibrarySource, resolve
from molsieve.library.understanding import understand
from molsieve.scoring.funnel_recipe import Keep
from molsieve.scoring.funnel_steps import Compound, CompoundList

_SHOWN_VALUES = 5


@dataclass(frozen=True)
class Row:
    """A row of a file of compounds, as it stands there."""

    number: int
    """From 1, the header not counted."""
    compound_id: str | None
    structure: str | None
    fields: dict[str, str]
    """Every column but the structure, without empty cells."""
    error: tuple[str, str] | None
    """Why the row could not be used, as code and words."""

    @property
    def identifier(self) -> str:
        """What the row is called in examples."""
        return self.compound_id or f"row {self.number:,}"


@dataclass(frozen=True)
class CompoundFile:
    """A file of compounds in memory."""

    where: str
    columns: tuple[str, ...]
    """All columns but the structure; of an SD file those of its first records."""
    are_all_columns: bool
    structure_column: str | None
    structure_format: str
    rows: tuple[Row, ...]

    def molecule(self, row: Row) -> Chem.Mol:
        """Molecule of a row as RDKit reads it.

        Raises:
            RejectedStructure: There is none.

        """
        if row.error:
            raise RejectedStructure(*row.error)
        return parse(row.structure or "", self.structure_format)

    def compound(self, row: Row, *, as_read: bool) -> Compound:
        """What the steps of a recipe see of a row.

        Raises:
            RejectedStructure: There is no molecule, or it cannot be standardised.

        """
        mol = self.molecule(row)
        return Compound(mol if as_read else standardise(mol).parent, row.fields)


def read_compounds_file(source: LibrarySource) -> CompoundFile:
    """Read a file of compounds whole.

    Raises:
        MolsieveError: It is not there, not one file, or not understood.

    """
    files = resolve([source])
    if len(files) > 1:
        raise MolsieveError(f"{len(files)} files match", where=source.path, fix="Name one file.")
    file = understand(files[0])
    rows: list[Row] = []
    for batch in file.batches():
        cells = (array.to_pylist() for array in (batch.identifiers, batch.structures, batch.properties))
        for at, (compound_id, structure, properties) in enumerate(zip(*cells, strict=True)):
            fields: dict[str, str] = json.loads(properties) if properties else {}
            if file.id_column and compound_id is not None:
                fields = {file.id_column: compound_id, **fields}
            code, detail = batch.errors.get(at, (None, None))
            error = None if code is None else (code, detail or READ_ERRORS[code])
            rows.append(Row(len(rows) + 1, compound_id, structure, fields, error))
    columns = tuple(name for name in file.columns if name != file.structure_column)
    is_open = file.format == "sdf"
    return CompoundFile(file.where, columns, not is_open, file.structure_column, file.structure_format, tuple(rows))


def read_list(name: str, source: LibrarySource, keep: Keep | None, *, as_read: bool) -> CompoundList:
    """Read a list that compounds are compared with; every structure that counts has to be readable.

    Args:
        name: Name of the list in the recipe.
        source: The file.
        keep: Rows that count.
        as_read: Whether structures are taken as read, or standardised.

    Raises:
        MolsieveError: The column is not there, no row counts, or a structure cannot be read.

    """
    file = read_compounds_file(source)
    rows = file.rows if keep is None else _kept(name, file, keep)
    names, fingerprints = [], []
    for row in rows:
        try:
            mol = file.molecule(row)
        except RejectedStructure as rejected:
            raise MolsieveError(
                f"{row.identifier} of the list {name!r} is not a structure: {rejected.detail}",
                where=f"{file.where}, row {row.number:,}",
                fix="Correct or remove that row.",
            ) from None
        if not as_read:
            # Listed compounds that a library could not hold (thiomersal) are compared as they are.
            with suppress(RejectedStructure):
                mol = standardise(mol).parent
        names.append(row.identifier)
        fingerprints.append(morgan_bits(mol))
    return CompoundList(tuple(names), tuple(fingerprints))


def _kept(name: str, file: CompoundFile, keep: Keep) -> list[Row]:
    if file.are_all_columns and keep.column not in file.columns:
        raise MolsieveError(
            f"the list {name!r} is cut by the column {keep.column!r}, which the file does not have",
            where=file.where,
            fix=f"Columns of the file: {', '.join(file.columns) or 'none but the structures and identifiers'}. "
            f"Name another with --rows {name}:COLUMN=VALUE.",
        )
    rows = [row for row in file.rows if _is_equal(row.fields.get(keep.column, ""), keep.equals)]
    if not rows:
        found = dict.fromkeys(row.fields.get(keep.column, "") for row in file.rows)
        shown = ", ".join(map(repr, list(found)[:_SHOWN_VALUES]))
        raise MolsieveError(
            f"no row of the list {name!r} has {keep.column} = {keep.equals}",
            where=file.where,
            fix=f"Values in that column: {shown}{' and others' if len(found) > _SHOWN_VALUES else ''}.",
        )
    return rows


def _is_equal(text: str, wanted: str | float) -> bool:
    try:
        return float(text) == float(wanted)
    except ValueError:
        return text == str(wanted)


# Columns of the verdict, before those of the input.
VERDICT = ("row", "structure", "survives", "removed_by", "reason")


@dataclass(frozen=True)
class Verdict:
    """What became of a row."""

    removed_by: str | None
    """Name of the step; None for a survivor."""
    reason: str | None


def write_verdicts(path: Path, file: CompoundFile, verdicts: Sequence[Verdict]) -> None:
    """Write every row of the input in its order, with whether it survives and else why not, and its own columns.

    Args:
        path: File to write; ``.parquet`` or ``.csv``.
        file: The input.
        verdicts: One a row.

    Raises:
        MolsieveError: The name ends in neither.

    """
    own = dict.fromkeys((*file.columns, *(name for row in file.rows for name in row.fields)))
    renamed = {name: f"input_{name}" if name in VERDICT else name for name in own}
    columns = {
        "row": pa.array([row.number for row in file.rows], pa.int64()),
        "structure": pa.array([row.structure for row in file.rows], pa.string()),
        "survives": pa.array(["no" if verdict.removed_by else "yes" for verdict in verdicts], pa.string()),
        "removed_by": pa.array([verdict.removed_by for verdict in verdicts], pa.string()),
        "reason": pa.array([verdict.reason for verdict in verdicts], pa.string()),
    }
    columns |= {
        shown: pa.array([row.fields.get(name) for row in file.rows], pa.string()) for name, shown in renamed.items()
    }
    table = pa.table(columns)
    check_output(path)
    if path.suffix == ".parquet":
        write_table(path, table, table.schema)
        return
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(table.column_names)
        writer.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))


def check_output(path: Path) -> None:
    """Refuse a name that says no format, before anything is computed.

    Raises:
        MolsieveError: It ends in neither .parquet nor .csv.

    """
    if path.suffix not in {".parquet", ".csv"}:
        raise MolsieveError(
            f"{path.name} names no format that is written", where="--out", fix="End it in .parquet or .csv."
        )
