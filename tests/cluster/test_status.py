"""What ``molsieve status`` shows of jobs on a real Slurm."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cluster.local_slurm import LocalSlurm, command
from tests.cluster.slurm_run import SlurmRun

from molsieve.cluster.lease import process_started
from molsieve.cluster.slurm import job_prefix

pytestmark = pytest.mark.cluster


@pytest.fixture
def folder(slurm: LocalSlurm, tmp_path: Path) -> Path:
    """Folder of a run of three shards that this process works on."""
    work = tmp_path / "work" / "small"
    (work / "library" / "records").mkdir(parents=True)
    shards = [{"name": f"{number:05d}.parquet", "rows": 300} for number in range(3)]
    (work / "library/records/manifest.json").write_text(json.dumps({"shards": shards}))
    (work / "summary").mkdir()
    (work / "summary/ingest.json").write_text("{}")
    hold(work, process_started(os.getpid()))
    return tmp_path


def hold(work: Path, started: int | None) -> None:
    facts = {
        "host": socket.gethostname(), "pid": os.getpid(), "process_started": started, "executor": "slurm",
        "started": "2026-11-23T05:00:00+00:00", "snakemake_log": None,
    }  # fmt: skip
    (work / "running.json").write_text(json.dumps(facts))


def submit(folder: Path, shard: int, script: str, *options: str) -> int:
    """Submit a job of prepare as the executor plugin does."""
    logs = folder / f"work/small/logs/slurm/rule_prepare/library_{shard:05d}"
    logs.mkdir(parents=True)
    return int(
        command(
            "sbatch", "--parsable", "--chdir", str(folder), "--output", str(logs / "%j.log"), "--time", "2",
            "--job-name", f"{job_prefix('small')}_0000", "--comment", f"rule_prepare_wildcards_library_{shard:05d}",
            "--mem", "100M", *options, "--wrap", script,
        )
    )  # fmt: skip


def status(folder: Path, *options: str, **environment: str) -> tuple[dict, int]:
    done = subprocess.run(
        [sys.executable, "-m", "molsieve", "status", "results/small", "--json", *options],
        cwd=folder, capture_output=True, text=True, env=os.environ | environment,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return json.loads(done.stdout), done.returncode


def state_of(job: int) -> str:
    return command("squeue", "--jobs", str(job), "--states=all", "--noheader", "--format=%T").strip()


def wait_for(job: int, *states: str) -> None:
    end = time.monotonic() + 60
    while state_of(job) not in states:
        assert time.monotonic() < end, f"{job} is {state_of(job)}"
        time.sleep(0.3)


def test_jobs_that_run_wait_and_fail(folder: Path):
    running = submit(folder, 0, "sleep 100")
    waiting = submit(folder, 1, "true", "--hold")
    fill = f"{sys.executable} -c 'import time; held = bytearray(400 << 20); time.sleep(100)'"
    failing = submit(folder, 2, fill)
    try:
        wait_for(running, "RUNNING")
        wait_for(failing, "FAILED", "OUT_OF_MEMORY")
        told, code = status(folder)
        assert (told["state"], code) == ("running", 1)
        prepare = next(stage for stage in told["stages"] if stage["name"] == "prepare")
        assert {key: prepare[key] for key in ("units", "done", "running", "waiting", "failed")} == {
            "units": 3, "done": 0, "running": 1, "waiting": 1, "failed": 1
        }  # fmt: skip
        assert told["waiting"] == {"you hold it (scontrol release) (JobHeldUser)": 1}
        assert [(failure["unit"], failure["slurm"]) for failure in told["failures"]] == [
            ("prepare-library-00002", failing)
        ]
        # The process behind the run dies; its jobs do not.
        hold(folder / "work/small", 1)
        told, code = status(folder)
        assert (told["state"], sorted(told["jobs_of_killed_run"]), code) == ("killed", [running, waiting], 1)
    finally:
        command("scancel", str(running), str(waiting), str(failing))
    wait_for(running, "CANCELLED")
    (rule,) = status(folder, "--jobs")[0]["jobs"]
    # The held job has no log, as it never started.
    assert (rule["rule"], rule["jobs"], rule["over_memory"], rule["cancelled"]) == ("prepare", 2, 1, 1)
    assert "1 job needed more than 100 MB" in rule["advice"][0]


def test_when_slurm_does_not_answer_the_files_tell(folder: Path, tmp_path: Path, slurm: LocalSlurm):
    # A configuration that leads to a port where nobody listens.
    text = (slurm.folder / "slurm.conf").read_text()
    elsewhere = tmp_path / "slurm.conf"
    elsewhere.write_text(
        "\n".join(
            line.partition("=")[0] + "=1" if line.startswith(("SlurmctldPort", "AccountingStoragePort")) else line
            for line in text.splitlines()
        )
    )
    (folder / "work/small/library/prepared").mkdir()
    (folder / "work/small/library/prepared/00001.parquet").touch()
    logs = folder / "work/small/logs/slurm/rule_prepare/library_00001"
    logs.mkdir(parents=True)
    (logs / "1.log").touch()
    told, code = status(folder, SLURM_CONF=str(elsewhere))
    assert code == 0
    assert "Slurm does not answer; shown is what the files tell" in told["notes"][0]
    assert next(stage for stage in told["stages"] if stage["name"] == "prepare")["done"] == 1
    told, _ = status(folder, "--jobs", SLURM_CONF=str(elsewhere))
    assert told["jobs"] == []
    assert "not known" in told["notes"][-1]


def test_a_finished_run(undisturbed: SlurmRun):
    told, code = status(undisturbed.folder, "--jobs")
    assert (told["state"], told["failures"], code) == ("complete", [], 0)
    assert all(stage["done"] == stage["units"] for stage in told["stages"])
    used = {rule["rule"]: rule for rule in told["jobs"]}
    assert used["prepare"]["completed"] == used["prepare"]["jobs"] == 2
    assert used["prepare"]["memory_peak_mb"] > 0
    assert used["score"]["cpus"] > 1
