"""A run with a failed shard, from its files and Snakemake's output; on a real Slurm: tests/cluster/test_status.py."""

import json
import shutil
import time
from pathlib import Path

import pytest

from molsieve.cluster.journal import Journal
from molsieve.cluster.progress import progress_of_run
from molsieve.cluster.run_folder import find_run
from molsieve.cluster.run_state import RunState

RECORDED = Path(__file__).parent / "recorded"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Four shards, of which three are prepared."""
    monkeypatch.chdir(tmp_path)
    work = Path("work/small")
    for folder in ("summary", "logs", "library/records", "library/prepared"):
        (work / folder).mkdir(parents=True)
    shards = [{"name": f"{number:05d}.parquet", "rows": 300} for number in range(4)]
    (work / "library/records/manifest.json").write_text(json.dumps({"shards": shards}))
    started = time.time()
    for name in ("ingest", "prepare-library-00000", "prepare-library-00001", "prepare-library-00003"):
        (work / "summary" / f"{name}.json").write_text(json.dumps({"started": started}))
    for shard in (0, 1, 3):
        (work / f"library/prepared/{shard:05d}.parquet").touch()
    (work / "logs/prepare-library-00002.log").write_text("Error: the disk is full\n")
    shutil.copy(RECORDED / "local.txt", work / "logs/snakemake.log")
    return find_run("small")


def journal(run):
    journal = Journal(run.work / "logs/snakemake.log")
    journal.update()
    return journal


def stage(progress, name):
    return next(stage for stage in progress.stages if stage.name == name)


def test_what_is_done_and_what_has_failed(run):
    progress = progress_of_run(run, journal(run), RunState("running", started=1.0, executor="local"))
    prepare = stage(progress, "prepare")
    assert (prepare.units, prepare.done, prepare.running, prepare.failed) == (4, 3, 0, 1)
    assert (prepare.rows, prepare.rows_done) == (1200, 900)
    assert prepare.rows_per_second > 0
    (failure,) = progress.failures
    assert (failure.unit, failure.why, failure.log.name) == (
        "prepare-library-00002", "the disk is full", "prepare-library-00002.log"
    )  # fmt: skip
    assert progress.end.not_before is not None
    assert progress.end.at is None


def test_a_job_whose_files_are_there_works_until_it_has_finished(run):
    log = run.work / "logs/snakemake.log"
    text = log.read_text()
    log.write_text(text[: text.index("Finished jobid")])
    progress = progress_of_run(run, journal(run), RunState("running", started=1.0, executor="local"))
    prepare, ingest = stage(progress, "prepare"), stage(progress, "ingest")
    assert (ingest.done, prepare.done + prepare.running) == (1, 3)
    assert prepare.running
    # After it was killed nothing works.
    killed = progress_of_run(run, journal(run), RunState("killed", started=1.0, executor="local"))
    assert (stage(killed, "prepare").running, stage(killed, "prepare").done, killed.end) == (0, 3, None)


def test_finished_jobs_that_will_run_again_are_said(run):
    # Snakemake says 3 of 20 steps; were all that follows there, it would be because of a change.
    found = journal(run)
    missing = sum(
        s.units - s.done for s in progress_of_run(run, found, RunState("running")).stages if s.units is not None
    )
    found.steps = (3, 3 + 1 + missing)
    assert not progress_of_run(run, found, RunState("running")).notes
    found.steps = (3, 3 + 1 + missing + 5)
    assert "5 jobs more than are missing" in progress_of_run(run, found, RunState("running")).notes[0]
    # A job that has finished and is not yet counted is none of them.
    found.steps = (2, 3 + 1 + missing)
    assert not progress_of_run(run, found, RunState("running")).notes


def test_a_failure_that_was_made_good_is_counted_and_not_listed(run):
    (run.work / "library/prepared/00002.parquet").touch()
    progress = progress_of_run(run, journal(run), RunState("stopped"))
    assert (progress.failures, progress.repeated) == ((), 1)


def test_a_run_without_any_record_that_has_ended(run):
    logs = run.started_in / ".snakemake/log"
    logs.mkdir(parents=True)
    shutil.copy(RECORDED / "local.txt", logs / "1.snakemake.log")
    progress = progress_of_run(run)
    assert (progress.state.name, [failure.unit for failure in progress.failures]) == (
        "stopped", ["prepare-library-00002"]
    )  # fmt: skip
