import json

import pytest
import typer
from tests.unit.models.conftest import tiny_model  # noqa: F401
from typer.testing import CliRunner

from molsieve.commands.explain import explain_command
from molsieve.errors import MolsieveError

app = typer.Typer()
app.command("explain")(explain_command)


@app.callback()
def _models():
    pass


@pytest.fixture
def run(tiny_model, tmp_path):  # noqa: F811
    def run(*arguments, out="out"):
        line = ["explain", *map(str, arguments), "--model", str(tiny_model), "--out", str(tmp_path / out)]
        return CliRunner().invoke(app, line), tmp_path / out

    return run


def test_text_and_folder(run):
    result, folder = run("CC(=O)Oc1ccccc1C(=O)O", "-e", "dose", "-e", "kills")
    assert result.exit_code == 0, result.output
    assert "Applicability domain" in result.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["dose.svg", "kills.svg", "qprf.json"]
    assert [r["prediction"]["endpoint"] for r in json.loads((folder / "qprf.json").read_text())] == ["dose", "kills"]


def test_json_and_page_of_the_activity_endpoints(run):
    result, page = run("CCO", "--json", out="report.html")
    assert result.exit_code == 0, result.output
    assert [r["prediction"]["endpoint"] for r in json.loads(result.stdout)] == ["kills"]
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["C1CC"], "unclosed ring"),
        (["CCO", "-e", "nothing"], "no endpoint 'nothing'"),
        (["CCO", "-e", "kills", "--profile", "amr-gram-negative"], "not both"),
        (["CCO", "--profile", "amr-gram-negative"], "no endpoint of the profile"),
        (["CCO", "--tier", "best"], "no tier 'best'"),
    ],
)
def test_errors_are_clear_and_nothing_is_written(run, arguments, message):
    result, out = run(*arguments)
    assert isinstance(result.exception, MolsieveError)
    assert message in str(result.exception)
    assert not out.exists()


def test_no_model_there(tmp_path):
    line = ["explain", "CCO", "--model", str(tmp_path), "--out", str(tmp_path / "out")]
    assert isinstance(CliRunner().invoke(app, line).exception, MolsieveError)
