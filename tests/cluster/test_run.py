"""``molsieve run --slurm`` as a chemist gives it."""

import gzip
from pathlib import Path

import pytest
from tests.cluster.local_slurm import LocalSlurm, command
from tests.cluster.slurm_run import SlurmRun, molsieve
from tests.workflow.workspace import small_library

pytestmark = pytest.mark.cluster


def test_whole_run(undisturbed: SlurmRun):
    verified = molsieve(undisturbed.folder, "results", "verify", str(undisturbed.results))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    printed = undisturbed.printed()
    assert "done: prepare     2 shards, 407 rows" in printed
    assert "What the Slurm jobs asked for and used" in printed
    rules = {job.what.split("_")[1] for job in undisturbed.jobs()}
    # The others take a second and run on the login node.
    assert rules == {
        "ingest", "prepare", "deduplicate", "triage", "shortlist", "refine", "inspect", "score", "publish"
    }  # fmt: skip


def test_predictions_get_one_gpu_a_job(undisturbed: SlurmRun):
    jobs = undisturbed.jobs("triage")
    assert len(jobs) == 2
    for job in jobs:
        shown = command("scontrol", "show", "job", str(job.number))
        assert "Partition=gpu" in shown
        assert "gres/gpu=1" in shown or "TresPerNode=gres:gpu:1" in shown


def test_dask_spans_nodes(undisturbed: SlurmRun):
    (job,) = undisturbed.jobs("score")
    assert "NodeList=n[1-2]" in command("scontrol", "show", "job", str(job.number))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--account", "screenig"), "there is no account 'screenig'"),
        (("--account", "chemistry"), "chemistry"),
        (("--partition", "cpuu"), "Did you mean 'cpu'"),
        (("--gpu-partition", "short"), "GPU"),
        (("--partition", "short"), "may run 1 min"),
    ],
)
def test_what_slurm_would_refuse_is_found_before_a_job_is_sent(
    slurm: LocalSlurm, tmp_path: Path, options: tuple[str, str], said: str
):
    small_library(tmp_path, rows=20)
    refused = molsieve(tmp_path, "run", "library.csv", "--slurm", "--shared-folder", *options)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert "fix:" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "work").exists()


def test_what_the_whole_library_takes_is_looked_at_before_a_job_is_sent(slurm: LocalSlurm, tmp_path: Path):
    # Packed, a row of methane takes next to nothing.
    with gzip.open(tmp_path / "library.smi.gz", "wb", compresslevel=1) as library:
        for _ in range(100):
            library.write(b"C\n" * 1_000_000)
    refused = molsieve(tmp_path, "run", "library.smi.gz", "--slurm", "--shared-folder")
    assert refused.returncode == 2
    assert "publish (" in refused.stderr
    assert "a job there may run 120 min" in refused.stderr
    assert "prepare (" not in refused.stderr, "its jobs go over a shard"
    assert "several runs" in refused.stderr


def test_folder_that_nodes_do_not_share_is_refused(slurm: LocalSlurm, tmp_path: Path):
    small_library(tmp_path, rows=20)
    refused = molsieve(tmp_path, "run", "library.csv", "--slurm", "--set", "results.work=/dev/shm/molsieve-test")
    assert refused.returncode == 2
    assert "no other node sees" in refused.stderr
    assert "--shared-folder" in refused.stderr


def test_options_of_a_cluster_without_slurm_are_refused(tmp_path: Path):
    small_library(tmp_path, rows=20)
    refused = molsieve(tmp_path, "run", "library.csv", "--partition", "cpu")
    assert refused.returncode == 2
    assert "Add --slurm" in refused.stderr
