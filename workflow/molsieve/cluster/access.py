"""Whether a site lets the user in: the account, and the partitions for its jobs."""

import difflib
import grp
import os
from collections.abc import Iterable

from molsieve.cluster.finding import Finding, elsewhere, ok, problem, warning
from molsieve.cluster.site import Partition, Site


def check_account(site: Site, account: str | None) -> Finding:
    """Whether the user may use an account; None: the user's default account."""
    about = "account"
    if site.accounting is None:
        return warning(
            about,
            "not checked, as accounting does not answer",
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
    qos = qos_to_ask_for(site, partition, account)
    if qos is not None:
        return warning(
            about,
            f"{chosen} wants the quality of service {qos}",
            f"Nothing if the profile sets it; else write `slurm-qos: {qos}` there.",
        )
    return ok(about, partition.described + (", the default one" if name is None else ""))


def check_submission(site: Site, account: str | None, jobs: int | None) -> Finding:
    """Whether the account lets as many jobs into the queue as the profile sends at a time."""
    about = "jobs at a time"
    if site.accounting is None:
        return ok(about, "limits of the account are not known without accounting")
    limits = {
        "running": site.least_right(account, "max_jobs"),
        "running or waiting": site.least_right(account, "max_submitted"),
    }
    said = ", ".join(f"{number} {what}" for what, number in limits.items() if number is not None)
    most = limits["running or waiting"]
    if most is not None and jobs is not None and jobs > most:
        return problem(
            about,
            f"the profile sends up to {jobs}, and your account may have {said}",
            f"Set jobs: {most} in the profile, or less when you have other jobs too.",
        )
    return ok(about, f"your account may have {said}" if said else "your account sets no limit")


def _closed_to(site: Site, partition: Partition, account: str | None) -> tuple[str, str] | None:
    """What keeps an account or the user's groups out of a partition, and the fix."""
    name, charged, rights = partition.name, site.charged(account), site.rights(account)
    if charged is not None and not partition.admits(charged):
        own = site.accounting.own_accounts if site.accounting else []
        could = [each for each in own if partition.admits(each)]
        return (
            f"{name} takes no jobs of the account {charged}",
            elsewhere(could, "--account", "choose another partition"),
        )
    if rights and all(right.partition not in (None, name) for right in rights):
        where = sorted({right.partition for right in rights if right.partition})
        return (
            f"the account {charged} is yours in other partitions only",
            elsewhere(where, "--partition", "another account"),
        )
    if partition.groups is not None and not partition.groups & _own_groups():
        return (
            f"{name} is for members of the groups {', '.join(sorted(partition.groups))}",
            "Choose another partition, or ask the site's support to add you.",
        )
    if partition.qos is not None and rights and not any(right.qos & partition.qos for right in rights):
        return (
            f"{name} wants a quality of service ({', '.join(sorted(partition.qos))}), and you have none of them",
            "Choose another partition, or ask the site's support.",
        )
    return None


def qos_to_ask_for(site: Site, partition: Partition, account: str | None) -> str | None:
    """A quality of service of the user's that a partition wants, where the default one does not do."""
    rights = site.rights(account)
    if partition.qos is None or any((right.default_qos or "normal") in partition.qos for right in rights):
        return None
    return min((name for right in rights for name in right.qos & partition.qos), default=None)


def _own_groups() -> set[str]:
    names = set()
    for number in {os.getegid(), *os.getgroups()}:
        try:
            names.add(grp.getgrgid(number).gr_name)
        except KeyError:
            continue  # a group without a name
    return names


def _did_you_mean(given: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(given, list(known), n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}? " if near else ""
