import json
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem

from molsieve.errors import MolsieveError
from molsieve.models.chemprop_checkpoint import read_checkpoint
from molsieve.models.chemprop_model import Parents, load_chemprop_model
from molsieve.models.explain import explain
from molsieve.models.explanation_drawing import draw_explanation
from molsieve.models.predict import predict
from molsieve.models.qprf import GRAPH_METHOD, prediction_records, substance_of
from molsieve.models.qprf_text import as_page, as_text
from molsieve.training.labelled import read_labelled
from molsieve.training.own_assay import Assay
from molsieve.training.own_chemprop import add_chemprop

# Bonds or atoms pass messages, and molecules are the mean, the attended sum or the sum of their atoms.
NETWORKS = {"command_classification.pt": None, "attentive.pt": "acid", "regression.ckpt": None}
BENZOIC_ACID = "O=C(O)c1ccccc1"


@pytest.fixture(scope="module", params=NETWORKS)
def folder(request, tmp_path_factory):
    """A model directory with one endpoint, ``gnn``."""
    made = tmp_path_factory.mktemp("models") / "gnn"
    found = read_checkpoint(Path(__file__).parent / "chemprop" / request.param, column=NETWORKS[request.param])
    if found.task == "regression":
        measured = made.with_suffix(".csv")
        measured.write_text("smiles,y\n" + "".join(f"{'C' * n}O,{n}\n" for n in range(1, 60)))
        data = read_labelled(measured, "smiles", "y", "regression")
        add_chemprop(found, Assay(name="gnn", unit="characters"), made, calibration=data)
    else:
        add_chemprop(found, Assay(name="gnn"), made)
    return made


@pytest.fixture(scope="module")
def model(folder):
    return load_chemprop_model(folder)


@pytest.mark.parametrize("smiles", [BENZOIC_ACID, "C", "C[C@H](N)C(=O)O"])
def test_nothing_blanked_is_the_molecule_itself(model, smiles):
    environments = model.environments(smiles)
    whole = environments.features(np.ones((2, len(environments.atoms)), dtype=bool))
    torch.testing.assert_close(model.outputs(whole), model.outputs(Parents([smiles] * 2)))


def test_a_blank_atom_has_no_bonds_and_the_others_keep_theirs(model):
    environments = model.environments(BENZOIC_ACID)
    kept = ~environments.atoms[[1]]
    found = environments.features(kept)
    assert (found.atoms[1] == 0).all()
    torch.testing.assert_close(found.atoms[2], environments.graph.atoms[2])
    assert 1 not in found.source.tolist() + found.target.tolist()
    assert len(found.source) == len(environments.graph.source) - 2 * 3
    np.testing.assert_array_equal(found.source[found.reverse], found.target)


def test_variants_do_not_touch_each_other(model):
    environments = model.environments(BENZOIC_ACID)
    kept = np.concatenate([environments.atoms, ~environments.atoms])
    together = model.outputs(environments.features(kept))
    alone = torch.cat([model.outputs(environments.features(row[None])) for row in kept])
    torch.testing.assert_close(together, alone)


def test_explained_value_is_the_predicted_one(model):
    found = explain(model, BENZOIC_ACID, "gnn")
    assert found.value == pytest.approx(float(predict(model, Parents([BENZOIC_ACID])).value[0, 0]), rel=1e-5)
    assert len(found.weights) == Chem.MolFromSmiles(BENZOIC_ACID).GetNumAtoms()
    assert np.ptp(found.weights) > 0
    assert sum(f.contribution for f in found.fragments) == pytest.approx(found.weights.sum())
    assert "atom-8" in draw_explanation(found)


def test_symmetric_atoms_weigh_the_same(model):
    weights = explain(model, BENZOIC_ACID, "gnn").weights
    np.testing.assert_allclose(weights[[4, 5]], weights[[8, 7]], atol=1e-5)


def test_record_says_that_the_training_molecules_are_not_known(folder):
    ((record, explanation),) = prediction_records(folder, substance_of(BENZOIC_ACID), [])
    document = json.loads(json.dumps(record.as_dict()))
    assert document["applicability_domain"] is None
    assert document["explanation"]["method"] == GRAPH_METHOD
    assert record.adequacy.level == "use with care"
    assert "not known" in record.adequacy.statement
    text = as_text(record)
    assert "spread" not in text
    assert text.count("not known") == 3
    assert "<svg xmlns" in as_page([(record, draw_explanation(explanation))])


def test_unreadable_structure(model):
    with pytest.raises(MolsieveError, match="cannot describe"):
        explain(model, "C1CC", "gnn")
