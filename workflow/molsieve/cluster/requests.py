"""What the rules of a run ask Slurm for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molsieve.cluster.gres import gpus_in
from molsieve.config import Config
from molsieve.costs import memory_mb, runtime_min

DASK_RULES = ("deduplicate", "shortlist", "inspect", "score")
"""The rules that run on Dask."""
LEAST_BYTES_A_ROW = 15
"""A row of a packed file takes no less; of other files there are fewer rows, which take longer to read."""


@dataclass(frozen=True)
class RuleRequest:
    """One job of a rule.

    Attributes:
        rule: Name of the rule.
        cpus: CPUs of a task.
        mem_mb: Memory of a task, in MB as Slurm counts them (MiB).
        runtime_min: Time limit in minutes.
        gpus: GPUs of a task.
        partition: Where it is sent; None: the run's GPU partition where it asks for GPUs, else the run's partition.
        gpu_type: Kind of GPU in Slurm's name for it, e.g. ``a100``; None: any.
        tasks: Tasks of the job, on as many nodes as it takes; more than one in the rules that run Dask.

    """

    rule: str
    cpus: int
    mem_mb: int
    runtime_min: int
    gpus: int = 0
    partition: str | None = None
    gpu_type: str | None = None
    tasks: int = 1


def job_rows(config: Config, rule: str, shards: int = 1, library_bytes: int = 0) -> int:
    """Rows that one job of a rule works on, at most.

    Args:
        config: Configuration of the run.
        rule: Name of the rule.
        shards: Shards of the library, where they are known.
        library_bytes: Size of its files, where it is known: what ``ingest`` goes by, before anyone has counted rows.

    """
    if rule == "ingest" and library_bytes:
        return max(1, library_bytes // LEAST_BYTES_A_ROW)
    if rule in ("prepare", "triage"):
        return config.ingest.shard_size
    if rule == "refine":
        return config.refine.chunk_rows
    if rule == "inspect":
        return config.shortlist.size + config.shortlist.audit
    return max(1, shards) * config.ingest.shard_size


def asked_for(
    config: Config, profile: Mapping[str, Any], *, shards: int = 1, library_bytes: int = 0, attempt: int = 1
) -> list[RuleRequest]:
    """What the rules of a run ask for on a cluster, by what they cost and what a Snakemake profile sets instead.

    Args:
        config: Configuration of the run.
        profile: Keys of a ``profile.yaml``. Expressions are evaluated for a job of the library; one that looks at the
            job's files counts as not given.
        shards: Shards of the library; of a single one where nothing is known of it.
        library_bytes: Size of its files, where it is known.
        attempt: Number of the attempt at a job, from 1; another one asks for more.

    """
    threads = dict(profile.get("set-threads") or {})
    resources = dict(profile.get("set-resources") or {})
    defaults = dict(profile.get("default-resources") or {})
    requests = []
    for rule, of_rule in job_threads(config).items():
        asked = resources.get(rule) or {}
        cpus = _whole(asked.get("cpus_per_task", threads.get(rule)), of_rule, attempt)
        rows = job_rows(config, rule, shards, library_bytes)
        memory = memory_mb(rule, rows, threads=cpus, attempt=attempt, shard_rows=config.ingest.shard_size)
        minutes = runtime_min(rule, rows, threads=cpus, attempt=attempt, conformers=config.inspect.conformers)
        memory_of_cpu = _whole(asked.get("mem_mb_per_cpu"), 0, attempt, cpus)
        partition = asked.get("slurm_partition") or defaults.get("slurm_partition")
        gpus, gpu_type = _gpus(asked)
        requests.append(
            RuleRequest(
                rule=rule,
                cpus=cpus,
                mem_mb=cpus * memory_of_cpu or _whole(asked.get("mem_mb"), memory, attempt, cpus),
                runtime_min=_whole(asked.get("runtime"), minutes, attempt, cpus),
                gpus=gpus,
                partition=str(partition) if partition else None,
                gpu_type=gpu_type,
                tasks=max(1, _whole(asked.get("tasks"), 1, attempt, cpus)),
            )
        )
    return requests


def job_threads(config: Config) -> dict[str, int]:
    """The rules that become jobs on a cluster, with the threads they ask for."""
    dask = dict.fromkeys(DASK_RULES, config.dask.workers)
    shards = {"prepare": config.prepare.threads, "triage": config.triage.threads, "refine": config.refine.threads}
    return dict.fromkeys(("ingest", "controls", "publish"), 1) | shards | dask


def _whole(value: object, otherwise: int, attempt: int = 1, threads: int = 1) -> int:
    if isinstance(value, str):
        names = {"attempt": attempt, "threads": threads, "wildcards": {}}
        try:
            # Snakemake evaluates the same text of the same file, which is the user's own.
            value = eval(value, {"__builtins__": {"min": min, "max": max, "int": int}}, names)  # noqa: S307
        except Exception:  # An expression may raise anything, here most often for want of the job's files.
            return otherwise
    return int(value) if isinstance(value, int | float) else otherwise


def _gpus(asked: Mapping[str, Any]) -> tuple[int, str | None]:
    """Number and type, from the resources ``gres`` or ``gpu`` with ``gpu_model``."""
    for kind, number in gpus_in(str(asked.get("gres") or "")).items():
        return number, kind or None
    model = asked.get("gpu_model")
    return _whole(asked.get("gpu"), 1 if model else 0), str(model) if model else None
