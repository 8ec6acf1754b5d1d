"""Slurm's own commands, and which jobs belong to a run."""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from molsieve.errors import MolsieveError

_TIMEOUT_S = 60


def has_slurm() -> bool:
    """Whether this machine can submit jobs to Slurm."""
    return shutil.which("sbatch") is not None


def slurm(*arguments: str, timeout_s: float = _TIMEOUT_S) -> str:
    """What a Slurm command printed, e.g. ``slurm("sinfo", "--noheader")``.

    Raises:
        MolsieveError: The command is not there, failed or did not answer; with Slurm's own words.

    """
    call = " ".join(arguments)
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=timeout_s)
    except FileNotFoundError:
        raise MolsieveError(
            f"there is no {arguments[0]} here",
            where="Slurm",
            fix="Log in to a node from which jobs are submitted, or load the site's Slurm module.",
        ) from None
    except subprocess.TimeoutExpired:
        raise MolsieveError(
            f"{call} did not answer within {timeout_s:g} s",
            where="Slurm",
            fix="The controller may be overloaded or restarting: try again in some minutes.",
        ) from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip() or f"exit status {done.returncode}"
        raise MolsieveError(f"{call}: {said}", where="Slurm")
    return done.stdout


def job_prefix(run: str) -> str:
    """What the names of a run's jobs begin with; the executor plugin allows letters, digits, _ and -, 50 at most."""
    readable = re.sub(r"[^A-Za-z0-9-]", "-", run)[:30]
    # Names that differ in dots or behind the 30th letter stay apart.
    return f"molsieve-{readable}-{hashlib.sha256(run.encode()).hexdigest()[:6]}"


def controller_name(run: str) -> str:
    """Name of the job that runs Snakemake itself; not among ``jobs_of_run``."""
    return f"controller-{job_prefix(run)}"


@dataclass(frozen=True)
class Job:
    """A job that Slurm holds in memory: waiting, running, or ended some minutes ago.

    Attributes:
        number: Slurm's number of the job.
        state: In Slurm's words, e.g. ``PENDING``, ``RUNNING``, ``COMPLETED``, ``CANCELLED``, ``OUT_OF_MEMORY``.
        reason: Why it waits, e.g. ``Resources``, ``QOSMaxCpuPerUserLimit``, or where it runs.
        what: Rule and wildcards as the executor plugin writes them in the job's comment.

    """

    number: int
    state: str
    reason: str
    what: str

    @property
    def is_live(self) -> bool:
        """Whether it may still write files."""
        return self.state in _LIVE_STATES


_LIVE_STATES = {
    "PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "REQUEUED", "RESIZING", "STAGE_OUT", "SIGNALING",
    "STOPPED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD",
}  # fmt: skip


def jobs_of_run(run: str, folder: Path, timeout_s: float = _TIMEOUT_S) -> list[Job]:
    """The jobs Slurm knows of a run that was started in a folder; those of other users and folders are not among them.

    Raises:
        MolsieveError: Slurm does not answer.

    """
    wanted = "--format=%i\x1f%T\x1f%r\x1f%k\x1f%j\x1f%Z"
    printed = slurm("squeue", "--me", "--states=all", "--noheader", wanted, timeout_s=timeout_s)
    prefix = job_prefix(run)
    jobs = []
    for line in printed.splitlines():
        number, state, reason, what, name, started_in = (part.strip() for part in line.split("\x1f"))
        # The plugin's names are the prefix, an underscore and an identifier without one.
        if name.rpartition("_")[0] == prefix and Path(started_in) == folder.resolve() and number.isdigit():
            jobs.append(Job(int(number), state, reason, what))
    return sorted(jobs, key=lambda job: job.number)


def cancel(jobs: Sequence[Job]) -> None:
    """Cancel jobs; one that ended meanwhile is no error."""
    if jobs:
        slurm("scancel", "--quiet", *(str(job.number) for job in jobs))
