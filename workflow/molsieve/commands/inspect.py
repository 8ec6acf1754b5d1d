"""``molsieve inspect``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import Scheduler, Workers
from molsieve.commands.summary import summarised


def inspect_command(
    shortlist: Annotated[Path, typer.Argument(help="Shortlist to inspect.")],
    out: Annotated[Path, typer.Argument(help="Table to write.")],
    reference: Annotated[Path, typer.Option(help="CSV of known antibacterials with the columns name and smiles.")],
    scheduler: Scheduler = "local",
    workers: Workers = 2,
) -> None:
    """Look for structural alerts, known classes and the nearest known antibacterial.

    Example: molsieve inspect shortlist.parquet inspected.parquet --reference resources/amr/antibacterials.csv
    """
    from molsieve.scoring.inspect import inspect

    with summarised("inspect", None) as stage:
        stage.done(inspect(shortlist, out, reference=reference, scheduler=scheduler, workers=workers))
