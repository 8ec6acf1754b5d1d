"""The network's input, taken from the prepared table without copying where Arrow allows."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from molsieve.chemistry.descriptors import DESCRIPTORS


class SparseFeatures(NamedTuple):
    """Fingerprints as one ragged array, and the descriptors."""

    ids: NDArray[np.uint32]
    """Morgan ids of all molecules, [nnz]."""
    counts: NDArray[np.uint8]
    """How often each occurs in its molecule, [nnz]."""
    offsets: NDArray[np.int64]
    """Molecule i has ``ids[offsets[i]:offsets[i + 1]]``, [n + 1]."""
    descriptors: NDArray[np.float32]
    """``DESCRIPTORS`` in contract order, [n, 11]."""

    @property
    def molecules(self) -> int:
        """Number of molecules."""
        return len(self.offsets) - 1

    def slice(self, start: int, stop: int) -> "SparseFeatures":
        """Consecutive molecules, as views."""
        first, last = self.offsets[start], self.offsets[stop]
        return SparseFeatures(
            self.ids[first:last],
            self.counts[first:last],
            self.offsets[start : stop + 1] - first,
            self.descriptors[start:stop],
        )

    def take(self, rows: NDArray[np.int64]) -> "SparseFeatures":
        """Any molecules in any order, copied."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        index = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return SparseFeatures(self.ids[index], self.counts[index], offsets, self.descriptors[rows])

    def molecule_of_bit(self) -> NDArray[np.int64]:
        """Molecule each entry of ``ids`` belongs to, [nnz]."""
        return np.repeat(np.arange(self.molecules), np.diff(self.offsets))


def features_of(prepared: pa.Table) -> SparseFeatures:
    """Features of the rows of a prepared table; rejected rows (status not ``ok``) are left out."""
    if "status" in prepared.column_names:
        is_ok = pc.equal(prepared["status"].cast(pa.string()), "ok")
        if not pc.all(is_ok).as_py():
            prepared = prepared.filter(is_ok)
    ids = _one_array(prepared["morgan_ids"])
    counts = _one_array(prepared["morgan_counts"])
    offsets = ids.offsets.to_numpy().astype(np.int64)
    descriptors = np.empty((prepared.num_rows, len(DESCRIPTORS)), dtype=np.float32)
    for i, column in enumerate(DESCRIPTORS):
        descriptors[:, i] = prepared[column.name].to_numpy()
    # `flatten` respects the slice a table may be of a larger one; `values` would not.
    return SparseFeatures(ids.flatten().to_numpy(), counts.flatten().to_numpy(), offsets - offsets[:1], descriptors)


def _one_array(column: pa.ChunkedArray) -> pa.ListArray:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.array([], column.type)])
