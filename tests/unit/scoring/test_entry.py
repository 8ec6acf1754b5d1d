"""The eNTRy rules, against what its authors' program eNTRyway says of the same molecules."""

import pytest
from rdkit import Chem

from molsieve.scoring.entry import amine, entry, rotatable_bonds

# Of the tests of github.com/HergenrotherLab/entry-cli: tests/test_properties.py and tests/data/b-lactams.csv.
PUBLISHED_ROTATABLE_BONDS = [
    ("deoxynybomycin", "CC(C1=CC(C(C)=CC(N2C)=O)=C2C3=C1N4CO3)=CC4=O", 0),
    ("ribocil C", "C1CC(CN(C1)CC2=CN(C=N2)C3=NC=CC=N3)C4=NC(=O)C=C(N4)C5=CC=CS5", 5),
    ("triphenylphosphine", "C1(P(C2=CC=CC=C2)C3=CC=CC=C3)=CC=CC=C1", 3),
    ("butanol", "CCCCO", 2),
    ("butylamine", "CCCCN", 2),
    ("alanyl alanine", "N[C@H](C(N[C@H](C(O)=O)C)=O)C", 3),
    ("a ketene", "C(CCC)=C=O", 2),
    ("an allene", "C(CCC)=C=C(C)CC", 3),
    ("butynylbenzene", "CCC#CC1=CC=CC=C1", 1),
    ("3-hexyne", "CCC#CCC", 1),
    ("a nitrile", "N#CCC/C=C/C1=CC=CC=C1", 3),
    ("an azide", "[N-]=[N+]=NCC/C=C/C1=CC=CC=C1", 4),
    ("an ester", "CCCC(OC1=CC=CC=C1)=O", 4),
    ("a ketone", "CCCC(CC1=CC=CC=C1)=O", 4),
    ("ampicillin", "O=C(O)C2N3C(=O)C(NC(=O)C(c1ccccc1)N)C3SC2(C)C", 4),
    ("benzylpenicillin", "CC1(C(N2C(S1)C(C2=O)NC(=O)Cc3ccccc3)C(=O)O)C", 4),
    ("meropenem", "O=C3N2C(=C(SC1CC(C(=O)N(C)C)NC1)C(C)C2C3C(O)C)C(=O)O", 5),
    ("cefapirin", "O=C2N1C(=C(CSC1C2NC(=O)CSc3ccncc3)COC(=O)C)C(=O)O", 8),
]
AMINES = [
    ("NCCc1c[nH]c2ccccc12", "primary"),
    ("[NH3+]CCc1ccccc1", "primary"),
    ("CNCCc1ccccc1", "secondary"),
    ("CN1CCCC1c1cccnc1", "tertiary"),
    ("C[N+](C)(C)CCO", "other"),
    ("C[n+]1ccccc1", "other"),
    ("NC(=N)NCCc1ccccc1", "other"),
    ("N=C(N)c1ccccc1", "other"),
    ("C1=NCCN1", "other"),
    ("CC(=O)NC", "none"),
    ("CC(=O)NC(N)=N", "none"),
    ("Cc1[nH]cnc1CSCCNC(=NC#N)NC", "none"),
    ("CS(=O)(=O)NC", "none"),
    ("Nc1ccccc1", "none"),
    ("[O-][n+]1ccccc1", "none"),
    ("NC(N)=O", "none"),
    ("c1ccncc1", "none"),
]


@pytest.mark.parametrize(("smiles", "bonds"), [row[1:] for row in PUBLISHED_ROTATABLE_BONDS], ids=lambda v: str(v)[:24])
def test_rotatable_bonds_are_counted_as_entryway_counts_them(smiles, bonds):
    assert rotatable_bonds(Chem.MolFromSmiles(smiles)) == bonds


@pytest.mark.parametrize(("smiles", "kind"), AMINES)
def test_the_ionisable_nitrogen_is_recognised(smiles, kind):
    assert amine(Chem.MolFromSmiles(smiles)) == kind


def test_the_amine_that_made_deoxynybomycin_enter_changes_its_outcome():
    """Deoxynybomycin acts on Gram-positives only; its aminomethyl derivative on both (doi:10.1038/nature22308)."""
    before = entry(Chem.MolFromSmiles("CC1=CC(=O)N2COc3c2c1cc1c(C)cc(=O)n(C)c13"), 0.024)
    after = entry(Chem.MolFromSmiles("CC1=CC(=O)N2COc3c2c1cc1c(CN)cc(=O)n(C)c13"), 0.04)
    assert before.rules_met == 2
    assert after == (3, 1.0)
    assert before.score < after.score


@pytest.mark.parametrize(
    ("smiles", "globularity", "met", "score"),
    [
        ("NCc1ccccc1", 0.25, 3, 1.0),
        ("NCc1ccccc1", 0.375, 2, (1 + 1 + 0.5) / 3),
        ("NCc1ccccc1", 0.9, 2, 2 / 3),
        ("CNCc1ccccc1", 0.1, 3, (0.5 + 1 + 1) / 3),
        ("c1ccccc1", 0.0, 2, 2 / 3),
        ("NCCCCCCCCc1ccccc1", 0.1, 2, (1 + 0.4 + 1) / 3),
        ("CCCCCCCCCCCCCCCC", 0.6, 0, 0.0),
    ],
)
def test_each_rule_fades_beyond_its_limit(smiles, globularity, met, score):
    found = entry(Chem.MolFromSmiles(smiles), globularity)
    assert found.rules_met == met
    assert found.score == pytest.approx(score)


def test_a_crowded_amine_counts_half_unless_there_is_a_free_one():
    crowded, free = "CC(C)(N)c1ccccc1", "CC(C)(N)c1ccc(CN)cc1"
    assert entry(Chem.MolFromSmiles(crowded), 0.1).score == pytest.approx(2.5 / 3)
    assert entry(Chem.MolFromSmiles(free), 0.1).score == 1.0
