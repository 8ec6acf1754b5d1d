import json
import os
import time
from datetime import UTC, datetime

import pytest

from molsieve.cluster.lease import SILENCE_S, process_started
from molsieve.cluster.run_state import state_of_run

STARTED = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


@pytest.fixture
def work(tmp_path):
    work = tmp_path / "work" / "small"
    (work / "logs").mkdir(parents=True)
    return work


def state(work, *, is_published=False):
    return state_of_run(work, work.parents[1], is_published=is_published)


def record(work, name, **facts):
    import socket

    common = {
        "host": socket.gethostname(), "pid": os.getpid(), "process_started": process_started(os.getpid()),
        "started": STARTED.isoformat(), "executor": "local", "snakemake_log": "work/small/logs/snakemake.log",
    }  # fmt: skip
    (work / name).write_text(json.dumps(common | facts))


def test_running_here(work):
    record(work, "running.json")
    found = state(work)
    assert (found.name, found.host, found.started) == ("running", "", STARTED.timestamp())
    assert found.snakemake_log == work / "logs" / "snakemake.log"


def test_killed_here_is_seen_at_once(work):
    # The number belongs to another process by now.
    record(work, "running.json", process_started=1)
    assert state(work).name == "killed"


def test_another_host_is_told_by_its_signs_of_life_and_nothing_is_written(work):
    record(work, "running.json", host="login2")
    before = sorted(work.iterdir()), work.stat().st_mtime_ns
    assert (state(work).name, state(work).host) == ("running", "login2")
    silent = time.time() - SILENCE_S - 5
    os.utime(work / "running.json", (silent, silent))
    assert state(work).name == "killed"
    assert (sorted(work.iterdir()), work.stat().st_mtime_ns) == before


@pytest.mark.parametrize(("status", "name"), [(0, "complete"), (1, "stopped")])
def test_ended(work, status, name):
    record(work, "last_run.json", ended="2026-11-23T05:10:00+00:00", exit_status=status, snakemake_log=None)
    found = state(work)
    assert (found.name, found.ended - found.started, found.snakemake_log) == (name, 600, None)


def test_started_again_after_it_ended(work):
    record(work, "last_run.json", ended="2026-11-23T05:10:00+00:00", exit_status=1)
    record(work, "running.json")
    assert state(work).name == "running"


def test_without_a_record_the_files_decide(work):
    assert state(work).name == "no record"
    assert state(work, is_published=True).name == "complete"
    (work / "logs").rmdir()
    assert state(work).name == "not started"


def test_the_log_of_a_snakemake_that_was_started_directly(work):
    logs = work.parents[1] / ".snakemake" / "log"
    logs.mkdir(parents=True)
    (logs / "1.snakemake.log").write_text("    log: work/small/logs/ingest.log\n")
    (logs / "2.snakemake.log").write_text("    log: work/smaller/logs/ingest.log\n")
    assert state(work).snakemake_log == logs / "1.snakemake.log"
