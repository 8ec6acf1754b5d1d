"""Pareto fronts: compounds that no other beats in every criterion."""

import numpy as np
from numpy.typing import NDArray

# Later fronts say nothing a chemist would use, and cost as much as the first.
MAX_FRONTS = 10


def pareto_fronts(values: NDArray[np.float32]) -> NDArray[np.int32]:
    """Front number of each row, 1 for rows that no other row dominates; the last number holds all the rest.

    Args:
        values: One row a compound, one column a criterion; larger is better.

    """
    fronts = np.full(len(values), MAX_FRONTS, dtype=np.int32)
    remaining = np.argsort(-values.sum(axis=1), kind="stable") if len(values) else np.array([], dtype=np.int64)
    for front in range(1, MAX_FRONTS):
        if not len(remaining):
            break
        members = _not_dominated(values[remaining])
        fronts[remaining[members]] = front
        remaining = remaining[~members]
    return fronts


def _not_dominated(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which rows no other row dominates; rows come sorted by falling sum, so only earlier rows can dominate."""
    front = np.empty((0, values.shape[1]), dtype=values.dtype)
    members = np.zeros(len(values), dtype=np.bool_)
    for row, value in enumerate(values):
        better = (front >= value).all(axis=1) & (front > value).any(axis=1)
        if not better.any():
            members[row] = True
            front = np.vstack([front, value])
    return members
