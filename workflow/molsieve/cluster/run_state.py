"""The state of a run as a whole: running and where, ended and how, or killed."""

import json
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from molsieve.cluster.lease import ENDED, RUNNING, SILENCE_S, is_held, read_lease

StateName = Literal["not started", "running", "complete", "stopped", "killed", "no record"]


@dataclass(frozen=True)
class RunState:
    """What the record of a run says.

    Attributes:
        name: ``no record`` where it was not started by ``molsieve run``, so that its files are all there is.
        host: Machine that ``molsieve run`` works or worked on.
        started: Seconds since the epoch; 0 without a record.
        ended: Seconds since the epoch, or None.
        executor: ``local`` or ``slurm``; empty without a record.
        snakemake_log: Snakemake's whole output, or None.

    """

    name: StateName
    host: str = ""
    started: float = 0.0
    ended: float | None = None
    executor: str = ""
    snakemake_log: Path | None = None


def state_of_run(work: Path, started_in: Path, *, is_published: bool) -> RunState:
    """State of a run, told from what ``molsieve run`` wrote down; writes nothing.

    Args:
        work: Folder of the run's intermediate files.
        started_in: Folder it was started in.
        is_published: Whether its result set is there, which decides where there is no record.

    """
    facts = read_lease(work)
    if facts is not None:
        return _state("running" if _is_alive(work, facts) else "killed", facts, work, started_in)
    with suppress(OSError, ValueError):
        facts = json.loads((work / ENDED).read_text(encoding="utf-8"))
        return _state("complete" if facts["exit_status"] == 0 else "stopped", facts, work, started_in)
    if is_published:
        return RunState("complete", snakemake_log=_own_log(work, started_in))
    if (work / "logs").is_dir():
        return RunState("no record", snakemake_log=_own_log(work, started_in))
    return RunState("not started")


def _state(name: StateName, facts: dict[str, Any], work: Path, started_in: Path) -> RunState:
    log = facts.get("snakemake_log")
    ended = facts.get("ended")
    return RunState(
        name,
        host="" if facts["host"] == socket.gethostname() else facts["host"],
        started=datetime.fromisoformat(facts["started"]).timestamp(),
        ended=datetime.fromisoformat(ended).timestamp() if ended else None,
        executor=facts.get("executor", "local"),
        snakemake_log=started_in / log if log else _own_log(work, started_in),
    )


def _is_alive(work: Path, facts: dict[str, Any]) -> bool:
    if facts["host"] == socket.gethostname():
        return is_held(work, facts)
    with suppress(OSError):
        return time.time() - (work / RUNNING).stat().st_mtime < SILENCE_S
    return False


def _own_log(work: Path, started_in: Path) -> Path | None:
    """The log that Snakemake itself keeps of the last run, when it is about this run."""
    logs = sorted((started_in / ".snakemake" / "log").glob("*.snakemake.log"))[-5:]
    with suppress(ValueError):
        logs_of_run = f"log: {work.resolve().relative_to(started_in)}/logs/"
        for log in reversed(logs):
            with suppress(OSError):
                if logs_of_run in log.read_text(encoding="utf-8", errors="replace"):
                    return log
    return None
