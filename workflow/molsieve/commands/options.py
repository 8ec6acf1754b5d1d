"""Options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

Workers = Annotated[int, typer.Option(min=1, help="Worker processes (at most the cores of this machine).")]
Scheduler = Annotated[
    str, typer.Option(help="Where Dask runs: local, tcp://host:port, or file:/path of a scheduler file.")
]
ProfileFile = Annotated[Path, typer.Option(help="YAML file of the target product profile.")]
ModelFolders = Annotated[
    list[Path], typer.Option(help="Directory of a model (model.json, model.safetensors); may be repeated.")
]
SummaryFile = Annotated[Path | None, typer.Option(help="Write counts and seconds as JSON to this file.")]
