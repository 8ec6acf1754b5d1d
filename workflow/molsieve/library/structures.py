"""Does a cell hold a structure? The test behind finding the structure column, stricter than a parser.

RDKit reads ``C``, ``COCO`` or ``BIOS`` as molecules and the first word of a sentence as SMILES; a column of such cells
is no structure column. Here a cell must be SMILES from end to end, and a column is believed only when enough of its
cells have something no word has: a bracket, a bond sign or a ring closure.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from rdkit import Chem
from rdkit.rdBase import BlockLogs

_CHARACTERS = re.compile(r"[A-Za-z0-9@+\-\[\]()=#$:/\\.%*~<>{}]+")
_PLAIN = re.compile(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?")
_ATTEMPT = re.compile(r"(?:Cl|Br|[BCNOPSFIbcnops]|\[[^\]]*\]|[-=#$:/\\.()%0-9@+*~])+")
_UNLIKE_A_WORD = re.compile(r"[=#\[\](@/\\]|[a-z]\d.*[a-z]\d|[A-Z]\d.*[A-Za-z]\d")
_EXTENSION = re.compile(r"\|[^|]*\|")
_MOLBLOCK = re.compile(r"V[23]000[^\n]*\n.*M  END", re.DOTALL)

_SYNTAX_ONLY = Chem.SmilesParserParams()
for _option in ("sanitize", "removeHs", "allowCXSMILES", "parseName"):
    setattr(_SYNTAX_ONLY, _option, False)

# RDKit needs seconds for very long text, and this is only a look.
_MAX_CHARACTERS = 2000


class StructureShare(NamedTuple):
    """How far a column looks like structures."""

    filled: int
    """Cells that are not empty."""
    structures: int
    """Cells that read as structures."""
    certain: int
    """Of these, cells that no word or code looks like."""


def is_smiles(cell: str) -> bool:
    """Whether a cell is SMILES from end to end, with a CXSMILES extension or none, and not a number."""
    words = cell.split(None, 1)
    if not words or len(cell) > _MAX_CHARACTERS:
        return False
    smiles = words[0]
    if len(words) > 1 and not _EXTENSION.fullmatch(words[1].strip()):
        return False
    if cell.endswith("\t") or _PLAIN.fullmatch(smiles) or not _CHARACTERS.fullmatch(smiles):
        return False
    with BlockLogs():
        return Chem.MolFromSmiles(smiles, _SYNTAX_ONLY) is not None


def is_certain_smiles(cell: str) -> bool:
    """Whether a cell is SMILES and nothing else: no word or code looks like it."""
    return _UNLIKE_A_WORD.search(cell) is not None and is_smiles(cell)


def is_molblock(cell: str) -> bool:
    """Whether a cell holds a V2000 or V3000 molblock."""
    return _MOLBLOCK.search(cell) is not None


def is_attempted_smiles(cell: str) -> bool:
    """Whether a cell consists of SMILES symbols, be it valid or not; a column name hardly ever does."""
    return _ATTEMPT.fullmatch(cell.strip()) is not None


def structure_share(cells: Sequence[str]) -> StructureShare:
    """Count the cells of a column that read as structures."""
    filled = [cell for cell in cells if cell.strip()]
    found = [cell for cell in filled if is_smiles(cell) or is_molblock(cell)]
    return StructureShare(len(filled), len(found), sum(_UNLIKE_A_WORD.search(cell) is not None for cell in found))
