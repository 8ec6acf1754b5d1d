"""Models made of chemprop networks, whose training molecules are not known, in the commands that take any model."""

import json

import pyarrow.parquet as pq
import pytest
import typer
from tests.unit.models.graph_model import KINDS, write_graph_model, write_measured
from typer.testing import CliRunner

from molsieve.commands.evaluate import evaluate_command
from molsieve.commands.leaks import leaks_command
from molsieve.commands.model_training import train_command
from molsieve.commands.recalibrate import recalibrate_command
from molsieve.commands.show_model import list_command, show_command
from molsieve.errors import MolsieveError


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def folder(kind, tmp_path_factory):
    return write_graph_model(tmp_path_factory.mktemp("models") / "gnn", kind)


@pytest.fixture(scope="module")
def measured(kind, tmp_path_factory):
    return write_measured(tmp_path_factory.mktemp("data") / "measured.csv", kind)


def run(command, *arguments):
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_no_leak_can_be_ruled_out(folder, measured, tmp_path):
    arguments = (folder, measured, "--json", tmp_path / "leaks.json", "--report", tmp_path / "leaks.md")
    result = run(leaks_command, *arguments)
    assert result.exit_code == 0, result.exception
    assert "CAUTION: the molecules of gnn are not known" in result.stderr
    assert "a leak cannot be ruled out" in result.stdout
    assert run(leaks_command, *arguments, "--fail").exit_code == 1
    (found,) = json.loads((tmp_path / "leaks.json").read_text())["overlaps"]
    assert (found["same"], found["a_near"], found["a_molecules"], found["b_molecules"]) == (None, None, None, 60)
    assert "not known" in (tmp_path / "leaks.md").read_text()


def test_figures_come_with_a_caution(folder, measured, tmp_path):
    files = tmp_path / "figures.json", tmp_path / "rows.parquet"
    result = run(
        evaluate_command, "--data", measured, "--smiles", "smiles", "--label", "y", "--model", folder,
        "--resamples", "100", "--json", files[0], "--predictions", files[1],
    )  # fmt: skip
    assert result.exit_code == 0, result.exception
    assert "CAUTION: the molecules that gnn was trained on are not known" in result.stderr
    assert "distance from its training molecules not known" in result.stdout
    assert "within the model's domain" not in result.stdout
    document = json.loads(files[0].read_text())
    assert document["in_domain"] is document["domain_limit"] is document["near_training"] is None
    assert document["by_similarity"] == []
    rows = pq.read_table(files[1])
    for name in ("nn_similarity", "unseen_fraction", "in_domain", "in_training_of_endpoint"):
        assert rows[name].null_count == len(rows)


def test_it_is_no_model_to_start_from(folder, measured, tmp_path):
    result = run(
        train_command, "--data", measured, "--smiles", "smiles", "--label", "y", "--name", "mine", "--base", folder,
        "--out", tmp_path / "mine",
    )  # fmt: skip
    assert isinstance(result.exception, MolsieveError)
    assert "gnn is a chemprop network" in result.exception.what
    assert not (tmp_path / "mine").exists()


def test_show_and_list_say_what_is_not_known(folder, kind):
    result = run(show_command, folder)
    assert result.exit_code == 0, result.exception
    assert "a chemprop network, made" in result.stdout
    assert "domain: not known" in result.stdout
    assert "networks" not in result.stdout
    result = run(show_command, folder, "--endpoint", "gnn")
    assert result.exit_code == 0, result.exception
    assert "not known, for the training molecules are not" in result.stdout
    assert "new scaffolds" not in result.stdout
    assert ("No figures are stored" in result.stdout) == (kind == "uncalibrated")
    document = json.loads(run(show_command, folder, "--endpoint", "gnn", "--json").stdout)
    assert document["n"] is document["max_unseen_fraction"] is None
    listed = run(list_command, folder)
    assert "not known" in listed.stdout
    assert "0 molecules" not in listed.stdout


def test_recalibrated_it_still_says_so(folder, measured, tmp_path):
    result = run(
        recalibrate_command, folder, "--data", measured, "--smiles", "smiles", "--label", "y", "--out", tmp_path / "new"
    )
    assert result.exit_code == 0, result.exception
    assert "CAUTION" in result.stderr
    card = (tmp_path / "new" / "MODEL_CARD.md").read_text()
    assert "Fitted on measured.csv, sha256" in card
    assert "always hold both labels" not in card
