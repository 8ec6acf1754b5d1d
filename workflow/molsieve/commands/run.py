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
from molsieve.config import load_yaml
from molsieve.errors import MolsieveError
from molsieve.files import write_text


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
    snakemake: Annotated[
        list[str] | None,
        typer.Option("--snakemake", metavar="ARG", help="Argument for Snakemake itself; may be repeated."),
    ] = None,
) -> None:
    """Screen libraries and publish a result set.

    Example: molsieve run vendor.sdf more/*.csv --profile amr-gram-positive --out results/vendor

    The same run without this command: snakemake --configfile work/vendor/config.yaml
    """
    from molsieve.plan import Plan

    values = run_values([*(libraries or []), *(library or [])], profile, out, configfile, settings or [])
    plan = Plan.from_config(values, [configfile] if configfile else [])
    written = Path(plan.work) / "config.yaml"
    if dry_run:
        # A look must not change what a finished run of the same name was started with.
        written = Path(tempfile.mkdtemp(prefix="molsieve-")) / "config.yaml"
    write_text(written, yaml.safe_dump(values, sort_keys=False))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(project_root() / "Snakefile")]
    command += ["--configfile", str(written), "--cores", str(cores or "all")]
    command += ["--workflow-profile", str(project_root() / "workflow" / "profiles" / "default")]
    command += ["--dry-run"] * dry_run + (snakemake or [])
    try:
        failed = subprocess.run(command, check=False).returncode != 0
    except KeyboardInterrupt:
        failed = True
    finally:
        if dry_run:
            shutil.rmtree(written.parent)
    if failed:
        typer.echo("Stopped. What is finished is kept: the same command goes on from there.", err=True)
        raise typer.Exit(1)
    if not dry_run:
        typer.echo(f"Result set: {plan.results}   Report: {plan.results}/report.html")


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
