import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from rdkit import Chem

from molsieve.errors import MolsieveError
from molsieve.models.explain import explain, explain_all, features_for, morgan_features
from molsieve.models.explanation_drawing import draw_explanation
from molsieve.models.model import Model
from molsieve.models.predict import predict
from molsieve.models.rich_features import RICH_DESCRIPTORS, rich_features
from molsieve.models.store import load_model
from molsieve.models.vocabulary import Vocabulary

from .conftest import ENDPOINTS, KNOWN, TINY_TRUST, tiny_info, tiny_part, tiny_record

ASPIRIN = KNOWN[2]
GOLDEN = [0.0061, 0.0121, 0.0012, 0.0121, 0.0061, 0.0273, 0.0013]


def parsed(drawing):
    return ET.fromstring(drawing)  # noqa: S314 - drawn by ourselves


@pytest.fixture(scope="module")
def model(tiny_model):
    return load_model(tiny_model)


@pytest.fixture(scope="module")
def rich_model():
    rich = rich_features(KNOWN, workers=1).rich
    part = tiny_part(rich, Vocabulary.of_training(rich, 1), seed=7)
    info = tiny_info([part], tier="refine", features="rich", descriptors=RICH_DESCRIPTORS)
    return Model(info, TINY_TRUST, [part], None, tiny_record())


@pytest.fixture(scope="module")
def reading(rich_model):
    """The rich model with read-across, which it cannot see in its own features."""
    stack = {e.name: (1.0, 0.0) if e.is_regression else (0.6, 0.4) for e in ENDPOINTS}
    info = rich_model.info.model_copy(update={"has_read_across": True, "stack": stack})
    return Model(info, TINY_TRUST, rich_model.networks, None, tiny_record())


@pytest.mark.parametrize("endpoint", [e.name for e in ENDPOINTS])
@pytest.mark.parametrize("which", ["model", "rich_model", "reading"])
def test_one_weight_an_atom_and_the_value_is_the_predicted_one(request, which, endpoint):
    used = request.getfixturevalue(which)
    found = explain(used, ASPIRIN, endpoint)
    assert found.weights.shape == (Chem.MolFromSmiles(ASPIRIN).GetNumAtoms(),)
    assert np.isfinite(found.weights).all()
    place = used.info.endpoint_index(endpoint)
    neighbours = used.neighbours(morgan_features([ASPIRIN]))
    expected = predict(used, features_for(used, [ASPIRIN]), neighbours=neighbours)
    assert found.value == pytest.approx(expected.value[0, place], abs=1e-5)


def test_atoms_are_not_credited_with_what_neighbours_say(rich_model, reading):
    alone, both = (explain(used, ASPIRIN, "kills") for used in (rich_model, reading))
    assert both.weights == pytest.approx(0.6 * alone.weights, abs=1e-6)
    # Aspirin is a training molecule, and active: its neighbours raise the prediction with or without its atoms.
    assert both.base_value > alone.base_value


def test_contributions_of_fragments_and_substructures_sum_to_the_weights(model):
    found = explain(model, ASPIRIN, "kills")
    total = found.weights.sum()
    assert sum(f.contribution for f in found.fragments) == pytest.approx(total)
    assert sum(s.contribution for s in found.substructures) == pytest.approx(total)
    assert sorted(atom for f in found.fragments for atom in f.atoms) == list(range(13))


def test_molecule_without_known_substructures_has_no_weights(model):
    found = explain(model, "FS(F)(F)(F)(F)F", "kills")
    np.testing.assert_array_equal(found.weights, 0.0)
    assert found.value == pytest.approx(found.base_value)
    assert found.words() == ("No single part of the molecule changes the predicted probability noticeably.",)
    parsed(draw_explanation(found))


def test_symmetric_atoms_weigh_the_same(model):
    found = explain(model, "CCN(CC)CC", "kills").weights
    assert np.ptp(found[[0, 4, 6]]) < 1e-6
    assert np.ptp(found[[1, 3, 5]]) < 1e-6


def test_golden_weights(model):
    # Rounded: sums in float32 differ in the last digits between machines.
    assert explain(model, "c1ccccc1O", "kills").weights.tolist() == pytest.approx(GOLDEN, abs=5e-4)


def test_same_words_and_weights_again(model):
    first, second = (explain(model, ASPIRIN, "harms") for _ in range(2))
    np.testing.assert_array_equal(first.weights, second.weights)
    assert first.words() == second.words()


def test_several_endpoints_at_once_are_the_same_as_one_by_one(model):
    for found in explain_all(model, ASPIRIN, ["dose", "kills"]):
        np.testing.assert_array_equal(found.weights, explain(model, ASPIRIN, found.endpoint.name).weights)


def test_unknown_endpoint_and_unreadable_structure(model, rich_model):
    with pytest.raises(MolsieveError, match="has no endpoint 'kill'"):
        explain(model, "CCO", "kill")
    for used in (model, rich_model):
        with pytest.raises(MolsieveError, match="cannot describe"):
            explain(used, "C1CC", "kills")


@pytest.mark.parametrize("smiles", [*KNOWN, "C", "Oc1ccc(-c2ccc(O)cc2)cc1"])
def test_drawing_is_xml_with_a_disc_for_every_atom(model, smiles):
    found = explain(model, smiles, "dose")
    drawing = draw_explanation(found)
    root = parsed(drawing)
    discs = {e.get("class") for e in root.iter() if e.tag.endswith("ellipse")}
    assert discs == {f"atom-{i}" for i in range(Chem.MolFromSmiles(smiles).GetNumAtoms())}
    assert not re.search(r"https?://(?!www\.w3\.org|www\.rdkit\.org)", drawing)
    assert "g_per_kg" in drawing


def test_drawing_shows_the_sign(model):
    found = explain(model, "CCO", "kills")
    drawing = draw_explanation(replace(found, weights=np.array([1.0, 0.0, -1.0])))
    fills = {
        e.get("class"): re.search(r"fill:(#\w+)", e.get("style", "")).group(1)
        for e in parsed(drawing).iter()
        if e.tag.endswith("ellipse")
    }
    red, white, blue = (tuple(bytes.fromhex(fills[f"atom-{i}"][1:])) for i in range(3))
    assert red[0] > red[2] + 50
    assert white == (255, 255, 255)
    assert blue[2] > blue[0] + 50
