"""What the rules of a run ask Slurm for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from molsieve.cluster.gres import gpus_in

# What Snakemake itself needs in a job; for a profile that leaves a resource to the rules.
_LEAST_MEMORY_MB = 500
_LEAST_MINUTES = 5


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


def asked_for(profile: Mapping[str, Any], rules: Sequence[RuleRequest] = ()) -> list[RuleRequest]:
    """What the rules ask for once a Snakemake profile has had its say.

    Expressions of the profile are evaluated as for the first attempt at a job of the library; one that looks at the
    job's files counts as not given.

    Args:
        profile: Keys of a ``profile.yaml``.
        rules: What the rules ask for by themselves; for others the profile alone counts.

    """
    own = {request.rule: request for request in rules}
    threads = dict(profile.get("set-threads") or {})
    defaults = dict(profile.get("default-resources") or {})
    resources = dict(profile.get("set-resources") or {})
    names = dict.fromkeys([*own, *resources]) or ["any rule"]
    return [_request(name, own.get(name), threads.get(name), resources.get(name) or {}, defaults) for name in names]


def _request(
    rule: str, own: RuleRequest | None, threads: object, asked: Mapping[str, Any], defaults: Mapping[str, Any]
) -> RuleRequest:
    cpus = _whole(asked.get("cpus_per_task", threads), own.cpus if own else 1)

    def figure(key: str, of_rule: int | None, least: int) -> int:
        otherwise = _whole(defaults.get(key), least, cpus) if of_rule is None else of_rule
        return _whole(asked.get(key), otherwise, cpus)

    memory = cpus * figure("mem_mb_per_cpu", 0, 0) or figure("mem_mb", own.mem_mb if own else None, _LEAST_MEMORY_MB)
    partition = asked.get("slurm_partition") or (own.partition if own else None) or defaults.get("slurm_partition")
    gpus, gpu_type = _gpus(asked) or ((own.gpus, own.gpu_type) if own else (0, None))
    return RuleRequest(
        rule=rule,
        cpus=cpus,
        mem_mb=memory,
        runtime_min=figure("runtime", own.runtime_min if own else None, _LEAST_MINUTES),
        gpus=gpus,
        partition=str(partition) if partition else None,
        gpu_type=gpu_type,
        tasks=max(1, figure("tasks", own.tasks if own else None, 1)),
    )


def _whole(value: object, otherwise: int, threads: int = 1) -> int:
    if isinstance(value, str):
        names = {"attempt": 1, "threads": threads, "wildcards": {}}
        try:
            # Snakemake evaluates the same text of the same file.
            value = eval(value, {"__builtins__": {"min": min, "max": max, "int": int}}, names)  # noqa: S307
        except Exception:
            return otherwise
    return int(value) if isinstance(value, int | float) else otherwise


def _gpus(asked: Mapping[str, Any]) -> tuple[int, str | None] | None:
    """Number and type, from the resources ``gres`` or ``gpu`` with ``gpu_model``; None where neither is there."""
    for kind, number in gpus_in(str(asked.get("gres") or "")).items():
        return number, kind or None
    model = asked.get("gpu_model")
    number = _whole(asked.get("gpu"), 1 if model else 0)
    return (number, str(model) if model else None) if number else None
