"""One Snakemake a run: who works on a run's folder, and whether that process still lives."""

import fcntl
import getpass
import json
import os
import shlex
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from molsieve.errors import MolsieveError
from molsieve.files import replacing, write_text

RUNNING, ENDED, LOCK = "running.json", "last_run.json", ".running.lock"
INTERVAL_S = 30
"""Between two signs of life; other hosts can see nothing else of the process."""
SILENCE_S = 10 * INTERVAL_S


@dataclass
class Lease:
    """A run folder that this process works on; ``work/NAME/running.json`` while it does.

    A file rather than Snakemake's lock: that one outlives a killed Snakemake, and removing it by hand removes the locks
    of all runs in the folder.
    """

    work: Path
    facts: dict[str, Any]

    @classmethod
    def take(cls, work: Path, executor: str) -> Self:
        """Take a run's folder, also when the process that had it is gone.

        Raises:
            MolsieveError: Another process works on it.

        """
        work.mkdir(parents=True, exist_ok=True)
        facts = {
            "host": socket.gethostname(), "user": getpass.getuser(), "pid": os.getpid(),
            "process_started": process_started(os.getpid()), "started": datetime.now(UTC).isoformat("T", "seconds"),
            "command": shlex.join(["molsieve", *sys.argv[1:]]), "executor": executor, "snakemake_log": None,
            "interval_s": INTERVAL_S,
        }  # fmt: skip
        # Written before looking, because a file made in a folder renews what an NFS client remembers of the folder.
        with _one_at_a_time(work), replacing(work / RUNNING) as written:
            written.write_text(_as_text(facts))
            _refuse_if_taken(work)
        return cls(work, facts)

    def note(self, **facts: Any) -> None:  # noqa: ANN401 - whatever JSON holds
        """Write further facts beside those known."""
        self.facts |= facts
        write_text(self.work / RUNNING, _as_text(self.facts))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Give signs of life while the block runs."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(INTERVAL_S):
                # A file system that hangs for once must not silence the rest of the run.
                with suppress(OSError):
                    os.utime(self.work / RUNNING)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def end(self, exit_status: int) -> None:
        """Give the folder back."""
        ended = {"ended": datetime.now(UTC).isoformat("T", "seconds"), "exit_status": exit_status}
        write_text(self.work / ENDED, _as_text(self.facts | ended))
        (self.work / RUNNING).unlink(missing_ok=True)


def read_lease(work: Path) -> dict[str, Any] | None:
    """What the process that works, or worked until it was killed, on a run wrote down; None when it ended in order."""
    try:
        facts: dict[str, Any] = json.loads((work / RUNNING).read_text())
    except (OSError, ValueError):
        return None
    return facts


def is_held(work: Path, facts: dict[str, Any]) -> bool:
    """Whether the process behind a lease lives: seen on its own host, elsewhere told by its last sign of life."""
    if facts["host"] == socket.gethostname():
        # Snakemake may outlive a killed `molsieve run`.
        known = ((facts["pid"], facts["process_started"]), facts.get("snakemake", (None, None)))
        return any(pid is not None and process_started(pid) == started for pid, started in known)
    return silence_s(work) < SILENCE_S


def silence_s(work: Path) -> float:
    """Seconds since the last sign of life, by the clock of the file system, not of this host."""
    probe = work / f".clock-{os.getpid()}"
    try:
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink()
    except OSError:
        now = time.time()
    return now - (work / RUNNING).stat().st_mtime


def process_started(pid: int) -> int | None:
    """When a process of this host started, in clock ticks since the boot; None when there is none (any more)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def _as_text(facts: dict[str, Any]) -> str:
    return json.dumps(facts, indent=1) + "\n"


@contextmanager
def _one_at_a_time(work: Path) -> Iterator[None]:
    """Keep other starts of a run waiting while the block looks who has it and takes it; the lock ends with its process.

    It holds among the processes of a host, and among hosts on NFS, GPFS and Lustre mounted with ``flock``. Where the
    hosts' locks do not know each other, the file system has none, or the file is another user's who shares the folder,
    starts in the same instant may both go on.
    """
    with ExitStack() as held:
        with suppress(OSError):
            fcntl.lockf(held.enter_context((work / LOCK).open("ab")), fcntl.LOCK_EX)
        yield


def _refuse_if_taken(work: Path) -> None:
    facts = read_lease(work)
    if facts is not None and is_held(work, facts):
        raise _taken(work, facts)
    for lock in Path(".snakemake/locks").glob("*.lock"):
        if any(Path(line).is_relative_to(work) for line in lock.read_text(errors="replace").splitlines()):
            raise MolsieveError(
                "a Snakemake that was started directly works on this run, or was killed while it did",
                where=str(work),
                fix="If none runs any more: snakemake --unlock, then the same command again.",
            )


def _taken(work: Path, facts: dict[str, Any]) -> MolsieveError:
    """Who works on the run, how to watch it, and how to end it in order."""
    here = facts["host"] == socket.gethostname()
    where = "this machine" if here else facts["host"]
    front, user = facts["pid"], facts.get("user", "?")
    what = f"the run is being worked on since {facts['started']} by"
    watch = f"Watch it: molsieve status {work.name} --watch."
    kept = "its jobs are ended, and what is finished is kept"
    if here and "snakemake" in facts and process_started(front) != facts["process_started"]:
        snakemake = facts["snakemake"][0]
        return MolsieveError(
            f"{what} Snakemake, process {snakemake} of {user} on {where}; the molsieve run that started it, process"
            f" {front}, was killed",
            where=str(work),
            fix=f"Let it go on: it publishes by itself. {watch} To stop it: kill -INT -- -{snakemake} ({kept}); when it"
            " has ended, this command goes on from there.",
        )
    fix = f"{watch} To stop it: kill {front}{'' if here else f' on {where}'} ({kept}). Another run needs another --out."
    if not here:
        fix += (
            f" If {where} or that process is dead, this command will go on {SILENCE_S} s after its last sign of life;"
            f" make sure on {where} that no Snakemake of it lives (pgrep -af snakemake), which is not seen from here."
        )
    return MolsieveError(f"{what} process {front} of {user} on {where}", where=str(work), fix=fix)
