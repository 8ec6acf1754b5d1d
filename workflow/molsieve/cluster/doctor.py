"""Everything about a cluster that stops runs later, found out now."""

import importlib.metadata
import os
import shlex
import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molsieve.cluster.access import check_submission
from molsieve.cluster.finding import Finding, of_level, ok, problem, warning
from molsieve.cluster.limits import check_requests
from molsieve.cluster.preflight import admission
from molsieve.cluster.probe import Answer, Probe, ask
from molsieve.cluster.requests import RuleRequest
from molsieve.cluster.shared_folder import check_mount, check_space, mount_of
from molsieve.cluster.site import Site, read_site
from molsieve.cluster.site_profile import STATUS_CHECKS
from molsieve.cluster.slurm import slurm
from molsieve.errors import MolsieveError

_COMMANDS = ("sbatch", "squeue", "scancel", "sinfo", "scontrol", "srun")
_PLUGIN = "snakemake-executor-plugin-slurm"
_PROBE_MEMORY_MB = 2000


@dataclass(frozen=True)
class Setup:
    """What a run would use.

    Attributes:
        account: Slurm account; None: the user's default one.
        partition: Partition; None: the site's default one.
        gpu_partition: Partition of the rules that ask for GPUs; None: there are no such rules.
        folder: Where a run would lie.
        requests: What its rules ask for.
        last_requests: What they ask for when they are tried for the last time.
        profile: The Snakemake profile.

    """

    account: str | None
    partition: str | None
    gpu_partition: str | None
    folder: Path
    requests: tuple[RuleRequest, ...]
    last_requests: tuple[RuleRequest, ...]
    profile: Mapping[str, Any]


def look(setup: Setup) -> tuple[list[Finding], Site | None]:
    """What the login node can tell of Slurm without a job, and the site where Slurm answers."""
    found = [check_plugin(), check_commands()]
    if found[-1].level == "ok":
        found.append(check_controller())
    if found[-1].level == "problem":
        return found, None
    site = read_site()
    found.append(check_accounting(site))
    found += admission(site, setup.requests, setup.account, setup.partition, setup.gpu_partition)
    found += check_retries(site, setup)
    jobs = setup.profile.get("jobs")
    found.append(check_submission(site, setup.account, jobs if isinstance(jobs, int) else None))
    found.append(check_memory_of_jobs(site, setup.profile))
    return found, site


def look_at_folder(folder: Path, answers: Sequence[Answer] = ()) -> list[Finding]:
    """Whether nodes share the folder and there is room in it; what jobs have seen counts more than its mount."""
    mount = mount_of(folder)
    guess = check_mount(folder, mount)
    seen_on = {answer.facts["host"] for answer in answers if answer.written and answer.facts}
    if guess.level != "ok" and seen_on - {socket.gethostname()}:
        guess = ok(guess.about, f"{folder} lies on {mount.kind} mounted at {mount.point}, and jobs see it")
    elif guess.level != "ok" and seen_on:
        guess = warning(
            guess.about,
            f"{guess.said}; the jobs saw it, but ran on this very machine",
            "Nothing where the cluster is this one machine; else use a folder that all nodes share.",
        )
    return [guess, check_space(folder)]


def ask_nodes(setup: Setup, site: Site, timeout_s: float, watch: Callable[[list[Answer], float], None]) -> list[Answer]:
    """Send small jobs: one to the partition of the run, one with a GPU where there is a partition for that.

    Args:
        setup: What a run would use.
        site: What Slurm says.
        timeout_s: Seconds to wait for the jobs.
        watch: See :func:`molsieve.cluster.probe.ask`.

    """
    folder = next(path for path in (setup.folder.absolute(), *setup.folder.absolute().parents) if path.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        return []  # look_at_folder says so
    return ask(probes_of(setup, site), folder, timeout_s, watch)


def probes_of(setup: Setup, site: Site) -> list[Probe]:
    """Jobs for the partitions of a run that exist, with the options that its profile gives every job."""
    defaults = setup.profile.get("default-resources") or {}
    given = [("account", setup.account), ("qos", setup.profile.get("slurm-qos") or defaults.get("qos"))]
    given += [("reservation", setup.profile.get("slurm-reservation")), ("constraint", defaults.get("constraint"))]
    options = tuple(f"--{name}={value}" for name, value in given if value)
    options += tuple(shlex.split(str(defaults.get("slurm_extra") or "")))
    gres = next((request.gpu_type for request in setup.requests if request.gpus), None)
    sent = [(setup.partition or site.default_partition, False), (setup.gpu_partition, True)]
    probes = []
    for name, gpu in sent:
        partition = site.partitions.get(name or "")
        if partition is None or (gpu and not partition.has_gpus):
            continue  # said already
        memory = min(_PROBE_MEMORY_MB, partition.memory_mb_a_node)
        asked = (f"--mem={memory}",) + ((f"--gres=gpu:{gres + ':' if gres else ''}1",) if gpu else ())
        probes.append(Probe(partition.name, options + asked, gpu=gpu, minutes=min(5, partition.max_minutes or 5)))
    return probes


def check_commands() -> Finding:
    """Whether Slurm's commands are here, and which version."""
    about = "Slurm commands"
    missing = [command for command in _COMMANDS if shutil.which(command) is None]
    if missing:
        return problem(
            about,
            f"not here: {', '.join(missing)}",
            "Log in to a node from which jobs are submitted, or load the site's Slurm module (module avail slurm).",
        )
    return ok(about, slurm("sinfo", "--version").strip())


def check_plugin() -> Finding:
    """Whether Snakemake can send jobs to Slurm."""
    about = "Snakemake plugin"
    try:
        return ok(about, f"{_PLUGIN} {importlib.metadata.version(_PLUGIN)}")
    except importlib.metadata.PackageNotFoundError:
        return problem(about, f"{_PLUGIN} is not installed", "pip install 'molsieve[slurm]'")


def check_controller() -> Finding:
    """Whether the controller answers."""
    about = "Slurm controller"
    fix = "Try again in some minutes; if that does not help, tell the site's support."
    try:
        said = slurm("scontrol", "ping", timeout_s=20)
    except MolsieveError as error:
        return problem(about, error.what.splitlines()[0], fix)
    return ok(about, said.splitlines()[0])


def check_accounting(site: Site) -> Finding:
    """Whether accounting answers; runs go on without."""
    about = "accounting"
    if site.accounting is None:
        return warning(
            about,
            f"does not answer: {site.accounting_said}",
            "Runs work without it, except for the summary of what finished jobs asked for and used.",
        )
    return ok(about, f"answers for the cluster {site.name}")


def check_retries(site: Site, setup: Setup) -> list[Finding]:
    """Whether the last attempt at a job, which asks for most, still fits; Slurm may let others wait for ever."""
    first, last = (
        of_level(check_requests(site, requests, setup.account, setup.partition, setup.gpu_partition), "problem")
        for requests in (setup.requests, setup.last_requests)
    )
    if first:
        return []  # said already
    retries = setup.profile.get("retries")
    return [
        warning("retries", f"after failures: {finding.said}", f"{finding.fix} Or lower retries ({retries}) there.")
        for finding in last
    ]


def check_memory_of_jobs(site: Site, profile: Mapping[str, Any]) -> Finding:
    """Whether squeue knows ended jobs for long enough that Snakemake learns how they ended."""
    about = "ended jobs"
    every = profile.get("slurm-init-seconds-before-status-checks", 40)
    if profile.get("slurm-status-command") != "squeue":
        return warning(
            about,
            "the profile does not ask squeue how jobs ended, and by sacct Snakemake never notices a cancelled job",
            "Set slurm-status-command: squeue in the profile.",
        )
    if site.min_job_age_s is None or not isinstance(every, int):
        return warning(about, "how long squeue knows them is not known", "Look for MinJobAge in scontrol show config.")
    said = f"squeue knows them for {site.min_job_age_s} s, and Snakemake looks from {every} s on"
    if site.min_job_age_s >= STATUS_CHECKS * every:
        return ok(about, said)
    most = site.min_job_age_s // STATUS_CHECKS
    if most >= 1:
        return problem(
            about,
            f"{said}; it may miss how they ended",
            f"Set slurm-init-seconds-before-status-checks: {most} in the profile, or less.",
        )
    return problem(
        about,
        f"{said}; it will miss how they ended",
        "Ask the site's support to raise MinJobAge; until then use slurm-status-command: sacct, and cancel no jobs.",
    )


def is_healthy(findings: list[Finding]) -> bool:
    """Whether nothing would stop a run."""
    return not of_level(findings, "problem")
