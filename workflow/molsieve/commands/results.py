"""``molsieve results``: looking at published result sets."""

from pathlib import Path
from typing import Annotated

import typer

results_app = typer.Typer(help="Check published result sets.", no_args_is_help=True)


@results_app.callback()
def _results() -> None:
    """Check published result sets."""


@results_app.command("verify")
def verify_command(folder: Annotated[Path, typer.Argument(help="Folder of a result set, e.g. results/demo.")]) -> None:
    """Check a result set against the contract: checksums, schemas, and every input row accounted for.

    Example: molsieve results verify results/demo
    """
    from molsieve.results.publish import validate_result_set

    validate_result_set(folder)
    typer.echo(f"{folder}: complete and unchanged")
