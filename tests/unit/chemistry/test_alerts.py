"""Alerts on compounds whose alerts are published."""

from rdkit import Chem

from molsieve.chemistry.alerts import CATALOGUES, alerts


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


def test_names_are_unique_and_sorted():
    names = _alerts("O=C1C=CC(=O)C=C1.O=C1C=CC(=O)C=C1")["pains"]
    assert list(names) == sorted(set(names))
