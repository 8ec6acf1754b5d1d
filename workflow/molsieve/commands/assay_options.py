"""What ``molsieve models train`` and ``add-chemprop`` both ask about an assay."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from molsieve.training.label_cells import Task
    from molsieve.training.row_account import Decision

NOT_STATED = "not stated"

Name = Annotated[str, typer.Option(help="Of the endpoint: small letters, digits and underscores.")]
NewFolder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Directory to write the model to.", show_default="models/NAME")
]
Unit = Annotated[str | None, typer.Option(help="Unit of the values, as it may stand in a column name.")]
Title = Annotated[str, typer.Option(help="A few words for reports.", show_default="the name")]
Description = Annotated[str, typer.Option(help="What was measured, and how.")]
Organism = Annotated[str, typer.Option(help="Organism or cells it was measured in.")]
PositiveMeans = Annotated[str, typer.Option(help="What a positive label, or a high value, stands for.")]


def check_new(name: str, out: Path | None, base: "Sequence[str]" = ()) -> Path:
    """Directory of a new model, when its name is free and the directory can be made.

    Args:
        name: Of the endpoint.
        out: Directory the user named; None for ``models/NAME``.
        base: Names of endpoints beside those of the shipped models.

    Raises:
        MolsieveError: Name or directory cannot be used.

    """
    from molsieve.commands.model_folders import new_folder, shipped_models
    from molsieve.models.endpoints import read_endpoints
    from molsieve.training.own_assay import check_name

    check_name(name, {*base, *(endpoint.name for model in shipped_models() for endpoint in read_endpoints(model))})
    return new_folder(out or Path("models") / name)


def task_named(task: str | None) -> "Task | None":
    """Task of an option, None where it is left away.

    Raises:
        MolsieveError: There is no such task.

    """
    from molsieve.errors import MolsieveError

    match task:
        case None | "classification" | "regression":
            return task
    raise MolsieveError(f"There is no task {task!r}.", where="--task", fix="Use classification or regression.")


def tell(decisions: "Sequence[Decision]") -> None:
    """Print what was decided about the data."""
    for decision in decisions:
        typer.echo(f"  {decision.text}")


def source_of(data: str, name: str) -> str:
    """What a model says its data were: the name, and of a single file the digest."""
    from molsieve.results.provenance import sha256_of_file

    file = Path(data.split("::")[0])
    return f"{name}, sha256 {sha256_of_file(file)}" if file.is_file() else name
