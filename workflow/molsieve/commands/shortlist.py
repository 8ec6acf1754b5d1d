"""``molsieve shortlist``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import ModelFolders, ProfileFile, Scheduler, Workers
from molsieve.commands.summary import summarised


def shortlist_command(
    # Absolute: the workers of a Dask cluster that runs already may have been started in another folder.
    folder: Annotated[
        Path, typer.Argument(resolve_path=True, help="Work folder of the library, with prepared/ and triage/.")
    ],
    out: Annotated[Path, typer.Argument(help="Table to write.")],
    profile: ProfileFile,
    model: ModelFolders,
    size: Annotated[int, typer.Option(min=1, help="Best compounds by the profile.")] = 5000,
    audit: Annotated[int, typer.Option(min=0, help="Compounds drawn at random beside them.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random sample.")] = 0,
    scheduler: Scheduler = "local",
    workers: Workers = 2,
) -> None:
    """Choose the compounds that get the costly checks.

    Example: molsieve shortlist work/demo/library shortlist.parquet --profile config/profiles/amr-gram-negative.yaml
    --model resources/models/refine --model resources/models/triage
    """
    from molsieve.models.reliability import read_reliabilities
    from molsieve.scoring.shortlist import shortlist

    with summarised("shortlist", None) as stage:
        stage.done(
            shortlist(
                folder / "prepared",
                folder / "triage",
                profile,
                out,
                reliabilities=read_reliabilities(model),
                size=size,
                audit=audit,
                seed=seed,
                scheduler=scheduler,
                workers=workers,
            )
        )
