import numpy as np
from rdkit import Chem

from molsieve.models.attribution import attribute
from molsieve.models.environments import environments_of

NONE = np.zeros(11, dtype=np.float32)


def total_count(features):
    sums = np.zeros(features.molecules)
    np.add.at(sums, features.molecule_of_bit(), features.counts)
    return sums


def test_additive_output_is_divided_completely():
    environments = environments_of(Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O"), "morgan", NONE)
    found = attribute(total_count, environments)
    assert found.output == len(environments.keys)
    assert found.base == 0
    np.testing.assert_allclose(found.weights.sum(), len(environments.keys))
    np.testing.assert_allclose(found.entries.sum(), len(environments.keys))
    np.testing.assert_allclose(
        found.weights, (environments.atoms / environments.atoms.sum(axis=1)[:, None]).sum(axis=0)
    )


def test_only_atoms_of_the_feature_that_matters_have_weight():
    mol = Chem.MolFromSmiles("CCCCCC[N+](=O)[O-]")
    environments = environments_of(mol, "morgan", NONE)
    keys, _ = environments.entries
    nitrogen = keys[np.argmax([environments.atoms[environments.keys == k].sum(axis=0)[6] == 1
                               and environments.atoms[environments.keys == k].sum() == 1 for k in keys])]  # fmt: skip

    def output(features):
        found = np.zeros(features.molecules)
        found[features.molecule_of_bit()[features.ids == nitrogen]] = -3.0
        return found

    weights = attribute(output, environments).weights
    np.testing.assert_allclose(weights, [0, 0, 0, 0, 0, 0, -3, 0, 0])


def test_symmetric_atoms_weigh_the_same():
    mol = Chem.MolFromSmiles("c1ccc(C(c2ccccc2)N(C)C)cc1")
    random = np.random.default_rng(3)
    value = dict.fromkeys(environments_of(mol, "morgan", NONE).keys.tolist())
    for key in value:
        value[key] = random.normal()

    def output(features):
        sums = np.zeros(features.molecules)
        np.add.at(
            sums, features.molecule_of_bit(), [value[int(i)] for i in features.ids] * np.log2(1.0 + features.counts)
        )
        return np.tanh(sums)

    weights = attribute(output, environments_of(mol, "morgan", NONE)).weights
    classes = np.array(Chem.CanonicalRankAtoms(mol, breakTies=False))
    for rank in np.unique(classes):
        assert np.ptp(weights[classes == rank]) < 1e-12
