"""``molsieve score``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import ModelFolders, ProfileFile, Scheduler, SummaryFile, Workers
from molsieve.commands.summary import summarised


def score_command(
    # Absolute: the workers of a Dask cluster that runs already may have been started in another folder.
    folder: Annotated[Path, typer.Argument(resolve_path=True, help="Work folder of the library.")],
    scores: Annotated[Path, typer.Argument(resolve_path=True, help="Folder to write, one table a shard.")],
    profile: ProfileFile,
    model: ModelFolders,
    hits: Annotated[int, typer.Option(min=1, help="Hits at most; top_share is of so many best.")] = 100,
    scheduler: Scheduler = "local",
    workers: Workers = 2,
    summary: SummaryFile = None,
) -> None:
    """Score and rank every compound against the profile.

    Example: molsieve score work/demo/library work/demo/scores --profile config/profiles/amr-gram-negative.yaml
    --model resources/models/refine --model resources/models/triage
    """
    from molsieve.models.reliability import read_reliabilities
    from molsieve.scoring.score import score

    with summarised("score", summary) as stage:
        stage.done(
            score(
                folder / "prepared",
                folder / "triage",
                folder / "refined",
                folder / "inspected.parquet",
                profile,
                scores,
                reliabilities=read_reliabilities(model),
                hits=hits,
                scheduler=scheduler,
                workers=workers,
            )
        )
