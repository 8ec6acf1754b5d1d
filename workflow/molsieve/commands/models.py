"""``molsieve models``: what models there are, how good they are, and making them one's own."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.chemprop import add_chemprop_command
from molsieve.commands.evaluate import evaluate_command
from molsieve.commands.explain import explain_command
from molsieve.commands.leaks import leaks_command
from molsieve.commands.model_training import train_command
from molsieve.commands.recalibrate import recalibrate_command
from molsieve.commands.show_model import list_command, show_command

EXIT_CHANGED = 1

models_app = typer.Typer(
    help="Models: what they predict, how far to trust them, how they do on your data.", no_args_is_help=True
)


def verify_command(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MODEL]...", help="Shipped models by name, or directories; all shipped ones if none."),
    ] = None,
) -> None:
    """Check every byte of models; exit with 1 when one was changed or damaged.

    Example: molsieve models verify refine models/my_target
    """
    from molsieve.commands.model_folders import model_folder, shipped_models
    from molsieve.errors import MolsieveError
    from molsieve.models.store import models_sha256, verify

    folders: list[Path] = [model_folder(model) for model in models] if models else shipped_models()
    if not folders:
        raise MolsieveError("There is no shipped model.", fix="Name the directory of a model.")
    damaged = False
    for folder in folders:
        try:
            verify(folder)
            typer.echo(f"{folder}: every byte as it was written, digest {models_sha256(folder)[:16]}")
        except MolsieveError as error:
            damaged = True
            typer.echo(f"{folder}: {error.what}", err=True)
    if damaged:
        raise typer.Exit(EXIT_CHANGED)


models_app.command("list")(list_command)
models_app.command("show")(show_command)
models_app.command("verify")(verify_command)
models_app.command("explain")(explain_command)
models_app.command("evaluate")(evaluate_command)
models_app.command("leaks")(leaks_command)

own = partial(models_app.command, rich_help_panel="Models of your own")
own("train")(train_command)
own("recalibrate")(recalibrate_command)
own("add-chemprop")(add_chemprop_command)
