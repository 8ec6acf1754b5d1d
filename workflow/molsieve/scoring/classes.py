"""Known antibiotic classes, recognised by substructure, with their target and how bacteria resist them."""

import csv
from functools import cache
from typing import NamedTuple

from rdkit import Chem

from molsieve import project_root


class ClassPattern(NamedTuple):
    """A substructure that marks a class, or those members of a class that share a target."""

    antibacterial_class: str
    pattern: Chem.Mol
    min_heavy_atoms: int
    target: str | None
    """What the members act on; None where the class is too mixed to say."""
    resistance_mechanism: str | None
    """The main ways in which bacteria resist them; None where the class is too mixed to say."""


@cache
def class_patterns() -> tuple[ClassPattern, ...]:
    """Patterns of ``resources/amr/classes.csv``, in the order in which they are tried (special before general)."""
    with (project_root() / "resources" / "amr" / "classes.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(
            ClassPattern(
                row["antibacterial_class"],
                Chem.MolFromSmarts(row["smarts"]),
                int(row["min_heavy_atoms"] or 0),
                row["target"] or None,
                row["resistance_mechanism"] or None,
            )
            for row in csv.DictReader(lines)
        )


def known_class(mol: Chem.Mol) -> ClassPattern | None:
    """First pattern of a known antibiotic class that the molecule has, or None."""
    atoms = mol.GetNumHeavyAtoms()
    for known in class_patterns():
        if atoms >= known.min_heavy_atoms and mol.HasSubstructMatch(known.pattern):
            return known
    return None


def antibacterial_class(mol: Chem.Mol) -> str | None:
    """Name of the first known antibiotic class the molecule belongs to, or None."""
    known = known_class(mol)
    return known.antibacterial_class if known else None
