"""The model that ships: it loads, predicts what it predicted when it was trained, and makes sense.

After a retraining write the golden values again: ``python tests/unit/models/test_shipped_model.py``.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from molsieve import project_root
from molsieve.chemistry.descriptors import DESCRIPTORS, describe
from molsieve.chemistry.fingerprints import sparse_morgan
from molsieve.chemistry.standardise import standardise_smiles
from molsieve.models.features import SparseFeatures
from molsieve.models.store import CARD, load_triage_model, read_info
from molsieve.models.triage import predict
from molsieve.training.card import render_card

FOLDER = project_root() / "resources" / "models" / "triage"
GOLDEN = Path(__file__).parent / "golden_predictions.json"

MOLECULES = {
    "ciprofloxacin": "OC(=O)C1=CN(C2CC2)c2cc(N3CCNCC3)c(F)cc2C1=O",
    "linezolid": "CC(=O)NC[C@H]1CN(C(=O)O1)c1ccc(N2CCOCC2)c(F)c1",
    "ampicillin": "CC1(C)S[C@@H]2[C@H](NC(=O)[C@H](N)c3ccccc3)C(=O)N2[C@H]1C(O)=O",
    "tetracycline": "CN(C)[C@H]1[C@@H]2C[C@H]3C(=C(O)c4c(O)cccc4[C@@]3(C)O)C(=O)[C@]2(O)C(O)=C(C(N)=O)C1=O",
    "trimethoprim": "COc1cc(Cc2cnc(N)nc2N)cc(OC)c1OC",
    "glucose": "OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O",
    "caffeine": "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "terfenadine": "CC(C)(C)c1ccc(cc1)C(O)CCCN1CCC(CC1)C(O)(c1ccccc1)c1ccccc1",
    "benzo[a]pyrene": "c1ccc2c(c1)cc1ccc3cccc4ccc2c1c34",
    "parathion": "CCOP(=S)(OCC)Oc1ccc(cc1)[N+](=O)[O-]",
}


def features(smiles: list[str]) -> SparseFeatures:
    mols = [standardise_smiles(s).parent for s in smiles]
    fingerprints = [sparse_morgan(mol) for mol in mols]
    return SparseFeatures(
        np.concatenate([ids for ids, _ in fingerprints]),
        np.concatenate([counts for _, counts in fingerprints]),
        np.cumsum([0, *(len(ids) for ids, _ in fingerprints)]).astype(np.int64),
        np.array([describe(mol) for mol in mols], dtype=np.float32),
    )


def predictions() -> dict[str, dict[str, list[float]]]:
    model = load_triage_model(FOLDER)
    found = predict(model, features(list(MOLECULES.values())))
    return {
        name: {
            "value": found.value[i].round(6).tolist(),
            "sd": found.sd[i].round(6).tolist(),
            "unseen_fraction": [round(float(found.unseen_fraction[i]), 6)],
        }
        for i, name in enumerate(MOLECULES)
    }


@pytest.fixture(scope="module")
def found():
    return predictions()


@pytest.fixture(scope="module")
def of(found):
    names = [e.name for e in read_info(FOLDER).endpoints]
    return lambda molecule, endpoint: found[molecule]["value"][names.index(endpoint)]


def test_golden_predictions(found):
    golden = json.loads(GOLDEN.read_text())
    assert set(golden) == set(MOLECULES)
    for name, expected in golden.items():
        for key, values in expected.items():
            assert found[name][key] == pytest.approx(values, abs=1e-4), (name, key)


@pytest.mark.parametrize("active", ["ciprofloxacin", "linezolid", "ampicillin", "tetracycline"])
@pytest.mark.parametrize("inactive", ["glucose", "caffeine"])
def test_antibiotics_score_above_food(of, active, inactive):
    assert of(active, "saureus_growth_inhibition") > 3 * of(inactive, "saureus_growth_inhibition")


def test_textbook_molecules_are_told_apart(of):
    assert of("ciprofloxacin", "ecoli_growth_inhibition") > 0.5 > of("linezolid", "ecoli_growth_inhibition")
    assert of("benzo[a]pyrene", "ames") > 0.7 > 0.3 > of("glucose", "ames")
    assert of("terfenadine", "herg") > 0.8 > 0.2 > of("glucose", "herg")
    assert of("benzo[a]pyrene", "tox21_nr_ahr") > 0.5 > of("glucose", "tox21_nr_ahr")
    assert of("parathion", "ld50") > of("glucose", "ld50") + 1.5


def test_size_and_card():
    info = read_info(FOLDER)
    assert sum(f.stat().st_size for f in FOLDER.iterdir()) < 25e6
    assert (FOLDER / CARD).read_text() == render_card(info)
    assert info.features["descriptors"] == [c.name for c in DESCRIPTORS]


def test_no_structure_of_an_unlicensed_source_ships():
    names = {f.name for f in FOLDER.iterdir()}
    assert names == {"model.json", "model.safetensors", "MODEL_CARD.md"}
    text = (FOLDER / "model.json").read_text()
    assert MOLECULES["trimethoprim"] not in text


def test_held_out_quality_as_published():
    metrics = read_info(FOLDER).metrics
    for scheme in ("scaffold", "random"):
        for name, least in (("saureus_growth_inhibition", 0.85), ("ecoli_growth_inhibition", 0.88), ("ames", 0.84)):
            assert metrics[name][scheme]["network"]["auroc"]["mean"] > least
            assert len(metrics[name][scheme]["network"]["auroc"]["folds"]) == 5
    above = [n for n, m in metrics.items() if "calibration" in m and m["scaffold"]["n"] > 5000]
    assert len(above) >= 15
    for name in above:
        assert metrics[name]["calibration"]["ece_cross_fitted"] <= 0.03, name


def test_the_error_rises_with_the_unseen_share():
    domain = read_info(FOLDER).domain
    errors = [e for e in domain.statistics["relative_error"] if e is not None]
    assert errors == sorted(errors)
    assert 0 < domain.max_unseen_fraction < 1


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(predictions(), indent=1) + "\n")
