"""What Slurm says of a site: its partitions and nodes, and what the user may do there."""

import getpass
import re
from dataclasses import dataclass
from typing import Literal

from molsieve.cluster.gres import gpus_in
from molsieve.cluster.slurm import slurm
from molsieve.errors import MolsieveError

_UNUSABLE = ("down", "drain", "fail", "unknown", "error", "inval", "future")


@dataclass(frozen=True)
class Nodes:
    """Nodes of a partition that are alike.

    Attributes:
        count: How many.
        cpus: CPUs of each, as Slurm counts them.
        memory_mb: Memory of each that jobs may ask for.
        gpus: GPUs of each by type; the type is empty where the site names none.
        state: In Slurm's words, e.g. ``idle`` or ``drained``.

    """

    count: int
    cpus: int
    memory_mb: int
    gpus: dict[str, int]
    state: str

    @property
    def is_usable(self) -> bool:
        """Whether jobs start there, now or after others."""
        return not self.state.startswith(_UNUSABLE)

    def gpus_of(self, gpu_type: str | None) -> int:
        """GPUs of a type, or of any where None."""
        return sum(self.gpus.values()) if gpu_type is None else self.gpus.get(gpu_type, 0)


@dataclass(frozen=True)
class Partition:
    """A partition, its limits (None: none) and its nodes.

    Attributes:
        name: Its name.
        is_default: Whether jobs that name none are sent here.
        state: ``UP``, or why it takes or starts no jobs: ``DOWN``, ``DRAIN``, ``INACTIVE``.
        max_minutes: Longest time limit of a job.
        max_memory_mb: Most memory a job may have on a node.
        max_cpus: Most CPUs a job may have on a node.
        accounts: Accounts that may use it.
        denied_accounts: Accounts that may not.
        groups: Unix groups that may use it.
        qos: Qualities of service that may use it.
        nodes: Groups of nodes that are alike.

    """

    name: str
    is_default: bool
    state: str
    max_minutes: int | None
    max_memory_mb: int | None
    max_cpus: int | None
    accounts: frozenset[str] | None
    denied_accounts: frozenset[str]
    groups: frozenset[str] | None
    qos: frozenset[str] | None
    nodes: tuple[Nodes, ...]

    def admits(self, account: str) -> bool:
        """Whether it takes jobs of an account (in small letters)."""
        named = {each.lower() for each in self.accounts} if self.accounts is not None else {account}
        return account in named and account not in {each.lower() for each in self.denied_accounts}

    @property
    def cpus_a_node(self) -> int:
        """Most CPUs a job gets on one node."""
        return min(max((group.cpus for group in self.nodes), default=0), self.max_cpus or 10**9)

    @property
    def memory_mb_a_node(self) -> int:
        """Most memory a job gets on one node."""
        return min(max((group.memory_mb for group in self.nodes), default=0), self.max_memory_mb or 10**12)

    @property
    def has_gpus(self) -> bool:
        """Whether any node has a GPU."""
        return any(group.gpus for group in self.nodes)

    @property
    def gpus_a_node(self) -> str:
        """Most GPUs of each type that a node has, in words."""
        kinds = sorted({kind for group in self.nodes for kind in group.gpus})
        most = {kind: max(group.gpus.get(kind, 0) for group in self.nodes) for kind in kinds}
        return ", ".join(f"{number} GPU" + f" of type {kind}" * bool(kind) for kind, number in most.items()) or "no GPU"

    @property
    def described(self) -> str:
        """Its nodes and limits in a line."""
        usable, all_nodes = (sum(group.count for group in self.nodes if group.is_usable or every) for every in (0, 1))
        longest = "no time limit" if self.max_minutes is None else f"{self.max_minutes} min"
        return (
            f"{self.name}: {usable} of {all_nodes} nodes usable; on a node up to {self.cpus_a_node} CPUs, "
            f"{self.memory_mb_a_node} MB and {self.gpus_a_node}; {longest}"
        )


@dataclass(frozen=True)
class Association:
    """What a user may do under an account; None where there is no limit.

    Attributes:
        account: Its name.
        partition: The only partition this holds for.
        max_jobs: Jobs running at once.
        max_submitted: Jobs running and waiting at once.
        qos: Qualities of service the user may ask for.
        default_qos: The one that is taken when none is asked for.

    """

    account: str
    partition: str | None
    max_jobs: int | None
    max_submitted: int | None
    qos: frozenset[str]
    default_qos: str | None


@dataclass(frozen=True)
class Accounting:
    """What Slurm's accounting knows of the user; names of accounts are in small letters, as Slurm keeps them."""

    accounts: frozenset[str]
    associations: tuple[Association, ...]
    default_account: str | None

    @property
    def own_accounts(self) -> list[str]:
        """Accounts the user may use."""
        return sorted({association.account for association in self.associations})


@dataclass(frozen=True)
class Site:
    """A cluster as its login node shows it.

    Attributes:
        name: Name of the cluster.
        user: Whom the accounting was asked for.
        partitions: By name.
        accounting: None where it does not answer or the site has none; the reason is in ``accounting_said``.
        accounting_said: Slurm's words when it did not answer.
        min_job_age_s: Seconds for which squeue knows a job that has ended.

    """

    name: str
    user: str
    partitions: dict[str, Partition]
    accounting: Accounting | None
    accounting_said: str
    min_job_age_s: int | None

    @property
    def default_partition(self) -> str | None:
        """Where jobs go that name no partition."""
        return next((partition.name for partition in self.partitions.values() if partition.is_default), None)

    def charged(self, account: str | None) -> str | None:
        """The account a job is charged to when it names this one, or none; None where accounting does not answer."""
        named = account or (self.accounting.default_account if self.accounting else None)
        return named.lower() if named else None

    def rights(self, account: str | None) -> list[Association]:
        """What the user may do under an account, or under the default one."""
        known = self.accounting.associations if self.accounting else ()
        return [association for association in known if association.account == self.charged(account)]

    def least_right(self, account: str | None, limit: Literal["max_jobs", "max_submitted"]) -> int | None:
        """The tightest of the limits on a number of jobs."""
        numbers = [getattr(right, limit) for right in self.rights(account)]
        return min((number for number in numbers if number is not None), default=None)


def read_site() -> Site:
    """Ask Slurm; five short commands.

    Raises:
        MolsieveError: The commands are not there, or the controller does not answer.

    """
    config = slurm("scontrol", "show", "config")
    name = _setting(config, "ClusterName")
    age = re.match(r"\d+", _setting(config, "MinJobAge"))
    user = getpass.getuser()
    accounting, said = None, ""
    try:
        accounting = parse_accounting(
            slurm("sacctmgr", "--noheader", "--parsable2", "show", "account", "format=account"),
            slurm(
                "sacctmgr", "--noheader", "--parsable2", "show", "association", "where", f"user={user}",
                f"cluster={name}", "format=account,partition,maxjobs,maxsubmitjobs,qos,defaultqos",
            ),
            slurm("sacctmgr", "--noheader", "--parsable2", "show", "user", user, "format=defaultaccount"),
        )  # fmt: skip
    except MolsieveError as error:
        said = error.what.splitlines()[0].rpartition("error: ")[2]
    return Site(
        name=name,
        user=user,
        partitions=parse_partitions(
            slurm("scontrol", "--oneliner", "show", "partition"),
            # --exact: otherwise unlike nodes are shown as one with a + behind the smallest figure.
            slurm("sinfo", "--noheader", "--exact", "--format=%R|%D|%c|%m|%G|%T"),
        ),
        accounting=accounting,
        accounting_said=said,
        min_job_age_s=int(age[0]) if age else None,
    )


def parse_partitions(partitions: str, nodes: str) -> dict[str, Partition]:
    """Partitions from ``scontrol --oneliner show partition`` and ``sinfo --exact --format=%R|%D|%c|%m|%G|%T``."""
    groups: dict[str, list[Nodes]] = {}
    for line in filter(None, nodes.splitlines()):
        name, count, cpus, memory, gres, state = line.split("|")
        if count == "0":
            continue  # a partition without nodes
        alike = Nodes(int(count), int(cpus), int(memory), gpus_in(gres), state.rstrip("*~#!%$@^-+"))
        groups.setdefault(name, []).append(alike)
    found = {}
    for line in filter(None, partitions.splitlines()):
        keys = dict(re.findall(r"(\S+?)=(\S*)", line))
        name = keys["PartitionName"]
        found[name] = Partition(
            name=name,
            is_default=keys.get("Default") == "YES",
            state=keys.get("State", "UP"),
            max_minutes=minutes(keys.get("MaxTime", "")),
            max_memory_mb=_limit(keys.get("MaxMemPerNode", "")),
            max_cpus=_limit(keys.get("MaxCPUsPerNode", "")),
            accounts=_names(keys.get("AllowAccounts", "ALL")),
            denied_accounts=_names(keys.get("DenyAccounts", "")) or frozenset(),
            groups=_names(keys.get("AllowGroups", "ALL")),
            qos=_names(keys.get("AllowQos", "ALL")),
            nodes=tuple(groups.get(name, ())),
        )
    return found


def parse_accounting(accounts: str, associations: str, user: str) -> Accounting:
    """Accounts and rights from what sacctmgr prints for :func:`read_site`."""
    rights = []
    for line in filter(None, associations.splitlines()):
        account, partition, jobs, submitted, qos, default_qos = line.split("|")
        rights.append(
            Association(
                account=account.lower(),
                partition=partition or None,
                max_jobs=_limit(jobs),
                max_submitted=_limit(submitted),
                qos=frozenset(filter(None, qos.split(","))),
                default_qos=default_qos or None,
            )
        )
    return Accounting(
        accounts=frozenset(accounts.lower().split()),
        associations=tuple(rights),
        default_account=user.strip().lower() or None,
    )


def minutes(text: str) -> int | None:
    """Minutes of a time as Slurm writes limits, ``[days-]hours:minutes:seconds``; None where there is no limit."""
    match = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):(\d+)", text)
    if match is None:
        return None
    days, hours, whole_minutes, _ = (int(part or 0) for part in match.groups())
    return (days * 24 + hours) * 60 + whole_minutes


def _limit(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _names(text: str) -> frozenset[str] | None:
    """Names in a list; None where all are meant."""
    return None if text in ("ALL", "(null)") else frozenset(filter(None, text.split(",")))


def _setting(config: str, key: str) -> str:
    match = re.search(rf"^{key}\s*=\s*(.*?)\s*$", config, flags=re.MULTILINE)
    return match[1] if match else ""
