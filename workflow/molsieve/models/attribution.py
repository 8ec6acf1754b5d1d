"""How much each feature, and through it each atom, of a molecule raises or lowers the outputs of a model.

The contribution of a feature is the mean of two exact experiments: taken away from the whole molecule, and put alone
into a molecule without features. These are the two ends of a Shapley value (doi:10.1007/s10115-013-0679-x): a feature
whose work others can do as well is not lost, as it is when it is only taken away. The contribution is divided evenly
among the feature's occurrences and then among the atoms of each. Nothing is drawn at random, and equivalent atoms get
equal weights. It was graded against taking away atoms, and against sampled Shapley values (benchmarks/explanations.py).
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Output = Callable[[Any], NDArray[np.float64]]
"""One output of a model (a logit, or a value in its unit) for features of n molecules, of the kind it takes: [n]."""

Weights = NDArray[np.float64]
"""Of each atom; positive where the atom raises the output, [atoms]."""


class Traceable(Protocol):
    """The features of one molecule that can be traced to atoms; of each there are one or more occurrences."""

    @property
    def entries(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Distinct features, [entries], and the entry of each occurrence, [occurrences]."""

    @property
    def atoms(self) -> NDArray[np.bool_]:
        """Whether the occurrence contains the atom, [occurrences, atoms]."""

    def features(self, kept: NDArray[np.bool_]) -> Any:  # noqa: ANN401 - of the kind the model takes
        """What the model takes, of variants that keep only some occurrences, [variants, occurrences]."""


Method = Callable[[Output, Traceable], Weights]
"""A way to divide an output among the atoms."""


class Attribution(NamedTuple):
    """What an output is owed to."""

    output: float
    """Of the whole molecule."""
    base: float
    """Of the molecule without any feature that can be traced to atoms; other descriptors at their values."""
    entries: NDArray[np.float64]
    """Contribution of each feature, in the order of ``Traceable.entries``, [entries]."""
    weights: Weights
    """Contribution of each atom; they sum to the sum of ``entries``."""


def attribute(output: Output, environments: Traceable) -> Attribution:
    """Attribute an output to features and atoms with one batch of 2 * (features + 1) rows.

    Args:
        output: Output to explain.
        environments: Traceable features of the molecule.

    """
    keys, entry = environments.entries
    is_own = entry[None, :] == np.arange(len(keys))[:, None]
    everything, nothing = np.ones((1, len(entry)), dtype=bool), np.zeros((1, len(entry)), dtype=bool)
    found = output(environments.features(np.concatenate([everything, ~is_own, nothing, is_own])))
    without, alone = np.split(found, 2)
    entries = ((without[0] - without[1:]) + (alone[1:] - alone[0])) / 2
    each = entries[entry] / np.bincount(entry, minlength=len(keys))[entry] / environments.atoms.sum(axis=1)
    return Attribution(float(without[0]), float(alone[0]), entries, each @ environments.atoms)


def atom_weights(output: Output, environments: Traceable) -> Weights:
    """Weights of the atoms alone."""
    return attribute(output, environments).weights
