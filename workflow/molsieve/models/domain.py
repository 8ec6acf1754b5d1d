"""Applicability domain: what share of a molecule the training data has never shown."""

import numpy as np
from numpy.typing import NDArray

from molsieve.models.features import SparseFeatures


def unseen_fraction(features: SparseFeatures, is_known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Share of each molecule's distinct Morgan ids that no training molecule has; 1 for a molecule without ids.

    Args:
        features: Molecules; ids are distinct within a molecule.
        is_known: Whether each entry of ``features.ids`` is among the training ids (``Vocabulary.rows_of``).

    """
    lengths = np.diff(features.offsets)
    known = np.bincount(features.molecule_of_bit(), weights=is_known, minlength=features.molecules)
    share = np.ones(features.molecules)
    np.divide(lengths - known, lengths, out=share, where=lengths > 0)
    return share.astype(np.float32)
