"""How many neighbours of which kind each atom of a block has: what substructure patterns of radius 1 ask for."""

import numpy as np
from numpy.typing import NDArray

from molsieve.chemistry.smiles_graph import AROMATIC, DOUBLE, SINGLE, TRIPLE, GraphBlock

Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]

# Classes of neighbour that the patterns tell apart.
_ALIPHATIC = {6: 0, 7: 1, 8: 2, 16: 3, 15: 4, 9: 5, 17: 6, 35: 7, 53: 8}
_OTHER_ALIPHATIC = 9
_AROMATIC = {6: 10, 7: 11}
_OTHER_AROMATIC = 12
_CLASSES = 13

ALIPHATIC_C, ALIPHATIC_N, ALIPHATIC_O, ALIPHATIC_S, ALIPHATIC_P = ((number,) for number in range(5))
FLUORINE, CHLORINE, BROMINE, IODINE = ((number,) for number in range(5, 9))
OTHER_ALIPHATIC = (_OTHER_ALIPHATIC,)
ALIPHATIC = tuple(range(10))
AROMATIC_C, AROMATIC_N = (10,), (11,)
AROMATIC_ATOM = (10, 11, 12)
CARBON = (*ALIPHATIC_C, *AROMATIC_C)
NITROGEN = (*ALIPHATIC_N, *AROMATIC_N)
ANY = tuple(range(_CLASSES))


class Neighbourhood:
    """Counts of neighbours over all atoms of a block. Hydrogens are not neighbours.

    ``single`` counts single and aromatic bonds, as a SMARTS pattern without a bond symbol does.
    """

    def __init__(self, block: GraphBlock) -> None:
        self.block = block
        self.atoms = len(block.element)
        classes = np.full(self.atoms, _OTHER_ALIPHATIC)
        for element, number in _ALIPHATIC.items():
            classes[block.element == element] = number
        classes[block.is_aromatic] = _OTHER_AROMATIC
        for element, number in _AROMATIC.items():
            classes[block.is_aromatic & (block.element == element)] = number
        # Each bond is seen from both ends.
        self.source = np.concatenate([block.begins, block.ends])
        self.target = np.concatenate([block.ends, block.begins])
        self.kind = np.concatenate([block.kinds, block.kinds])
        self.in_ring = np.concatenate([block.in_ring, block.in_ring])
        key = (self.kind * _CLASSES + classes[self.target]) * self.atoms + self.source
        counts = np.bincount(key, minlength=4 * _CLASSES * self.atoms)
        self._counts = counts.reshape(4, _CLASSES, self.atoms)
        self.degree: Counts = self._counts.sum(axis=(0, 1))
        by_kind = self._counts.sum(axis=1)
        # Of aliphatic atoms: aromatic bonds are not counted.
        self.valence: Counts = by_kind[SINGLE] + 2 * by_kind[DOUBLE] + 3 * by_kind[TRIPLE] + block.hydrogens

    def single(self, classes: tuple[int, ...]) -> Counts:
        """Neighbours of these classes through a single or aromatic bond."""
        return self.single_only(classes) + self.aromatic(classes)

    def single_only(self, classes: tuple[int, ...]) -> Counts:
        """Neighbours of these classes through a single bond."""
        return self._sum(SINGLE, classes)

    def double(self, classes: tuple[int, ...]) -> Counts:
        """Neighbours of these classes through a double bond."""
        return self._sum(DOUBLE, classes)

    def triple(self, classes: tuple[int, ...]) -> Counts:
        """Neighbours of these classes through a triple bond."""
        return self._sum(TRIPLE, classes)

    def aromatic(self, classes: tuple[int, ...]) -> Counts:
        """Neighbours of these classes through an aromatic bond."""
        return self._sum(AROMATIC, classes)

    def count(self, through: Mask, targets: Mask) -> Counts:
        """Neighbours that fulfil ``targets`` (a mask of atoms) through bonds that fulfil ``through`` (of both ends)."""
        return np.bincount(self.source[through & targets[self.target]], minlength=self.atoms)

    def molecules_with(self, atoms: Mask) -> Counts:
        """How many of these atoms each molecule has."""
        return np.bincount(self.block.molecule[atoms], minlength=self.block.molecules)

    def _sum(self, kind: int, classes: tuple[int, ...]) -> Counts:
        total: Counts = self._counts[kind, list(classes)].sum(axis=0)
        return total
