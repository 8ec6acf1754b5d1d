"""``molsieve controls``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import ModelFolders, ProfileFile
from molsieve.commands.summary import summarised


def controls_command(
    folder: Annotated[Path, typer.Argument(help="Work folder of the controls.")],
    out: Annotated[Path, typer.Argument(help="Table to write.")],
    scores: Annotated[Path, typer.Option(help="Folder of the library's scores.")],
    controls: Annotated[Path, typer.Option(help="CSV of the controls.")],
    profile: ProfileFile,
    model: ModelFolders,
) -> None:
    """Score the spiked controls and find the rank each would have had.

    Example: molsieve controls work/demo/controls controls.parquet --scores work/demo/scores
    --controls resources/amr/controls.csv --profile config/profiles/amr-gram-negative.yaml
    --model resources/models/refine --model resources/models/triage
    """
    from molsieve.models.panel import read_joint_endpoints
    from molsieve.models.reliability import read_reliabilities
    from molsieve.scoring.controls import score_controls

    with summarised("controls", None) as stage:
        stage.done(
            score_controls(
                folder,
                scores,
                controls,
                profile,
                out,
                endpoints=read_joint_endpoints(model),
                reliabilities=read_reliabilities(model),
            )
        )
