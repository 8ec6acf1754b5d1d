"""Whether a place among the best rests on the weights of the profile, which are a matter of taste."""

import numpy as np
from numpy.typing import NDArray

PERTURBATIONS = 100
"""Sets of weights that are tried."""

SPREAD = 0.4
"""Standard deviation of the logarithm of a weight: two thirds lie within a factor of 1.5."""

_SEED = 0


def top_share(
    contributions: NDArray[np.float32], penalties: NDArray[np.float32], eligible: NDArray[np.bool_], top: int
) -> NDArray[np.float32]:
    """Share of perturbed weights under which each compound is among the best ``top`` of those that can be hits.

    The logarithm of the score is the sum of the criteria's contributions and the penalty for alerts; every one of these
    is multiplied by a log-normal weight of its own, the same for all compounds.

    Args:
        contributions: Contribution of each criterion, [n, criteria]; NaN where it was not judged, which counts as 0.
        penalties: Logarithm of the factor for alerts, [n].
        eligible: Which compounds can become hits, [n].
        top: How many are the best.

    Returns:
        Shares, 0 for those that cannot be hits, [n].

    """
    parts = np.column_stack([np.nan_to_num(contributions, nan=0.0), penalties])[eligible]
    shares = np.zeros(len(eligible), dtype=np.float32)
    if top >= len(parts):
        shares[eligible] = 1.0
        return shares
    weights = np.random.default_rng(_SEED).lognormal(0.0, SPREAD, (parts.shape[1], PERTURBATIONS))
    counts = np.zeros(len(parts))
    for column in (parts @ weights).T:
        counts[np.argsort(-column, kind="stable")[:top]] += 1
    shares[eligible] = counts / PERTURBATIONS
    return shares
