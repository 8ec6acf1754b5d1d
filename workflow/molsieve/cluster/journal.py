"""What Snakemake's output tells about the jobs of a run while it is written: started, submitted, finished, failed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

_BLOCK = re.compile(r"(Error in )?(?:local)?(?:rule|checkpoint) (\w+):$")
_FINISHED = re.compile(r"Finished jobid: (\d+)\b")
_SUBMITTED = re.compile(r"Job (\d+) has been submitted with SLURM jobid (\d+)")
_STEPS = re.compile(r"(\d+) of (\d+) steps \(")
_DETAIL = re.compile(r" {4}(\w+): (.*)$")
_RULER = re.compile("={80}$")
_LOG_NOTE = " (check log file(s) for error details)"
_LAST_LINE = "Complete log(s):"


@dataclass
class JournalJob:
    """A job as far as Snakemake's output tells.

    Attributes:
        rule: Its rule.
        unit: What it does, as its log is called: ``prepare-library-00003``.
        logs: Its log, and that of its Slurm job where it failed.
        state: ``started`` also while it waits in Slurm's queue.
        slurm: Number of its Slurm job, the last one when it was repeated.
        failures: How often it failed.
        message: Why it failed last, in Snakemake's words; empty where those say nothing.

    """

    rule: str
    unit: str
    logs: list[Path]
    state: Literal["started", "done", "failed"] = "started"
    slurm: int | None = None
    failures: int = 0
    message: str = ""


@dataclass
class Journal:
    """Reads Snakemake's output as it grows; each :meth:`update` reads what was added.

    Attributes:
        path: The file.
        jobs: By unit, in the order in which they were first started.
        steps: Jobs that this start of the run has finished, and all it has to do.
        has_ended: Whether Snakemake wrote its last line.

    """

    path: Path
    jobs: dict[str, JournalJob] = field(default_factory=dict)
    steps: tuple[int, int] = (0, 0)
    has_ended: bool = False
    _offset: int = 0
    _unit_of: dict[int, str] = field(default_factory=dict)
    _block: tuple[str, str, dict[str, str]] | None = None
    _announced: bool = False
    _quotes: int = 0

    def update(self) -> list[JournalJob]:
        """Read on; the jobs that have failed or finished since, in order."""
        ended = [job for line in self._new_lines() if not self._is_quoted(line) for job in self._read(line)]
        # The block of a job that works long is the end of the file for as long.
        if self._block and {"log", "jobid"} <= self._block[2].keys():
            ended += self._close_block()
        return ended

    def in_state(self, state: Literal["started", "done", "failed"]) -> list[JournalJob]:
        """Jobs in a state."""
        return [job for job in self.jobs.values() if job.state == state]

    def _new_lines(self) -> Iterator[str]:
        """Whole lines that were added since the last call."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                added = file.read()
        except OSError:
            return
        whole = added[: added.rfind(b"\n") + 1]
        self._offset += len(whole)
        yield from whole.decode(errors="replace").splitlines()

    def _is_quoted(self, line: str) -> bool:
        """Whether a line is of the log of a failed job, which may be the output of the Snakemake in that job."""
        if _RULER.match(line):
            self._quotes += 1 if self._announced else -1
        self._announced = line.startswith("Logfile ") and line.endswith(":")
        return self._quotes > 0

    def _read(self, line: str) -> list[JournalJob]:
        """Take in a line; the jobs that have ended with it."""
        if self._block and (detail := _DETAIL.match(line)):
            self._block[2].setdefault(detail[1], detail[2])
            return []
        if self._block and line.startswith(" "):
            return []
        ended = self._close_block()
        if found := _BLOCK.match(line):
            self._block = ("failed" if found[1] else "started", found[2], {})
        elif (found := _FINISHED.match(line)) and (job := self._job(found[1])):
            job.state = "done"
            ended.append(job)
        elif (found := _SUBMITTED.match(line)) and (job := self._job(found[1])):
            job.slurm = int(found[2])
        elif found := _STEPS.match(line):
            self.steps = (int(found[1]), int(found[2]))
        elif line.startswith(_LAST_LINE):
            self.has_ended = True
        return ended

    def _job(self, number: str) -> JournalJob | None:
        return self.jobs.get(self._unit_of.get(int(number), ""))

    def _close_block(self) -> list[JournalJob]:
        """Take in the lines about a started or failed job; the job when it failed."""
        if self._block is None:
            return []
        (kind, rule, details), self._block = self._block, None
        if not details.get("log") or not details.get("jobid", "").isdigit():
            return []  # the target rule, which does nothing
        logs = [Path(log) for log in details["log"].removesuffix(_LOG_NOTE).split(", ")]
        job = self.jobs.setdefault(logs[0].stem, JournalJob(rule, logs[0].stem, logs))
        self._unit_of[int(details["jobid"])] = job.unit
        job.logs = logs
        if kind == "started":
            job.state = "started"
            return []
        job.state = "failed"
        job.failures += 1
        job.message = details.get("message", "").removesuffix("None")
        return [job]
