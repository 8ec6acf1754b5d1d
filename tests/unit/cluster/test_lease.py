"""One process a run, tried with processes that start at the same moment."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from molsieve.cluster.lease import LOCK, RUNNING, SILENCE_S, Lease, is_held, process_started, read_lease
from molsieve.errors import MolsieveError

STARTERS = 6
ROUNDS = 25
# All wait for a line on their standard input, so that none has a head start, and live until the next one.
STARTER = """
import sys
from pathlib import Path
from molsieve.cluster.lease import Lease
from molsieve.errors import MolsieveError
for line in sys.stdin:
    try:
        Lease.take(Path(line.strip()), "local")
    except MolsieveError as error:
        print("refused" if "is being worked on" in error.what else error, flush=True)
    else:
        print("took", flush=True)
"""


@pytest.fixture
def work(tmp_path):
    return tmp_path / "work" / "small"


@pytest.fixture(scope="module")
def starters():
    """Processes that take the folder whose path they are sent, and say how it went."""
    processes = [
        subprocess.Popen([sys.executable, "-c", STARTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(STARTERS)
    ]
    yield processes
    for process in processes:
        process.communicate(timeout=60)


@pytest.mark.parametrize("left_behind", [False, True], ids=["free", "left by a killed process"])
def test_of_starts_in_the_same_moment_one_goes_on(work, starters, left_behind):
    for turn in range(ROUNDS):
        folder = work / str(turn)
        if left_behind:
            Lease.take(folder, "local").note(process_started=1)
        for process in starters:
            process.stdin.write(f"{folder}\n")
        for process in starters:
            process.stdin.flush()
        said = sorted(process.stdout.readline().strip() for process in starters)
        assert said == ["refused"] * (STARTERS - 1) + ["took"]
        holder = read_lease(folder)
        assert holder["pid"] in [process.pid for process in starters]
        assert is_held(folder, holder)


def test_a_refused_start_leaves_the_record_as_it_was(work):
    Lease.take(work, "local")
    before = (work / RUNNING).read_bytes()
    with pytest.raises(MolsieveError, match="is being worked on"):
        Lease.take(work, "slurm")
    assert (work / RUNNING).read_bytes() == before
    assert not list(work.glob("*.tmp")) + list(work.glob(".*.tmp"))


def test_a_folder_whose_lock_cannot_be_opened_is_taken_without(work):
    (work / LOCK).mkdir(parents=True)  # as little use as the file of another user
    Lease.take(work, "local")
    with pytest.raises(MolsieveError, match="is being worked on"):
        Lease.take(work, "local")


def test_a_folder_given_back_is_free(work):
    Lease.take(work, "local").end(0)
    assert read_lease(work) is None
    assert json.loads((work / "last_run.json").read_text())["exit_status"] == 0
    Lease.take(work, "local")
    assert read_lease(work)["process_started"] == process_started(os.getpid())


@pytest.mark.parametrize("is_orphan", [False, True], ids=["molsieve run", "Snakemake alone"])
def test_who_works_on_a_run_is_named_and_can_be_stopped_as_the_message_says(work, is_orphan):
    with subprocess.Popen(["sleep", "600"], process_group=0) as process:
        of_process = process.pid, process_started(process.pid)
        front = (os.getpid(), 1) if is_orphan else of_process
        Lease.take(work, "slurm").note(pid=front[0], process_started=front[1], snakemake=of_process)
        with pytest.raises(MolsieveError, match=f"process {process.pid} of ") as refused:
            Lease.take(work, "slurm")
        assert ("Snakemake, process" in refused.value.what) == is_orphan
        assert f"molsieve status {work.name} --watch" in refused.value.fix
        stop = re.search(r"To stop it: (kill [^(]*) \(", refused.value.fix)[1]
        subprocess.run(["bash", "-c", stop], check=True)
        assert process.wait(60) == -(signal.SIGINT if is_orphan else signal.SIGTERM)
    Lease.take(work, "slurm")


def test_of_another_host_its_signs_of_life_are_what_counts(work):
    Lease.take(work, "slurm").note(host="login2")
    with pytest.raises(MolsieveError, match="on login2") as refused:
        Lease.take(work, "slurm")
    assert f"kill {os.getpid()} on login2" in refused.value.fix
    assert f"{SILENCE_S} s after its last sign of life" in refused.value.fix
    silent = time.time() - SILENCE_S - 5
    os.utime(work / RUNNING, (silent, silent))
    Lease.take(work, "slurm")


def test_signs_of_life_go_on_after_the_folder_was_away(tmp_path, monkeypatch):
    monkeypatch.setattr("molsieve.cluster.lease.INTERVAL_S", 0.02)
    work, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    lease = Lease.take(work, "local")
    with lease.kept():
        work.rename(elsewhere)
        time.sleep(0.2)
        elsewhere.rename(work)
        os.utime(work / RUNNING, (0, 0))
        end = time.monotonic() + 10
        while (work / RUNNING).stat().st_mtime == 0 and time.monotonic() < end:
            time.sleep(0.02)
    assert (work / RUNNING).stat().st_mtime > 0
