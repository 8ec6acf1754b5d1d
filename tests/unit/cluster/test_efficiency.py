"""Accounting as a real sacct (22.05) printed it; jobs 25 and 43 went over their memory, 23 ran Dask through srun."""

import csv
from pathlib import Path

from molsieve.cluster.efficiency import jobs_used, parse_accounting, rules_used, write_efficiency

RECORDED = (Path(__file__).parent / "recorded" / "sacct.txt").read_text()


def jobs():
    return {job.number: job for job in parse_accounting(RECORDED)}


def test_what_a_job_asked_for_and_used():
    job = jobs()[31]
    assert (job.state, job.elapsed_s, job.limit_s, job.cpus, job.cpu_s) == ("COMPLETED", 13, 300, 1, 4.879)
    assert job.memory_asked_mb == 500
    # Snakemake on the node and the step below it, which work at the same time.
    assert round(job.memory_peak_mb) == round((221740 + 497812) / 1024)


def test_the_memory_of_workers_on_several_nodes_adds_up():
    job = jobs()[23]
    assert (job.cpus, job.tasks, job.memory_asked_mb) == (8, 8, 16_000)
    assert round(job.memory_peak_mb) == round((876072 + 2683892) / 1024)


def test_a_job_that_never_started_and_one_that_still_runs():
    assert jobs()[2].state == "CANCELLED"
    assert jobs()[2].memory_peak_mb is None
    running = RECORDED.replace("31|COMPLETED", "31|RUNNING")
    assert 31 not in {job.number for job in parse_accounting(running)}


def test_units_and_days_of_other_sites():
    line = "7|TIMEOUT|93600|1560|32|4-06:30:10|billing=32,cpu=32,gres/gpu=1,mem=1.50T,node=1|||"
    steps = "7.extern|COMPLETED|93600||32|00:00:00|||1|mem=90G\n7.batch|CANCELLED|93600||32|4-06:30:10||12.5G|1|"
    (job,) = parse_accounting(f"{line}\n{steps}")
    assert (job.memory_asked_mb, job.memory_peak_mb) == (1.5 * 2**20, 12.5 * 2**10)
    assert (job.cpu_s, job.limit_s) == (4 * 86_400 + 6 * 3600 + 30 * 60 + 10, 1560 * 60)


def test_jobs_by_rule():
    (use,) = rules_used(jobs().values())
    assert (use.jobs, use.completed, use.failed, use.cancelled) == (5, 2, 2, 1)
    assert use.cpu_used == (37.033 + 4.879) / (27 * 8 + 13)


def test_no_slurm_logs_no_jobs(tmp_path):
    assert jobs_used(tmp_path / "logs" / "slurm") == []


def test_a_row_a_rule(tmp_path):
    file = tmp_path / "efficiency.csv"
    write_efficiency(rules_used(jobs().values()), file)
    (row,) = csv.DictReader(file.open())
    assert (row["jobs"], row["completed"], row["memory_peak_mb"]) == ("5", "2", "3476.527")
