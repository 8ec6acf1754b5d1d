"""Fingerprints against RDKit's own, and the layout the models rely on."""

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molsieve.chemistry.fingerprints import morgan_bits, sparse_morgan

ASPIRIN = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")


def test_sparse_ids_ascend_and_match_rdkit():
    ids, counts = sparse_morgan(ASPIRIN)
    assert (ids.dtype, counts.dtype) == (np.uint32, np.uint8)
    assert np.all(np.diff(ids.astype(np.int64)) > 0)
    expected = rdFingerprintGenerator.GetMorganGenerator(radius=2).GetSparseCountFingerprint(ASPIRIN)
    assert dict(zip(ids.tolist(), counts.tolist(), strict=True)) == expected.GetNonzeroElements()
    # Atom environments of radius 0: 13 heavy atoms, each counted once.
    radius_0 = rdFingerprintGenerator.GetMorganGenerator(radius=0).GetSparseCountFingerprint(ASPIRIN)
    found = dict(zip(ids.tolist(), counts.tolist(), strict=True))
    assert sum(found[i] for i in radius_0.GetNonzeroElements()) == 13


def test_counts_are_clipped_not_wrapped():
    _, counts = sparse_morgan(Chem.MolFromSmiles("C" * 400))
    assert counts.max() == 255


def test_bits_are_2048_and_do_not_see_stereochemistry():
    left, right = (Chem.MolFromSmiles(s) for s in ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"))
    assert morgan_bits(left).GetNumBits() == 2048
    assert morgan_bits(left) == morgan_bits(right)
    assert morgan_bits(left) != morgan_bits(ASPIRIN)
