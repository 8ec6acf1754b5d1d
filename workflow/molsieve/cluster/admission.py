"""Whether a site admits what a run asks for: its account, its partitions, and every rule within their limits."""

import difflib
import grp
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from molsieve.cluster.finding import Finding, ok, problem, warning
from molsieve.cluster.requests import RuleRequest
from molsieve.cluster.site import Association, Partition, Site


def check_account(site: Site, account: str | None) -> Finding:
    """Whether the user may use an account; None: the user's default account."""
    about = "account"
    if site.accounting is None:
        return warning(
            about,
            f"not checked, as accounting does not answer: {site.accounting_said}",
            "Nothing, if the account is right; a wrong one is refused when the first job is sent.",
        )
    own = site.accounting.own_accounts
    yours = f"yours: {', '.join(own)}" if own else f"{site.user} has none on {site.name}"
    if account is None:
        default = site.accounting.default_account
        if default is None or default not in own:
            return problem(about, f"none given, and you have no default account ({yours})", "Give --account.")
        return ok(about, f"{default}, your default account ({yours})")
    if account.lower() in own:
        return ok(about, f"{account} ({yours})")
    if account.lower() in site.accounting.accounts:
        return problem(
            about,
            f"{site.user} may not use the account {account!r} ({yours})",
            "Give one of yours with --account, or have whoever is responsible for that one add you.",
        )
    return problem(
        about,
        f"there is no account {account!r} on {site.name} ({yours})",
        f"{_did_you_mean(account.lower(), own)}Give one of yours with --account.",
    )


def check_partition(site: Site, name: str | None, account: str | None, about: str = "partition") -> Finding:
    """Whether jobs of an account can be sent to a partition and start there; None: the site's default partition."""
    names = ", ".join(site.partitions)
    chosen = name or site.default_partition
    if chosen is None:
        return problem(about, "none given, and the site has no default partition", f"Give --partition: {names}.")
    partition = site.partitions.get(chosen)
    if partition is None:
        return problem(
            about,
            f"there is no partition {chosen!r} on {site.name}, or it is hidden from you",
            f"{_did_you_mean(chosen, site.partitions)}Partitions here: {names}.",
        )
    if partition.state != "UP":
        return problem(
            about, f"{chosen} starts no jobs now (state {partition.state})", f"Choose another, or wait: {names}."
        )
    closed = _closed_to(site, partition, account)
    if closed is not None:
        return problem(about, *closed)
    if not any(group.is_usable for group in partition.nodes):
        states = ", ".join(f"{group.count} {group.state}" for group in partition.nodes) or "it has none"
        return problem(
            about,
            f"no node of {chosen} can start jobs now ({states})",
            f"Choose another partition ({names}), or wait for its nodes: sinfo -R says why they are out.",
        )
    qos = _qos_missing(site, partition, account)
    if qos is not None:
        return warning(about, *qos)
    return ok(about, _described(partition) + (", the default one" if name is None else ""))


def check_requests(
    site: Site, requests: Sequence[RuleRequest], partition: str | None, gpu_partition: str | None
) -> list[Finding]:
    """Whether every rule fits into the partition it is sent to; partitions that do not exist are passed over.

    Args:
        site: What Slurm says.
        requests: What the rules ask for.
        partition: Partition of the run; None: the site's default.
        gpu_partition: Partition for rules that ask for GPUs; None: the same.

    """
    sent: dict[str, list[RuleRequest]] = {}
    for request in requests:
        default = gpu_partition if request.gpus and gpu_partition else partition
        name = request.partition or default or site.default_partition
        if name in site.partitions:
            sent.setdefault(name, []).append(request)
    found: list[Finding] = []
    for name, asked in sent.items():
        over = [_over(site, site.partitions[name], limit, asked) for limit in _LIMITS]
        found += [finding for finding in over if finding is not None]
    if sent and not found:
        found.append(ok("rules", f"what the rules ask for fits into {', '.join(sent)}"))
    return found


def check_submission(site: Site, account: str | None, jobs: int | None) -> Finding:
    """Whether the account lets as many jobs into the queue as the profile sends at a time."""
    about = "jobs at a time"
    rights = [a for a in _associations(site, account) if a.max_submitted is not None or a.max_jobs is not None]
    if not rights:
        return ok(about, "the account sets no limit for you" if site.accounting else "not checked without accounting")
    submitted = min((a.max_submitted for a in rights if a.max_submitted is not None), default=None)
    running = min((a.max_jobs for a in rights if a.max_jobs is not None), default=None)
    said = ", ".join(
        f"{number} {what}"
        for number, what in ((running, "running"), (submitted, "running or waiting"))
        if number is not None
    )
    if submitted is not None and jobs is not None and jobs > submitted:
        return problem(
            about,
            f"the profile sends up to {jobs}, and your account may have {said}",
            f"Set jobs: {submitted} in the profile, or less where you run other things too.",
        )
    return ok(about, f"your account may have {said}")


@dataclass(frozen=True)
class _Limit:
    """A limit of partitions; ``fix`` is what else one can do than choosing another partition."""

    exceeded: Callable[[Partition, RuleRequest], bool]
    asked: Callable[[RuleRequest], str]
    most: Callable[[Partition], str]
    fix: str


def _most_gpus(partition: Partition) -> str:
    kinds = [(kind, max(group.gpus.get(kind, 0) for group in partition.nodes)) for kind in partition.gpu_types]
    return ", ".join(f"{number} GPU" + f" of type {kind}" * bool(kind) for kind, number in kinds) or "no GPU"


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


_LIMITS = (
    _Limit(
        exceeded=lambda partition, request: request.runtime_min > (partition.max_minutes or request.runtime_min),
        asked=lambda request: f"{request.runtime_min} minutes",
        most=lambda partition: f"a job there may run {partition.max_minutes} minutes",
        fix="make the shards smaller (ingest.shard_size), or lower runtime in the profile",
    ),
    _Limit(
        exceeded=lambda partition, request: request.mem_mb > partition.memory_mb_a_node,
        asked=lambda request: f"{request.mem_mb} MB",
        most=lambda partition: f"a job there gets at most {partition.memory_mb_a_node} MB on a node",
        fix="make the shards smaller (ingest.shard_size), or lower mem_mb in the profile",
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
        most=lambda partition: f"a node there has {_most_gpus(partition)}",
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


def _over(site: Site, partition: Partition, limit: _Limit, asked: Sequence[RuleRequest]) -> Finding | None:
    over = [request for request in asked if limit.exceeded(partition, request)]
    if not over:
        return None
    rules = ", ".join(f"{request.rule} ({limit.asked(request)})" for request in over)
    others = [
        other.name
        for other in site.partitions.values()
        if not any(each.exceeded(other, request) for each in _LIMITS for request in over)
    ]
    option = "--gpu-partition" if any(request.gpus for request in over) else "--partition"
    return problem(
        "rules",
        f"too much for the partition {partition.name}: {rules}; {limit.most(partition)}",
        f"{_elsewhere(others, option)}Or {limit.fix}.",
    )


def _closed_to(site: Site, partition: Partition, account: str | None) -> tuple[str, str] | None:
    """What keeps an account or the user's groups out of a partition, and the fix."""
    name, accounting = partition.name, site.accounting
    charged = (account or (accounting.default_account if accounting else None) or "").lower()
    admitted = {each.lower() for each in partition.accounts} if partition.accounts is not None else None
    denied = charged in {each.lower() for each in partition.denied_accounts}
    if charged and (denied or (admitted is not None and charged not in admitted)):
        own = set(accounting.own_accounts) if accounting else set()
        could = sorted((admitted & own) if admitted is not None else own - partition.denied_accounts)
        return (
            f"{name} takes no jobs of the account {charged}",
            f"{_elsewhere(could, '--account')}Or choose another partition.",
        )
    mine = (
        [association for association in accounting.associations if association.account == charged] if accounting else []
    )
    if mine and all(association.partition not in (None, name) for association in mine):
        where = sorted({association.partition for association in mine if association.partition})
        return f"the account {charged} is yours in other partitions only", _elsewhere(where, "--partition").strip()
    if partition.groups is not None and not partition.groups & _own_groups():
        return (
            f"{name} is for members of the groups {', '.join(sorted(partition.groups))}",
            "Choose another partition, or ask the site's support to add you.",
        )
    return None


def _qos_missing(site: Site, partition: Partition, account: str | None) -> tuple[str, str] | None:
    """A partition may ask for a quality of service that is not the user's default one."""
    rights = _associations(site, account)
    if partition.qos is None or not rights or any(right.default_qos in partition.qos for right in rights):
        return None
    could = sorted(partition.qos & frozenset().union(*(right.qos for right in rights)))
    if not could:
        wanted = ", ".join(sorted(partition.qos))
        return f"{partition.name} wants a quality of service ({wanted}), and you have none of them", (
            "Choose another partition, or ask the site's support."
        )
    return (
        f"{partition.name} wants a quality of service: {', '.join(could)}",
        f"If it is not set yet: `slurm-qos: {could[0]}` in the profile.",
    )


def _associations(site: Site, account: str | None) -> list[Association]:
    if site.accounting is None:
        return []
    charged = (account or site.accounting.default_account or "").lower()
    return [association for association in site.accounting.associations if association.account == charged]


def _own_groups() -> set[str]:
    names = set()
    for number in {os.getegid(), *os.getgroups()}:
        try:
            names.add(grp.getgrgid(number).gr_name)
        except KeyError:
            continue  # a group without a name
    return names


def _described(partition: Partition) -> str:
    usable = sum(group.count for group in partition.nodes if group.is_usable)
    longest = "no time limit" if partition.max_minutes is None else f"{partition.max_minutes} minutes"
    return (
        f"{partition.name}: {usable} of {sum(group.count for group in partition.nodes)} nodes usable; on a node up to "
        f"{partition.cpus_a_node} CPUs, {partition.memory_mb_a_node} MB and {_most_gpus(partition)}; {longest}"
    )


def _did_you_mean(given: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(given, list(known), n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}? " if near else ""


def _elsewhere(names: Sequence[str], option: str) -> str:
    return f"Try {option} {' or '.join(names)}. " if names else ""
