"""``molsieve neighbours``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import ModelFolder
from molsieve.commands.summary import summarised


def neighbours_command(
    shortlist: Annotated[Path, typer.Argument(help="Shortlist to look up.")],
    out: Annotated[Path, typer.Argument(help="Table to write.")],
    model: ModelFolder,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
) -> None:
    """Find the nearest training molecule of every compound of the shortlist.

    Example: molsieve neighbours shortlist.parquet neighbours.parquet --model resources/models/triage
    """
    from molsieve.models.neighbours import neighbours

    with summarised("neighbours", None) as stage:
        stage.done(neighbours(shortlist, model, out, threads=threads))
