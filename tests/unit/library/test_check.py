import json

import pytest
from typer.testing import CliRunner

from molsieve.cli import app
from molsieve.errors import MolsieveError
from molsieve.library.check import check
from molsieve.library.source import LibrarySource

LINES = ["id;smiles;name"] + [f"{i};CC(=O)N{'C' * i};compound {i}" for i in range(50)]


def look(path, rows=1000, **options):
    (found,) = check([LibrarySource(path=str(path), **options)], rows)
    return found


def test_what_was_understood(write):
    found = look(write("a.csv", "\n".join(LINES)))
    assert (found.format, found.delimiter, found.header, found.columns) == (
        "csv",
        "semicolon",
        True,
        ["id", "smiles", "name"],
    )
    assert (found.structure_column, found.id_column) == ("smiles", "id")
    assert (found.rows, found.whole_file, found.parsed) == (50, True, 50)
    assert found.examples[1] == (2, "1", "CC(=O)NC")
    assert found.failures == []
    assert found.warnings == []


def test_only_the_first_rows_are_read(write):
    path = write("a.csv", "\n".join(LINES))
    assert (look(path, 10).rows, look(path, 10).whole_file) == (10, False)
    assert (look(path, 50).rows, look(path, 50).whole_file) == (50, True)


def test_failures_say_why(write):
    found = look(write("a.smi", "CCO one\nC1CC two\nC(C)(C)(C)(C)C three\n\n"))
    assert (found.rows, found.parsed) == (3, 1)
    assert [failure[:4] for failure in found.failures] == [
        (2, "two", "C1CC", "unparsable"),
        (3, "three", "C(C)(C)(C)(C)C", "valence"),
    ]
    assert "valence" in found.failures[1].detail


def test_rows_the_reader_refused_are_failures(write):
    found = look(write("a.csv", "id,smiles\n1,CC(=O)N\n2,\n3,CC,CC\n"))
    assert [failure.reason_code for failure in found.failures] == ["empty_structure", "too_many_fields"]
    assert all(failure.detail for failure in found.failures)


def test_the_wrong_column_is_noticed_and_the_right_one_named(write):
    found = look(write("a.csv", "\n".join(LINES)), structure_column="name")
    assert found.parsed == 0
    assert "structure_column=smiles" in found.warnings[0]


def test_warnings(write):
    rows = ["smiles,mw", *(f"CC(=O)N{'C' * i},{i / 7:.2f}" for i in range(9)), "C\u00e9,1.0"]
    found = look(write("a.csv", "\n".join(rows).encode("latin-1")))
    assert any("no identifier" in warning for warning in found.warnings)
    assert any("Latin-1" in warning for warning in found.warnings)
    found = look(write("b.smi", "CCO a\nCCN a\nCCF b\n"))
    assert found.duplicate_identifiers == 1
    assert any("repeat an identifier" in warning for warning in found.warnings)


def test_molblocks_are_shown_as_smiles():
    (found,) = check([LibrarySource(path="rdkit:NCI/first_200.props.sdf")], 5)
    assert found.rows == 5
    assert all("\n" not in example.structure for example in found.examples)


def test_command_shows_and_prints_json(write):
    path = write("odd [name].csv", "\n".join(LINES))
    shown = CliRunner().invoke(app, ["check", str(path)])
    assert shown.exit_code == 0, shown.output
    assert "odd [name].csv" in shown.output
    assert "semicolon" in shown.output
    assert "50 (100.0%)" in shown.output
    printed = CliRunner().invoke(app, ["check", str(path), "--json", "--rows", "5"])
    (found,) = json.loads(printed.output)
    assert (found["parsed"], found["structure_column"]) == (5, "smiles")
    assert found["examples"][0] == {"row": 1, "compound_id": "0", "structure": "CC(=O)N"}


def test_ingest_command(write, tmp_path):
    path = write("a.csv", "\n".join(LINES))
    out, summary = tmp_path / "records", tmp_path / "ingest.json"
    done = CliRunner().invoke(
        app, ["ingest", f"{path}::id_column=name", "--out", str(out), "--shard-size", "20", "--summary", str(summary)]
    )
    assert done.exit_code == 0, done.output
    assert len(done.output.strip().splitlines()) == 1
    assert json.loads(summary.read_text())["rows"] == 50
    assert len(list(out.glob("*.parquet"))) == 3


@pytest.mark.parametrize("command", [["check"], ["ingest", "--out", "x"]])
def test_errors_reach_the_command_line_as_they_are(command, tmp_path):
    done = CliRunner().invoke(app, [*command, str(tmp_path / "gone.csv")])
    assert isinstance(done.exception, MolsieveError)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("command", ["check", "ingest"])
def test_help_has_an_example(command):
    assert f"Example: molsieve {command}" in CliRunner().invoke(app, [command, "--help"]).output
