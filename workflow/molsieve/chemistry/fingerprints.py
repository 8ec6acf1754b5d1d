"""Morgan fingerprints: unfolded counts for the networks, folded bits for similarity.

Reference: Rogers and Hahn, Extended-Connectivity Fingerprints, doi:10.1021/ci100050t.
"""

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import Mol
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.DataStructs import ExplicitBitVect

RADIUS = 2
FOLDED_BITS = 2048
MAX_COUNT = 255

_MORGAN = GetMorganGenerator(radius=RADIUS, fpSize=FOLDED_BITS)


def morgan_counts(mol: Mol) -> dict[int, int]:
    """Unfolded 32-bit Morgan ids (radius 2) and how often each occurs, ids ascending, counts unclipped."""
    counts: dict[int, int] = _MORGAN.GetSparseCountFingerprint(mol).GetNonzeroElements()
    return counts


def sparse_morgan(mol: Mol) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Unfolded Morgan fingerprint as the prepared table stores it.

    Returns:
        Ids in ascending order, and their counts clipped at 255, of the same length.

    """
    counts = morgan_counts(mol)
    ids = np.fromiter(counts.keys(), dtype=np.uint32, count=len(counts))
    clipped = np.fromiter(counts.values(), dtype=np.int64, count=len(counts)).clip(max=MAX_COUNT)
    return ids, clipped.astype(np.uint8)


def morgan_bits(mol: Mol) -> ExplicitBitVect:
    """Morgan fingerprint (radius 2) folded to 2048 bits: the one similarities and novelty are measured with."""
    bits: ExplicitBitVect = _MORGAN.GetFingerprint(mol)
    return bits
