"""Desirability: how good a value is, between 0 and 1.

After Derringer and Suich, J. Qual. Technol. 1980, 12, 214 (doi 10.1080/00224065.1980.11980968), with linear flanks.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# One soft criterion at zero should push a compound down, not decide alone.
FLOOR = 0.01


def plateau(
    values: NDArray[np.floating], accept: tuple[float | None, float | None], fade: tuple[float, float]
) -> NDArray[np.float32]:
    """Return 1 inside ``accept`` (either bound may be open), falling to 0 over ``fade`` below and above it."""
    lower, upper = accept
    outside = np.zeros(len(values))
    if lower is not None:
        outside = np.maximum(outside, _faded(lower - values, fade[0]))
    if upper is not None:
        outside = np.maximum(outside, _faded(values - upper, fade[1]))
    return np.asarray(np.clip(1.0 - outside, 0.0, 1.0), dtype=np.float32)


def _faded(distance: NDArray[np.floating], fade: float) -> NDArray[np.floating]:
    return distance / fade if fade > 0 else np.where(distance > 0, np.inf, 0.0)


def ramp(values: NDArray[np.floating], worst: float, best: float) -> NDArray[np.float32]:
    """Rise linearly from 0 at ``worst`` to 1 at ``best``."""
    return np.asarray(np.clip((values - worst) / (best - worst), 0.0, 1.0), dtype=np.float32)


def geometric_mean(columns: Sequence[NDArray[np.floating]], weights: Sequence[float], rows: int) -> NDArray[np.float32]:
    """Weighted geometric mean over criteria, each floored at ``FLOOR``; 1 where there is no criterion.

    A criterion that is NaN for a compound does not count for it.
    """
    if not columns:
        return np.ones(rows, dtype=np.float32)
    logs = np.log(np.maximum(np.stack(columns), FLOOR))
    known = ~np.isnan(logs)
    if known.all():
        return np.asarray(np.exp(np.average(logs, axis=0, weights=weights)), dtype=np.float32)
    counted = np.asarray(weights, dtype=np.float64)[:, None] * known
    total = counted.sum(axis=0)
    mean = (np.where(known, logs, 0.0) * counted).sum(axis=0) / np.where(total > 0, total, 1.0)
    return np.asarray(np.exp(mean), dtype=np.float32)
