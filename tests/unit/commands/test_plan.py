"""``molsieve plan``."""

import json

import pytest
from typer.testing import CliRunner

from molsieve.cli import app
from molsieve.errors import MolsieveError


def plan(*arguments):
    finished = CliRunner().invoke(app, ["plan", *arguments])
    if finished.exception:
        raise finished.exception
    return finished.stdout


def test_the_plan_of_a_large_library_names_what_decides():
    text = plan("--rows", "1e9", "--cores", "400")
    for words in ("1,000,000,000 rows", "core hours", "Longest job", "Most memory", "On 400 free cores", "GPU was not"):
        assert words in text


def test_a_still_larger_one_is_divided_into_runs():
    found = json.loads(plan("--rows", "1e10", "--json"))
    assert (found["runs"], found["run"]["rows"]) == (10, 10**9)
    assert found["gpu_hours"] is None
    assert "10 runs of 1,000,000,000 rows" in plan("--rows", "1e10")


def test_files_are_estimated_and_that_is_said(tmp_path):
    (tmp_path / "a.smi").write_text("CCO x\n" * 500)
    assert "about 500 rows" in plan(str(tmp_path / "a.smi"))


def test_a_shard_size_of_ones_own_gets_the_recommended_one_beside_it():
    text = plan("--rows", "1e9", "--shard-size", "122880")
    assert "8,139 shards of 122,880 rows" in text
    assert "recommended: ingest.shard_size=" in text


@pytest.mark.parametrize("arguments", [(), ("--rows", "100", "a.smi")])
def test_a_library_or_its_rows(arguments):
    with pytest.raises(MolsieveError, match="name the files of a library, or say how many rows"):
        plan(*arguments)
