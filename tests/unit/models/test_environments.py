import numpy as np
import pytest
from rdkit import Chem

from molsieve.models.environments import environments_of
from molsieve.models.rich_features import rich_features

MOLECULES = [
    "O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O",
    "O=C1CN(/N=C/c2ccc([N+](=O)[O-])o2)C(=O)N1",
    "CCCCCCCCCCCCCCCC",
    "C[N+](C)(C)CC(=O)[O-]",
]

NONE = np.zeros(11, np.float32)


@pytest.fixture(scope="module")
def described():
    return rich_features(MOLECULES, workers=1)


@pytest.mark.parametrize("kind", ["morgan", "rich"])
@pytest.mark.parametrize("row", range(len(MOLECULES)))
def test_nothing_taken_away_gives_the_features_themselves(described, kind, row):
    expected = getattr(described, kind).slice(row, row + 1)
    environments = environments_of(Chem.MolFromSmiles(MOLECULES[row]), kind, expected.descriptors[0])
    found = environments.features(np.ones((1, len(environments.keys)), dtype=bool))
    order = np.argsort(expected.ids)
    np.testing.assert_array_equal(found.ids, expected.ids[order])
    np.testing.assert_array_equal(found.counts, expected.counts[order])
    np.testing.assert_array_equal(found.descriptors, expected.descriptors)


def test_everything_taken_away_leaves_no_ids_and_no_counted_groups(described):
    descriptors = described.rich.descriptors[1]
    environments = environments_of(Chem.MolFromSmiles(MOLECULES[1]), "rich", descriptors)
    found = environments.features(np.zeros((1, len(environments.keys)), dtype=bool))
    assert found.ids.size == 0
    changed = np.flatnonzero(found.descriptors[0] != descriptors)
    assert changed.size
    assert (found.descriptors[0][changed] == 0).all()


def test_counts_fall_with_each_occurrence():
    environments = environments_of(Chem.MolFromSmiles("CCCCCC"), "morgan", NONE)
    without_first = ~environments.atoms[:, [0]].any(axis=1)
    found = environments.features(np.array([np.ones_like(without_first), without_first]))
    assert found.counts[: found.offsets[1]].sum() == len(environments.keys)
    assert found.counts[found.offsets[1] :].sum() == without_first.sum()


def test_environment_holds_its_own_atoms():
    environments = environments_of(Chem.MolFromSmiles("CCO"), "morgan", NONE)
    sizes = sorted(environments.atoms.sum(axis=1).tolist())
    assert sizes == [1, 1, 1, 2, 2, 3]
