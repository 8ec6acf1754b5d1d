"""``molsieve inspect``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import ModelFolders, ProfileFile, Scheduler, Workers
from molsieve.commands.summary import summarised


def inspect_command(
    shortlist: Annotated[Path, typer.Argument(help="Shortlist to inspect.")],
    refined: Annotated[Path, typer.Argument(help="Folder of its refined predictions.")],
    out: Annotated[Path, typer.Argument(help="Table to write.")],
    reference: Annotated[Path, typer.Option(help="CSV of known antibacterials with the columns name and smiles.")],
    model: ModelFolders,
    profile: ProfileFile,
    conformers: Annotated[int, typer.Option(min=0, help="Compounds at most that get conformers.")] = 500,
    known_too: Annotated[
        bool, typer.Option(help="Give conformers to compounds with PAINS and to known antibacterials too.")
    ] = False,
    computed: Annotated[
        Path | None, typer.Option(help="CSV of globularities computed before, by parent_smiles.")
    ] = None,
    timeout_s: Annotated[float, typer.Option(min=0.1, help="CPU seconds a compound's conformers may take.")] = 30.0,
    scheduler: Scheduler = "local",
    workers: Workers = 2,
) -> None:
    """Look for structural alerts, known classes, the nearest known antibacterials, and the eNTRy rules.

    Compounds are compared with the training actives of the first model.

    Example: molsieve inspect shortlist.parquet refined inspected.parquet --reference resources/amr/antibacterials.csv
    --model resources/models/refine --model resources/models/triage --profile config/profiles/amr-gram-negative.yaml
    """
    from molsieve.models.reliability import read_reliabilities
    from molsieve.scoring.inspect import ConformerOptions, inspect

    options = ConformerOptions(conformers, known_too=known_too, timeout_s=timeout_s, computed=computed)
    with summarised("inspect", None) as stage:
        stage.done(
            inspect(
                shortlist,
                refined,
                out,
                reference=reference,
                model=model[0],
                profile=profile,
                reliabilities=read_reliabilities(model),
                conformers=options,
                scheduler=scheduler,
                workers=workers,
            )
        )
