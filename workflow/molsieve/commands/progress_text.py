"""How far a run is, in words: a page for ``molsieve status``, a line for ``molsieve run``."""

import os
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from molsieve.cluster.pace import End
from molsieve.cluster.progress import Failure, Progress, StageProgress
from molsieve.commands.terminal import table

_MOST_FAILURES = 10
_UNITS = {"prepare": "shards", "triage": "shards", "refine": "chunks"}
_DAY_S = 86_400


def progress_page(progress: Progress) -> RenderableType:
    """Everything that is known of a run."""
    rows = [
        [
            stage.name,
            "-" if stage.units is None else f"{stage.done:,} of {stage.units:,}",
            *(f"{count:,}" if count else "" for count in (stage.running, stage.waiting, stage.failed)),
            _rows(stage),
            "" if stage.rows_per_second is None else f"{stage.rows_per_second:,.0f}",
        ]
        for stage in progress.stages
    ]
    headings = ["stage", "done", "running", "waiting", "failed", "rows", "rows/s"]
    facts = table(None, ["", ""], [[key, value] for key, value in _facts(progress)], text_columns=2)
    return Group(
        Text(f"{progress.run.name}: {state_text(progress)}", style="bold"), "", table(None, headings, rows), "", facts
    )


def state_text(progress: Progress) -> str:
    """The state of the run as a whole."""
    state = progress.state
    where = f"on {state.host}" if state.host else "on this machine"
    jobs = ", its jobs on Slurm" if state.executor == "slurm" else ""
    if state.name == "running":
        return f"running {where} since {clock(state.started)} ({duration(time.time() - state.started)}){jobs}"
    if state.name == "killed":
        return f"killed; its process {where}, started {clock(state.started)}, is gone"
    if state.name == "complete":
        took = "" if state.ended is None else f" since {clock(state.ended)} ({duration(state.ended - state.started)})"
        return f"complete{took}"
    if state.name == "stopped":
        with_failures = "with failures" if progress.failures else "before its end"
        return f"stopped {with_failures}" + ("" if state.ended is None else f" at {clock(state.ended)}")
    if state.name == "not started":
        return "not started"
    return "not started by molsieve run, so whether it works now is not known; this is what its files tell"


def stage_line(stage: StageProgress) -> str:
    """A stage that is done or works, in a line."""
    parts = [f"{stage.name:<12}"]
    if stage.units is not None and stage.units > 1:
        done = f"{stage.units:,}" if stage.done == stage.units else f"{stage.done:,} of {stage.units:,}"
        parts.append(f"{done} {_UNITS.get(stage.name, 'jobs')}")
    if stage.rows:
        parts.append(f"{_rows(stage)} rows")
    if stage.rows_per_second is not None:
        parts.append(f"{stage.rows_per_second:,.0f} rows/s")
    counts = {"running": stage.running, "waiting": stage.waiting, "failed": stage.failed}
    parts += [f"{count:,} {word}" for word, count in counts.items() if count]
    return (parts[0] + ", ".join(parts[1:])).rstrip()


def end_text(end: End) -> str:
    """When the run will end, and what that rests on."""
    rests_on = f"from the latest of {end.rests_on}"
    if end.at is not None:
        rest = f"; {', '.join(end.unknown)} come on top" if end.unknown else ""
        return f"about {clock(end.at)} (in {duration(end.at - time.time())}; {rests_on}{rest})"
    missing = f"not measured yet: {', '.join(end.unknown)}"
    if end.not_before is None:
        return f"not known yet ({missing})"
    return f"not known yet; not before {clock(end.not_before)} ({rests_on}; {missing})"


def short_end_text(end: End) -> str:
    """The same without the reasons."""
    if end.at is not None:
        further = f", and then {', '.join(end.unknown)}" if end.unknown else ""
        return f"end about {clock(end.at)} (in {duration(end.at - time.time())}){further}"
    return "end not known yet" if end.not_before is None else f"end not before {clock(end.not_before)}"


def failure_lines(failure: Failure) -> tuple[str, str]:
    """A failed unit and why, and where to read on."""
    attempts = f" after {failure.attempts} attempts" if failure.attempts > 1 else ""
    return f"{failure.unit}{attempts}: {failure.why}", shown_path(failure.log)


def clock(seconds: float) -> str:
    """Time of the day; with the date when it is another day's."""
    then, now = datetime.fromtimestamp(seconds).astimezone(), datetime.now().astimezone()
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%a %d %b %H:%M}"


def duration(seconds: float) -> str:
    """A time span: ``40 s``, ``12 min``, ``3 h 5 min``, ``2 d 4 h``."""
    seconds = max(0, round(seconds))
    if seconds < 100:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    if seconds < _DAY_S:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"


def shown_path(path: Path) -> str:
    """A path as it can be typed here."""
    relative = os.path.relpath(path)
    return relative if not relative.startswith("..") else str(path)


def _rows(stage: StageProgress) -> str:
    if not stage.rows:
        return ""
    return f"{stage.rows:,}" if stage.rows_done == stage.rows else f"{stage.rows_done:,} of {stage.rows:,}"


def _facts(progress: Progress) -> Iterator[tuple[str, str]]:
    """What the table of the stages does not say, by what it is about."""
    run, state = progress.run, progress.state
    if progress.end is not None:
        yield "end", end_text(progress.end)
    for reason, count in progress.waiting.items():
        yield "waiting", f"{count:,} {'job' if count == 1 else 'jobs'}: {reason}"
    if progress.repeated:
        yield "repeated", f"{progress.repeated:,} failed and were, or are being, done again"
    yield from _failed(progress.failures)
    if progress.orphans:
        numbers = ", ".join(map(str, progress.orphans))
        yield "still on Slurm", f"jobs {numbers}; the same command again cancels them first"
    if state.name in ("killed", "stopped"):
        yield "to go on", "the same command again; what is finished is kept"
    if state.name == "complete":
        yield "result", shown_path(run.results / "report.html")
    for what, path in (("logs", run.work / "logs"), ("Snakemake", state.snakemake_log)):
        if path is not None and path.exists():
            yield what, shown_path(path)
    for note in progress.notes:
        yield "note", note


def _failed(failures: Sequence[Failure]) -> Iterator[tuple[str, str]]:
    for failure in failures[:_MOST_FAILURES]:
        why, log = failure_lines(failure)
        yield "failed", why
        yield "", log
    if len(failures) > _MOST_FAILURES:
        yield "", f"and {len(failures) - _MOST_FAILURES:,} more"
