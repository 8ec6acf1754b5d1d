"""A molecule's graph with some of its atoms blanked out, so that a graph network's output can be traced to atoms.

A blanked atom keeps its place, for a network may average over the atoms, but has a vector of zeros and no bonds; the
others keep the vectors they have in the whole molecule.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from molsieve.models.chemprop_graph import Graphs


class GraphEnvironments(NamedTuple):
    """The atoms of one molecule, each of which occurs once (an ``attribution.Traceable``)."""

    graph: Graphs

    @property
    def entries(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The atoms, twice, [atoms]."""
        atoms = np.arange(len(self.graph.atoms))
        return atoms, atoms

    @property
    def atoms(self) -> NDArray[np.bool_]:
        """Each stands for itself alone, [atoms, atoms]."""
        return np.eye(len(self.graph.atoms), dtype=bool)

    def features(self, kept: NDArray[np.bool_]) -> Graphs:
        """Graphs of variants in which only some atoms are not blank, [variants, atoms]."""
        whole, present = self.graph, torch.from_numpy(kept)
        variants, atoms = kept.shape
        # Both directions of a bond stay or go together, one after the other.
        variant, bond = (present[:, whole.source] & present[:, whole.target]).nonzero(as_tuple=True)
        return Graphs(
            atoms=(whole.atoms * present[:, :, None]).flatten(0, 1),
            bonds=whole.bonds[bond],
            source=whole.source[bond] + variant * atoms,
            target=whole.target[bond] + variant * atoms,
            molecule=torch.arange(variants).repeat_interleave(atoms),
            molecules=variants,
        )
