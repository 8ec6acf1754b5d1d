"""Many folded fingerprints in little memory, and the nearest of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit.DataStructs import ExplicitBitVect
from scipy import sparse

from molsieve.chemistry.fingerprints import FOLDED_BITS
from molsieve.models.features import SparseFeatures

# Queries at a time: with 50,000 training molecules the block of their similarities is 13 MB.
_BLOCK_ROWS = 64


@dataclass(frozen=True)
class FoldedBits:
    """Set bits of folded fingerprints, one molecule after the other."""

    bits: NDArray[np.uint16]
    offsets: NDArray[np.int32]

    @property
    def molecules(self) -> int:
        """Number of molecules."""
        return len(self.offsets) - 1

    @classmethod
    def of(cls, fingerprints: list[NDArray[np.uint32]]) -> "FoldedBits":
        """Fold the Morgan ids of each molecule; the same bits as ``chemistry.fingerprints.morgan_bits``."""
        folded = [np.unique(ids % FOLDED_BITS).astype(np.uint16) for ids in fingerprints]
        offsets = np.cumsum([0, *(len(bits) for bits in folded)]).astype(np.int32)
        return cls(np.concatenate([*folded, np.empty(0, np.uint16)]), offsets)

    @classmethod
    def of_features(cls, morgan: SparseFeatures) -> "FoldedBits":
        """Fold features that hold Morgan ids only."""
        return cls.of(np.split(morgan.ids, morgan.offsets[1:-1]) if morgan.molecules else [])

    def take(self, rows: NDArray[np.integer]) -> "FoldedBits":
        """Any molecules in any order."""
        rows = rows.astype(np.int64)
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        index = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return FoldedBits(self.bits[index], offsets)

    def bit_vector(self, row: int) -> ExplicitBitVect:
        """One fingerprint as RDKit knows it."""
        vector = ExplicitBitVect(FOLDED_BITS)
        vector.SetBitsFromList(self.bits[self.offsets[row] : self.offsets[row + 1]].tolist())
        return vector

    def dense(self, start: int, stop: int) -> torch.Tensor:
        """Fingerprints as rows of zeros and ones, float32, [stop - start, 2048]."""
        lengths = np.diff(self.offsets[start : stop + 1])
        matrix = np.zeros((stop - start, FOLDED_BITS), dtype=np.float32)
        matrix[np.repeat(np.arange(stop - start), lengths), self.bits[self.offsets[start] : self.offsets[stop]]] = 1.0
        return torch.from_numpy(matrix)


def similarities(queries: FoldedBits, training: FoldedBits) -> Iterator[torch.Tensor]:
    """Tanimoto similarities of blocks of queries to all training molecules, [block, training].

    The training molecules stay sparse: few of their bits are set, and these alone are multiplied. Intersections are
    exact, for float32 holds counts this small.
    """
    ones = np.ones(len(training.bits), dtype=np.float32)
    known = sparse.csr_matrix((ones, training.bits, training.offsets), shape=(training.molecules, FOLDED_BITS))
    sizes = torch.from_numpy(np.diff(training.offsets).astype(np.float32))
    for start in range(0, queries.molecules, _BLOCK_ROWS):
        asked = queries.dense(start, min(start + _BLOCK_ROWS, queries.molecules))
        shared = torch.from_numpy(known @ asked.T.contiguous().numpy()).T.contiguous()
        yield shared / (asked.sum(dim=1)[:, None] + sizes[None, :] - shared).clamp(min=1.0)


def nearest(queries: FoldedBits, training: FoldedBits) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Largest Tanimoto similarity of each query to any training molecule, and which one that is.

    Returns:
        Similarities [queries], 0 when there are no training molecules; rows of the training molecules [queries], -1
        when there are none. Of equally near ones the first.

    """
    best = np.zeros(queries.molecules, dtype=np.float32)
    row = np.full(queries.molecules, -1, dtype=np.int64)
    if not training.molecules:
        return best, row
    start = 0
    for block in similarities(queries, training):
        # torch documents that max gives the first of equal ones, and equal shares are equal floats.
        similarity, place = block.max(dim=1)
        best[start : start + len(block)], row[start : start + len(block)] = similarity, place
        start += len(block)
    return best, row


def nearest_similarity(queries: FoldedBits, training: FoldedBits) -> NDArray[np.float32]:
    """Largest Tanimoto similarity of each query to any training molecule; 0 when there are none."""
    return nearest(queries, training)[0]
