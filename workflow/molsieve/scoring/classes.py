"""Known antibiotic classes, recognised by substructure."""

import csv
from functools import cache
from typing import NamedTuple

from rdkit import Chem

from molsieve import project_root


class ClassPattern(NamedTuple):
    """A substructure that all members of a class share."""

    antibacterial_class: str
    pattern: Chem.Mol
    min_heavy_atoms: int


@cache
def class_patterns() -> tuple[ClassPattern, ...]:
    """Patterns of ``resources/amr/classes.csv``, in the order in which they are tried (special before general)."""
    with (project_root() / "resources" / "amr" / "classes.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(
            ClassPattern(
                row["antibacterial_class"], Chem.MolFromSmarts(row["smarts"]), int(row["min_heavy_atoms"] or 0)
            )
            for row in csv.DictReader(lines)
        )


def antibacterial_class(mol: Chem.Mol) -> str | None:
    """First known antibiotic class the molecule belongs to, or None."""
    atoms = mol.GetNumHeavyAtoms()
    for known in class_patterns():
        if atoms >= known.min_heavy_atoms and mol.HasSubstructMatch(known.pattern):
            return known.antibacterial_class
    return None
