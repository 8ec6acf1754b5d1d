"""The eNTRy rules: which compounds accumulate in Gram-negative bacteria.

An ionisable nitrogen, best a primary amine that is not crowded; few rotatable bonds; a flat shape. Found on how
180 compounds accumulate in E. coli by Richter et al., doi:10.1038/nature22308. A guide, not a gate: many antibiotics
that enter Gram-negative bacteria through porins keep only two of the rules.
"""

from functools import cache
from typing import NamedTuple

from rdkit import Chem

MAX_ROTATABLE_BONDS = 5
MAX_GLOBULARITY = 0.25
# Twice the limit counts as far off.
_FAR_ROTATABLE_BONDS = 10
_FAR_GLOBULARITY = 0.5

# Best first: the order is the paper's, the numbers are ours.
_AMINE_SCORES = {"primary": 1.0, "secondary": 0.5, "tertiary": 0.25, "other": 0.25, "none": 0.0}
_CROWDED_PRIMARY = 0.5

# Amines on saturated carbon are basic; those on carbonyl, sulfonyl or aromatic carbon are not. The first two are how
# eNTRyway knows a primary amine. "Other" are quaternary nitrogen, guanidines and amidines; not those with an acyl or
# cyano group on a nitrogen (cimetidine), which are no bases.
_AMINES = (
    ("primary", "[$([N;H2;X3][CX4]),$([N;H3;X4+][CX4])]"),
    ("secondary", "[$([N;H1;X3]([CX4])[CX4]),$([N;H2;X4+]([CX4])[CX4])]"),
    ("tertiary", "[$([N;H0;X3]([CX4])([CX4])[CX4]),$([N;H1;X4+]([CX4])([CX4])[CX4])]"),
    (
        "other",
        "[$([N;H0;X4+]([#6])([#6])([#6])[#6]),$([nX3+;!$([n]~[O-])][#6]),"
        "$([NX3;!$(N[#6,#16]=[O,S])][CX3;!$(C~[#7][#6,#16]=[O,S]);!$(C~[#7]C#N)]=[NX2;!$(N~[!#6])])]",
    ),
)
_CROWDED = "[NX3;H2][CX4]([#6])([#6])[#6]"

# After eNTRyway: single or triple bonds between atoms that are no ends of chains, outside rings; a bond beside a triple
# bond turns no more than that one does; the C-N bond of an amide does not turn.
_TURNING = ("[!D1;!^1]-;!@[!D1;!^1]", "[!D1;^1]-,#;!@[!D1;^1]")
_AMIDE = "[CX3](=[OX1])-;!@[#7;!D1]"


class Entry(NamedTuple):
    """The rules applied to one compound."""

    rules_met: int
    """Of the three."""
    score: float
    """Mean of the three rules, each 1 where it is met and falling to 0 where it is far off."""


def amine(mol: Chem.Mol) -> str:
    """Best ionisable nitrogen: ``primary``, ``secondary``, ``tertiary``, ``other`` or ``none``."""
    for kind, smarts in _AMINES:
        if mol.HasSubstructMatch(_pattern(smarts)):
            return kind
    return "none"


def rotatable_bonds(mol: Chem.Mol) -> int:
    """Rotatable bonds as eNTRyway counts them, on which the rule's limit rests; RDKit's counts leave out esters too."""
    turning = {frozenset(match) for smarts in _TURNING for match in mol.GetSubstructMatches(_pattern(smarts))}
    amides = {frozenset((match[0], match[2])) for match in mol.GetSubstructMatches(_pattern(_AMIDE))}
    return len(turning - amides)


def entry(mol: Chem.Mol, globularity: float) -> Entry:
    """Apply the rules.

    Args:
        mol: A parent molecule.
        globularity: Its globularity (``chemistry.globularity``).

    """
    kind = amine(mol)
    amine_score = _AMINE_SCORES[kind]
    if kind == "primary" and _is_crowded(mol):
        amine_score = _CROWDED_PRIMARY
    bonds = rotatable_bonds(mol)
    parts = (
        amine_score,
        _falling(bonds, MAX_ROTATABLE_BONDS, _FAR_ROTATABLE_BONDS),
        _falling(globularity, MAX_GLOBULARITY, _FAR_GLOBULARITY),
    )
    met = (kind != "none") + (bonds <= MAX_ROTATABLE_BONDS) + (globularity <= MAX_GLOBULARITY)
    return Entry(met, sum(parts) / len(parts))


def _is_crowded(mol: Chem.Mol) -> bool:
    """Whether every primary amine sits on a carbon atom with three further carbon atoms."""
    crowded = len(mol.GetSubstructMatches(_pattern(_CROWDED)))
    return crowded == len(mol.GetSubstructMatches(_pattern(_AMINES[0][1])))


def _falling(value: float, limit: float, far: float) -> float:
    """1 up to the limit, 0 from ``far`` on, a straight line between."""
    return min(1.0, max(0.0, (far - value) / (far - limit)))


@cache
def _pattern(smarts: str) -> Chem.Mol:
    return Chem.MolFromSmarts(smarts)
