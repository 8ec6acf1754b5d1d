"""Which fingerprint ids a network has a vector for."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from molsieve.models.features import SparseFeatures
from molsieve.models.network import UNKNOWN_ROW


class Vocabulary(NamedTuple):
    """The ids that enough training molecules have to learn a vector from, kept exactly.

    An exact list needs a binary search where hashing needs a mask, but no two substructures share a vector, and an id
    the training data never showed adds nothing instead of another substructure's vector. In the inner cross-validation
    it was better than 2^14 hash buckets at equal width.
    """

    ids: NDArray[np.uint32]
    """Ascending; the id at place i has embedding row i + 1."""

    @classmethod
    def of_training(cls, features: SparseFeatures, min_molecules: int) -> "Vocabulary":
        """Vocabulary of training molecules; ids in fewer than ``min_molecules`` of them get no vector."""
        ids, molecules = np.unique(features.ids, return_counts=True)
        return cls(ids[molecules >= min_molecules])

    @property
    def embedding_rows(self) -> int:
        """Rows the embedding table needs, the one for unknown ids included."""
        return len(self.ids) + 1

    def rows_of(self, ids: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Embedding row of each id; ``UNKNOWN_ROW`` for those without a vector."""
        if not len(self.ids):
            return np.full(len(ids), UNKNOWN_ROW, dtype=np.int64)
        position = np.searchsorted(self.ids, ids)
        position[position == len(self.ids)] = 0
        return np.where(self.ids[position] == ids, position + 1, UNKNOWN_ROW).astype(np.int64)
