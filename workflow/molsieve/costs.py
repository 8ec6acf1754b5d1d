"""What each stage costs, and what a job of so many rows therefore asks a cluster for.

The figures are those of ``benchmarks/stage_costs.py`` (``benchmarks/stage_costs.json``), which runs every stage on a
PubChem sample and counts the processor seconds and the memory of all its processes; a test compares the two.
"""

import math
from dataclasses import dataclass

SHARD_ROWS = 122_880
"""Rows in a shard, unless the configuration says otherwise."""

TIME_FACTOR = 3.0
"""Nodes are slower than the machine that was measured, and shared."""
TIME_MARGIN_MIN = 5.0
"""Starting Python on a busy file system, and what else a job waits for."""
MEMORY_FACTOR = 1.5
"""Libraries have larger molecules than those that were measured."""
SNAKEMAKE_MB = 430.0
"""A job on Slurm is two processes of Snakemake around the stage, 215 MB each with this workflow."""


@dataclass(frozen=True)
class Cost:
    """What one job of a stage costs.

    Attributes:
        base_s: Core seconds before the first row: starting Python, loading models.
        row_us: Core microseconds a row.
        serial: Share of the rows' core seconds that further threads cannot shorten.
        base_mb: Memory of the first thread, rows aside.
        thread_mb: Memory of every further thread or worker process.
        row_bytes: Memory that grows with every row of the job.
        shard_row_bytes: Memory that grows with every row of a shard, for each thread; of stages that hold whole shards.

    """

    base_s: float
    row_us: float
    base_mb: float
    serial: float = 0.0
    thread_mb: float = 0.0
    row_bytes: float = 0.0
    shard_row_bytes: float = 0.0

    def core_seconds(self, rows: int) -> float:
        """Processor seconds of a job."""
        return self.base_s + rows * self.row_us / 1e6

    def seconds(self, rows: int, threads: int) -> float:
        """Time of a job on cores of its own."""
        return self.base_s + rows * self.row_us / 1e6 * (self.serial + (1 - self.serial) / threads)

    def memory_mb(self, rows: int, threads: int, shard_rows: int = SHARD_ROWS) -> float:
        """Memory of all processes of a job, in millions of bytes."""
        held = rows * self.row_bytes + threads * min(rows, shard_rows) * self.shard_row_bytes
        return self.base_mb + (threads - 1) * self.thread_mb + held / 1e6


COSTS = {
    "ingest": Cost(base_s=0.9, row_us=3, base_mb=230, serial=1),
    "prepare": Cost(base_s=1.7, row_us=400, base_mb=400, thread_mb=180, serial=0.03),
    "deduplicate": Cost(base_s=4, row_us=5, base_mb=300, thread_mb=50, serial=0.3, row_bytes=10, shard_row_bytes=100),
    "triage": Cost(base_s=2.6, row_us=53, base_mb=1200, serial=0.5),
    "shortlist": Cost(base_s=3.7, row_us=60, base_mb=500, serial=0.2, row_bytes=2, shard_row_bytes=700),
    "refine": Cost(base_s=4.2, row_us=6700, base_mb=1000, thread_mb=60, serial=0.2),
    "inspect": Cost(base_s=5, row_us=4700, base_mb=500, thread_mb=800),
    "score": Cost(base_s=3.7, row_us=60, base_mb=500, serial=0.2, row_bytes=30, shard_row_bytes=1000),
    "select": Cost(base_s=1.3, row_us=5, base_mb=250, serial=1, shard_row_bytes=500),
    "controls": Cost(base_s=9, row_us=3, base_mb=550, serial=1, row_bytes=20, shard_row_bytes=600),
    "report": Cost(base_s=4, row_us=22, base_mb=560, serial=1, row_bytes=20, shard_row_bytes=900),
    "publish": Cost(base_s=5, row_us=32, base_mb=550, serial=1, row_bytes=40, shard_row_bytes=3400),
}
"""By stage. Rows are those of the job: of its shard, of the whole library, or (refine, inspect) of the shortlist."""

CONFORMERS_S = 0.24
"""Core seconds of ``inspect`` for each compound that gets conformers."""

DISK_BYTES = {"records": 40.0, "prepared": 400.0, "triage": 900.0, "scores": 200.0, "published": 1200.0}
"""Bytes a row of each table of the work folder, and of the result set."""


def memory_mb(stage: str, rows: int, *, threads: int = 1, attempt: int = 1, shard_rows: int = SHARD_ROWS) -> int:
    """Memory to ask for, in MB: half as much again as was measured, Snakemake's own included.

    Args:
        stage: Name of the stage, e.g. ``prepare``.
        rows: Rows of the job: of its shard, of the library, or of the shortlist for ``refine`` and ``inspect``.
        threads: Threads or workers of the job.
        attempt: Number of the attempt, from 1; another one asks for as much more.
        shard_rows: Rows in a shard, for the stages that go over the shards of a library.

    """
    measured = COSTS[stage].memory_mb(rows, threads, shard_rows)
    return math.ceil((SNAKEMAKE_MB + MEMORY_FACTOR * measured) * attempt)


def runtime_min(stage: str, rows: int, *, threads: int = 1, attempt: int = 1, conformers: int = 500) -> int:
    """Time limit to ask for, in minutes: three times what was measured, and some minutes.

    Args:
        stage: Name of the stage.
        rows: Rows of the job, as for :func:`memory_mb`.
        threads: Threads or workers of the job.
        attempt: Number of the attempt, from 1; another one asks for as much more.
        conformers: Compounds that get conformers, for ``inspect``.

    """
    seconds = COSTS[stage].seconds(rows, threads)
    if stage == "inspect":
        seconds += conformers * CONFORMERS_S / threads
    return math.ceil((TIME_MARGIN_MIN + TIME_FACTOR * seconds / 60) * attempt)
