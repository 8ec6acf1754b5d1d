"""The most similar fingerprint of another set, for sets of any size, where it is similar enough to matter."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from molsieve.errors import MolsieveError
from molsieve.models.fingerprint_set import FoldedBits

# A block of one side's fingerprints is 64 MB, and each of its products with a block of the other side 16 MB.
_COLUMNS = 8192
_ROWS = 512


@dataclass(frozen=True)
class Nearest:
    """The most similar counterpart of each molecule, where one is similar enough."""

    index: NDArray[np.int64]
    """Position of the counterpart; -1 where no similarity exceeds the limit."""
    similarity: NDArray[np.float64]
    """0 where no similarity exceeds the limit."""


def nearest_above(a: FoldedBits, b: FoldedBits, similar: float) -> tuple[Nearest, Nearest]:
    """Most similar molecule of ``b`` for each of ``a`` and the other way round, where the similarity exceeds a limit.

    Two fingerprints of n and m bits cannot be more similar than min(n, m) / max(n, m), so both sides are sorted by
    size and only blocks that can hold a hit are multiplied (Swamidass and Baldi 2007, doi:10.1021/ci600358f).
    Intersections are matrix products in float32, exact for counts this small; memory is bounded by the blocks.

    Args:
        a: Fingerprints.
        b: Fingerprints.
        similar: Tanimoto similarity to exceed.

    Raises:
        MolsieveError: ``similar`` is not between 0 and 1.

    """
    if not 0.0 < similar <= 1.0:
        raise MolsieveError(f"The similarity {similar:g} is not between 0 and 1.", fix="Give for example 0.9.")
    a_order, b_order = (np.argsort(np.diff(bits.offsets), kind="stable") for bits in (a, b))
    a_sorted, b_sorted = a.take(a_order), b.take(b_order)
    a_sizes, b_sizes = (np.diff(bits.offsets) for bits in (a_sorted, b_sorted))
    a_best, b_best = _Best(a.molecules), _Best(b.molecules)
    # Rounding must not lose a pair; `_Best.exact` decides about those at the limit.
    least = similar * (1.0 - 1e-6)
    for first in range(0, b.molecules, _COLUMNS):
        last = min(first + _COLUMNS, b.molecules)
        start, end = _fitting(a_sizes, b_sizes[first], b_sizes[last - 1], least)
        if start == end:
            continue
        columns = b_sorted.dense(first, last).T.contiguous()
        for row in range(start, end, _ROWS):
            stop = min(row + _ROWS, end)
            # Of the block only those columns whose size fits one of these rows.
            low, high = _fitting(b_sizes[first:last], a_sizes[row], a_sizes[stop - 1], least)
            if low == high:
                continue
            shared = a_sorted.dense(row, stop) @ columns[:, low:high]
            total = a_sizes[row:stop, None] + b_sizes[None, first + low : first + high]
            similarity = shared / (torch.from_numpy(total.astype(np.float32)) - shared).clamp(min=1.0)
            a_best.update(row, first + low, *similarity.max(dim=1))
            b_best.update(first + low, row, *similarity.max(dim=0))
    return (
        a_best.exact(a_sorted, b_sorted, a_order, b_order, similar),
        b_best.exact(b_sorted, a_sorted, b_order, a_order, similar),
    )


def folded(bits: Sequence[NDArray[np.uint16]]) -> FoldedBits:
    """Fingerprints from the set bits of each molecule."""
    offsets = np.cumsum([0, *(len(own) for own in bits)]).astype(np.int32)
    return FoldedBits(np.concatenate([*bits, np.empty(0, np.uint16)]), offsets)


def _fitting(sizes: NDArray[np.int32], smallest: int, largest: int, least: float) -> tuple[int, int]:
    """Range of ascending sizes that can be similar to something of the sizes from smallest to largest."""
    low, high = np.searchsorted(sizes, smallest * least), np.searchsorted(sizes, largest / least, side="right")
    return int(low), int(high)


class _Best:
    """The best counterpart of each molecule so far, both in sorted order."""

    def __init__(self, molecules: int) -> None:
        self.similarity = torch.zeros(molecules)
        self.index = torch.full((molecules,), -1, dtype=torch.int64)

    def update(self, start: int, counterparts: int, values: torch.Tensor, indices: torch.Tensor) -> None:
        """Take the maxima of a block whose molecules begin at ``start``, its counterparts at ``counterparts``."""
        rows = slice(start, start + len(values))
        better = values > self.similarity[rows]
        self.similarity[rows] = torch.where(better, values, self.similarity[rows])
        self.index[rows] = torch.where(better, indices + counterparts, self.index[rows])

    def exact(
        self,
        own: FoldedBits,
        other: FoldedBits,
        own_order: NDArray[np.int64],
        other_order: NDArray[np.int64],
        similar: float,
    ) -> Nearest:
        """In the original order, with similarities in full precision, where they exceed the limit."""
        index = np.full(own.molecules, -1, dtype=np.int64)
        similarity = np.zeros(own.molecules)
        found = self.index.numpy()
        for i in np.flatnonzero(self.similarity.numpy() > similar - 1e-6):
            j = found[i]
            mine = own.bits[own.offsets[i] : own.offsets[i + 1]]
            theirs = other.bits[other.offsets[j] : other.offsets[j + 1]]
            shared = len(np.intersect1d(mine, theirs, assume_unique=True))
            exact = shared / max(len(mine) + len(theirs) - shared, 1)
            if exact > similar:
                index[own_order[i]], similarity[own_order[i]] = other_order[j], exact
        return Nearest(index, similarity)
