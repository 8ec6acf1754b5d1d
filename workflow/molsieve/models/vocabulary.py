"""Which Morgan ids the network has a vector for, and which the training data has shown at all."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from molsieve.models.features import SparseFeatures
from molsieve.models.network import UNKNOWN_ROW


class Vocabulary(NamedTuple):
    """All Morgan ids of the training molecules, kept exactly (8 bytes each, 0.6 MB in all).

    An exact list needs a binary search where hashing needs a mask, but no two substructures share a vector, an id the
    training data never showed adds nothing instead of another substructure's vector, and the same search tells how much
    of a molecule is unknown. In the inner cross-validation it was better than 2^14 hash buckets at equal width.
    """

    ids: NDArray[np.uint32]
    """Ascending."""
    rows: NDArray[np.int32]
    """Embedding row of each; ``UNKNOWN_ROW`` for ids in too few training molecules to learn a vector from."""

    @classmethod
    def of_training(cls, features: SparseFeatures, min_molecules: int) -> "Vocabulary":
        """Vocabulary of training molecules; ids in fewer than ``min_molecules`` of them get no vector."""
        ids, molecules = np.unique(features.ids, return_counts=True)
        frequent = molecules >= min_molecules
        return cls(ids, np.where(frequent, np.cumsum(frequent), UNKNOWN_ROW).astype(np.int32))

    @property
    def embedding_rows(self) -> int:
        """Rows the embedding table needs, the one for unknown ids included."""
        return int(self.rows.max(initial=UNKNOWN_ROW)) + 1

    def rows_of(self, ids: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Embedding row of each id, and whether the training data has shown it."""
        position = np.searchsorted(self.ids, ids)
        position[position == len(self.ids)] = 0
        is_known = self.ids[position] == ids
        return np.where(is_known, self.rows[position], UNKNOWN_ROW).astype(np.int64), is_known
