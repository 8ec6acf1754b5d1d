"""``molsieve funnel`` as it is typed."""

import json

import pytest
from typer.testing import CliRunner

from molsieve.cli import app
from molsieve.errors import MolsieveError

HITS = (
    "name,Structure,score\ncipro,O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O,0.9\nethanol,CCCCO,0.5\nbroken,C1CC(,0.1\n"
)
SCREEN = "SMILES,active\nOc1ccccc1,yes\nCCO,no\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "hits.csv").write_text(HITS)
    (tmp_path / "screen.csv").write_text(SCREEN)
    return tmp_path


def typed(files, *arguments):
    command = ["funnel", "wong2023", str(files / "hits.csv"), "--training", str(files / "screen.csv"), *arguments]
    result = CliRunner().invoke(app, command)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def test_json_has_the_counts_and_examples(files):
    told = json.loads(typed(files, "--rows", "training:active=yes", "--json"))
    assert (told["read"], told["unreadable"], told["survivors"]) == (3, 1, 1)
    assert told["lists"] == {"training": 1}
    assert told["structure_column"] == "Structure"
    by_name = {step["name"]: step for step in told["steps"]}
    assert by_name["readable"]["examples"][0]["identifier"] == "broken"
    assert by_name["no_quinolone"]["examples"][0]["identifier"] == "cipro"
    assert told["steps"][-1]["remaining"] == told["survivors"]


def test_the_table_is_for_readers(files):
    out = files / "out.csv"
    told = typed(files, "--rows", "training:active=yes", "--id-column", "score", "--out", str(out))
    assert "No quinolone bicycle" in told
    assert "0.9 " in told
    assert "1 compound in the list training" in told
    assert out.read_text().splitlines()[1].endswith("shares 11 atoms with C1=CC=C2C(=C1)C(=O)C=CN2,cipro,0.9")


def test_a_long_identifier_does_not_fill_the_screen(files):
    (files / "hits.csv").write_text(HITS.replace("broken", "x" * 5000))
    told = typed(files, "--rows", "training:active=yes")
    assert "x" * 20 in told
    assert told.count("x") < 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "ACTIVITY"),
        (["--rows", "active=yes"], "not LIST:COLUMN=VALUE"),
        (["--list", "known"], "not NAME=FILE"),
        (["--list", "known=x.csv"], "has no list 'known'"),
        (["--out", "out.xlsx"], "no format"),
        (["--structure-column", "SMILES"], "SMILES"),
    ],
)
def test_what_is_typed_wrong_is_explained(files, arguments, message):
    with pytest.raises(MolsieveError, match=message):
        typed(files, *arguments)
