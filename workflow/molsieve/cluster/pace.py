"""Rows per second of a stage, and when a run will end, from the units that finished last."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from molsieve.cluster.units import Stage

# Stages whose time grows with the library and that are cut into jobs; of the others nothing is known before they ran.
MEASURED = ("prepare", "triage", "refine")
_GROWING = ("ingest", *MEASURED)
_WINDOW_JOBS = 5
_LATEST_READ = 1000


@dataclass(frozen=True)
class Pace:
    """How fast a stage goes, all jobs at the same time together.

    Attributes:
        rows_per_second: Rows that went in.
        jobs: Finished jobs it was measured over.
        measured_at: When the last one of them ended, in seconds since the epoch.

    """

    rows_per_second: float
    jobs: int
    measured_at: float


@dataclass(frozen=True)
class End:
    """When a run will end, as far as that can be told.

    Attributes:
        at: Seconds since the epoch; None while it is not known.
        not_before: End of what can be told; None where nothing can.
        rests_on: What it was measured over, in words.
        unknown: Stages that are left and were not measured: those whose time grows with the library or, where none of
            them is left, the others.

    """

    at: float | None
    not_before: float | None
    rests_on: str
    unknown: tuple[str, ...]


def pace(stage: Stage, summaries: Path, since: float) -> Pace | None:
    """Pace of a stage over the last five lengths of a job; None before a job has finished.

    Args:
        stage: The stage.
        summaries: Folder of the summaries that jobs leave behind.
        since: Start of the run; jobs of an earlier start say nothing about this one.

    """
    rows = {unit.name: unit.rows for unit in stage.units or ()}
    latest = sorted(stage.finished.items(), key=lambda item: item[1])[-_LATEST_READ:]
    jobs = [
        (started, ended, rows[name])
        for name, ended in latest
        if (started := _started(summaries / f"{name}.json")) is not None and started >= since
    ]
    if not jobs:
        return None
    last = max(ended for _, ended, _ in jobs)
    longest = max(ended - started for started, ended, _ in jobs)
    # From the end of a job on, so that as much work is cut off at the start as is still unfinished at the end.
    cut = last - _WINDOW_JOBS * longest
    begun = max((ended for _, ended, _ in jobs if ended <= cut), default=min(started for started, _, _ in jobs))
    counted = [rows for _, ended, rows in jobs if ended > begun]
    if last <= begun or not sum(counted):
        return None
    return Pace(sum(counted) / (last - begun), len(counted), last)


def estimated_end(stages: Sequence[Stage], paces: Mapping[str, Pace], at_once: int, now: float) -> End:
    """When the run will end, from the stages that were measured since it started.

    Args:
        stages: All stages, in order.
        paces: Those measured.
        at_once: Jobs that run at the same time now. A stage counts as measured once as many have finished: until then
            the first of a batch would stand for all of it.
        now: Seconds since the epoch.

    """
    seconds, rests_on, unknown = 0.0, [], []
    for stage in stages:
        if stage.is_done:
            continue
        found = paces.get(stage.name)
        if found is None or stage.units is None or not stage.rows or found.jobs < min(at_once, len(stage.units)):
            unknown.append(stage.name)
            continue
        # From the last measurement on, so that the estimate stands still while a job works.
        left = (stage.rows - stage.rows_done) / found.rows_per_second
        seconds += max(0.0, left - (now - found.measured_at))
        rests_on.append(f"{stage.name} ({found.jobs} {'job' if found.jobs == 1 else 'jobs'})")
    growing = [name for name in unknown if name in _GROWING]
    end = now + seconds
    return End(
        at=end if rests_on and not growing else None,
        not_before=end if rests_on else None,
        rests_on=", ".join(rests_on),
        unknown=tuple(growing or unknown),
    )


def _started(summary: Path) -> float | None:
    with suppress(OSError, ValueError, TypeError, KeyError):
        return float(json.loads(summary.read_text(encoding="utf-8"))["started"])
    return None
