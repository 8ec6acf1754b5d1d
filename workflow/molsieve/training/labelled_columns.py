"""Columns named for each other: structures where labels were meant, and the other way round."""

from collections.abc import Sequence

from molsieve.errors import MolsieveError
from molsieve.library.structures import structure_share
from molsieve.training.label_cells import is_label
from molsieve.training.labelled_file import LabelledCells

# Of the cells of a column that hold structures so many read as such; of any other column hardly one.
_MOST = 0.5
_SHOWN = 3


def refuse_misplaced(structure_column: str | None, table: LabelledCells, where: str) -> None:
    """Refuse labels that are structures, and structures that are none while another column has some.

    Args:
        structure_column: As named or found; None for an SD file.
        table: The file.
        where: The file, for messages.

    Raises:
        MolsieveError: Columns were named for each other; the message says which to name.

    """
    with_structures = [name for name, cells in table.heads.items() if _holds_structures(cells)]
    is_empty = structure_column is not None and not structure_share(table.heads[structure_column]).structures
    if table.label_column in with_structures:
        if is_empty:
            raise MolsieveError(
                f"The columns are swapped: {table.label_column!r}, named for the labels, holds structures, and "
                f"{structure_column!r} holds none.",
                where=where,
                fix=f"Give --smiles {table.label_column} --label {structure_column}.",
            )
        raise MolsieveError(
            f"The column {table.label_column!r}, named for the labels, holds structures.",
            where=where,
            fix=_label_advice(structure_column, table),
        )
    others = [name for name in with_structures if name != structure_column]
    if is_empty and others:
        raise MolsieveError(
            f"The column {structure_column!r} holds no structure; {' and '.join(map(repr, others[:_SHOWN]))} "
            f"{'does' if len(others) == 1 else 'do'}.",
            where=where,
            fix=f"Give --smiles {others[0]}.",
        )


def _label_advice(structure_column: str | None, table: LabelledCells) -> str:
    likely = [
        name
        for name, cells in table.heads.items()
        if name != structure_column and any(cell.strip() for cell in cells) and all(map(is_label, cells))
    ]
    if not likely:
        return "Name the column with the measurements; no column holds classes or numbers only."
    return f"Columns that hold classes or numbers: {', '.join(likely[:_SHOWN])}. Name one of them with --label."


def _holds_structures(cells: Sequence[str]) -> bool:
    share = structure_share(cells)
    return bool(share.certain) and share.structures >= _MOST * share.filled
