import json
import shutil

import pytest
from tests.unit.models.conftest import KNOWN, TINY_TRUST, tiny_record

from molsieve.errors import MolsieveError
from molsieve.models.endpoints import read_endpoints
from molsieve.models.store import (
    load_model,
    load_record,
    models_sha256,
    verify,
    weights_bytes,
    write_checksums,
)

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
