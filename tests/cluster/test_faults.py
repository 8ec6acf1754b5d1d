"""What clusters do to runs. After each fault the tables are those of a run that nothing happened to."""

import os
import re
import signal
import subprocess
import time
from itertools import pairwise
from pathlib import Path

import pytest
from tests.cluster.local_slurm import ACCOUNT, LocalSlurm, command
from tests.cluster.slurm_run import DASK_RULES, FINISH_SECONDS, WORKERS, SlurmRun

from molsieve.cluster.lease import is_held, read_lease
from molsieve.cluster.slurm import cancel

pytestmark = pytest.mark.cluster

# What prepare and all after it have made.
FROM_PREPARE = (
    "library/prepared", "library/duplicates.parquet", "library/triage", "library/shortlist.parquet", "library/refined",
    "library/inspected.parquet", "scores", "*.parquet", "report.html",
)  # fmt: skip
FROM_INSPECT = ("library/inspected.parquet", "scores", "*.parquet", "report.html")


def states(run: SlurmRun, rule: str) -> list[str]:
    """How the jobs of a rule ended, in the order they were sent."""
    return [job.state for job in run.jobs(rule)]


def test_cancelled_job_is_sent_again(run: SlurmRun, undisturbed: SlurmRun):
    run.wind_back(*FROM_PREPARE)
    run.start()
    cancel([run.running("prepare")])
    run.finish()
    assert sorted(states(run, "prepare")) == ["CANCELLED", "COMPLETED", "COMPLETED"]
    assert run.tables() == undisturbed.tables()


def test_job_over_its_memory_gets_more(run: SlurmRun, undisturbed: SlurmRun):
    run.wind_back(*FROM_INSPECT)
    # The ceiling is for sites whose nodes have no more; docs/cluster.md recommends it.
    run.settings = {"score": {"mem_mb_per_cpu": "min(2000, 40 * attempt ** 6)"}}
    run.start()
    run.finish()
    ended = states(run, "score")
    assert len(ended) == 2, ended
    assert ended[0] in ("OUT_OF_MEMORY", "FAILED")
    assert ended[1] == "COMPLETED"
    assert run.tables() == undisturbed.tables()


def test_job_over_its_time_gets_more(run: SlurmRun, undisturbed: SlurmRun):
    run.wind_back(*FROM_PREPARE)
    run.settings = {"prepare": {"runtime": "1 + 4 * (attempt - 1)"}}
    run.start()
    run.running("prepare")
    run.wait_until(lambda: bool(run.processes("molsieve", " prepare ")), "prepare to work")
    # It hangs, as on a file system that does not answer.
    os.kill(run.processes("molsieve", " prepare ")[0], signal.SIGSTOP)
    run.finish()
    assert sorted(states(run, "prepare")) == ["COMPLETED", "COMPLETED", "TIMEOUT"]
    assert run.tables() == undisturbed.tables()


def test_node_that_goes_down_costs_its_jobs_only(run: SlurmRun, undisturbed: SlurmRun, healthy: LocalSlurm):
    run.wind_back(*FROM_PREPARE)
    # One job a node; afterwards Snakemake leaves the node out, and Dask has to do with the other one.
    run.settings = {"prepare": {"cpus_per_task": 4}} | {rule: {"nodes": 1} for rule in DASK_RULES}
    run.start()
    run.wait_until(lambda: states(run, "prepare").count("RUNNING") == 2, "both nodes to work")
    healthy.kill("slurmd-n2", signal.SIGKILL)
    command("scontrol", "update", "NodeName=n2", "State=DOWN", "Reason=test")
    run.wait_until(lambda: "NODE_FAIL" in states(run, "prepare"), "the node's job to be lost")
    healthy.start_node("n2")
    run.finish()
    assert sorted(states(run, "prepare")) == ["COMPLETED", "COMPLETED", "NODE_FAIL"]
    assert run.tables() == undisturbed.tables()


def test_lost_dask_worker_is_replaced(run: SlurmRun, undisturbed: SlurmRun):
    run.wind_back(*FROM_INSPECT)
    run.start()
    run.running("inspect")
    run.wait_until(lambda: len(workers(run)) == WORKERS, "all workers to work")
    time.sleep(2)
    os.kill(workers(run)[0], signal.SIGKILL)
    run.finish()
    # The job itself went on.
    assert states(run, "inspect") == ["COMPLETED"]
    assert run.tables() == undisturbed.tables()


def test_lost_dask_scheduler_is_replaced_with_its_job(run: SlurmRun, undisturbed: SlurmRun):
    run.wind_back(*FROM_INSPECT)
    run.start()
    run.running("inspect")
    run.wait_until(lambda: len(workers(run)) == WORKERS, "all workers to work")
    # The scheduler lives in the process of the stage.
    for process in run.processes("molsieve", " inspect "):
        os.kill(process, signal.SIGKILL)
    run.finish()
    assert states(run, "inspect") == ["FAILED", "COMPLETED"]
    assert run.tables() == undisturbed.tables()


def test_killed_snakemake_leaves_no_job_that_writes_beside_the_next(run: SlurmRun, undisturbed: SlurmRun):
    run.wind_back(*FROM_PREPARE)
    run.start()
    left = run.running("prepare").number
    run.kill_login()
    assert left in [job.number for job in run.jobs("prepare") if job.is_live], "the job outlives its Snakemake"
    run.start()
    assert str(left) in run.finish().split("left in the queue:")[1].splitlines()[0]
    times = started_and_ended(run, "prepare")
    for name in ("00000", "00001"):
        jobs = sorted(times[name])
        assert all(before[1] <= after[0] for before, after in pairwise(jobs)), times
    assert len(times["00000"]) + len(times["00001"]) > 2
    assert run.tables() == undisturbed.tables()


def test_second_start_of_a_running_run_is_refused(run: SlurmRun, undisturbed: SlurmRun):
    run.wind_back(*FROM_INSPECT)
    run.start()
    run.running("inspect")
    first = run.process
    run.start()
    refused = run.finish(status=2)
    assert "is being worked on since" in refused
    assert "Traceback" not in refused
    run.process = first
    run.finish()
    assert states(run, "inspect") == ["COMPLETED"]
    assert run.tables() == undisturbed.tables()


def test_snakemake_outlives_a_killed_molsieve_run_until_it_is_stopped(run: SlurmRun, undisturbed: SlurmRun):
    run.wind_back(*FROM_INSPECT)
    run.start()
    run.running("inspect")
    assert run.process is not None
    run.process.kill()
    run.process.wait()
    run.start()
    refused = run.finish(status=2)
    assert "the molsieve run that started it" in refused
    stop = re.search(r"To stop it: (kill [^(]*) \(", refused)
    assert stop, refused
    subprocess.run(["bash", "-c", stop[1]], check=True)
    run.process = None
    run.wait_until(lambda: not is_held(run.work, read_lease(run.work) or {}), "Snakemake to end in order")
    assert states(run, "inspect") == ["CANCELLED"]
    run.start()
    assert "left in the queue" not in run.finish()
    assert states(run, "inspect") == ["CANCELLED", "COMPLETED"]
    assert run.tables() == undisturbed.tables()


def test_run_does_without_accounting(run: SlurmRun, undisturbed: SlurmRun, healthy: LocalSlurm):
    run.wind_back(*FROM_INSPECT)
    run.start()
    run.running("inspect")
    healthy.kill("slurmdbd", signal.SIGKILL)
    run.finish()
    assert run.tables() == undisturbed.tables()


def test_named_account_is_charged_without_accounting(run: SlurmRun, undisturbed: SlurmRun, healthy: LocalSlurm):
    run.wind_back("scores", "*.parquet", "report.html")
    healthy.kill("slurmdbd", signal.SIGKILL)
    run.start("--account", ACCOUNT)
    printed = run.finish()
    assert "account: not checked, as accounting does not answer" in printed
    assert "What the jobs used is not known" in printed
    (job,) = run.jobs("score")
    assert f"Account={ACCOUNT}" in command("scontrol", "show", "job", str(job.number))
    assert run.tables() == undisturbed.tables()


def test_restarted_controller_is_waited_for(run: SlurmRun, undisturbed: SlurmRun, healthy: LocalSlurm):
    run.wind_back(*FROM_PREPARE)
    run.start()
    run.running("prepare")
    healthy.kill("slurmctld")
    time.sleep(10)
    healthy.start_controller()
    run.finish()
    assert run.tables() == undisturbed.tables()


def test_full_disk_at_publishing_leaves_nothing_half_published(
    undisturbed: SlurmRun, slurm: LocalSlurm, tmp_path: Path
):
    disk = tmp_path / "disk"
    disk.mkdir()
    size = sum(path.stat().st_blocks * 512 for path in undisturbed.folder.rglob("*"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={2 * size + 2**22}", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted: {mounted.stderr.decode().strip()}")
    try:
        run = undisturbed.copied_to(disk / "run")
        run.wind_back("report.html")
        ballast = disk / "ballast"
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        ballast.write_bytes(bytes(free - size // 8))
        run.start()
        printed = run.finish(status=1)
        assert "no space" in printed.lower(), printed
        assert "Traceback" not in printed
        assert not run.results.exists() or not any(run.results.iterdir())
        ballast.unlink()
        run.start()
        run.finish()
        assert run.tables() == undisturbed.tables()
    finally:
        run.kill()
        subprocess.run(["umount", str(disk)], check=True)


def test_closed_session_does_not_end_the_run(run: SlurmRun, undisturbed: SlurmRun):
    run.wind_back(*FROM_INSPECT)
    run.start()
    run.running("inspect")
    assert run.process is not None
    os.killpg(run.process.pid, signal.SIGHUP)
    run.finish()
    assert states(run, "inspect") == ["COMPLETED"]
    assert run.tables() == undisturbed.tables()


def test_controller_job_works_on_without_a_session(run: SlurmRun, undisturbed: SlurmRun):
    run.wind_back("scores", "*.parquet", "report.html")
    run.start("--controller", "10:00")
    assert "Watch it: molsieve status" in run.finish()
    end = time.monotonic() + FINISH_SECONDS
    while "Result set:" not in (printed := "".join(log.read_text() for log in run.work.glob("logs/controller-*.log"))):
        assert time.monotonic() < end, printed
        time.sleep(1)
    assert run.tables() == undisturbed.tables()


def workers(run: SlurmRun) -> list[int]:
    """Dask's worker processes that compute, not the nannies that watch them."""
    return run.processes("multiprocessing", "spawn")


def started_and_ended(run: SlurmRun, rule: str) -> dict[str, list[tuple[float, float]]]:
    """When the jobs of each shard started and ended."""
    found: dict[str, list[tuple[float, float]]] = {}
    for job in run.jobs(rule):
        printed = command("scontrol", "show", "job", str(job.number)).split()
        fields = dict(field.split("=", 1) for field in printed if "=" in field)
        times = [time.mktime(time.strptime(fields[key], "%Y-%m-%dT%H:%M:%S")) for key in ("StartTime", "EndTime")]
        found.setdefault(job.what.rpartition("_")[2], []).append((times[0], times[1]))
    return found
