"""Whether what the rules ask for fits into the limits of the partitions they are sent to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from molsieve.cluster.finding import Finding, elsewhere, ok, problem
from molsieve.cluster.requests import RuleRequest
from molsieve.cluster.site import Partition, Site


def check_requests(
    site: Site, requests: Sequence[RuleRequest], account: str | None, partition: str | None, gpu_partition: str | None
) -> list[Finding]:
    """Whether every rule fits into the partition it is sent to; partitions that do not exist are passed over.

    Args:
        site: What Slurm says.
        requests: What the rules ask for.
        account: Slurm account; None: the user's default one.
        partition: Partition of the run; None: the site's default.
        gpu_partition: Partition for rules that ask for GPUs; None: the same.

    """
    sent: dict[str, list[RuleRequest]] = {}
    for request in requests:
        default = gpu_partition if request.gpus and gpu_partition else partition
        name = request.partition or default or site.default_partition
        if name in site.partitions:
            sent.setdefault(name, []).append(request)
    charged = site.charged(account)
    open_ones = [
        each for each in site.partitions.values() if each.state == "UP" and (not charged or each.admits(charged))
    ]
    found: list[Finding] = []
    for name, asked in sent.items():
        over = [_over(site.partitions[name], limit, asked, open_ones) for limit in _LIMITS]
        found += [finding for finding in over if finding is not None]
    if sent and not found:
        found.append(ok("rules", f"what the rules ask for fits into {', '.join(sent)}"))
    return found


@dataclass(frozen=True)
class _Limit:
    """A limit of partitions; ``fix`` is what else one can do than choosing another partition."""

    exceeded: Callable[[Partition, RuleRequest], bool]
    asked: Callable[[RuleRequest], str]
    most: Callable[[Partition], str]
    fix: str


def _too_few_places(partition: Partition, request: RuleRequest) -> bool:
    """Whether its nodes, were they all empty, do not hold the job's tasks, though some node has the size of each."""
    if any(limit.exceeded(partition, request) for limit in _LIMITS[1:-1]):
        return False  # said already
    places = 0
    for group in partition.nodes:
        fitting = [group.cpus // request.cpus, group.memory_mb // max(1, request.mem_mb)]
        fitting += [group.gpus_of(request.gpu_type) // request.gpus] if request.gpus else []
        places += group.count * min(fitting)
    return places < request.tasks


_FEWER_ROWS = "make the shards smaller (ingest.shard_size), or several runs where the rule goes over the whole library"
_LIMITS = (
    _Limit(
        exceeded=lambda partition, request: request.runtime_min > (partition.max_minutes or request.runtime_min),
        asked=lambda request: f"{request.runtime_min} min",
        most=lambda partition: f"a job there may run {partition.max_minutes} min",
        fix=f"{_FEWER_ROWS}, or lower runtime in the profile",
    ),
    _Limit(
        exceeded=lambda partition, request: request.mem_mb > partition.memory_mb_a_node,
        asked=lambda request: f"{request.mem_mb} MB",
        most=lambda partition: f"a job there gets at most {partition.memory_mb_a_node} MB on a node",
        fix=f"{_FEWER_ROWS}, or lower mem_mb in the profile",
    ),
    _Limit(
        exceeded=lambda partition, request: request.cpus > partition.cpus_a_node,
        asked=lambda request: f"{request.cpus} CPUs",
        most=lambda partition: f"a job there gets at most {partition.cpus_a_node} CPUs on a node",
        fix="lower the rule's threads in the configuration",
    ),
    _Limit(
        exceeded=lambda partition, request: (
            request.gpus > max((group.gpus_of(request.gpu_type) for group in partition.nodes), default=0)
        ),
        asked=lambda request: f"{request.gpus} {request.gpu_type or ''} GPU".replace("  ", " "),
        most=lambda partition: f"a node there has {partition.gpus_a_node}",
        fix="leave --gpu-partition out, and predictions use CPUs",
    ),
    _Limit(
        exceeded=_too_few_places,
        asked=lambda request: (
            f"{request.tasks} x {request.cpus} CPUs and {request.mem_mb} MB"
            + f" and {request.gpus} GPU" * bool(request.gpus)
        ),
        most=lambda _: "its nodes together do not hold that",
        fix="lower tasks or what a task asks for in the profile",
    ),
)


def _over(
    partition: Partition, limit: _Limit, asked: Sequence[RuleRequest], open_ones: Sequence[Partition]
) -> Finding | None:
    over = [request for request in asked if limit.exceeded(partition, request)]
    if not over:
        return None
    rules = ", ".join(f"{request.rule} ({limit.asked(request)})" for request in over)
    others = [
        other.name
        for other in open_ones
        if not any(each.exceeded(other, request) for each in _LIMITS for request in over)
    ]
    option = "--gpu-partition" if any(request.gpus for request in over) else "--partition"
    return problem(
        "rules",
        f"too much for the partition {partition.name}: {rules}; {limit.most(partition)}",
        elsewhere(others, option, limit.fix),
    )
