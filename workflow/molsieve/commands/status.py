"""``molsieve status``: how far a run is, and whether all is well with it."""

import dataclasses
import json
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.live import Live

from molsieve.cluster.advice import RuleUse
from molsieve.cluster.efficiency import jobs_used, rules_used
from molsieve.cluster.journal import Journal
from molsieve.cluster.progress import Progress, progress_of_run
from molsieve.cluster.run_folder import RunFolder, find_run
from molsieve.commands.job_efficiency import efficiency_page
from molsieve.commands.progress_text import progress_page
from molsieve.commands.terminal import console
from molsieve.errors import MolsieveError


def status_command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Name of a run, or its folder: results/NAME or work/NAME.")],
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Stay and redraw until the run ends; Ctrl-C leaves it working.")
    ] = False,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two looks with --watch.")] = 15,
    jobs: Annotated[
        bool, typer.Option("--jobs", help="What the finished Slurm jobs asked for and used, with advice.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Show how far a run is: what is done, works, waits and has failed, how fast it goes and when it will end.

    Example: molsieve status results/vendor --watch

    It only reads, so it may be given at any time and from any login; exit status 1 says that something has failed.
    """
    found = find_run(run)
    if watch:
        progress = _watch(found, every)
    else:
        progress = progress_of_run(found)
        rules, missing = _job_use(found) if jobs else ([], None)
        if as_json:
            told = _as_json(progress)
            if jobs:
                told["jobs"] = [dataclasses.asdict(rule) for rule in rules]
                told["notes"] += [missing] * (missing is not None)
            typer.echo(json.dumps(told, indent=1))
        else:
            console().print(progress_page(progress))
            if jobs:
                console().print("", missing or efficiency_page(rules), sep="\n")
    raise typer.Exit(int(not is_well(progress)))


def _job_use(run: RunFolder) -> tuple[list[RuleUse], str | None]:
    """What the jobs used, or why that is not known."""
    try:
        rules = rules_used(jobs_used(run.work / "logs" / "slurm"))
    except MolsieveError as error:
        return [], f"What the jobs used is not known: {error.what}"
    return rules, None if rules else "No Slurm job of this run has ended."


def is_well(progress: Progress) -> bool:
    """Whether nobody has to do anything about the run."""
    return not progress.failures and progress.state.name not in ("killed", "stopped")


def _watch(run: RunFolder, every: float) -> Progress:
    """Draw a run until it ends."""
    journal: Journal | None = None
    out = console()

    def look() -> Progress:
        nonlocal journal
        if journal is not None:
            journal.update()
        progress = progress_of_run(run, journal)
        if journal is None and progress.state.snakemake_log is not None:
            # From now on only what is added is read.
            journal = Journal(progress.state.snakemake_log)
        return progress

    progress = look()
    try:
        with Live(progress_page(progress), console=out, auto_refresh=False) as live:
            while progress.state.name in ("running", "no record"):
                time.sleep(every)
                progress = look()
                live.update(progress_page(progress), refresh=out.is_terminal)
    except KeyboardInterrupt:
        out.print(f"Left; the run goes on. Back to it: molsieve status {run.name} --watch")
        raise typer.Exit from None
    return progress


def _as_json(progress: Progress) -> dict[str, Any]:
    """The same as the page, for machines: times in UTC, paths absolute."""
    run, state = progress.run, progress.state
    return {
        "run": run.name,
        "state": state.name,
        "host": state.host or None,
        "executor": state.executor or None,
        "started": _iso(state.started or None),
        "ended": _iso(state.ended),
        "work": str(run.work.resolve()),
        "results": str(run.results.resolve()),
        "snakemake_log": str(state.snakemake_log) if state.snakemake_log else None,
        "stages": [dataclasses.asdict(stage) for stage in progress.stages],
        "end": _end(progress),
        "waiting": dict(progress.waiting),
        "repeated": progress.repeated,
        "failures": [dataclasses.asdict(failure) | {"log": str(failure.log)} for failure in progress.failures],
        "jobs_of_killed_run": list(progress.orphans),
        "notes": list(progress.notes),
    }


def _end(progress: Progress) -> dict[str, Any] | None:
    end = progress.end
    if end is None:
        return None
    times = {"at": _iso(end.at), "not_before": _iso(end.not_before)}
    return times | {"rests_on": end.rests_on, "not_measured": list(end.unknown)}


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat("T", "seconds")
