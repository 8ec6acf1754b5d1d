"""Known antibiotic classes: members match, near misses do not, drugs of other kinds hardly ever."""

import csv
from collections import Counter

import pytest
from rdkit import Chem

from molsieve import project_root
from molsieve.scoring.classes import antibacterial_class, class_patterns, known_class

AMR = project_root() / "resources" / "amr"
# Classes of which one member is known, or only one with a structure that could be checked.
ONE_MEMBER = {
    "spiropyrimidinetrione", "fosfomycin", "polyether ionophore", "aminocoumarin", "fusidane", "pseudomonic acid",
    "ethambutol", "diarylquinoline", "riminophenazine", "triazaacenaphthylene", "triclosan", "methenamine",
    "hexetidine",
}  # fmt: skip
# Too plain for a pattern that would not fire on half a library, or, as gramicidin, with nothing of their own.
WITHOUT_CLASS = {"benzoyl peroxide", "clofoctol", "chloroxylenol", "hexylresorcinol", "gramicidin"}
# How the classes of extrapolation.py, which leaves them out of the training, were recognised in schema version 1.1.
TRAINED_CLASSES = {
    "penam": 29, "cephem": 67, "carbapenem": 3, "monobactam": 2, "beta-lactam": 24, "quinolone": 40, "macrolide": 190,
    "tetracycline": 26, "aminoglycoside": 33, "nitrofuran": 12, "glycopeptide": 7, "cyclic peptide": 42,
}  # fmt: skip


def rows(name):
    with (AMR / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def matching(smiles):
    """Places of all patterns a molecule has, whatever their order."""
    mol = Chem.MolFromSmiles(smiles)
    return {
        place
        for place, known in enumerate(class_patterns())
        if mol.GetNumHeavyAtoms() >= known.min_heavy_atoms and mol.HasSubstructMatch(known.pattern)
    }


EXAMPLES = rows("class_examples.csv")
MEMBERS = [row for row in EXAMPLES if row["kind"] == "member"]
NEAR_MISSES = [row for row in EXAMPLES if row["kind"] == "near miss"]


@pytest.mark.parametrize("row", MEMBERS, ids=lambda row: row["name"])
def test_members_are_recognised(row):
    assert antibacterial_class(Chem.MolFromSmiles(row["smiles"])) == row["antibacterial_class"]


@pytest.mark.parametrize("row", NEAR_MISSES, ids=lambda row: f"{row['antibacterial_class']}: {row['name']}")
def test_near_misses_are_not(row):
    own = {class_patterns()[place].antibacterial_class for place in matching(row["smiles"])}
    assert row["antibacterial_class"] not in own


def test_every_pattern_has_examples():
    patterns = class_patterns()
    names = {known.antibacterial_class for known in patterns}
    shown = set().union(*(matching(row["smiles"]) for row in MEMBERS))
    assert [patterns[place].antibacterial_class for place in set(range(len(patterns))) - shown] == []
    assert {row["kind"] for row in EXAMPLES} == {"member", "near miss"}
    members = Counter(row["antibacterial_class"] for row in MEMBERS)
    assert {name for name in names if members[name] < 2} == ONE_MEMBER
    near = Counter(row["antibacterial_class"] for row in NEAR_MISSES)
    assert {name for name in names if near[name] < 2} == set()
    assert set(members) == set(near) == names


def test_examples_that_the_reference_list_knows_have_its_structures():
    known = {row["name"]: row["smiles"] for row in rows("antibacterials.csv")}
    assert {row["name"] for row in MEMBERS if known.get(row["name"], row["smiles"]) != row["smiles"]} == set()
    assert sum(row["name"] in known for row in MEMBERS) > 80


def test_every_pattern_says_what_the_class_does_and_where_that_is_from():
    for row in rows("classes.csv"):
        if row["note"].startswith("any other; hormones"):
            assert row["target"] == row["resistance_mechanism"] == ""
            continue
        assert row["target"], row
        assert row["resistance_mechanism"], row
        assert row["source"].startswith("doi:10."), row


def test_nearly_all_known_antibacterials_have_a_class():
    without = {
        row["name"] for row in rows("antibacterials.csv") if not antibacterial_class(Chem.MolFromSmiles(row["smiles"]))
    }
    assert without == WITHOUT_CLASS


def test_drugs_that_are_no_antibacterials_hardly_ever_have_one():
    inactive = [row for row in rows("controls.csv") if row["kind"] == "inactive"]
    found = {row["name"]: name for row in inactive if (name := antibacterial_class(Chem.MolFromSmiles(row["smiles"])))}
    assert len(inactive) == 400
    # A true azetidinone, of which no pattern can know that it acts on cholesterol.
    assert found == {"ezetimibe": "beta-lactam"}


def test_target_and_resistance_are_those_of_the_pattern():
    smiles = {row["name"]: row["smiles"] for row in MEMBERS}
    polymyxin, daptomycin = (known_class(Chem.MolFromSmiles(smiles[name])) for name in ("polymyxin b", "daptomycin"))
    assert polymyxin.antibacterial_class == daptomycin.antibacterial_class == "cyclic peptide"
    assert "mcr" in polymyxin.resistance_mechanism
    assert "mprF" in daptomycin.resistance_mechanism
    assert known_class(Chem.MolFromSmiles("CCO")) is None


@pytest.mark.mirror
def test_the_classes_left_out_of_the_training_have_kept_their_members(mirror):
    """Structures as written, salts included; the counts are of the patterns before this table had targets."""
    with (mirror / "activity" / "saureus_wong2023.csv").open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        column = next(name for name in reader.fieldnames if "smiles" in name.lower())
        distinct = {row[column] for row in reader}
    found = Counter(antibacterial_class(mol) for mol in map(Chem.MolFromSmiles, distinct) if mol)
    assert {name: found[name] for name in TRAINED_CLASSES} == TRAINED_CLASSES
