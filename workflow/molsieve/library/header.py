"""Where the header of a table is, what stands above it, and what the columns are called."""

import re
from collections import Counter
from collections.abc import Collection, Sequence

from molsieve.library.roles import normal_name, says_structure, structure_rank
from molsieve.library.structures import is_attempted_smiles, is_certain_smiles, is_smiles

MAX_TITLE_LINES = 30

_HEADING_WORDS = (
    "smiles", "smile", "smi", "cxsmiles", "canonical", "can", "isomeric", "iso", "absolute", "mol", "molecule",
    "compound", "structure", "input", "original", "raw", "std", "standardized", "standardised", "standard",
    "parent", "rdkit", "openeye", "string", "code", "ligand", "drug", "cx", "pubchem", "chembl",
)  # fmt: skip
_NUMBER = re.compile(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?")


def find_header(rows: Sequence[Sequence[str]], *, words: bool, wanted: Collection[str] = ()) -> tuple[int, bool]:
    """Index of the header, or of the first row where no header can be told by its names, and whether it is a header.

    Args:
        rows: The first rows of the file.
        words: The rows are those of a SMILES file: only unmistakable headings count there, because a broken first
            structure must not pass for one.
        wanted: Column names the user gave, in normal form; a row with one of them is the header.

    """
    for index, row in enumerate(rows[: MAX_TITLE_LINES + 1]):
        if any(is_certain_smiles(cell) for cell in row):
            break
        if (_has_heading(row) if words else names_structure(row)) or any(normal_name(cell) in wanted for cell in row):
            return index, True
    width = 1 if words else usual_width(rows)
    first = 0
    while first < min(len(rows) - 1, MAX_TITLE_LINES) and _is_title(rows[first], width):
        first += 1
    return first, False


def _has_heading(row: Sequence[str]) -> bool:
    """Whether a row of a SMILES file is its header: the word for structures stands first, or SMILES anywhere."""
    return _is_heading(row[0]) or any(_is_heading(cell) for cell in row if "smi" in cell.lower())


def _is_heading(cell: str) -> bool:
    words = normal_name(cell.removeprefix("#")).split("_")
    return all(word in _HEADING_WORDS for word in words) and not is_smiles(cell)


def names_structure(row: Sequence[str]) -> bool:
    """Whether the cells of a row are column names, one of them that of a structure column."""
    cells = [cell.strip() for cell in row if cell.strip()]
    if any(says_structure(cell) for cell in cells if len(cell) <= 60):
        return True
    # General words (drug, structure) are values as often as names; no column is called 5.3.
    return any(structure_rank(cell) is not None for cell in cells) and not any(
        _NUMBER.fullmatch(cell) for cell in cells
    )


def is_header_by_content(row: Sequence[str], structure: int) -> bool:
    """Whether the first row is a header of unknown names: where the rows below hold structures, it holds a word."""
    cell = row[structure].strip() if structure < len(row) else ""
    return bool(cell) and not is_smiles(cell) and not is_attempted_smiles(cell)


def usual_width(rows: Sequence[Sequence[str]]) -> int:
    """Count the cells that most rows have; of equals the larger number."""
    counts = Counter(len(row) for row in rows)
    return max(counts, key=lambda width: (counts[width], width), default=0)


def column_names(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Names of all columns, each once: ``column_N`` where the header has none, ``NAME (2)`` for a repeated one.

    Args:
        header: Cells of the header; empty when there is none.
        rows: The first rows; when most have more cells than the header, these are columns without a name.

    """
    usual = usual_width(rows)
    wider = not header or sum(len(row) >= usual for row in rows) * 2 > len(rows)
    width = max(len(header), usual if wider else 0)
    names: list[str] = []
    for index in range(width):
        given = header[index].strip() if index < len(header) else ""
        names.append(unused_name(given or f"column_{index + 1}", names))
    return tuple(names)


def unused_name(name: str, taken: Sequence[str]) -> str:
    """``name``, or ``name (2)`` and so on when it is taken."""
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name} ({number})"
    return candidate


def _is_title(row: Sequence[str], width: int) -> bool:
    """Whether a row above the first one is a comment, or a title: some words in the first of several columns."""
    if row[0].startswith(("#", "sep=")):  # Excel understands sep=; above a table
        return True
    return width > 1 and len(row[0].split()) > 1 and not any(cell.strip() for cell in row[1:]) and not is_smiles(row[0])
