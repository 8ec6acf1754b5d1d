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
        serial: Share of the rows' core seconds that further threads cannot shorten; all of them where there is one.
        base_mb: Memory of the first thread, rows aside.
        thread_mb: Memory of every further thread or worker process.
        row_bytes: Memory that grows with every row of the job: scores, ranks, fates and (a tenth of the library)
            duplicates that a stage holds of all compounds. Counted in the code, because it shows from 10^8 rows on.
        shard_row_bytes: Memory that grows with every row of a shard, for each thread; of stages that hold whole shards.

    """

    base_s: float
    row_us: float
    base_mb: float
    serial: float = 1.0
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
    "ingest": Cost(base_s=0.9, row_us=1.5, base_mb=246),
    "prepare": Cost(base_s=1.7, row_us=382.1, serial=0.03, base_mb=402, thread_mb=179),
    "deduplicate": Cost(base_s=0.8, row_us=2.1, serial=0.33, base_mb=154, row_bytes=6, shard_row_bytes=338),
    "triage": Cost(base_s=2.6, row_us=53, serial=0.45, base_mb=1175, thread_mb=0),
    "shortlist": Cost(base_s=3.6, row_us=67.8, serial=0, base_mb=496, shard_row_bytes=725),
    "refine": Cost(base_s=4.2, row_us=6668.7, serial=0, base_mb=1142, thread_mb=62),
    "inspect": Cost(base_s=0.5, row_us=8068.7, serial=0, base_mb=483, thread_mb=869),
    "score": Cost(base_s=2.9, row_us=97.5, serial=0.12, base_mb=502, row_bytes=13, shard_row_bytes=1412),
    "select": Cost(base_s=1.3, row_us=1.8, base_mb=220, shard_row_bytes=712),
    "controls": Cost(base_s=11.1, row_us=1.8, base_mb=530, row_bytes=12, shard_row_bytes=588),
    "report": Cost(base_s=4, row_us=7.3, base_mb=554, row_bytes=20, shard_row_bytes=900),
    "publish": Cost(base_s=5, row_us=31.6, base_mb=540, row_bytes=12, shard_row_bytes=3412),
}
"""By stage. Rows are those of the job: of its shard, of the whole library, or (refine, inspect) of the shortlist."""

CONFORMERS_S = 0.24
"""Core seconds of ``inspect`` for each compound that gets conformers."""

DISK_BYTES = {"records": 26.2, "prepared": 178.3, "triage": 904.2, "scores": 129.7, "published": 1137.8}
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
