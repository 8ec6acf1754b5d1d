"""Applicability domain: what share of a molecule the training data has never shown."""

import numpy as np
from numpy.typing import NDArray

from molsieve.models.features import SparseFeatures


def is_inside(unseen: NDArray[np.floating], limit: float) -> NDArray[np.bool_]:
    """Whether each unseen share is within the limit; both in single precision, so that 1 of 10 is within 0.1."""
    inside: NDArray[np.bool_] = np.asarray(unseen, dtype=np.float32) <= np.float32(limit)
    return inside


def unseen_fraction(features: SparseFeatures, training_ids: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Share of each molecule's distinct Morgan ids that no training molecule has; 1 for a molecule without ids.

    It is 1 too where no training molecule is known.

    Args:
        features: Molecules with Morgan ids only; ids are distinct within a molecule.
        training_ids: Morgan ids of the training molecules, ascending (``TrainingRecord.morgan_ids``).

    """
    if not len(training_ids):
        return np.ones(features.molecules, dtype=np.float32)
    position = np.searchsorted(training_ids, features.ids)
    position[position == len(training_ids)] = 0
    is_known = training_ids[position] == features.ids
    lengths = np.diff(features.offsets)
    known = np.bincount(features.molecule_of_bit(), weights=is_known, minlength=features.molecules)
    share = np.ones(features.molecules)
    np.divide(lengths - known, lengths, out=share, where=lengths > 0)
    return share.astype(np.float32)
