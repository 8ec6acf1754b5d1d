"""``molsieve models add-chemprop``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molsieve.commands.training_extra import training_extra

if TYPE_CHECKING:
    from molsieve.training.label_cells import Task
    from molsieve.training.labelled import LabelledData

_TASKS = ("classification", "regression")
_NOT_STATED = "not stated"


def add_chemprop_command(
    checkpoint: Annotated[Path, typer.Argument(help="A .pt or .ckpt file that 'chemprop train' (2.x) wrote.")],
    name: Annotated[str, typer.Option(help="Of the endpoint: small letters, digits and underscores.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Directory to write the model to.", show_default="models/NAME")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="classification or regression; said by the network, so only checked.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="Which output of a network of several.")] = None,
    calibration_data: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Measured molecules it was NOT trained on: fits its probabilities and sets."),
    ] = None,
    smiles: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the structures in that file.")] = None,
    label: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the labels in that file.")] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of the values, as it may stand in a column name.")] = None,
    title: Annotated[str, typer.Option(help="A few words for reports.", show_default="the name")] = "",
    description: Annotated[str, typer.Option(help="What was measured, and how.")] = _NOT_STATED,
    organism: Annotated[str, typer.Option(help="Organism or cells it was measured in.")] = _NOT_STATED,
    positive_means: Annotated[
        str, typer.Option(help="What a positive label, or a high value, stands for.")
    ] = _NOT_STATED,
    trust: Annotated[
        bool, typer.Option("--trust", help="Accept a checkpoint with parts from outside chemprop; they are left out.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes (at most the cores of this machine).")] = 1,
) -> None:
    """Make an endpoint of a chemprop network you trained; nothing in the checkpoint is run.

    Example: molsieve models add-chemprop model_0/best.pt --name our_gnn --calibration-data held_out.csv --label active
    """
    from molsieve.commands.model_folders import shipped_models
    from molsieve.errors import MolsieveError
    from molsieve.models.chemprop_checkpoint import read_checkpoint
    from molsieve.models.endpoints import read_endpoints
    from molsieve.results.provenance import sha256_of_file

    with training_extra():
        from molsieve.training.own_assay import Assay
        from molsieve.training.own_chemprop import add_chemprop

    folder = out or Path("models") / name
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise MolsieveError("There is something already.", where=str(folder), fix="Give --out a new directory.")
    if task not in (None, *_TASKS):
        raise MolsieveError(f"There is no task {task!r}.", where="--task", fix=f"Use {' or '.join(_TASKS)}.")
    found = read_checkpoint(checkpoint, column=column, trust=trust)
    if task is not None and task != found.task:
        raise MolsieveError(f"The network is for {found.task}, not for {task}.", where=str(checkpoint))
    for foreign in found.ignored:
        typer.echo(f"  left out, from outside chemprop: {foreign}")
    read = None
    if calibration_data is not None:
        read = _measured(calibration_data, smiles, label, found.task, workers)
    assay = Assay(
        name=name,
        title=title,
        description=description,
        organism=organism,
        positive_means=positive_means,
        unit=unit,
        source=f"{checkpoint.name}, sha256 {sha256_of_file(checkpoint)}",
    )
    taken = {endpoint.name for model in shipped_models() for endpoint in read_endpoints(model)}
    _, scores = add_chemprop(found, assay, folder, taken=taken, calibration=read)
    if scores:
        shown = ", ".join(f"{metric} {value:.3f}" for metric, value in scores.items())
        typer.echo(f"On the calibration molecules: {shown} (flattering if the network was trained on any of them).")
    else:
        typer.echo(
            "Without --calibration-data its probabilities are as the network gives them, and its conformal sets always "
            "hold both labels."
        )
    typer.echo(f"The model is in {folder}. It predicts the shortlist (tier refine); name it in models: [{folder}].")


def _measured(data: str, smiles: str | None, label: str | None, task: str, workers: int) -> "LabelledData":
    from molsieve.errors import MolsieveError
    from molsieve.training.labelled import read_labelled

    if label is None:
        raise MolsieveError("The labels of the calibration data are not named.", where="--label")
    kind: Task = "regression" if task == "regression" else "classification"
    read = read_labelled(data, smiles, label, kind, workers=workers)
    for decision in read.decisions:
        typer.echo(f"  {decision.text}")
    return read
