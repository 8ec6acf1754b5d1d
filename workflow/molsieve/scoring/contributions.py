"""What each criterion of a profile contributes to a compound's score.

The score is a product, so its logarithm is a sum: a required criterion adds the logarithm of the probability that it is
met, a preference its weighted part of the geometric mean, both 0 at best. What is left over is the penalty for alerts.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from molsieve.scoring.desirability import FLOOR
from molsieve.scoring.profile import Profile

# The logarithm of a probability of 0; the score is then 0 as well.
LEAST = 1e-6

Floats = NDArray[np.float32]


def contributions(
    profile: Profile, met: Mapping[str, Floats], desirabilities: Mapping[str, Floats], profile_prob: Floats
) -> dict[str, Floats]:
    """Natural logarithm of the factor by which each criterion lowers the score, by name.

    Required criteria are not independent, so their logarithms do not quite add up to that of the probability of meeting
    all: they are scaled, all alike, by the factor that makes them. 0 for a criterion without weight that is not
    required, NaN where a criterion was not judged.

    Args:
        profile: The target product profile.
        met: Probability of meeting each criterion, [n], NaN where it was not judged.
        desirabilities: Its desirability, [n].
        profile_prob: Probability of meeting all required criteria, [n].

    """
    required = {c.name: np.log(np.maximum(met[c.name], LEAST)) for c in profile.criteria if c.required}
    together = np.sum([np.nan_to_num(part, nan=0.0) for part in required.values()], axis=0)
    wanted = np.log(np.maximum(profile_prob, LEAST))
    scale = np.where(together < 0, wanted / np.where(together < 0, together, 1.0), 0.0)
    soft = [c for c in profile.criteria if not c.required]
    judged = {c.name: c.weight * ~np.isnan(desirabilities[c.name]) for c in soft}
    weight = np.maximum(np.sum([np.zeros(len(profile_prob)), *judged.values()], axis=0), 1e-12)
    found = {name: part * scale for name, part in required.items()}
    for criterion in soft:
        found[criterion.name] = criterion.weight * np.log(np.maximum(desirabilities[criterion.name], FLOOR)) / weight
    return {c.name: found[c.name].astype(np.float32) for c in profile.criteria}
