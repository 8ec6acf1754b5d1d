"""How far a run is: what is done, works, waits and has failed, how fast it goes and when it will end."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from molsieve.cluster.journal import Journal
from molsieve.cluster.log_line import NOTHING_SAID, telling_line
from molsieve.cluster.pace import MEASURED, End, Pace, estimated_end, pace
from molsieve.cluster.run_folder import RunFolder
from molsieve.cluster.run_state import RunState, state_of_run
from molsieve.cluster.slurm import Job, has_slurm, jobs_of_run
from molsieve.cluster.units import Stage, all_done, stages_of_run
from molsieve.cluster.waiting import why_waiting
from molsieve.errors import MolsieveError

_SLURM_ANSWERS_WITHIN_S = 2.0


@dataclass(frozen=True)
class StageProgress:
    """How far a stage is.

    Attributes:
        name: Name of the stage.
        units: Its units (shards, chunks, jobs); None before the library was read.
        done: Units that are done.
        running: Units that are worked on; on Slurm, jobs that run.
        waiting: Units whose jobs wait in Slurm's queue.
        failed: Units whose last job failed.
        rows: Rows of the library that go through it; 0 where not known.
        rows_done: Rows of the units that are done.
        rows_per_second: Of all its jobs together; None before one has finished in this run.

    """

    name: str
    units: int | None
    done: int
    running: int
    waiting: int
    failed: int
    rows: int
    rows_done: int
    rows_per_second: float | None


@dataclass(frozen=True)
class Failure:
    """A unit whose job failed and was not done since.

    Attributes:
        unit: E.g. ``prepare-library-00003``.
        why: The line of its logs that says most, or what Slurm says.
        log: Where to read on.
        slurm: Number of its Slurm job, or None.
        attempts: How often it was tried.

    """

    unit: str
    why: str
    log: Path
    slurm: int | None
    attempts: int


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        run: Its name, folders and configuration.
        state: Its state as a whole.
        stages: How far its stages are, in the order they run.
        end: When it will end; None when it does not run.
        waiting: Why jobs wait, and how many of them.
        failures: What has failed and is not done yet.
        units: Names of each stage's units.
        repeated: Units whose job failed and that are done, or being done, by another attempt.
        orphans: Numbers of Slurm jobs that work on although the run was killed.
        notes: What is not known, and why.

    """

    run: RunFolder
    state: RunState
    stages: tuple[StageProgress, ...]
    end: End | None
    waiting: Mapping[str, int]
    failures: tuple[Failure, ...]
    units: tuple[frozenset[str], ...]
    repeated: int
    orphans: tuple[int, ...]
    notes: tuple[str, ...]


def progress_of_run(run: RunFolder, journal: Journal | None = None, state: RunState | None = None) -> Progress:
    """How far a run is, from its files, Snakemake's output and Slurm; writes nothing.

    Args:
        run: The run.
        journal: Snakemake's output as far as it was read, where the caller reads it anyway.
        state: State of the run, where the caller knows it.

    """
    stages = stages_of_run(run.work, run.results, run.config)
    published = stages[-1]
    is_published = published.is_done or (run.results / "checksums.sha256").is_file()
    state = state or state_of_run(run.work, run.started_in, is_published=published.is_done)
    if state.name == "complete" and is_published:
        stages = all_done(stages)
    if journal is None and state.snakemake_log is not None:
        journal = Journal(state.snakemake_log)
        journal.update()
    if journal is not None and journal.has_ended and state.name == "no record":
        state = replace(state, name="stopped")
    jobs, notes = _slurm_jobs(run, state, journal)
    running, waiting = _live_units(state, journal, jobs)
    done = {unit for stage in stages for unit in stage.finished}
    failures = _failures(run, journal, jobs, done | running.keys() | waiting.keys())
    failed = {failure.unit for failure in failures}
    rates = {
        stage.name: found
        for stage in stages
        if stage.name in MEASURED and (found := pace(stage, run.work / "summary", state.started))
    }
    shown = [_stage_progress(stage, running.keys(), waiting.keys(), failed, rates.get(stage.name)) for stage in stages]
    unnoticed = done - running.keys() - waiting.keys()
    again = _done_again(journal, shown, unnoticed) if journal and state.name == "running" else 0
    if again:
        notes.append(f"{again:,} jobs more than are missing will run: settings or code have changed since")
    return Progress(
        run=run,
        state=state,
        stages=tuple(shown),
        end=_end(stages, shown, rates) if state.name == "running" else None,
        waiting=Counter(waiting.values()),
        failures=tuple(failures),
        units=tuple(frozenset(unit.name for unit in stage.units or ()) for stage in stages),
        repeated=sum(job.failures > 0 for job in journal.jobs.values() if job.unit not in failed) if journal else 0,
        orphans=tuple(job.number for job in jobs.values() if job.is_live) if state.name == "killed" else (),
        notes=(*run.notes, *notes),
    )


def _stage_progress(
    stage: Stage, running: Set[str], waiting: Set[str], failed: Set[str], rate: Pace | None
) -> StageProgress:
    units = {unit.name: unit.rows for unit in stage.units or ()}
    # A job's files appear shortly before it is said to have finished.
    done = stage.finished.keys() - running
    return StageProgress(
        name=stage.name,
        units=None if stage.units is None else len(units),
        done=len(done),
        running=len(units.keys() & running),
        waiting=len(units.keys() & waiting),
        failed=len(units.keys() & failed),
        rows=stage.rows,
        rows_done=sum(units[unit] for unit in done),
        rows_per_second=rate.rows_per_second if rate else None,
    )


def _slurm_jobs(run: RunFolder, state: RunState, journal: Journal | None) -> tuple[dict[str, Job], list[str]]:
    """The last Slurm job of each unit, and why there are none to show."""
    on_slurm = state.executor == "slurm" or (not state.executor and (run.work / "logs" / "slurm").is_dir())
    if not on_slurm or state.name in ("complete", "not started"):
        return {}, []
    if not has_slurm():
        return {}, ["Slurm cannot be asked from this machine; shown is what the files tell"]
    try:
        jobs = jobs_of_run(run.name, run.started_in, _SLURM_ANSWERS_WITHIN_S)
    except MolsieveError as error:
        return {}, [f"Slurm does not answer; shown is what the files tell ({error.what})"]
    # Of an earlier start Slurm remembers jobs for some minutes; they say nothing about this one.
    known = None if journal is None else {job.slurm for job in journal.jobs.values()}
    return {_unit(job): job for job in jobs if job.is_live or known is None or job.number in known}, []


def _unit(job: Job) -> str:
    """Unit of a job: ``rule_prepare_wildcards_library_00003`` is ``prepare-library-00003``."""
    return job.what.removeprefix("rule_").replace("_wildcards_", "-").replace("_", "-")


def _live_units(
    state: RunState, journal: Journal | None, jobs: Mapping[str, Job]
) -> tuple[dict[str, None], dict[str, str]]:
    """Units that are worked on, and those that wait, with the reason."""
    running, waiting = {}, {}
    may_run = state.name == "running" or (state.name == "no record" and journal and not journal.has_ended)
    if journal is not None and may_run:
        running = {job.unit: None for job in journal.in_state("started")}
    for unit, job in jobs.items():
        if job.state == "PENDING":
            waiting[unit] = why_waiting(job.reason)
            running.pop(unit, None)
        elif job.is_live:
            running[unit] = None
        else:
            # Snakemake looks less often than this.
            running.pop(unit, None)
    return running, waiting


def _failures(run: RunFolder, journal: Journal | None, jobs: Mapping[str, Job], fine: set[str]) -> list[Failure]:
    """Units that failed and are neither done nor being tried again."""
    found = {}
    for failed in journal.in_state("failed") if journal else ():
        logs = [run.started_in / log for log in failed.logs]
        why, log = telling_line(logs) or (failed.message or NOTHING_SAID, logs[-1])
        found[failed.unit] = Failure(failed.unit, why, log, failed.slurm, failed.failures)
    for unit, job in jobs.items():
        if unit not in found and not job.is_live and job.state != "COMPLETED":
            log = run.work / "logs" / f"{unit}.log"
            told = telling_line([log])
            why = f"Slurm says {job.state}" + (f": {told[0]}" if told else "")
            found[unit] = Failure(unit, why, log, job.number, 1)
    return [failure for unit, failure in found.items() if unit not in fine]


def _done_again(journal: Journal, stages: Sequence[StageProgress], written: Set[str]) -> int:
    """Jobs that Snakemake will run although their files are there, because their settings or code have changed."""
    finished, planned = journal.steps
    # Snakemake says that a job has finished one line before it counts it, and notices Slurm's jobs only now and then.
    finished = max(finished, sum(job.state == "done" for job in journal.jobs.values()))
    finished += sum(job.state == "started" and job.unit in written for job in journal.jobs.values())
    missing = sum(stage.units - stage.done for stage in stages if stage.units is not None)
    # One step is the target, which does nothing.
    return max(0, planned - finished - 1 - missing)


def _end(stages: Sequence[Stage], shown: Sequence[StageProgress], rates: Mapping[str, Pace]) -> End:
    at_once = max((stage.running for stage in shown), default=1)
    return estimated_end(stages, rates, at_once, time.time())
