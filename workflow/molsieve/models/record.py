"""What a model keeps of its training molecules: enough for domain, neighbours and leaks, but no structures."""

import hashlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from molsieve.models.fingerprint_set import FoldedBits

_PREFIX = "record."


class TrainingRecord(NamedTuple):
    """Training molecules in ascending order of their hash."""

    morgan_ids: NDArray[np.uint32]
    """All Morgan ids (radius 2) of the training molecules, ascending; others are unseen."""
    hashes: NDArray[np.uint64]
    """``connectivity_hash`` of every training molecule, ascending, [n]."""
    bits: FoldedBits
    """Their folded Morgan fingerprints."""
    label_rows: NDArray[np.uint32]
    """Training molecule of each label, endpoint after endpoint, [labels]."""
    label_values: NDArray[np.float16]
    """The labels: 0, 1, or a value in the endpoint's unit, [labels]."""
    label_offsets: NDArray[np.int32]
    """Endpoint i has ``label_rows[label_offsets[i]:label_offsets[i + 1]]``, [endpoints + 1]."""

    @property
    def molecules(self) -> int:
        """Number of training molecules."""
        return len(self.hashes)

    def labelled(self, endpoint: int) -> tuple[NDArray[np.uint32], NDArray[np.float16]]:
        """Rows and labels of the molecules that one endpoint was trained on."""
        part = slice(self.label_offsets[endpoint], self.label_offsets[endpoint + 1])
        return self.label_rows[part], self.label_values[part]

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Arrays as they are stored."""
        values = self._asdict()
        bits = values.pop("bits")
        values |= {"bits": bits.bits, "bits_offsets": bits.offsets}
        return {_PREFIX + name: array for name, array in values.items()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, NDArray[Any]]) -> "TrainingRecord":
        """Record from the stored arrays."""
        values = {name.removeprefix(_PREFIX): a for name, a in tensors.items() if name.startswith(_PREFIX)}
        bits = FoldedBits(values.pop("bits"), values.pop("bits_offsets"))
        return cls(bits=bits, **values)

    @classmethod
    def of(
        cls, connectivity: list[str], fingerprints: list[NDArray[np.uint32]], targets: NDArray[np.float32]
    ) -> "TrainingRecord":
        """Collect the record of training molecules.

        Args:
            connectivity: First InChIKey block of each.
            fingerprints: Morgan ids of each.
            targets: Labels, NaN where not measured, [n, endpoints].

        """
        hashes = np.array([connectivity_hash(key) for key in connectivity], dtype=np.uint64)
        order = np.argsort(hashes)
        targets = targets[order]
        endpoint, row = np.nonzero(~np.isnan(targets).T)
        return cls(
            morgan_ids=np.unique(np.concatenate([*fingerprints, np.empty(0, np.uint32)])),
            hashes=hashes[order],
            bits=FoldedBits.of([fingerprints[i] for i in order]),
            label_rows=row.astype(np.uint32),
            label_values=targets[row, endpoint].astype(np.float16),
            label_offsets=np.searchsorted(endpoint, np.arange(targets.shape[1] + 1)).astype(np.int32),
        )


def connectivity_hash(connectivity: str) -> int:
    """64-bit hash of the first block of an InChIKey."""
    return int.from_bytes(hashlib.blake2b(connectivity.encode(), digest_size=8).digest(), "little")
