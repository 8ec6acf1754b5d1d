"""A Dask cluster that grows and shrinks by itself beside a run: the very code of docs/cluster.md."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from distributed import Client
from tests.cluster.local_slurm import ACCOUNT, LocalSlurm, command
from tests.cluster.slurm_run import WAIT_SECONDS, SlurmRun

from molsieve import project_root

pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed (envs/requirements-dev.txt has it)")
pytestmark = pytest.mark.cluster

MINIMUM = 2
FROM_SHORTLIST = (
    "library/shortlist.parquet", "library/refined", "library/inspected.parquet", "scores", "*.parquet", "report.html",
)  # fmt: skip


def documented_code(folder: Path) -> str:
    """The code of the documentation with this site's account and folder in it."""
    text = (project_root() / "docs" / "cluster.md").read_text()
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "SLURMCluster" in block)
    for of_docs, of_site in {"my-account": ACCOUNT, "/scratch/me": str(folder)}.items():
        assert of_docs in code
        code = code.replace(of_docs, of_site)
    return code


@pytest.fixture
def dask(slurm: LocalSlurm, tmp_path: Path) -> Iterator[Path]:
    """Scheduler file of the documented cluster, kept in an open Python."""
    script = tmp_path / "dask_cluster.py"
    script.write_text(documented_code(tmp_path))
    with (tmp_path / "dask_cluster.log").open("wb") as log:
        python = subprocess.Popen(
            [sys.executable, "-i", str(script)], cwd=tmp_path, stdin=subprocess.PIPE, stdout=log, stderr=log
        )
    yield tmp_path / "dask.json"
    assert python.poll() is None, (tmp_path / "dask_cluster.log").read_text()
    # The end of its input ends Python, and that the cluster.
    python.communicate(timeout=60)
    wait_for(lambda: not workers(), "the workers to end")


def workers(state: str = "PENDING,RUNNING") -> set[str]:
    """Numbers of the jobs of workers."""
    return set(
        command("squeue", "--me", "--noheader", "--name=dask-worker", f"--states={state}", "--format=%i").split()
    )


def wait_for(ready: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not ready():
        assert time.monotonic() < end, f"gave up waiting for {what}"
        time.sleep(0.5)


def wait_for_workers(scheduler_file: Path) -> None:
    """Until they take work: adapt() does not miss one whose job ends before that."""
    wait_for(scheduler_file.exists, "the scheduler")
    with Client(scheduler_file=str(scheduler_file)) as client:
        client.wait_for_workers(MINIMUM, timeout=WAIT_SECONDS)


def test_a_worker_that_was_cancelled_is_replaced(dask: Path):
    wait_for_workers(dask)
    # Nothing works on it, so there is no other reason for a further job.
    known = workers()
    command("scancel", min(known))
    wait_for(lambda: len(workers("RUNNING") - known) == 1, "another worker to run")
    wait_for_workers(dask)
    assert len(workers()) == MINIMUM


def test_a_run_that_joins_it_survives_a_lost_worker(run: SlurmRun, undisturbed: SlurmRun, dask: Path):
    wait_for_workers(dask)
    first = workers()
    run.wind_back(*FROM_SHORTLIST)
    run.start("--set", f"dask.scheduler=file:{dask}")
    run.running("inspect")
    time.sleep(2)
    command("scancel", min(first & workers("RUNNING")))
    run.finish()
    for rule in ("shortlist", "inspect", "score"):
        (job,) = run.jobs(rule)
        assert job.state == "COMPLETED"
        assert "NumTasks=1 " in command("scontrol", "show", "job", str(job.number)), "its workers are other jobs"
    assert run.tables() == undisturbed.tables()
