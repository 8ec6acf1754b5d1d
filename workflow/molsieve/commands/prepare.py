"""``molsieve prepare``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import SummaryFile, Workers
from molsieve.commands.summary import summarised


def prepare_command(
    records: Annotated[Path, typer.Argument(help="Shard of records to read.")],
    prepared: Annotated[Path, typer.Argument(help="Table to write.")],
    workers: Workers = 2,
    timeout_s: Annotated[float, typer.Option(help="Seconds after which a molecule is given up.")] = 30.0,
    min_heavy_atoms: Annotated[int, typer.Option(help="Smaller parents are rejected.")] = 3,
    max_heavy_atoms: Annotated[int, typer.Option(help="Larger parents are rejected.")] = 150,
    summary: SummaryFile = None,
) -> None:
    """Standardise the molecules of a shard, with fingerprints and properties.

    Example: molsieve prepare work/demo/library/records/00000.parquet 00000.parquet --workers 2
    """
    from molsieve.chemistry.prepare import prepare
    from molsieve.chemistry.standardise import StandardiseOptions

    options = StandardiseOptions(min_heavy_atoms=min_heavy_atoms, max_heavy_atoms=max_heavy_atoms)
    with summarised("prepare", summary) as stage:
        stage.done(prepare(records, prepared, options=options, timeout_s=timeout_s, workers=workers))
