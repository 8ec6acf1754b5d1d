"""What a run over so many compounds takes: jobs, core hours, memory, disk and hours, from what its stages cost."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from molsieve.cluster.requests import job_rows, job_threads
from molsieve.config import Config
from molsieve.costs import CONFORMERS_S, COSTS, DISK_BYTES, memory_mb, runtime_min
from molsieve.files import ROW_GROUP_ROWS
from molsieve.scoring.profile import load_profile, profile_path

JOB_OVERHEAD_S = 5.0
"""What a job on Slurm takes beside its work at least, as Snakemake starts twice in it: the processor seconds of
``benchmarks/slurm_overhead.py`` (``benchmarks/slurm_overhead.json``). Waiting for disks and the queue comes on top."""
WORTH_A_JOB_S = 120.0
"""A job should work so long, or the overhead and the queue are what a run consists of."""
MOST_JOBS = 2500
"""Of one run; Snakemake's planning grows faster than the jobs, and so does the queue."""
RUN_ROWS = 1_000_000_000
"""Rows of one run; the stages of a whole library hold some bytes of each."""
MOST_GROUPS = 80
"""Row groups of a shard at most; a worker of ``score`` holds a whole shard."""
JOBS_OF_CONTROLS = 7
"""The controls go through the stages from ``ingest`` to ``inspect`` beside the library."""
FILES_A_SHARD = 17
"""Four tables, two summaries, three parts of the result set; a log, one of Slurm's and two of Snakemake's a job."""
FILES_A_RUN = 100
"""About so many beside those of the shards."""


@dataclass(frozen=True)
class StageForecast:
    """What one stage of a run takes.

    Attributes:
        stage: Its name.
        jobs: Jobs of the library; those of the controls are counted in the run.
        threads: Threads of each.
        job_s: Seconds a job works, on cores of its own.
        core_hours: Processor hours of all its jobs.
        memory_mb: What a job asks for.
        runtime_min: What a job asks for.

    """

    stage: str
    jobs: int
    threads: int
    job_s: float
    core_hours: float
    memory_mb: int
    runtime_min: int

    def seconds_on(self, cores: int) -> float:
        """Time of all its jobs on so many cores, with what a job costs beside its work."""
        at_once = max(1, cores // self.threads)
        return math.ceil(self.jobs / at_once) * (self.job_s + JOB_OVERHEAD_S)


@dataclass(frozen=True)
class Forecast:
    """What a run takes.

    Attributes:
        rows: Rows of its library.
        shard_rows: Rows of a shard.
        shards: Shards.
        jobs: Jobs of the run, those of the controls among them.
        stages: By stage, in their order.
        disk_bytes: By table: those of the work folder, and the published ones.
        files: Files in the work folder and the result set.

    """

    rows: int
    shard_rows: int
    shards: int
    jobs: int
    stages: tuple[StageForecast, ...]
    disk_bytes: Mapping[str, int]
    files: int

    @property
    def core_hours(self) -> float:
        """Processor hours of all stages."""
        return sum(stage.core_hours for stage in self.stages)

    @property
    def longest(self) -> StageForecast:
        """The stage with the longest job."""
        return max(self.stages, key=lambda stage: stage.job_s)

    @property
    def largest(self) -> StageForecast:
        """The stage with the job that asks for the most memory."""
        return max(self.stages, key=lambda stage: stage.memory_mb)

    def seconds_on(self, cores: int) -> float:
        """Time from start to result set on so many cores that are free; one stage after the other."""
        return sum(stage.seconds_on(cores) for stage in self.stages)


def runs_for(rows: int) -> int:
    """Runs that a library of so many rows is divided into."""
    return max(1, math.ceil(rows / RUN_ROWS))


def recommended_shard_rows(rows: int, config: Config) -> int:
    """Rows of a shard, a multiple of a row group: enough for minutes of ``prepare``, few enough jobs in the run."""
    worth = WORTH_A_JOB_S * 1e6 / COSTS["prepare"].row_us * config.prepare.threads
    groups = max(worth, 2 * rows / MOST_JOBS) / ROW_GROUP_ROWS
    return min(max(1, math.ceil(groups)), MOST_GROUPS) * ROW_GROUP_ROWS


def forecast(config: Config, rows: int) -> Forecast:
    """What a run with this configuration takes.

    Args:
        config: The configuration; its shard size, threads, shortlist, profile and controls count.
        rows: Rows of the library.

    """
    shard_rows = config.ingest.shard_size
    shards = max(1, math.ceil(rows / shard_rows))
    in_shard = min(rows, shard_rows)
    listed = min(rows, job_rows(config, "inspect"))
    chunks = config.chunks
    # Stage, jobs of the library, rows of one of them.
    jobs = [
        ("ingest", 1, rows),
        ("prepare", shards, in_shard),
        ("deduplicate", 1, rows),
        ("triage", shards, in_shard),
        ("shortlist", 1, rows),
        ("refine", chunks, math.ceil(listed / chunks)),
        ("inspect", 1, listed),
        ("score", 1, rows),
        ("select", 1, rows),
        *([("controls", 1, rows)] if config.controls.enabled else []),
        ("report", 1, rows),
        ("publish", 1, rows),
    ]
    threads = job_threads(config)
    shaped = config.inspect.conformers if load_profile(profile_path(config.profile)).asks_for_shape else 0
    return Forecast(
        rows=rows,
        shard_rows=shard_rows,
        shards=shards,
        jobs=sum(count for _, count, _ in jobs) + (JOBS_OF_CONTROLS if config.controls.enabled else 0),
        stages=tuple(
            _stage(stage, count, each, threads.get(stage, 1), shard_rows, min(listed, shaped))
            for stage, count, each in jobs
        ),
        disk_bytes={table: round(rows * size) for table, size in DISK_BYTES.items()},
        files=shards * FILES_A_SHARD + FILES_A_RUN,
    )


def _stage(stage: str, jobs: int, rows: int, threads: int, shard_rows: int, conformers: int) -> StageForecast:
    cost = COSTS[stage]
    core_s, job_s = cost.core_seconds(rows), cost.seconds(rows, threads)
    if stage == "inspect":
        core_s += conformers * CONFORMERS_S
        job_s += conformers * CONFORMERS_S / threads
    return StageForecast(
        stage=stage,
        jobs=jobs,
        threads=threads,
        job_s=job_s,
        core_hours=jobs * core_s / 3600,
        memory_mb=memory_mb(stage, rows, threads=threads, shard_rows=shard_rows),
        runtime_min=runtime_min(stage, rows, threads=threads, conformers=conformers),
    )
