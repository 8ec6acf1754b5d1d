"""Alerts on compounds whose alerts are published."""

import csv

import pytest
from rdkit import Chem

from molsieve import project_root
from molsieve.chemistry.alerts import CATALOGUES, alerts, catalogue


def _alerts(smiles):
    return alerts(Chem.MolFromSmiles(smiles))


def test_every_catalogue_answers():
    assert set(_alerts("CCO")) == set(CATALOGUES) == {"pains", "brenk", "nih", "reactive", "toxicophores"}
    assert all(names == () for names in _alerts("CCO").values())


def test_benzylidene_rhodanine_is_a_pains_and_so_is_a_quinone():
    assert any("rhod" in name for name in _alerts("O=C1NC(=S)SC1=Cc1ccccc1")["pains"])  # ene_rhod_A
    assert any("quinone" in name for name in _alerts("O=C1C=CC(=O)C=C1")["pains"])


def test_brenk_names_nitro_groups_which_nitrofurantoin_needs():
    found = _alerts("O=C1CN(/N=C/c2ccc([N+](=O)[O-])o2)C(=O)N1")
    assert any("nitro" in name.lower() for name in found["brenk"])


@pytest.mark.parametrize(
    ("smiles", "name"),
    [
        ("CC(=O)Cl", "Acid halides"),
        ("CCCCCBr", "Reactive alkyl halides"),
        ("O=C=Nc1ccccc1", "Isocyanates & Isothiocyanates"),
        ("COS(=O)(=O)OC", "Sulphate esters"),
        ("CC(=O)OC(C)=O", "Acid anhydrides"),
        ("CC(C)(C)OO", "Peroxides"),
    ],
)
def test_reactive_groups_are_named(smiles, name):
    assert name in _alerts(smiles)["reactive"]


def test_reactive_groups_are_the_first_of_three_parts_of_glaxos_list():
    names = [catalogue("reactive").GetEntryWithIdx(place).GetDescription() for place in range(31)]
    assert catalogue("reactive").GetNumEntries() == len(set(names)) == 31
    # Unsuitable leads and natural products are no reactive groups, and beta-lactams are antibiotics.
    for smiles in ("CCCCCCCCCCCC", "C1COCCOCCOCCOCCOCCO1", "O=C1CCN1"):
        assert _alerts(smiles)["reactive"] == ()


def _toxicophores():
    with (project_root() / "resources" / "toxicophores.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("row", _toxicophores(), ids=lambda row: row["name"])
def test_every_toxicophore_finds_its_example_and_not_its_counterexample(row):
    assert row["name"] in _alerts(row["example"])["toxicophores"]
    assert row["name"] not in _alerts(row["counterexample"])["toxicophores"]


def test_every_catalogue_has_a_source():
    assert all("doi:10." in listed.source and listed.title for listed in CATALOGUES.values())


def test_names_are_unique_and_sorted():
    names = _alerts("O=C1C=CC(=O)C=C1.O=C1C=CC(=O)C=C1")["pains"]
    assert list(names) == sorted(set(names))
