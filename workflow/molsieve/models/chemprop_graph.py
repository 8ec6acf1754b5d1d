"""Molecules as the graphs that chemprop's networks take: one vector an atom and one a directed bond.

The same numbers as chemprop 2's ``MultiHotAtomFeaturizer`` (modes V2, V1 and ORGANIC) and ``MultiHotBondFeaturizer``,
written out because chemprop itself can only be installed with another RDKit release. Reference: Heid et al.,
doi:10.1021/acs.jcim.3c01250.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem.rdchem import Atom, Bond, BondType, HybridizationType

from molsieve.errors import MolsieveError

_DEGREES = tuple(range(6))
_CHARGES = (-1, -2, 1, 2, 0)
_CHIRAL_TAGS = tuple(range(4))
_HYDROGENS = tuple(range(5))
_BONDS = (BondType.SINGLE, BondType.DOUBLE, BondType.TRIPLE, BondType.AROMATIC)
_STEREO = tuple(range(6))

BOND_FEATURES = 1 + len(_BONDS) + 2 + len(_STEREO) + 1


class AtomScheme(NamedTuple):
    """Which elements and hybridisations have a place of their own."""

    elements: tuple[int, ...]
    hybridisations: tuple[HybridizationType, ...]

    @property
    def choices(self) -> tuple[tuple[object, ...], ...]:
        """Values with a place, one tuple for each property; each has one more place for all others."""
        return self.elements, _DEGREES, _CHARGES, _CHIRAL_TAGS, _HYDROGENS, self.hybridisations

    @property
    def size(self) -> int:
        """Length of an atom's vector."""
        return sum(len(values) + 1 for values in self.choices) + 2


_H = HybridizationType
SCHEMES = {
    "V2": AtomScheme((*range(1, 37), 53), (_H.S, _H.SP, _H.SP2, _H.SP2D, _H.SP3, _H.SP3D, _H.SP3D2)),
    "V1": AtomScheme(tuple(range(1, 101)), (_H.SP, _H.SP2, _H.SP3, _H.SP3D, _H.SP3D2)),
    "ORGANIC": AtomScheme((1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 35, 53), (_H.S, _H.SP, _H.SP2, _H.SP3)),
}


class Graphs(NamedTuple):
    """Molecules as one graph of many components."""

    atoms: torch.Tensor
    """[atoms, d_v], float32."""
    bonds: torch.Tensor
    """Both directions of each bond, one after the other, [2 bonds, d_e], float32."""
    source: torch.Tensor
    """Atom each directed bond begins at, [2 bonds]."""
    target: torch.Tensor
    molecule: torch.Tensor
    """Molecule of each atom, [atoms]."""
    molecules: int

    @property
    def reverse(self) -> torch.Tensor:
        """Place of each directed bond's other direction, [2 bonds]."""
        return torch.arange(len(self.source)).view(-1, 2).flip(1).flatten()


def scheme_of(atom_features: int, bond_features: int) -> AtomScheme:
    """The scheme whose vectors have these lengths.

    Raises:
        MolsieveError: There is none: the network saw features that are computed elsewhere.

    """
    for scheme in SCHEMES.values():
        if (scheme.size, BOND_FEATURES) == (atom_features, bond_features):
            return scheme
    raise MolsieveError(
        f"The network takes {atom_features} features an atom and {bond_features} a bond; the schemes known here are "
        + ", ".join(f"{name} ({scheme.size} and {BOND_FEATURES})" for name, scheme in SCHEMES.items())
        + ".",
        fix="Train it without features of your own, in chemprop's default mode.",
    )


def graphs_of(smiles: Sequence[str], scheme: AtomScheme) -> Graphs:
    """Graphs of molecules that RDKit can read, without explicit hydrogens."""
    atoms: list[NDArray[np.float32]] = []
    bonds: list[NDArray[np.float32]] = []
    ends: list[tuple[int, int]] = []
    molecule: list[int] = []
    for index, text in enumerate(smiles):
        mol = Chem.MolFromSmiles(text)
        first = len(atoms)
        atoms += [_atom(atom, scheme) for atom in mol.GetAtoms()]
        molecule += [index] * mol.GetNumAtoms()
        for bond in mol.GetBonds():
            begin, end = first + bond.GetBeginAtomIdx(), first + bond.GetEndAtomIdx()
            bonds += [_bond(bond)] * 2
            ends += [(begin, end), (end, begin)]
    pairs = torch.tensor(ends, dtype=torch.int64).reshape(-1, 2)
    return Graphs(
        atoms=torch.from_numpy(np.array(atoms, dtype=np.float32).reshape(-1, scheme.size)),
        bonds=torch.from_numpy(np.array(bonds, dtype=np.float32).reshape(-1, BOND_FEATURES)),
        source=pairs[:, 0],
        target=pairs[:, 1],
        molecule=torch.tensor(molecule, dtype=torch.int64),
        molecules=len(smiles),
    )


def _atom(atom: Atom, scheme: AtomScheme) -> NDArray[np.float32]:
    values = (
        atom.GetAtomicNum(),
        atom.GetTotalDegree(),
        atom.GetFormalCharge(),
        int(atom.GetChiralTag()),
        int(atom.GetTotalNumHs()),
        atom.GetHybridization(),
    )
    vector = np.zeros(scheme.size, dtype=np.float32)
    first = 0
    for value, choices in zip(values, scheme.choices, strict=True):
        vector[first + (choices.index(value) if value in choices else len(choices))] = 1
        first += len(choices) + 1
    vector[first] = atom.GetIsAromatic()
    vector[first + 1] = 0.01 * atom.GetMass()
    return vector


def _bond(bond: Bond) -> NDArray[np.float32]:
    vector = np.zeros(BOND_FEATURES, dtype=np.float32)
    kind, stereo = bond.GetBondType(), int(bond.GetStereo())
    if kind in _BONDS:
        vector[1 + _BONDS.index(kind)] = 1
    place = 1 + len(_BONDS)
    vector[place] = bond.GetIsConjugated()
    vector[place + 1] = bond.IsInRing()
    vector[place + 2 + (_STEREO.index(stereo) if stereo in _STEREO else len(_STEREO))] = 1
    return vector
