"""Snakemake's output, as recorded from real runs (9.27.1; the executor plugin for Slurm 2.8.0)."""

from pathlib import Path

import pytest

from molsieve.cluster.journal import Journal

RECORDED = Path(__file__).parent / "recorded"


def read(name: str) -> Journal:
    journal = Journal(RECORDED / name)
    journal.update()
    return journal


def test_a_local_run_with_a_failed_shard():
    journal = read("local.txt")
    assert {job.unit for job in journal.in_state("done")} == {
        "prepare-library-00000", "prepare-library-00001", "prepare-library-00003"
    }  # fmt: skip
    (failed,) = journal.in_state("failed")
    assert (failed.unit, failed.rule, failed.failures, failed.slurm) == ("prepare-library-00002", "prepare", 1, None)
    assert failed.logs == [Path("work/small/logs/prepare-library-00002.log")]
    assert journal.steps == (3, 20)
    assert journal.has_ended


def test_jobs_on_slurm_that_were_repeated():
    journal = read("slurm.txt")
    repeated = [job for job in journal.jobs.values() if job.failures and job.state == "done"]
    assert {(job.unit, job.failures, job.slurm) for job in repeated} == {
        ("prepare-library-00000", 1, 31), ("prepare-library-00001", 1, 30), ("prepare-library-00002", 1, 32),
        ("prepare-library-00003", 1, 33),
    }  # fmt: skip


def test_the_output_of_the_snakemake_in_a_failed_slurm_job_is_not_taken_for_our_own():
    # Its log stands in full below the failure, with an "Error in rule inspect" of its own.
    (failed,) = read("slurm.txt").in_state("failed")
    assert (failed.unit, failed.failures, failed.slurm) == ("inspect-library", 2, 45)
    assert failed.logs[-1].name == "45.log"
    assert "SLURM-job '45' failed" in failed.message


@pytest.mark.parametrize("name", ["local.txt", "slurm.txt"])
def test_reading_it_as_it_grows_comes_to_the_same(name, tmp_path):
    whole = (RECORDED / name).read_bytes()
    growing = Journal(tmp_path / "snakemake.log")
    events = []
    for end in [*range(0, len(whole), 611), len(whole)]:
        growing.path.write_bytes(whole[:end])
        events += growing.update()
    at_once = read(name)
    assert {unit: (job.state, job.failures, job.slurm) for unit, job in growing.jobs.items()} == {
        unit: (job.state, job.failures, job.slurm) for unit, job in at_once.jobs.items()
    }
    assert growing.steps == at_once.steps
    failures = sum(job.failures for job in at_once.jobs.values())
    done = len(at_once.in_state("done"))
    assert len(events) == failures + done


def test_a_job_that_works_while_its_lines_are_the_last_ones(tmp_path):
    log = tmp_path / "snakemake.log"
    lines = (RECORDED / "local.txt").read_text().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if line.startswith("localrule prepare:"))
    log.write_text("".join(lines[: first + 8]))
    journal = Journal(log)
    journal.update()
    assert [job.state for job in journal.jobs.values()] == ["started"]


def test_no_file_yet(tmp_path):
    assert Journal(tmp_path / "snakemake.log").update() == []
