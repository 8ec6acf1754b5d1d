"""Other ways to attribute an output to atoms, graded beside the one in use (``models.attribution``)."""

import numpy as np

from molsieve.models.attribution import Method, Output, Traceable, Weights, atom_weights


def leave_atom_out(output: Output, environments: Traceable) -> Weights:
    """Fall of the output when all features that contain the atom are taken away."""
    kept = np.concatenate([np.ones((1, len(environments.atoms)), dtype=bool), ~environments.atoms.T])
    found = output(environments.features(kept))
    weights: Weights = found[0] - found[1:]
    return weights


def put_atom_in(output: Output, environments: Traceable) -> Weights:
    """Rise of the output when the features that contain the atom are all there is."""
    kept = np.concatenate([np.zeros((1, len(environments.atoms)), dtype=bool), environments.atoms.T])
    found = output(environments.features(kept))
    weights: Weights = found[1:] - found[0]
    return weights


def leave_feature_out(output: Output, environments: Traceable) -> Weights:
    """Fall of the output when one feature is taken away, divided among its atoms."""
    keys, entry = environments.entries
    kept = np.concatenate([np.ones((1, len(entry)), dtype=bool), entry[None, :] != np.arange(len(keys))[:, None]])
    found = output(environments.features(kept))
    each = (found[0] - found[1:])[entry] / np.bincount(entry, minlength=len(keys))[entry]
    weights: Weights = (each / environments.atoms.sum(axis=1)) @ environments.atoms
    return weights


def atom_shapley(output: Output, environments: Traceable, orders: int = 40) -> Weights:
    """Shapley values of the atoms, sampled; a feature occurs where all atoms of the occurrence are present.

    Reference: Strumbelj and Kononenko, doi:10.1007/s10115-013-0679-x.
    """
    n = environments.atoms.shape[1]
    random = np.random.default_rng(0)
    drawn = [random.permutation(n) for _ in range(orders // 2)]
    ranks = np.array([rank for order in drawn for rank in (order, n - 1 - order)])
    # An occurrence is there once as many atoms are present as the rank of its last one says.
    last = np.where(environments.atoms[None], ranks[:, None, :], -1).max(axis=2)
    kept = (last[:, None, :] < np.arange(n + 1)[None, :, None]).reshape(-1, len(environments.atoms))
    found = output(environments.features(kept)).reshape(len(ranks), n + 1)
    weights: Weights = np.take_along_axis(np.diff(found, axis=1), ranks, axis=1).mean(axis=0)
    return weights


METHODS: dict[str, Method] = {
    "features_both_ways": atom_weights,
    "leave_atom_out": leave_atom_out,
    "put_atom_in": put_atom_in,
    "leave_feature_out": leave_feature_out,
    "atom_shapley": atom_shapley,
}
"""By name; the first is the one in use."""
