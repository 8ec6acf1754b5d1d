import csv

import numpy as np
import pytest
from rdkit import Chem

from molsieve import project_root
from molsieve.training.explanation_grades import (
    SYNTHETIC,
    agreement,
    atom_auroc,
    case,
    deletion,
    grade,
    only_toxicophore,
    recovered,
    toxicophores,
)
from molsieve.training.explanation_methods import METHODS

with (project_root() / "resources" / "toxicophores.csv").open(encoding="utf-8") as _lines:
    ROWS = list(csv.DictReader(_lines))


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_toxicophore_matches_its_example_and_not_its_counterexample(row):
    pattern = Chem.MolFromSmarts(row["smarts"])
    assert Chem.MolFromSmiles(row["example"]).HasSubstructMatch(pattern)
    assert not Chem.MolFromSmiles(row["counterexample"]).HasSubstructMatch(pattern)


def test_names_of_toxicophores_are_unique():
    assert len({row["name"] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("O=[N+]([O-])c1ccccc1", "aromatic nitro"),
        ("CN(CCCl)CCCl", "aliphatic halide"),  # a mustard is one, too
        ("Nc1ccc([N+](=O)[O-])cc1", None),  # two classes
        ("CCO", None),
        ("c1ccc2cc3ccccc3cc2c1", None),  # the whole molecule: nothing to tell apart
    ],
)
def test_only_toxicophore(smiles, expected):
    found = only_toxicophore(Chem.MolFromSmiles(smiles), toxicophores())
    assert (found and found[0]) == expected


def test_auroc_overlap_and_agreement():
    truth = np.array([True, True, False, False])
    assert atom_auroc(np.array([3.0, 2.0, 1.0, 0.0]), truth) == 1.0
    assert atom_auroc(np.zeros(4), truth) == 0.5
    assert recovered(np.array([3.0, 0.0, 1.0, -1.0]), truth) == (True, 0.5)
    assert agreement(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 9.0])) == pytest.approx(1.0)
    assert np.isnan(agreement(np.zeros(3), np.ones(3)))


def nitro_detector(smiles):
    """Output that is 5 for molecules with the entry of the nitro group's nitrogen."""
    one = case(smiles, "morgan", np.zeros(11, np.float32), SYNTHETIC[0].atoms)
    nitrogen = next(a.GetIdx() for a in one.mol.GetAtoms() if a.GetFormalCharge() == 1)
    alone = (one.environments.atoms.sum(axis=1) == 1) & one.environments.atoms[:, nitrogen]
    key = one.environments.keys[alone][0]

    def output(features):
        found = np.zeros(features.molecules)
        found[features.molecule_of_bit()[features.ids == key]] = 5.0
        return found

    return one, output


@pytest.mark.parametrize("name", METHODS)
def test_every_method_finds_the_reason_of_a_transparent_model(name):
    one, output = nitro_detector("CCCCc1ccc([N+](=O)[O-])cc1")
    grades = grade([one], output, METHODS[name], output)
    assert grades["top_atom"] == 1.0
    assert grades["atom_auroc"] > 0.6
    assert grades["deletion"] == 5.0
    assert grades["stability"] == 1.0


def test_deletion_of_random_atoms_does_less():
    one, output = nitro_detector("CCCCCCCCc1ccc([N+](=O)[O-])cc1")
    weights = METHODS["features_both_ways"](output, one.environments)
    found = deletion(output, one, weights)
    assert found.top == 5.0
    assert found.chance < 4.0


def test_a_molecule_that_is_all_reason_says_nothing():
    cases = [
        case(smiles, "morgan", np.zeros(11, np.float32), lambda mol, n=n: np.arange(mol.GetNumAtoms()) < n)
        for smiles, n in (("CN(C)C", 4), ("CCCO", 1))
    ]
    found = grade(cases, lambda features: np.zeros(features.molecules), METHODS["features_both_ways"])
    assert (found["molecules"], found["atom_auroc"], found["atom_auroc_se"]) == (2, 0.5, 0.0)


def test_nothing_to_grade():
    assert grade([], lambda features: np.zeros(features.molecules), METHODS["leave_atom_out"]) == {"molecules": 0}
