import json
from pathlib import Path

import pytest

from molsieve.cluster.run_folder import find_run
from molsieve.errors import MolsieveError


@pytest.fixture
def screen(tmp_path, monkeypatch):
    """The folder a run was started in."""
    work = tmp_path / "screen" / "work" / "vendor"
    work.mkdir(parents=True)
    (work / "config.yaml").write_text("run: vendor\nlibraries: [a.csv]\nrefine: {chunk_rows: 7}\n")
    monkeypatch.chdir(tmp_path / "screen")
    return tmp_path / "screen"


@pytest.mark.parametrize("given", ["vendor", "work/vendor", "work/vendor/", "results/vendor"])
def test_a_name_or_any_of_its_folders(screen, given):
    run = find_run(given)
    assert (run.name, run.work.resolve()) == ("vendor", screen / "work" / "vendor")
    assert (run.started_in, run.results) == (screen, screen / "results" / "vendor")
    assert run.config.refine.chunk_rows == 7
    assert not run.notes


def test_from_elsewhere(screen, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for given in ("screen/work/vendor", "screen/results/vendor", str(screen / "results" / "vendor")):
        assert (find_run(given).work.resolve(), find_run(given).started_in) == (screen / "work" / "vendor", screen)


def test_a_published_run_tells_where_it_was_made(screen, tmp_path):
    results = screen / "published" / "vendor"
    results.mkdir(parents=True)
    scratch = tmp_path / "scratch" / "vendor"
    (scratch / "logs").mkdir(parents=True)
    config = {"run": "vendor", "results": {"folder": "published", "work": str(scratch.parent)}}
    (results / "run.json").write_text(json.dumps({"config": config}))
    run = find_run("published/vendor")
    assert (run.work, run.results, run.started_in) == (scratch, results, screen)


def test_a_configuration_that_cannot_be_read_is_said(screen):
    (screen / "work" / "vendor" / "config.yaml").write_text("refine: {chunks_row: 7}\n")
    run = find_run("vendor")
    assert run.config.refine.chunk_rows == 2000
    assert "unknown key 'refine.chunks_row'" in run.notes[0]


def test_a_run_that_is_not_there(screen):
    with pytest.raises(MolsieveError, match="there is no run vendr") as error:
        find_run("vendr")
    assert error.value.fix == "Runs here: vendor."
    (screen / "work" / "vendor" / "config.yaml").unlink()
    with pytest.raises(MolsieveError) as error:
        find_run("vendor")
    assert "in the folder in which the run was started" in error.value.fix


def test_a_folder_that_is_no_run(screen):
    Path("vendr").mkdir()
    with pytest.raises(MolsieveError):
        find_run("vendr")
