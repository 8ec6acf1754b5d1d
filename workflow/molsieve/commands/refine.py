"""``molsieve refine``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import ModelFolders, SummaryFile
from molsieve.commands.summary import summarised


def refine_command(
    shortlist: Annotated[Path, typer.Argument(help="Shortlist to predict.")],
    out: Annotated[Path, typer.Argument(help="Table to write.")],
    model: ModelFolders,
    chunk: Annotated[int, typer.Option(min=0, help="Part of the shortlist to predict, counted from 0.")] = 0,
    chunks: Annotated[int, typer.Option(min=1, help="Parts in all.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda; cuda fails where there is no GPU.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads and worker processes.")] = 2,
    conformal_error: Annotated[
        float, typer.Option(min=0.01, max=0.5, help="Largest share of either class outside its conformal set.")
    ] = 0.2,
    summary: SummaryFile = None,
) -> None:
    """Predict the shortlist with the reference models: conformal sets, nearest training molecule, domain.

    Example: molsieve refine shortlist.parquet refined/00000.parquet --model resources/models/refine
    """
    from molsieve.errors import MolsieveError
    from molsieve.models.refine import refine

    if chunk >= chunks:
        raise MolsieveError(f"there is no chunk {chunk} of {chunks}", where="--chunk", fix="Chunks are counted from 0.")
    with summarised("refine", summary) as stage:
        report = refine(
            shortlist,
            model,
            out,
            chunk=chunk,
            chunks=chunks,
            device=device,
            threads=threads,
            conformal_error=conformal_error,
        )
        stage.done(report)
    if report.not_described:
        typer.echo(
            f"warning: {report.not_described:,} compounds could not be described for the reference models; they keep "
            "the predictions of the tier triage",
            err=True,
        )
