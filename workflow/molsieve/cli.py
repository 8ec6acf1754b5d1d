"""The command line: one command a stage, and the few a chemist types."""

import sys
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from molsieve import __version__
from molsieve.commands.check import check_command
from molsieve.commands.cluster import cluster_app
from molsieve.commands.config import config_command
from molsieve.commands.controls import controls_command
from molsieve.commands.deduplicate import deduplicate_command
from molsieve.commands.funnel import funnel_command
from molsieve.commands.ingest import ingest_command
from molsieve.commands.inspect import inspect_command
from molsieve.commands.models import models_app
from molsieve.commands.plan import plan_command
from molsieve.commands.prepare import prepare_command
from molsieve.commands.publish import publish_command, report_command
from molsieve.commands.refine import refine_command
from molsieve.commands.results import results_app
from molsieve.commands.run import run_command
from molsieve.commands.score import score_command
from molsieve.commands.select import select_command
from molsieve.commands.shortlist import shortlist_command
from molsieve.commands.status import status_command
from molsieve.commands.train import app as training_app
from molsieve.commands.triage import triage_command
from molsieve.errors import MolsieveError

EXIT_USER_ERROR = 2

app = typer.Typer(
    help="Screen compound libraries for antibacterial candidates.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run_command)
app.command("status")(status_command)
app.command("check")(check_command)
app.command("plan")(plan_command)
app.command("funnel")(funnel_command)
app.command("config")(config_command)
app.add_typer(models_app, name="models")
app.add_typer(results_app, name="results")
app.add_typer(cluster_app, name="cluster")
app.add_typer(training_app, name="training", help="The steps of `snakemake train`, one by one.")

stage = partial(app.command, rich_help_panel="Stages, as the workflow calls them")
stage("ingest")(ingest_command)
stage("prepare")(prepare_command)
stage("deduplicate")(deduplicate_command)
stage("triage")(triage_command)
stage("shortlist")(shortlist_command)
stage("refine")(refine_command)
stage("inspect")(inspect_command)
stage("score")(score_command)
stage("select")(select_command)
stage("controls")(controls_command)
stage("report")(report_command)
stage("publish")(publish_command)


def _show_version(show: bool) -> None:
    if show:
        typer.echo(f"molsieve {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Screen compound libraries for antibacterial candidates."""


def main() -> None:
    """Run the command line; errors a user can act on become a short message and exit code 2."""
    try:
        app()
    except MolsieveError as error:
        if "--debug" in sys.argv:
            raise
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"Error: {error}", style="red", markup=False)
        sys.exit(EXIT_USER_ERROR)
    except OSError as error:
        if "--debug" in sys.argv or error.errno is None:
            raise
        where = f" ({error.filename})" if error.filename else ""
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"Error: {error.strerror}{where}", style="red", markup=False
        )
        sys.exit(EXIT_USER_ERROR)
