"""``molsieve controls``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import ModelFolder, ProfileFile
from molsieve.commands.summary import summarised


def controls_command(
    folder: Annotated[Path, typer.Argument(help="Work folder of the controls.")],
    out: Annotated[Path, typer.Argument(help="Table to write.")],
    scores: Annotated[Path, typer.Option(help="Folder of the library's scores.")],
    controls: Annotated[Path, typer.Option(help="CSV of the controls.")],
    profile: ProfileFile,
    model: ModelFolder,
) -> None:
    """Score the spiked controls and find the rank each would have had.

    Example: molsieve controls work/demo/controls controls.parquet --scores work/demo/scores
    --controls resources/amr/controls.csv --profile config/profiles/amr-gram-negative.yaml
    --model resources/models/triage
    """
    from molsieve.models.endpoints import read_endpoints
    from molsieve.scoring.controls import score_controls

    with summarised("controls", None) as stage:
        stage.done(score_controls(folder, scores, controls, profile, out, endpoints=read_endpoints(model)))
