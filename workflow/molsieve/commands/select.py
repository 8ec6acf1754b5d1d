"""``molsieve select``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import ModelFolders, ProfileFile, SummaryFile
from molsieve.commands.summary import summarised


def select_command(
    folder: Annotated[Path, typer.Argument(help="Work folder of the library.")],
    out: Annotated[Path, typer.Argument(help="Table to write.")],
    scores: Annotated[Path, typer.Option(help="Folder of scores.")],
    passed_over: Annotated[Path, typer.Option(help="Table to write of the compounds that better hits kept out.")],
    profile: ProfileFile,
    model: ModelFolders,
    hits: Annotated[int, typer.Option(min=1, help="Hits at most.")] = 100,
    max_similarity: Annotated[float, typer.Option(help="Largest Tanimoto similarity of a hit to a better one.")] = 0.6,
    scaffold_cap: Annotated[int, typer.Option(min=1, help="Hits sharing a scaffold at most.")] = 3,
    cluster_similarity: Annotated[
        float, typer.Option(help="Tanimoto similarity from which a hit joins the cluster of a better one.")
    ] = 0.4,
    summary: SummaryFile = None,
) -> None:
    """Choose the hits: best first, different from each other.

    Example: molsieve select work/demo/library hits.parquet --passed-over passed_over.parquet --scores work/demo/scores
    --profile config/profiles/amr-gram-negative.yaml --model resources/models/refine --model resources/models/triage
    """
    from molsieve.models.panel import read_joint_endpoints
    from molsieve.scoring.diversity import DiversityOptions
    from molsieve.scoring.select import SelectOptions, select

    diversity = DiversityOptions(max_similarity, scaffold_cap, cluster_similarity)
    with summarised("select", summary) as stage:
        stage.done(
            select(
                folder,
                scores,
                profile,
                out,
                passed_over,
                endpoints=read_joint_endpoints(model),
                options=SelectOptions(hits, diversity),
            )
        )
