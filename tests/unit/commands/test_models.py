import json
import re
import shutil

import pytest
from tests.unit.training.small_model import write_model
from typer.testing import CliRunner

from molsieve.commands import model_folders
from molsieve.commands.models import models_app
from molsieve.errors import MolsieveError
from molsieve.models.store import WEIGHTS


def run(*arguments):
    return CliRunner().invoke(models_app, list(map(str, arguments)))


def refused(*arguments):
    result = run(*arguments)
    assert isinstance(result.exception, MolsieveError), result.output
    return str(result.exception)


@pytest.fixture
def damaged(small_model, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(small_model, folder)
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / WEIGHTS).write_bytes(content)
    return folder


def test_list_shows_every_model_and_whether_it_is_whole(small_model, damaged, monkeypatch, tmp_path):
    monkeypatch.setattr(model_folders, "project_root", lambda: tmp_path)
    result = run("list", small_model.parent, damaged)
    assert result.exit_code == 0, result.output
    assert "triage  3: 1 activity, 2 toxicity" in result.stdout
    assert "48 molecules" in result.stdout
    assert "NO: The model's file" in result.stdout


def test_list_of_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(model_folders, "project_root", lambda: tmp_path)
    assert "No model" in refused("list")
    assert "no model here" in refused("list", tmp_path)


def test_shipped_models_go_by_name(small_model, monkeypatch, tmp_path):
    shutil.copytree(small_model, tmp_path / "resources" / "models" / "triage")
    monkeypatch.setattr(model_folders, "project_root", lambda: tmp_path)
    assert "small (tier triage)" in run("show", "triage").stdout
    assert "every byte" in run("verify").stdout
    assert "There is no model 'refine'" in refused("show", "refine")


def test_verify(small_model, damaged):
    result = run("verify", small_model)
    assert result.exit_code == 0
    assert "every byte as it was written" in result.stdout
    result = run("verify", small_model, damaged)
    assert result.exit_code == 1
    assert "every byte" in result.stdout
    assert "model.safetensors was changed or damaged" in result.stderr


def test_show_lists_the_endpoints(small_model):
    output = run("show", small_model).stdout
    assert "AUROC 0.750 (forest 0.700)" in output
    assert "g_per_kg" in output
    document = json.loads(run("show", small_model, "--json").stdout)
    assert [e["name"] for e in document["endpoints"]] == ["kills", "harms", "dose"]
    assert document["endpoints"][0]["metrics"]["scaffold"]["model"]["auroc"] == 0.75


def test_show_one_endpoint(small_model):
    output = run("show", small_model, "--endpoint", "kills").stdout
    for text in ("E. testii", "dead at 50 uM", "36, 18 active (50.0 %)", "Doe 2020, doi:10.1/x", "platt", "other data"):
        assert text in output
    assert "0.750 ± 0.010" in output
    for words in (
        "new scaffolds",
        "this model",
        "untuned forest",
        "By Tanimoto similarity",
        "error 0.200 before calibration",
    ):
        assert words in output
    for stored in ("by_similarity", "ece_raw", "values", "{", "(0"):
        assert stored not in output
    output = run("show", small_model, "--endpoint", "dose").stdout
    assert "No figures are stored" in output


def test_show_names_read_across_as_a_part(tmp_path):
    folder = write_model(tmp_path / "reading", read_across=True)
    words = "the measured labels of the five nearest training molecules"
    assert f"1 network, with {words}," in " ".join(run("show", folder).stdout.split())
    assert words in " ".join(re.sub("[^ \\w]", " ", run("show", folder, "--endpoint", "kills").stdout).split())
    assert "five nearest training" not in run("show", folder, "--endpoint", "dose").stdout


def test_show_what_the_top_is_worth(small_model):
    output = run("show", small_model, "--endpoint", "kills", "--prevalence", "0.01").stdout
    # 18 inactives cannot tell about false positive rates below 1 in 18; 0.1 is the first cut-off.
    assert "best 20 %" in output
    assert "best 1 %" not in output
    assert "too few inactives" in output
    document = json.loads(run("show", small_model, "--endpoint", "kills", "--prevalence", "0.3", "--json").stdout)
    shift = document["prior_shift"]
    assert shift["trained_prevalence"] == 0.1
    half = next(row for row in shift["probabilities"] if row["predicted"] == 0.5)
    assert half["shifted"] == pytest.approx((0.3 / 0.7) / (0.1 / 0.9) / (1 + (0.3 / 0.7) / (0.1 / 0.9)))


def test_show_refuses_what_makes_no_sense(small_model):
    assert "has no endpoint 'kill'" in refused("show", small_model, "--endpoint", "kill")
    assert "regression" in refused("show", small_model, "--endpoint", "dose", "--prevalence", "0.1")
    assert "--endpoint" in refused("show", small_model, "--prevalence", "0.1")
    assert "between 0 and 1" in refused("show", small_model, "--endpoint", "kills", "--prevalence", "2")


def test_a_damaged_model_is_not_shown(damaged):
    assert "changed or damaged" in refused("show", damaged)
