"""Snakemake at work, as a chemist wants to see it: a line a finished stage, what works now, and what fails."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from molsieve.cluster.journal import Journal, JournalJob
from molsieve.cluster.log_line import NOTHING_SAID, telling_line
from molsieve.cluster.progress import Progress, progress_of_run
from molsieve.cluster.run_folder import RunFolder, find_run
from molsieve.cluster.run_state import RunState
from molsieve.commands.progress_text import short_end_text, shown_path, stage_line

_LOOK_S = 0.5
_REDRAW_S = 2.0
# Each look asks squeue, whose answer is the work of a controller that all users share.
_REDRAW_ON_SLURM_S = 30.0
_REDRAW_AFTER_JOB_S = 10.0
_PLAIN_LINE_S = 60.0
_LOG_LINES = 40
_STOPPING = "Stopping: waiting until the jobs have ended and what is half done is removed. Ctrl-C again kills at once."


def run_shown(
    command: Sequence[str],
    work: Path,
    log: Path,
    *,
    on_slurm: bool = False,
    verbose: bool = False,
    started: Callable[[int], None] | None = None,
) -> int:
    """Run Snakemake to its end, with its output in a file and its progress on the standard error.

    An interrupt (Ctrl-C, a termination, a closed terminal) reaches Snakemake and its local jobs once, as SIGINT; then
    this waits for their end, and a second one kills them. With jobs on Slurm a closed terminal is no interrupt: the run
    goes on unseen. Without a terminal there are plain lines.

    Args:
        command: Snakemake's command line.
        work: Folder of the run, with its config.yaml.
        log: File for all that Snakemake prints; what an earlier start has written there is replaced.
        on_slurm: Whether its jobs go to Slurm.
        verbose: Show all that Snakemake prints instead.
        started: Called with the process number.

    Returns:
        Snakemake's exit status; negative when a signal ended it.

    """
    out = Console(stderr=True, highlight=False)
    if on_slurm:
        # The jobs run elsewhere, so a closed terminal is no reason to stop; Snakemake inherits this.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    log.parent.mkdir(parents=True, exist_ok=True)
    out.print(f"Snakemake's own output: {shown_path(log)}", markup=False, soft_wrap=True)
    with log.open("wb") as output, _interruptible():
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, process_group=0
        )
    with _interrupts_forwarded(process, out) as interrupts:
        if started is not None:
            started(process.pid)
        display = _Echo(log, out) if verbose else _Display(find_run(str(work)), Journal(log), out, on_slurm=on_slurm)
        with Live(console=out, auto_refresh=False, transient=True) as live:
            while process.poll() is None:
                display.look(live, interrupted=bool(interrupts))
                time.sleep(_LOOK_S)
            display.look(live, last=True, interrupted=bool(interrupts))
    display.end(process.returncode)
    return process.returncode


class _Echo:
    """All that Snakemake prints."""

    def __init__(self, log: Path, out: Console) -> None:
        self._log = log.open(encoding="utf-8", errors="replace")
        self._out = out

    def look(self, _live: Live, *, last: bool = False, interrupted: bool = False) -> None:  # noqa: ARG002 - as _Display
        """Print what was added since the last look."""
        self._out.print(self._log.read(), end="", markup=False, soft_wrap=True)

    def end(self, _status: int) -> None:
        """Nothing is left to say."""
        self._log.close()


class _Display:
    """What is on the screen, and what was said already."""

    def __init__(self, run: RunFolder, journal: Journal, out: Console, *, on_slurm: bool) -> None:
        self.run = run
        self.journal = journal
        self.out = out
        self._state = RunState("running", started=time.time(), executor="slurm" if on_slurm else "local")
        self._every = _REDRAW_ON_SLURM_S if on_slurm else _REDRAW_S
        self._last = self._next = 0.0
        self._next_plain = time.monotonic() + _PLAIN_LINE_S
        self._said: set[str] = set()

    def look(self, live: Live, *, last: bool = False, interrupted: bool = False) -> None:
        """Say what has happened since the last look."""
        ended = self.journal.update()
        for job in ended:
            # After an interrupt all jobs that worked have failed, which is no news.
            if job.state == "failed" and not interrupted:
                self._failed(job)
        if ended:
            self._next = min(self._next, self._last + _REDRAW_AFTER_JOB_S)
        if not last and time.monotonic() < self._next:
            return
        began = time.monotonic()
        progress = progress_of_run(self.run, self.journal, self._state)
        # Thousands of files on a slow file system must not keep it busy.
        self._last = time.monotonic()
        self._next = self._last + max(self._every, 20 * (self._last - began))
        self._finished_stages(progress)
        lines = list(_now(progress))
        if self.out.is_terminal:
            live.update(Text("" if last else "\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)
        elif lines and not last and time.monotonic() > self._next_plain:
            self._next_plain = time.monotonic() + _PLAIN_LINE_S
            self._say("\n".join(lines))

    def end(self, status: int) -> None:
        """Say what is left to say when Snakemake has ended."""
        if status == 0 and not self.journal.jobs:
            self._say("Everything is up to date; nothing was run.")
        elif status != 0 and not any(job.failures for job in self.journal.jobs.values()):
            # It found a fault of its own before any job did.
            self._say("\n".join(_tail(self.journal.path)))

    def _finished_stages(self, progress: Progress) -> None:
        for stage, units in zip(progress.stages, progress.units, strict=True):
            if stage.name not in self._said and stage.done == stage.units and units & self.journal.jobs.keys():
                self._said.add(stage.name)
                self._say(
                    f"\N{CHECK MARK} {stage_line(stage)}" if self.out.is_terminal else f"done: {stage_line(stage)}"
                )

    def _failed(self, job: JournalJob) -> None:
        logs = [self.run.started_in / log for log in job.logs]
        why, log = telling_line(logs) or (job.message or NOTHING_SAID, logs[-1])
        self._say(f"Failed: {job.unit}: {why}", style="red")
        self._say(f"  {shown_path(log)}")
        # The line above is all that our own errors and Slurm's have to say; of a traceback the rest is wanted as well.
        for line in _tail(log) if log == logs[0] else ():
            self._say(f"  | {line}")

    def _say(self, text: str, style: str | None = None) -> None:
        self.out.print(text, style=style, markup=False, soft_wrap=True)


def _now(progress: Progress) -> Iterator[str]:
    """What works at the moment, and when it will all end."""
    active = [stage for stage in progress.stages if stage.running or stage.waiting]
    for stage in active:
        yield stage_line(stage)
    for reason, count in progress.waiting.items():
        yield f"{count:,} waiting: {reason}"
    if active and progress.end is not None:
        yield short_end_text(progress.end)
    yield from progress.notes


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let what the block starts take SIGINT, by which it is told to stop, also where a shell's & has it ignored."""
    is_ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    if is_ignored:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        if is_ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _interrupts_forwarded(process: subprocess.Popen[bytes], out: Console) -> Iterator[list[int]]:
    """Hand interrupts on to the group of a process, politely once, then for good; yields those that came."""
    handed_on: list[int] = []

    def hand_on(number: int, _frame: FrameType | None) -> None:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL if handed_on else signal.SIGINT)
        if not handed_on:
            out.print(_STOPPING, soft_wrap=True)
        handed_on.append(number)

    # nohup and the shell's & have some of them ignored, and mean it.
    before = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if (handler := signal.getsignal(number)) != signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, hand_on)
    try:
        yield handed_on
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tail(log: Path) -> list[str]:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
    except OSError:
        return []
    return [f"... ({len(lines) - _LOG_LINES:,} lines before)"] * (len(lines) > _LOG_LINES) + lines[-_LOG_LINES:]
