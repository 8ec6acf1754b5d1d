"""``molsieve triage``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import ModelFolders, SummaryFile
from molsieve.commands.summary import summarised


def triage_command(
    prepared: Annotated[Path, typer.Argument(help="Prepared shard to predict.")],
    out: Annotated[Path, typer.Argument(help="Table to write.")],
    duplicates: Annotated[Path, typer.Option(help="Table of duplicates, which are not predicted.")],
    model: ModelFolders,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda; cuda fails where there is no GPU.")] = "auto",
    batch_size: Annotated[int, typer.Option(min=1, help="Molecules a forward pass.")] = 8192,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
    summary: SummaryFile = None,
) -> None:
    """Predict every endpoint for every compound of a shard with the sparse network.

    Example: molsieve triage prepared/00000.parquet triage/00000.parquet --duplicates duplicates.parquet
    --model resources/models/triage
    """
    from molsieve.models.triage import triage

    with summarised("triage", summary) as stage:
        stage.done(triage(prepared, duplicates, model, out, device=device, batch_size=batch_size, threads=threads))
