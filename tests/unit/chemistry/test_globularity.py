"""Globularity, against the values of the eNTRy rules' own program, and on molecules that have none."""

import numpy as np
import pytest
from rdkit import Chem

from molsieve.chemistry.globularity import globularities, globularity, roundness

# eNTRyway's own values: github.com/HergenrotherLab/entry-cli, tests/test_properties.py and tests/data/b-lactams.csv.
# Its conformers are all that Confab finds, ours five from ETKDG: rigid molecules agree to 0.01, flexible ones to 0.05.
PUBLISHED = [
    ("benzene", "c1ccccc1", 0.0, 0.01),
    ("adamantane", "C1C3CC2CC(CC1C2)C3", 1.0, 0.01),
    ("deoxynybomycin", "CC(C1=CC(C(C)=CC(N2C)=O)=C2C3=C1N4CO3)=CC4=O", 0.024, 0.01),
    ("ciprofloxacin", "O=C1C(C(O)=O)=CN(C2CC2)C3=CC(N4CCNCC4)=C(F)C=C31", 0.04, 0.02),
    ("ampicillin", "O=C(O)[C@@H]2N3C(=O)[C@@H](NC(=O)[C@@H](c1ccccc1)N)[C@H]3SC2(C)C", 0.117, 0.05),
    ("benzylpenicillin", "CC1([C@@H](N2[C@H](S1)[C@@H](C2=O)NC(=O)Cc3ccccc3)C(=O)O)C", 0.112, 0.05),
    ("meropenem", "O=C3N2C(=C(S[C@H]1C[C@@H](C(=O)N(C)C)NC1)[C@H](C)[C@@H]2[C@H]3[C@H](O)C)C(=O)O", 0.107, 0.05),
    ("cefapirin", "O=C2N1C(=C(CS[C@@H]1[C@@H]2NC(=O)CSc3ccncc3)COC(=O)C)C(=O)O", 0.105, 0.05),
]
INDOLE = "c1ccc2[nH]ccc2c1"
# Opposite bridgeheads that no norbornane can have.
IMPOSSIBLE = "[C@H]12CC[C@@H](CC1)C2"
ENDLESS = "N1" + "CC(=O)N" * 40 + "CC1=O"


@pytest.mark.parametrize(("smiles", "value", "within"), [row[1:] for row in PUBLISHED], ids=[r[0] for r in PUBLISHED])
def test_published_values(smiles, value, within):
    assert globularity(Chem.MolFromSmiles(smiles)) == pytest.approx(value, abs=within)


def test_roundness_of_points():
    axes = np.vstack([np.eye(3), -np.eye(3)])
    assert roundness(axes) == pytest.approx(1.0)
    assert roundness(axes * [2.0, 1.0, 1.0]) == pytest.approx(0.25)
    assert roundness(axes * [1.0, 1.0, 0.0]) == 0.0
    assert roundness(np.zeros((1, 3))) == 0.0
    assert roundness(np.zeros((4, 3))) == 0.0


def test_it_is_the_same_every_time_and_on_either_side_of_the_process_boundary():
    smiles = ["NCCc1ccccc1", "CC(C)CC(N)C(=O)O", "OCC1CCCCN1"]
    here = [globularity(Chem.MolFromSmiles(text)) for text in smiles]
    assert globularities(smiles, timeout_s=60) == here
    assert globularities(smiles[::-1], timeout_s=60) == here[::-1]
    assert len(set(here)) == 3


def test_a_molecule_that_fails_costs_itself_only():
    values = globularities([INDOLE, IMPOSSIBLE, ENDLESS, INDOLE], timeout_s=3)
    assert values[1] is None
    assert values[2] is None
    assert values[0] == values[3] is not None


def test_no_molecules_need_no_process():
    assert globularities([], timeout_s=1) == []
