"""``molsieve status`` as it is typed, on a run with a failed shard."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from molsieve.cli import app

RECORDED = Path(__file__).parents[1] / "cluster" / "recorded"
RECORD = {
    "host": "login2", "pid": 1, "process_started": 1, "started": "2026-11-23T05:04:25+00:00", "executor": "local",
    "snakemake_log": "work/small/logs/snakemake.log",
}  # fmt: skip


@pytest.fixture
def work(tmp_path, monkeypatch):
    """The folder of a run that stopped."""
    monkeypatch.chdir(tmp_path)
    work = tmp_path / "work/small"
    (work / "library/records").mkdir(parents=True)
    (work / "logs").mkdir()
    shards = [{"name": f"{number:05d}.parquet", "rows": 300} for number in range(4)]
    (work / "library/records/manifest.json").write_text(json.dumps({"shards": shards}))
    (work / "logs/prepare-library-00002.log").write_text("Error: the disk is full\n  where: /scratch\n")
    shutil.copy(RECORDED / "local.txt", work / "logs/snakemake.log")
    ended = {"ended": "2026-11-23T05:04:30+00:00", "exit_status": 1}
    (work / "last_run.json").write_text(json.dumps(RECORD | ended))
    return work


def typed(*arguments):
    result = CliRunner().invoke(app, ["status", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_run_that_failed_says_where_and_why(work):
    result = typed("results/small")
    assert result.exit_code == 1
    assert "small: stopped with failures" in result.stdout
    assert "prepare-library-00002: the disk is full" in result.stdout
    assert "work/small/logs/prepare-library-00002.log" in result.stdout
    assert "work/small/logs/snakemake.log" in result.stdout


def test_json_says_the_same(work):
    told = json.loads(typed("small", "--json", "--jobs").stdout)
    assert (told["state"], told["started"], told["ended"]) == (
        "stopped", "2026-11-23T05:04:25+00:00", "2026-11-23T05:04:30+00:00"
    )  # fmt: skip
    assert told["failures"] == [
        {"unit": "prepare-library-00002", "why": "the disk is full", "slurm": None, "attempts": 1,
         "log": str(work / "logs/prepare-library-00002.log")}
    ]  # fmt: skip
    assert next(stage for stage in told["stages"] if stage["name"] == "prepare")["units"] == 4
    assert (told["jobs"], told["notes"]) == ([], ["No Slurm job of this run has ended."])


def test_a_run_that_works_is_well(work):
    (work / "running.json").write_text(json.dumps(RECORD))
    (work / "logs/snakemake.log").unlink()
    result = typed("small")
    assert result.exit_code == 0
    assert "small: running on login2 since" in result.stdout
    assert "not known yet" in result.stdout


def test_watching_ends_with_the_run(work):
    assert typed("small", "--watch").exit_code == 1


def test_it_writes_nothing_and_loads_nothing_heavy(work):
    def state():
        return {str(path): path.stat().st_mtime_ns for path in work.parents[1].rglob("*")}

    before = state()
    script = (
        "import sys; from molsieve.cli import app\n"
        "try: app(['status', 'small', '--jobs'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'rdkit', 'dask', 'pandas', 'snakemake'} & sys.modules.keys()))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ)
    assert told.stdout.splitlines()[-1] == "[]"
    assert state() == before
