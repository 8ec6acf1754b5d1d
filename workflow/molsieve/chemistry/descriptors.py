"""The physicochemical properties every compound gets, and their declaration as columns.

Computed on the parent, so a salt and its free base have the same values.
"""

from collections.abc import Callable

import pyarrow as pa
from rdkit.Chem import Mol
from rdkit.Chem.rdMolDescriptors import Properties
from rdkit.Chem.rdmolops import GetFormalCharge

from molsieve.columns import Column

DESCRIPTORS: tuple[Column, ...] = (
    Column("mw_da", pa.float32(), "Average molecular weight of the parent", unit="Da"),
    Column(
        "logp_crippen",
        pa.float32(),
        "Octanol-water partition coefficient of the parent estimated by atom contributions (Wildman and Crippen, "
        "doi:10.1021/ci990307l); no correction for ionisation",
        unit="log10(P)",
    ),
    Column(
        "tpsa_a2",
        pa.float32(),
        "Topological polar surface area from N and O contributions (Ertl, doi:10.1021/jm000942e)",
        unit="Å²",
    ),
    Column("hbd", pa.int16(), "Hydrogen-bond donors: N, O and S atoms that carry hydrogen"),
    Column("hba", pa.int16(), "Hydrogen-bond acceptors by RDKit's substructure definition"),
    Column("heavy_atom_count", pa.int16(), "Atoms other than hydrogen"),
    Column(
        "rotatable_bond_count",
        pa.int16(),
        "Rotatable bonds, RDKit's strict definition: acyclic single bonds without amides and terminal groups",
    ),
    Column("ring_count", pa.int16(), "Rings in the symmetrised smallest set of smallest rings"),
    Column("aromatic_ring_count", pa.int16(), "Aromatic rings in the symmetrised smallest set of smallest rings"),
    Column("fraction_csp3", pa.float32(), "Share of the carbon atoms that are sp3 (0 without carbon)"),
    Column("formal_charge", pa.int16(), "Net formal charge of the parent (permanent charges only)", unit="e"),
)

# In the order of DESCRIPTORS; the formal charge has no entry in RDKit's property registry.
_PROPERTIES = Properties(
    [
        "amw",
        "CrippenClogP",
        "tpsa",
        "NumHBD",
        "NumHBA",
        "NumHeavyAtoms",
        "NumRotatableBonds",
        "NumRings",
        "NumAromaticRings",
        "FractionCSP3",
    ]
)
_CASTS: tuple[Callable[[float], float | int], ...] = (float, float, float, int, int, int, int, int, int, float)


def describe(mol: Mol) -> tuple[float | int, ...]:
    """Values of ``DESCRIPTORS`` for a parent molecule, in that order."""
    values = [cast(value) for cast, value in zip(_CASTS, _PROPERTIES.ComputeProperties(mol), strict=True)]
    return (*values, GetFormalCharge(mol))
