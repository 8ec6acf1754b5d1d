"""``molsieve ingest``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import SummaryFile
from molsieve.commands.summary import summarised


def ingest_command(
    libraries: Annotated[
        list[str],
        typer.Argument(
            metavar="LIBRARY",
            help="Files, folders, globs or URLs; options after ::, as in a.csv::structure_column=SMILES,skip_rows=1",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of records to write.")],
    shard_size: Annotated[int, typer.Option(min=1, help="Rows in a shard.")] = 122_880,
    first_record_id: Annotated[int, typer.Option(min=0, help="Number of the first record.")] = 0,
    summary: SummaryFile = None,
) -> None:
    """Read library files of any format into shards of records, one for each of their rows.

    Example: molsieve ingest vendor.sdf screen.csv::structure_column=SMILES --out work/vendor/library/records
    """
    from molsieve.library.ingest import ingest
    from molsieve.library.source import LibrarySource

    sources = [LibrarySource.parse(library) for library in libraries]
    with summarised("ingest", summary) as stage:
        stage.done(ingest(sources, out, shard_size=shard_size, first_record_id=first_record_id))
