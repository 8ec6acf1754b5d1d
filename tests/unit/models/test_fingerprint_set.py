import numpy as np
import pytest
from rdkit import Chem, DataStructs

from molsieve.chemistry.fingerprints import morgan_bits, sparse_morgan
from molsieve.models.fingerprint_set import FoldedBits, nearest, nearest_similarity

from .conftest import KNOWN, NEW


def folded(smiles):
    return FoldedBits.of([sparse_morgan(Chem.MolFromSmiles(s))[0] for s in smiles])


def test_folding_gives_the_bits_of_rdkit():
    for smiles in KNOWN + NEW:
        assert folded([smiles]).bits.tolist() == list(morgan_bits(Chem.MolFromSmiles(smiles)).GetOnBits())


def test_similarities_are_those_of_rdkit():
    training = [morgan_bits(Chem.MolFromSmiles(s)) for s in KNOWN]
    expected = [
        max(DataStructs.BulkTanimotoSimilarity(morgan_bits(Chem.MolFromSmiles(s)), training)) for s in NEW + KNOWN
    ]
    assert nearest_similarity(folded(NEW + KNOWN), folded(KNOWN)) == pytest.approx(expected, abs=1e-6)


def test_blocks_do_not_matter(monkeypatch):
    from molsieve.models import fingerprint_set as module

    expected = nearest_similarity(folded(NEW + KNOWN), folded(KNOWN))
    monkeypatch.setattr(module, "_BLOCK_ROWS", 3)
    assert np.array_equal(nearest_similarity(folded(NEW + KNOWN), folded(KNOWN)), expected)


def test_nothing_to_compare_with():
    assert nearest_similarity(folded(NEW), folded([])).tolist() == [0.0, 0.0, 0.0]
    assert nearest_similarity(folded([]), folded(KNOWN)).tolist() == []


def test_of_equally_near_molecules_the_first_counts():
    """Many ties, against a search that cannot but take the lowest row."""
    random = np.random.default_rng(0)
    training = FoldedBits.of([random.choice(12, random.integers(1, 5), replace=False) for _ in range(400)])
    queries = FoldedBits.of([random.choice(12, random.integers(1, 5), replace=False) for _ in range(600)])
    known = [training.bit_vector(i) for i in range(training.molecules)]
    similarity = np.array(
        [DataStructs.BulkTanimotoSimilarity(queries.bit_vector(i), known) for i in range(queries.molecules)]
    )
    assert ((similarity == similarity.max(axis=1, keepdims=True)).sum(axis=1) > 1).mean() > 0.5
    np.testing.assert_array_equal(nearest(queries, training)[1], similarity.argmax(axis=1))


def test_which_molecule_is_nearest():
    similarity, row = nearest(folded([KNOWN[3], NEW[0]]), folded(KNOWN))
    assert (row[0], similarity[0]) == (3, 1.0)
    assert nearest(folded(NEW), folded([]))[1].tolist() == [-1, -1, -1]
