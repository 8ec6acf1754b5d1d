"""``molsieve deduplicate``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import Scheduler, SummaryFile, Workers
from molsieve.commands.summary import summarised


def deduplicate_command(
    # Absolute: the workers of a Dask cluster that runs already may have been started in another folder.
    prepared: Annotated[Path, typer.Argument(resolve_path=True, help="Folder of prepared shards.")],
    duplicates: Annotated[Path, typer.Argument(help="Table to write.")],
    max_rejected_fraction: Annotated[
        float, typer.Option(help="Stop when a larger share of the rows was rejected.")
    ] = 0.5,
    scheduler: Scheduler = "local",
    workers: Workers = 2,
    summary: SummaryFile = None,
) -> None:
    """Find structures that occurred before, over all shards.

    Example: molsieve deduplicate work/demo/library/prepared duplicates.parquet
    """
    from molsieve.scoring.deduplicate import deduplicate

    with summarised("deduplicate", summary) as stage:
        stage.done(
            deduplicate(
                prepared,
                duplicates,
                scheduler=scheduler,
                workers=workers,
                max_rejected_fraction=max_rejected_fraction,
            )
        )
