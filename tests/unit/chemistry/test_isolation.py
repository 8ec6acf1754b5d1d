"""A record that hangs or kills the process costs itself, and nothing survives the supervisor."""

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from molsieve.chemistry.isolation import Block, Isolated
from molsieve.errors import MolsieveError

FOLDER = Path(__file__).parent


@pytest.fixture
def jobs(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    import isolation_jobs

    return isolation_jobs


def _blocks(records, size):
    for start in range(0, len(records), size):
        chunk = records[start : start + size]
        yield Block(pickle.dumps(chunk), len(chunk))


def _run(job, records, size=10, workers=1, timeout_s=20.0):
    with Isolated(job, workers=workers, timeout_s=timeout_s) as isolated:
        pieces = [piece for packed in isolated.results(_blocks(records, size)) for piece in packed]
    return [result for piece in pieces for result in pickle.loads(piece)]  # noqa: S301


def _expected(records, **reasons):
    return [f"{reasons.get(r, 'done')} {r}" for r in records]


@pytest.mark.parametrize("workers", [1, 3])
def test_order_is_kept(jobs, workers):
    records = [str(i) for i in range(95)]
    assert _run(jobs.Obedient(), records, workers=workers) == _expected(records)


def test_no_blocks_and_empty_blocks(jobs):
    assert _run(jobs.Obedient(), []) == []
    with Isolated(jobs.Obedient(), workers=1, timeout_s=20) as isolated:
        assert list(isolated.results([Block(pickle.dumps([]), 0)])) == [[]]


@pytest.mark.parametrize("command", ["segfault", "abort", "exit", "killed"])
def test_a_death_costs_its_own_record(jobs, command):
    records = ["a", "b", command, "c"]
    assert _run(jobs.Obedient(), records) == _expected(records, **{command: "crashed"})


def test_first_last_adjacent_and_repeated_killers(jobs):
    records = ["abort", "abort", "1", "exit", "segfault", "2", "3", "abort", "4", "5", "6", "exit"]
    expected = _expected(records, abort="crashed", exit="crashed", segfault="crashed")
    assert _run(jobs.Obedient(), records, size=8, workers=2) == expected


def test_a_record_that_computes_for_ever_is_given_up(jobs):
    records = ["1", "2", "spin", "3"]
    started = time.monotonic()
    assert _run(jobs.Obedient(), records, timeout_s=0.5) == _expected(records, spin="timeout")
    assert time.monotonic() - started < 20


def test_a_record_that_waits_for_ever_is_given_up_too(jobs):
    records = ["1", "sleep", "3"]
    assert _run(jobs.Obedient(), records, timeout_s=0.2) == _expected(records, sleep="timeout")


def test_many_slow_records_are_not_one_hang(jobs):
    records = ["slow"] * 6
    assert _run(jobs.Obedient(), records, timeout_s=1.0) == _expected(records)


def test_the_others_work_while_one_hangs(jobs):
    records = ["spin", *map(str, range(30))]
    assert _run(jobs.Obedient(), records, size=1, workers=2, timeout_s=1.0) == _expected(records, spin="timeout")


def test_memory_is_bounded(jobs):
    records = ["1", "memory", "2"]
    assert _run(jobs.Obedient(), records) == _expected(records, memory="out_of_memory")


def test_a_worker_killed_from_outside_costs_nothing(jobs, tmp_path):
    records = ["1", "once", "2"]
    assert _run(jobs.Obedient(tmp_path), records) == _expected(records)
    assert (tmp_path / "died").exists()


def test_noise_of_the_workers_is_not_heard(jobs, capfd):
    records = ["noise"]
    assert _run(jobs.Obedient(), records) == _expected(records)
    heard = capfd.readouterr()
    assert (heard.out, heard.err) == ("", "")


def test_deaths_that_are_no_records_fault_end_the_run_with_an_explanation(jobs):
    with pytest.raises(MolsieveError, match="SIGABRT"):
        _run(jobs.DiesBetweenRecords(), ["1"])


def test_a_worker_that_cannot_start_says_why(jobs):
    with pytest.raises(MolsieveError, match="no such library"):
        _run(jobs.DoesNotStart(), ["1"])


def test_leaving_early_leaves_no_process(jobs):
    with Isolated(jobs.Obedient(), workers=2, timeout_s=60) as isolated:
        results = isolated.results(_blocks(["1", "spin", "spin", "spin"], 1))
        assert pickle.loads(next(results)[0]) == ["done 1"]  # noqa: S301
        assert _workers_of(os.getpid())
    assert not _workers_of(os.getpid())


SUPERVISOR = """
import pickle, sys
sys.path.insert(0, sys.argv[1])
from isolation_jobs import Obedient
from molsieve.chemistry.isolation import Block, Isolated
with Isolated(Obedient(), workers=2, timeout_s=600) as isolated:
    for _ in isolated.results(Block(pickle.dumps([r]), 1) for r in ["1", "spin", "sleep"]):
        print("one done", flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG and /proc are Linux")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_die_with_the_supervisor(number):
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(FOLDER)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as supervisor:
        assert supervisor.stdout.readline() == b"one done\n"
        assert len(_workers_of(supervisor.pid)) == 2
        # Ctrl-C and scancel reach every process of the group; kill -9 only its target.
        (os.kill if number == signal.SIGKILL else os.killpg)(supervisor.pid, number)
        supervisor.wait(timeout=10)
        deadline = time.monotonic() + 5
        while _workers_of(supervisor.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _workers_of(supervisor.pid)


def _workers_of(supervisor):
    """Processes that were started as workers of this one, wherever they are attached by now."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if any(b"isolation_worker" in c for c in command) and str(supervisor).encode() in command and state != "Z":
                found.append(int(entry.name))
    return found
