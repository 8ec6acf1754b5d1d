"""``molsieve plan``: what a run takes, before it is started."""

import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml

from molsieve import project_root
from molsieve.errors import MolsieveError

if TYPE_CHECKING:
    from molsieve.config import Config
    from molsieve.forecast import Forecast
    from molsieve.library.estimate import RowEstimate

_NO_GPU = "Triage on a GPU was not measured; its hours are those on processors, an upper bound of what a GPU job takes."


def plan_command(
    libraries: Annotated[
        list[str] | None, typer.Argument(metavar="LIBRARY", help="Files, folders or globs, as for `molsieve run`.")
    ] = None,
    rows: Annotated[float | None, typer.Option(min=1, help="Rows of a library that is not there yet.")] = None,
    shard_size: Annotated[
        int | None, typer.Option(min=100, max=10_000_000, help="Rows of a shard; recommended when not given.")
    ] = None,
    cores_per_job: Annotated[int, typer.Option(min=1, max=256, help="Cores of a job.")] = 4,
    cores: Annotated[int, typer.Option(min=1, help="Cores the cluster gives you at the same time.")] = 200,
    profile: Annotated[str | None, typer.Option(help="Target product profile: a name or a YAML file.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Have Snakemake plan the jobs too, without any data.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Say what a run takes, from measured costs: shards, jobs, core hours, memory, disk and time.

    Example: molsieve plan --rows 1e9 --cores 400
    """
    from molsieve.config import Config, parse_config
    from molsieve.forecast import forecast, recommended_shard_rows, runs_for

    found = _rows(libraries or [], rows)
    runs = runs_for(found.rows)
    in_run = -(-found.rows // runs)
    threads = {"threads": cores_per_job}
    values: dict[str, object] = {"prepare": threads, "triage": threads, "refine": threads}
    values |= {"dask": {"workers": cores_per_job}, "profile": profile or Config().profile}
    recommended = recommended_shard_rows(in_run, parse_config(values, "the command line"))
    values["ingest"] = {"shard_size": shard_size or recommended}
    config = parse_config(values, "the command line")
    run = forecast(config, in_run)
    planned = _dry_run(config, run.shards) if dry_run else None
    if as_json:
        typer.echo(json.dumps(_as_json(found, runs, run, cores, recommended, planned), indent=1))
    else:
        _show(found, runs, run, cores, recommended)
        if planned:
            typer.echo(f"\nSnakemake planned these jobs in {planned.seconds:.0f} s, without data:\n\n{planned.table}")


def _rows(libraries: list[str], rows: float | None) -> "RowEstimate":
    """Rows the user gave, or those of the files."""
    from molsieve.library.estimate import RowEstimate, estimate_rows
    from molsieve.library.source import LibrarySource

    if bool(libraries) == (rows is not None):
        raise MolsieveError(
            "name the files of a library, or say how many rows it will have",
            where="the command line",
            fix="For example: molsieve plan vendor.smi.gz, or molsieve plan --rows 1e9",
        )
    if rows is not None:
        return RowEstimate(round(rows), is_exact=True)
    return estimate_rows([LibrarySource.parse(library) for library in libraries])


def _show(found: "RowEstimate", runs: int, run: "Forecast", cores: int, recommended: int) -> None:
    from molsieve.commands.terminal import console, table

    screen = console()
    about = "" if found.is_exact else "about "
    screen.print(f"{about}{found.rows:,} rows", style="bold")
    if runs > 1:
        screen.print(
            f"More than one run should take: {runs} runs of {run.rows:,} rows each. What follows is one of them."
        )
    screen.print(
        f"{run.shards:,} shards of {run.shard_rows:,} rows, {run.jobs:,} jobs, about {run.files:,} files"
        + ("" if run.shard_rows == recommended else f" (recommended: ingest.shard_size={recommended})")
    )
    rows = [
        (
            stage.stage,
            f"{stage.jobs:,}",
            str(stage.threads),
            _duration(stage.job_s),
            _hours(stage.core_hours),
            f"{stage.memory_mb / 1000:,.1f}",
            _duration(stage.runtime_min * 60),
        )
        for stage in run.stages
    ]
    rows.append(("all", f"{run.jobs:,}", "", "", _hours(run.core_hours), "", ""))
    headings = ("stage", "jobs", "cores", "a job works", "core hours", "asks for GB", "asks for time")
    screen.print(table(None, headings, rows))
    disk = {**run.disk_bytes, "all": sum(run.disk_bytes.values())}
    screen.print(table(None, ("disk", "GB"), [(name, f"{size / 1e9:,.1f}") for name, size in disk.items()]))
    screen.print(f"Longest job: {run.longest.stage}, {_duration(run.longest.job_s)}.", end=" ")
    screen.print(f"Most memory: {run.largest.stage}, {run.largest.memory_mb / 1000:,.1f} GB.")
    screen.print(f"On {cores:,} free cores: {_duration(run.seconds_on(cores))}, waiting in the queue aside.")
    screen.print(_NO_GPU)


def _as_json(
    found: "RowEstimate", runs: int, run: "Forecast", cores: int, recommended: int, planned: "_Planned | None"
) -> dict[str, object]:
    return {
        "rows": found.rows,
        "rows_are_exact": found.is_exact,
        "runs": runs,
        "recommended_shard_rows": recommended,
        "cores": cores,
        "run": dataclasses.asdict(run)
        | {
            "core_hours": run.core_hours,
            "seconds": run.seconds_on(cores),
            "longest_job": run.longest.stage,
            "largest_job": run.largest.stage,
        },
        "gpu_hours": None,
        "dry_run": dataclasses.asdict(planned) if planned else None,
    }


def _hours(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


@dataclasses.dataclass(frozen=True)
class _Planned:
    """What Snakemake planned."""

    jobs: int
    seconds: float
    table: str


def _dry_run(config: "Config", shards: int) -> _Planned:
    """Have Snakemake plan the real rules over so many empty shards, as if the library had just been read."""
    with tempfile.TemporaryDirectory(prefix="molsieve-plan-") as name:
        folder = Path(name)
        (folder / "library.smi").write_text("C methane\n")
        values = config.model_dump(mode="json", exclude_defaults=True)
        values |= {"run": "plan", "libraries": ["library.smi"]}
        if Path(config.profile).is_file():
            values["profile"] = str(Path(config.profile).absolute())
        (folder / "config.yaml").write_text(yaml.safe_dump(values))
        work = folder / "work" / "plan"
        records = work / "library" / "records"
        for made in (records, work / "summary"):
            made.mkdir(parents=True)
        for shard in range(shards):
            (records / f"{shard:05d}.parquet").touch()
        (work / "summary" / "ingest.json").write_text("{}")
        started = time.monotonic()
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(project_root() / "Snakefile"), "--dry-run"]
        command += ["--configfile", "config.yaml", "--quiet", "rules", "--nocolor"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
    table = _job_table(done.stdout)
    if done.returncode or not table:
        raise MolsieveError(f"Snakemake could not plan the run:\n{(done.stderr or done.stdout).strip()}")
    return _Planned(int(table[-1].split()[1]), seconds, "\n".join(table))


def _job_table(printed: str) -> list[str]:
    """Lines of Snakemake's table of jobs, from its headings to the total."""
    lines = printed.splitlines()
    first = next((at for at, line in enumerate(lines) if line.split() == ["job", "count"]), len(lines))
    last = next((at for at in range(first, len(lines)) if lines[at].startswith("total ")), first - 1)
    return lines[first : last + 1]
