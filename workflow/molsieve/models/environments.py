"""Which atoms each feature of a molecule stands for, and the molecule's features with some of them taken away.

Two kinds of features can be traced to atoms: entries of circular fingerprints, whose occurrences are the environments
of one atom within 0, 1 or 2 bonds, and RDKit's counts of functional groups, whose occurrences are the matches of a
pattern. Taking away occurrences lowers the count, taking away all of them removes the feature. All other descriptors
(logP, charges, shape) belong to the whole molecule and stay as they are. Graphs, which some networks take instead, are
taken apart in ``chemprop_environments``.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import Fragments
from rdkit.Chem.rdFingerprintGenerator import AdditionalOutput, GetMorganFeatureAtomInvGen, GetMorganGenerator

from molsieve.chemistry.fingerprints import MAX_COUNT, RADIUS
from molsieve.models.features import SparseFeatures
from molsieve.models.rich_features import FEATURE_SALT, RICH_DESCRIPTORS

_MORGAN = GetMorganGenerator(radius=RADIUS)
_FEATURE_MORGAN = GetMorganGenerator(radius=RADIUS, atomInvariantsGenerator=GetMorganFeatureAtomInvGen())

# Descriptor columns that count the matches of a pattern, and the pattern.
_GROUPS = tuple(
    (RICH_DESCRIPTORS.index(f"rdkit_{name}"), function.__defaults__[1])
    for name, function in Fragments.fns
    if f"rdkit_{name}" in RICH_DESCRIPTORS
)
# Keys of descriptor columns follow those of all 32-bit ids.
_FIRST_COLUMN = 2**32


class Environments(NamedTuple):
    """All occurrences of the features of one molecule that can be traced to atoms."""

    keys: NDArray[np.int64]
    """Feature each occurrence counts for: fingerprint id, or 2^32 + column of the descriptors, [occurrences]."""
    atoms: NDArray[np.bool_]
    """Whether the occurrence contains the atom, [occurrences, atoms]."""
    descriptors: NDArray[np.float32]
    """All descriptors of the whole molecule, [descriptors]."""

    @property
    def entries(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Distinct keys, ascending [entries], and the entry of each occurrence [occurrences]."""
        keys, entry = np.unique(self.keys, return_inverse=True)
        return keys, entry

    def features(self, kept: NDArray[np.bool_]) -> SparseFeatures:
        """Features of variants of the molecule that lack some occurrences.

        Args:
            kept: Occurrences each variant keeps, [variants, occurrences].

        """
        keys, entry = self.entries
        belongs = np.zeros((len(entry), len(keys)), dtype=np.float32)
        belongs[np.arange(len(entry)), entry] = 1.0
        counts = kept.astype(np.float32) @ belongs
        columns = keys >= _FIRST_COLUMN
        values = np.tile(self.descriptors, (len(kept), 1))
        values[:, keys[columns] - _FIRST_COLUMN] = np.log1p(counts[:, columns])  # as in rich_features
        ids, of_ids = keys[~columns].astype(np.uint32), np.minimum(counts[:, ~columns], MAX_COUNT)
        variant, place = np.nonzero(of_ids)
        offsets = np.concatenate([[0], np.cumsum(np.bincount(variant, minlength=len(kept)))]).astype(np.int64)
        return SparseFeatures(ids[place], of_ids[variant, place].astype(np.uint8), offsets, values)


def environments_of(mol: Chem.Mol, kind: Literal["morgan", "rich"], descriptors: NDArray[np.float32]) -> Environments:
    """Occurrences behind the features of a molecule; ``kind`` is that of the model (``ModelInfo.features``)."""
    found = [_circular(mol, _MORGAN, 0)]
    if kind == "rich":
        found += [_circular(mol, _FEATURE_MORGAN, FEATURE_SALT), _groups(mol)]
    keys, atoms = (np.concatenate(part) for part in zip(*found, strict=True))
    return Environments(keys, atoms, descriptors)


def _circular(mol: Chem.Mol, generator: object, salt: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    traced = AdditionalOutput()
    traced.AllocateBitInfoMap()
    generator.GetSparseCountFingerprint(mol, additionalOutput=traced)  # type: ignore[attr-defined]
    occurrences = [(key ^ salt, *place) for key, places in traced.GetBitInfoMap().items() for place in places]
    keys, centres, radii = np.array(occurrences, dtype=np.int64).reshape(-1, 3).T
    return keys, Chem.GetDistanceMatrix(mol)[centres] <= radii[:, None]


def _groups(mol: Chem.Mol) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    matches = [(column, match) for column, pattern in _GROUPS for match in mol.GetSubstructMatches(pattern)]
    atoms = np.zeros((len(matches), mol.GetNumAtoms()), dtype=bool)
    for row, (_, match) in enumerate(matches):
        atoms[row, list(match)] = True
    return np.array([_FIRST_COLUMN + column for column, _ in matches], dtype=np.int64), atoms
