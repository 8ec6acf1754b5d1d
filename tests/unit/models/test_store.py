import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.unit.models.conftest import KNOWN, TINY_TRUST, prepared_table, tiny_info, tiny_part, tiny_record

from molsieve.errors import MolsieveError
from molsieve.models.endpoints import read_endpoints
from molsieve.models.features import features_of
from molsieve.models.network import NetworkShape, SparseNetwork, with_heads
from molsieve.models.predict import predict
from molsieve.models.store import (
    as_stored,
    load_model,
    load_record,
    models_sha256,
    save_model,
    verify,
    weights_bytes,
    write_checksums,
)
from molsieve.models.vocabulary import Vocabulary

FILES = ["model.json", "trust.json", "model.safetensors", "MODEL_CARD.md", "model_card.json"]


@pytest.fixture
def copy(tiny_model, tmp_path):
    return shutil.copytree(tiny_model, tmp_path / "model")


def edit(folder, **changes):
    """Change the metadata as its author could, checksums included."""
    info = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(info | changes))
    write_checksums(folder)


def test_what_is_saved_is_what_is_loaded(tiny_model):
    model = load_model(tiny_model)
    assert [e.name for e in model.endpoints] == ["kills", "harms", "dose"]
    assert read_endpoints(tiny_model) == model.endpoints
    assert model.trust == TINY_TRUST
    assert (tiny_model / "MODEL_CARD.md").read_text() == "card\n"
    again = weights_bytes(model.networks, model.boosters, model.record)
    assert again == (tiny_model / "model.safetensors").read_bytes()


def test_a_network_may_predict_some_endpoints_alone(tiny_model, tmp_path):
    model = load_model(tiny_model)
    whole = model.networks[0]
    second = replace(whole, network=with_heads(whole.network, np.array([1])), predicts=np.array([False, True, False]))
    facts = model.info.networks[0]
    both = (
        facts,
        facts.model_copy(update={"shape": second.network.shape, "endpoints": (1,), "learned": ("activity",)}),
    )
    stack = {"kills": (1.0, 0.0), "harms": (0.5, 0.5), "dose": (1.0, 0.0)}
    info = model.info.model_copy(update={"networks": both, "stack": stack})
    save_model(tmp_path, info, TINY_TRUST, weights_bytes([whole, second], None, model.record), "card\n", "{}")
    again = load_model(tmp_path)
    features = features_of(prepared_table(KNOWN))
    expected, found = model.outputs(features), again.outputs(features)
    members = expected.shape[1]
    assert torch.equal(found[:, :members], expected)
    assert torch.equal(found[:, members:, 1], expected[:, :, 1])
    assert (found[:, members:, [0, 2]] == 0).all()
    torch.testing.assert_close(
        torch.tensor(predict(again, features).value), torch.tensor(predict(model, features).value)
    )


@pytest.mark.parametrize("name", [*FILES, "checksums.sha256"])
@pytest.mark.parametrize("position", [0, 0.5, -1])
def test_a_changed_byte_in_any_file_is_refused(copy, name, position):
    content = bytearray((copy / name).read_bytes())
    content[position if position in (0, -1) else int(position * len(content))] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(MolsieveError, match=r"changed or damaged|cannot be read"):
        load_model(copy)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(MolsieveError, match=name):
        load_model(copy)


def test_a_model_of_another_standardisation_is_refused(copy):
    edit(copy, standardise_digest="0123456789abcdef")
    with pytest.raises(MolsieveError, match="standardised in another way"):
        load_model(copy)


def test_a_model_of_another_rdkit_release_is_refused(copy):
    edit(copy, rdkit_version="2019.03.4")
    with pytest.raises(MolsieveError, match=r"trained with RDKit 2019\.03\.4"):
        load_model(copy)


def test_a_model_of_another_format_is_refused(copy):
    edit(copy, format=1)
    with pytest.raises(MolsieveError, match="format 1"):
        load_model(copy)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(MolsieveError) as refusal:
        load_model(tmp_path)
    assert refusal.value.where == str(tmp_path)


def test_broken_metadata_name_the_key(copy):
    edit(copy, endpoints="none")
    with pytest.raises(MolsieveError, match="endpoints"):
        load_model(copy)


def test_provenance_sees_every_file(copy, tiny_model):
    assert models_sha256(copy) == models_sha256(tiny_model)
    edit(copy, name="other")
    assert models_sha256(copy) != models_sha256(tiny_model)
    verify(copy)


def test_the_record_keeps_labels_and_neighbours(tiny_model):
    record = load_record(tiny_model)
    expected = tiny_record()
    assert record.molecules == len(KNOWN)
    assert record.hashes.tolist() == sorted(expected.hashes.tolist())
    rows, values = record.labelled(1)
    assert len(rows) == 4
    assert values.sum() == 1
    others, kills = record.labelled(0)
    assert kills[others == rows[values == 1][0]].tolist() == [0.0]


def test_a_stack_weighs_its_parts(tiny_model, tmp_path):
    features = features_of(prepared_table(KNOWN))
    vocabulary = Vocabulary.of_training(features, 1)
    parts = [tiny_part(features, vocabulary, seed) for seed in (1, 2)]
    weights = {"kills": (1.0, 0.0), "harms": (0.25, 0.75), "dose": (0.5, 0.5)}
    info = tiny_info(parts, stack=weights)
    save_model(tmp_path / "two", info, TINY_TRUST, weights_bytes(parts, None, tiny_record()), "card", "{}")
    model = load_model(tmp_path / "two")
    mean = (model.outputs(features) * model.member_weights).sum(dim=1)
    first, second = (part.outputs(features).mean(dim=1) for part in parts)
    torch.testing.assert_close(mean[:, 0], first[:, 0])
    torch.testing.assert_close(mean[:, 1], 0.25 * first[:, 1] + 0.75 * second[:, 1])


def test_rounding_to_the_stored_form_is_small_and_done_once():
    torch.manual_seed(0)
    network = SparseNetwork(NetworkShape(rows=200, descriptors=2, members=3, width=16, hidden=4, endpoints=2))
    stored = as_stored(network)
    error = (stored.embedding - network.embedding).abs().max() / network.embedding.abs().max()
    assert 0 < error < 0.075
    torch.testing.assert_close(as_stored(stored).embedding, stored.embedding, rtol=0, atol=1e-4)
    assert np.array_equal(stored.heads.weight.detach(), network.heads.weight.detach())
