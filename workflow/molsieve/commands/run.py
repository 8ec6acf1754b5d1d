"""``molsieve run``: a thin front for Snakemake."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from molsieve import project_root
from molsieve.cluster.lease import Lease, process_started
from molsieve.commands.job_efficiency import report_efficiency
from molsieve.commands.run_display import run_shown
from molsieve.commands.vanishing_terminal import terminal_may_vanish
from molsieve.config import load_yaml
from molsieve.errors import MolsieveError
from molsieve.files import write_text

_CLUSTER = "On a cluster"


def run_command(
    libraries: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LIBRARY",
            help="Files, folders, globs or URLs; options follow ::, e.g. a.csv::structure_column=SMILES,skip_rows=1",
        ),
    ] = None,
    library: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LIBRARY",
            help="The same as an argument, for names: approved-drugs screens the approved drugs (extra drugs).",
        ),
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Target product profile: a name or a YAML file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the result set, e.g. results/NAME.")] = None,
    cores: Annotated[int | None, typer.Option(min=1, help="CPU cores; all when not given.")] = None,
    configfile: Annotated[
        Path | None, typer.Option(help="YAML file with the keys that differ from the defaults.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One key, e.g. select.hits=50; may be repeated."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Show the jobs and run none.")] = False,
    slurm: Annotated[
        bool, typer.Option("--slurm", help="Run the jobs on a Slurm cluster.", rich_help_panel=_CLUSTER)
    ] = False,
    account: Annotated[
        str | None, typer.Option(help="Slurm account; your default one when not given.", rich_help_panel=_CLUSTER)
    ] = None,
    partition: Annotated[
        str | None, typer.Option(help="Partition; the cluster's default one when not given.", rich_help_panel=_CLUSTER)
    ] = None,
    gpu_partition: Annotated[
        str | None,
        typer.Option(
            help="Partition with GPUs, for the predictions; without it they use CPUs.", rich_help_panel=_CLUSTER
        ),
    ] = None,
    controller: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Run Snakemake itself as a job of this time limit, e.g. 2-00:00:00, and return at once.",
            rich_help_panel=_CLUSTER,
        ),
    ] = None,
    shared_folder: Annotated[
        bool,
        typer.Option(
            "--shared-folder",
            help="All nodes see this folder, whatever it looks like from here.",
            rich_help_panel=_CLUSTER,
        ),
    ] = False,
    slurm_profile: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Profile of your site (`molsieve cluster profile` writes one).",
            rich_help_panel=_CLUSTER,
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show all that Snakemake prints.")] = False,
    snakemake: Annotated[
        list[str] | None,
        typer.Option("--snakemake", metavar="ARG", help="Argument for Snakemake itself; may be repeated."),
    ] = None,
) -> None:
    """Screen libraries and publish a result set.

    Example: molsieve run vendor.sdf more/*.csv --profile amr-gram-positive --out results/vendor

    On a cluster: molsieve run vendor.sdf --slurm --account my-account --gpu-partition gpu

    The same run without this command: snakemake --configfile work/vendor/config.yaml
    """
    from molsieve.plan import Plan

    values = run_values([*(libraries or []), *(library or [])], profile, out, configfile, settings or [])
    plan = Plan.from_config(values, [configfile] if configfile else [])
    work = Path(plan.work)
    cluster = None
    if slurm:
        from molsieve.commands.run_slurm import SlurmRun, with_shard_size

        values = with_shard_size(values, plan)
        plan = Plan.from_config(values, [configfile] if configfile else [])
        cluster = SlurmRun(plan, slurm_profile, account, partition, gpu_partition, shared_folder)
        cluster.check()
    elif account or partition or gpu_partition or slurm_profile:
        raise MolsieveError(
            "an account, a partition or a cluster's profile was given, and no --slurm",
            where="the command line",
            fix="Add --slurm, or leave them out.",
        )
    if controller is not None:
        if cluster is None:
            raise MolsieveError("a controller job goes with --slurm", where="--controller")
        number = cluster.submit_controller(controller, _without_option(sys.argv[1:], "--controller"))
        typer.echo(f"Job {number} will work on the run. Watch it: molsieve status {work.name} --watch")
        return
    if dry_run:
        # A look must not change what a finished run of the same name was started with.
        folder = Path(tempfile.mkdtemp(prefix="molsieve-"))
        try:
            failed = _snakemake(values, folder / "config.yaml", None, cores, ["--dry-run", *(snakemake or [])]) != 0
        finally:
            shutil.rmtree(folder)
        raise typer.Exit(int(failed))
    lease = Lease.take(work, "slurm" if cluster else "local")
    status = 1
    with terminal_may_vanish():
        try:
            with lease.kept():
                if cluster:
                    cluster.cancel_leftovers()
                site = cluster.write_profile() if cluster else None
                # The lease does what Snakemake's lock is for, and does not outlive a killed process.
                status = _snakemake(
                    values, work / "config.yaml", site, cores, ["--nolock", *(snakemake or [])], lease, verbose
                )
                if cluster and status != 0:
                    cluster.cancel_leftovers()
                if cluster:
                    report_efficiency(work)
        finally:
            lease.end(status)
        if status != 0:
            typer.echo("Stopped. What is finished is kept: the same command goes on from there.", err=True)
            raise typer.Exit(1)
        typer.echo(f"Result set: {plan.results}   Report: {plan.results}/report.html")


def _without_option(arguments: list[str], option: str) -> list[str]:
    """A command line without an option and its value."""
    kept, skip = [], False
    for argument in arguments:
        if not skip and argument != option and not argument.startswith(f"{option}="):
            kept.append(argument)
        skip = argument == option
    return kept


def _snakemake(
    values: dict[str, Any],
    written: Path,
    profile: Path | None,
    cores: int | None,
    further: list[str],
    lease: Lease | None = None,
    verbose: bool = False,
) -> int:
    """Run Snakemake to its end; its exit status.

    Args:
        values: Configuration, written to ``written``.
        written: File that Snakemake reads it from.
        profile: Folder of a cluster's profile, or None to run on this machine.
        cores: CPU cores; all of this machine when None.
        further: Further arguments.
        lease: Where the process is noted down.
        verbose: Show all that Snakemake prints.

    """
    write_text(written, yaml.safe_dump(values, sort_keys=False))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(project_root() / "Snakefile")]
    command += ["--configfile", str(written)]
    command += ["--workflow-profile", str(profile or project_root() / "workflow" / "profiles" / "default")]
    if profile is None or cores is not None:
        command += ["--cores", str(cores or "all")]
    if lease is None:
        return subprocess.run([*command, *further], check=False).returncode
    log = lease.work / "logs" / "snakemake.log"
    return run_shown(
        [*command, *further],
        lease.work,
        log,
        on_slurm=profile is not None,
        verbose=verbose,
        started=lambda pid: lease.note(snakemake=(pid, process_started(pid)), snakemake_log=str(log)),
    )


def run_values(
    libraries: list[str], profile: str | None, out: Path | None, configfile: Path | None, settings: list[str]
) -> dict[str, Any]:
    """Configuration that the options of a run stand for; only what differs from the defaults.

    Raises:
        MolsieveError: There is no library, or a setting is not KEY=VALUE.

    """
    values = load_yaml(configfile) if configfile else {}
    if libraries:
        values["libraries"] = list(libraries)
        if out is None and "run" not in values:
            stem = Path(libraries[0].split("::")[0]).name.split(".")[0]
            values["run"] = "".join(c if c.isalnum() or c in "._-" else "-" for c in stem).lstrip("._-") or "run"
    if profile is not None:
        values["profile"] = profile
    if out is not None:
        values["run"] = out.name
        values.setdefault("results", {})["folder"] = str(out.parent)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise MolsieveError(f"{setting!r} is not KEY=VALUE", where="--set", fix="For example --set select.hits=50")
        *sections, last = key.split(".")
        inner = values
        for section in sections:
            inner = inner.setdefault(section, {})
            if not isinstance(inner, dict):
                raise MolsieveError(f"{section!r} is not a section", where=f"--set {setting}")
        inner[last] = yaml.safe_load(text)
    if "libraries" not in values:
        raise MolsieveError(
            "no library was given",
            where="the command line",
            fix="Name the files to screen, e.g. molsieve run vendor.sdf; the demo's library is rdkit:NCI/first_5K.smi.",
        )
    return values
