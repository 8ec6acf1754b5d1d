import json

import pytest
import typer
from typer.testing import CliRunner

from molsieve.commands.leaks import leaks_command
from molsieve.errors import MolsieveError

app = typer.Typer()
app.command("leaks")(leaks_command)


@app.callback()
def _models():
    pass


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.csv").write_text("SMILES\nCC(=O)Oc1ccccc1C(=O)O\nCCCCCCCCCC\n")
    (tmp_path / "b.csv").write_text("SMILES\n[Na+].CC(=O)Oc1ccccc1C(=O)[O-]\nCCCCCCCCCCC\n")
    (tmp_path / "c.csv").write_text("SMILES\nCCN(CC)CC\n")
    return {name: str(tmp_path / f"{name}.csv") for name in "abc"}


def run(*arguments):
    return CliRunner().invoke(app, ["leaks", *map(str, arguments)])


def test_table_json_and_report(files, tmp_path):
    result = run(files["a"], files["b"], "--json", tmp_path / "l.json", "--report", tmp_path / "out" / "l.md")
    assert result.exit_code == 0, result.output
    assert "a.csv and b.csv: 1 molecule in both" in result.stdout
    assert "row 2 | row 2  1.000  CCCCCCCCCC | CCCCCCCCCCC" in result.stdout
    document = json.loads((tmp_path / "l.json").read_text())
    assert document["overlaps"][0]["same"] == 1
    assert document["overlaps"][0]["a_near"] == 1
    assert (tmp_path / "out" / "l.md").read_text().startswith("# Leak ledger")


def test_fail_is_for_continuous_integration(files):
    assert run(files["a"], files["b"], "--fail").exit_code == 1
    assert run(files["a"], files["c"], "--fail").exit_code == 0


def test_near_molecules_can_be_left_to_a_limit(files):
    result = run(files["b"], files["c"], files["a"], "--similar", "1.0")
    assert "near, similarity" not in result.stdout
    assert result.stdout.count(" in both") == 1


def test_sets_of_one_name_are_told_apart(files, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.csv").write_text("SMILES\nCCN(CC)CC\n")
    result = run(files["a"], tmp_path / "other" / "a.csv")
    assert "other/a.csv" in result.stdout


def test_the_column_of_the_structures(tmp_path):
    for name in "ab":
        (tmp_path / name).with_suffix(".csv").write_text("SMILES,raw\nCCO,CCCO\n")
    assert "CCCO" in run(tmp_path / "a.csv", tmp_path / "b.csv", "--smiles", "raw").stdout


def test_one_set_is_not_enough(files):
    result = run(files["a"])
    assert isinstance(result.exception, MolsieveError)
    assert "two sets" in str(result.exception)
