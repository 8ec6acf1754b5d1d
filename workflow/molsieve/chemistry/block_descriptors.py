"""The properties of ``descriptors`` for many molecules at once, at a seventh of the cost.

RDKit finds logP, donors, acceptors and rotatable bonds by matching some 130 substructure patterns one after the other,
which took longer than all the rest of ``prepare``. Nearly every pattern looks no further than an atom's neighbours, so
over the atoms and bonds of a block of molecules they are a few hundred numpy operations. The values are those of
``describe``; the tests compare them on whole libraries.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from rdkit.Chem import Mol
from rdkit.Chem.rdMolDescriptors import Properties

from molsieve.chemistry.crippen import crippen_logp
from molsieve.chemistry.descriptors import DESCRIPTORS, describe
from molsieve.chemistry.neighbourhood import Neighbourhood
from molsieve.chemistry.polar_atoms import acceptor_counts, donor_counts
from molsieve.chemistry.rotatable_bonds import rotatable_bond_counts
from molsieve.chemistry.smiles_graph import Graph, join, read_graph

_CARBON = 6

# Cheap in RDKit, and all but the mass need rings or a table of their own.
_BY_RDKIT = ("mw_da", "tpsa_a2", "ring_count", "aromatic_ring_count")
_PROPERTIES = Properties(["amw", "tpsa", "NumRings", "NumAromaticRings"])


class Measured(NamedTuple):
    """What a molecule itself has to be asked for; the rest follows for a whole block."""

    graph: Graph | None
    """None where the SMILES holds something ``smiles_graph`` does not know; then ``values`` are all of them."""
    values: tuple[float | int, ...]
    """Those of ``_BY_RDKIT``, or of ``DESCRIPTORS``."""


def measure(parent: Mol, parent_smiles: str) -> Measured:
    """Ask a parent molecule and its canonical SMILES for all that ``describe_block`` needs."""
    graph = read_graph(parent_smiles)
    if graph is None:
        return Measured(None, describe(parent))
    return Measured(graph, tuple(_PROPERTIES.ComputeProperties(parent)))


def describe_block(molecules: Sequence[Measured | None]) -> list[pa.Array]:
    """Columns of ``DESCRIPTORS``, in that order, with a row for each molecule; nulls for None."""
    columns = {column.name: np.zeros(len(molecules)) for column in DESCRIPTORS}
    whole = [i for i, molecule in enumerate(molecules) if molecule is not None and molecule.graph is None]
    rows = [i for i, molecule in enumerate(molecules) if molecule is not None and molecule.graph is not None]
    for i in whole:
        for column, value in zip(columns.values(), _values(molecules[i]), strict=True):
            column[i] = value
    if rows:
        asked = np.array([_values(molecules[i]) for i in rows])
        for name, values in zip(_BY_RDKIT, asked.T, strict=True):
            columns[name][rows] = values
        for name, values in _derived([m.graph for m in molecules if m is not None and m.graph is not None]).items():
            columns[name][rows] = values
    missing = np.array([molecule is None for molecule in molecules], dtype=bool)
    return [pa.array(columns[c.name].astype(c.type.to_pandas_dtype()), type=c.type, mask=missing) for c in DESCRIPTORS]


def _values(molecule: Measured | None) -> tuple[float | int, ...]:
    return molecule.values if molecule is not None else ()


def _derived(graphs: Sequence[Graph]) -> dict[str, np.ndarray]:
    """Properties that follow from the graphs alone."""
    block = join(graphs)
    near = Neighbourhood(block)
    everything = np.ones(near.atoms, dtype=bool)
    carbon = block.element == _CARBON
    carbons = near.molecules_with(carbon)
    sp3_carbons = near.molecules_with(carbon & (near.degree + block.hydrogens == 4))
    return {
        "logp_crippen": crippen_logp(near),
        "hbd": donor_counts(near),
        "hba": acceptor_counts(near),
        "heavy_atom_count": near.molecules_with(everything),
        "rotatable_bond_count": rotatable_bond_counts(near),
        "fraction_csp3": sp3_carbons / np.maximum(carbons, 1),
        "formal_charge": np.bincount(block.molecule, block.charge, block.molecules),
    }
