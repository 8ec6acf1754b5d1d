"""``molsieve controls``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import ModelFolders, ProfileFile, SummaryFile
from molsieve.commands.summary import summarised


def controls_command(
    folder: Annotated[Path, typer.Argument(help="Work folder of the controls.")],
    out: Annotated[Path, typer.Argument(help="Table to write.")],
    library: Annotated[Path, typer.Option(help="Work folder of the library.")],
    scores: Annotated[Path, typer.Option(help="Folder of the library's scores.")],
    controls: Annotated[Path, typer.Option(help="CSV of the controls.")],
    profile: ProfileFile,
    model: ModelFolders,
    decoys: Annotated[Path, typer.Option(help="Table of matched decoys to write.")] = Path("decoys.parquet"),
    judgement: Annotated[Path, typer.Option(help="JSON of figures and verdict to write.")] = Path("judgement.json"),
    summary: SummaryFile = None,
) -> None:
    """Score the spiked controls, find the rank each would have had, and judge the ranking by them and by decoys.

    Example: molsieve controls work/demo/controls controls.parquet --library work/demo/library --scores work/demo/scores
    --controls resources/amr/controls.csv --profile config/profiles/amr-gram-negative.yaml
    --model resources/models/refine --model resources/models/triage
    """
    from molsieve.models.panel import read_joint_endpoints
    from molsieve.models.reliability import read_reliabilities
    from molsieve.scoring.controls import score_controls

    with summarised("controls", summary) as stage:
        stage.done(
            score_controls(
                folder,
                library,
                scores,
                controls,
                profile,
                out,
                decoys=decoys,
                judgement=judgement,
                endpoints=read_joint_endpoints(model),
                reliabilities=read_reliabilities(model),
            )
        )
