"""The parts of a model of somebody's own assay: a network that starts from the shipped one, and boosted trees."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molsieve.models.boosters import Boosters
from molsieve.models.features import SparseFeatures
from molsieve.models.model import NetworkPart
from molsieve.training.boosting import fit_boosters
from molsieve.training.fit import Scaling
from molsieve.training.warm_start import WarmOptions, fit_warm

# With fewer molecules trees of at least ten a leaf have nothing to split.
BOOSTERS_FROM = 100


@dataclass(frozen=True)
class OwnParts:
    """A trained network, and trees when there were enough molecules."""

    network: NetworkPart
    boosters: Boosters | None
    scaling: Scaling
    endpoint: str

    def outputs(self, features: SparseFeatures, threads: int) -> dict[str, NDArray[np.float32]]:
        """Logits, or values in the user's unit, of the members of each part: [n, members, 1]."""
        found = {"network": self.network.outputs(features).numpy()}
        if self.boosters is not None:
            found["boosters"] = self.boosters.outputs(features, [self.endpoint], threads)[:, None, :]
        return {name: outputs * self.scaling.sd + self.scaling.mean for name, outputs in found.items()}


def fit_parts(
    donor: NetworkPart,
    features: SparseFeatures,
    labels: NDArray[np.float32],
    endpoint: str,
    *,
    regression: bool,
    with_boosters: bool,
    options: WarmOptions,
    seed: int,
    threads: int,
) -> OwnParts:
    """Train all parts on some molecules.

    Args:
        donor: Network to start from.
        features: Morgan features, [molecules].
        labels: 0 and 1, or values in the user's unit, [molecules].
        endpoint: Its name.
        regression: Whether the labels are values.
        with_boosters: Whether to train trees.
        options: Of the network.
        seed: Of the trees.
        threads: CPU threads.

    """
    is_regression = np.array([regression])
    scaling = Scaling.of(labels[:, None], is_regression)
    targets = scaling.standardised(labels[:, None]).astype(np.float32)
    network = fit_warm(donor, features, targets[:, 0], options, regression=regression)
    boosters = None
    if with_boosters:
        boosters = fit_boosters(features, targets, is_regression, [endpoint], seed, threads=threads)
    return OwnParts(network, boosters, scaling, endpoint)
