import json
import shutil

import pytest

from molsieve.errors import MolsieveError
from molsieve.models.panel import Panel, read_joint_endpoints

from .further_model import renamed


def edited(folder, target, **changes):
    shutil.copytree(folder, target)
    content = json.loads((target / "model.json").read_text())
    (target / "model.json").write_text(json.dumps(content | changes))
    return target


@pytest.fixture
def renamed_model(tiny_model, tmp_path):
    """A further model, whose endpoints begin with ``my_``."""
    return renamed(tiny_model, tmp_path / "my_model")


@pytest.fixture
def reference(tiny_model, tmp_path):
    return edited(tiny_model, tmp_path / "refine", tier="refine", features="rich")


def test_the_pair_shares_its_endpoints(tiny_model, reference):
    panel = Panel.read(tiny_model, reference)
    assert [e.name for e in panel.endpoints] == ["kills", "harms", "dose"]
    assert [m.folder for m in panel.of_triage] == [tiny_model]
    assert [m.folder for m in panel.of_refine] == [reference]


def test_further_models_come_last_and_at_their_tiers(tiny_model, reference, renamed_model, tmp_path):
    slow = json.loads((renamed_model / "model.json").read_text())["endpoints"]
    slow = edited(
        renamed_model, tmp_path / "slow", tier="refine", endpoints=[e | {"name": "slow_" + e["name"]} for e in slow]
    )
    panel = Panel.read(tiny_model, reference, [slow, renamed_model])
    assert [e.name for e in panel.endpoints][3:6] == ["slow_my_kills", "slow_my_harms", "slow_my_dose"]
    assert [m.folder for m in panel.of_triage] == [tiny_model, renamed_model]
    assert [m.folder for m in panel.of_refine] == [reference, slow, renamed_model]
    assert read_joint_endpoints([reference, tiny_model, slow, renamed_model]) == panel.endpoints


def test_a_name_that_two_models_use_is_refused_and_both_are_named(tiny_model, reference, renamed_model, tmp_path):
    with pytest.raises(MolsieveError, match="endpoint named 'kills'") as caught:
        Panel.read(tiny_model, reference, [edited(tiny_model, tmp_path / "again")])
    assert str(reference) in str(caught.value)
    assert str(tmp_path / "again") in str(caught.value)
    with pytest.raises(MolsieveError, match="endpoint named 'my_kills'"):
        Panel.read(tiny_model, reference, [renamed_model, edited(renamed_model, tmp_path / "twice")])


def test_a_slow_model_cannot_see_the_whole_library(reference):
    with pytest.raises(MolsieveError, match="too slow for a whole library"):
        Panel.read(reference, reference)


def test_a_pair_that_means_different_things_is_refused(tiny_model, tmp_path):
    endpoints = json.loads((tiny_model / "model.json").read_text())["endpoints"]
    endpoints[2]["unit"] = "mg_per_kg"
    other = edited(tiny_model, tmp_path / "other", tier="refine", endpoints=endpoints)
    with pytest.raises(MolsieveError, match="'dose' is regression in g_per_kg"):
        Panel.read(tiny_model, other)


def test_no_model_and_one_of_another_version(tiny_model, tmp_path):
    with pytest.raises(MolsieveError, match="no model here"):
        Panel.read(tiny_model, tmp_path)
    with pytest.raises(MolsieveError, match="made by another version"):
        Panel.read(edited(tiny_model, tmp_path / "old", tier=None), tiny_model)
