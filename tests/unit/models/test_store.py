import json
import shutil

import numpy as np
import pytest
import torch

from molsieve.errors import MolsieveError
from molsieve.models.endpoints import read_endpoints
from molsieve.models.network import NetworkShape, TriageNetwork
from molsieve.models.store import as_stored, load_triage_model, models_sha256, weights_bytes


@pytest.fixture
def copy(tiny_model, tmp_path):
    return shutil.copytree(tiny_model, tmp_path / "model")


def edit(folder, **changes):
    info = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(info | changes))


def test_what_is_saved_is_what_is_loaded(tiny_model):
    model = load_triage_model(tiny_model)
    assert [e.name for e in model.endpoints] == ["kills", "harms", "dose"]
    assert read_endpoints(tiny_model) == model.endpoints
    assert (tiny_model / "MODEL_CARD.md").read_text() == "card\n"
    again = weights_bytes(model.network, model.record)
    assert again == (tiny_model / "model.safetensors").read_bytes()


@pytest.mark.parametrize("position", [10, 5000, -1])
def test_a_changed_byte_is_refused(copy, position):
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[position] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    with pytest.raises(MolsieveError, match="changed or damaged"):
        load_triage_model(copy)


def test_a_model_of_another_standardisation_is_refused(copy):
    edit(copy, standardise_digest="0123456789abcdef")
    with pytest.raises(MolsieveError, match="standardised in another way"):
        load_triage_model(copy)


def test_a_model_of_another_rdkit_release_is_refused(copy):
    edit(copy, rdkit_version="2019.03.4")
    with pytest.raises(MolsieveError, match=r"trained with RDKit 2019\.03\.4"):
        load_triage_model(copy)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(MolsieveError) as refusal:
        load_triage_model(tmp_path)
    assert refusal.value.where == str(tmp_path)


def test_broken_metadata_name_the_key(copy):
    edit(copy, endpoints="none")
    with pytest.raises(MolsieveError, match="endpoints"):
        load_triage_model(copy)


def test_missing_weights_are_named(copy):
    (copy / "model.safetensors").unlink()
    with pytest.raises(MolsieveError, match="no weights"):
        load_triage_model(copy)


def test_provenance_sees_weights_and_metadata(copy, tiny_model):
    assert models_sha256(copy) == models_sha256(tiny_model)
    edit(copy, name="other")
    assert models_sha256(copy) != models_sha256(tiny_model)


def test_rounding_to_the_stored_form_is_small_and_done_once():
    torch.manual_seed(0)
    network = TriageNetwork(NetworkShape(rows=200, descriptors=2, members=3, width=16, hidden=4, endpoints=2))
    stored = as_stored(network)
    error = (stored.embedding - network.embedding).abs().max() / network.embedding.abs().max()
    assert 0 < error < 0.01
    torch.testing.assert_close(as_stored(stored).embedding, stored.embedding, rtol=0, atol=1e-7)
    assert np.array_equal(stored.heads.weight.detach(), network.heads.weight.detach())
