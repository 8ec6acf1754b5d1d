"""Random samples that depend on the records alone, never on the sharding or the order of the work."""

import numpy as np
from numpy.typing import NDArray


def draw(record_ids: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """A pseudo-random number a record (splitmix64), the same wherever and in whatever order it is computed."""
    with np.errstate(over="ignore"):
        mixed = record_ids.astype(np.uint64) + np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)
