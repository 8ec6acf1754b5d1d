"""``molsieve models add-chemprop``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molsieve.commands.assay_options import (
    NOT_STATED,
    Description,
    Name,
    NewFolder,
    Organism,
    PositiveMeans,
    Title,
    Unit,
    check_new,
    task_named,
    tell,
)
from molsieve.commands.options import Workers
from molsieve.commands.training_extra import training_extra

if TYPE_CHECKING:
    from molsieve.training.label_cells import Task
    from molsieve.training.labelled import LabelledData


_KNOWS_NOTHING = {
    "classification": "chance. Are the labels those of this network?",
    "regression": "the mean of these labels. Are they in the unit of the network?",
}


def add_chemprop_command(
    checkpoint: Annotated[Path, typer.Argument(help="A .pt or .ckpt file that 'chemprop train' (2.x) wrote.")],
    name: Name,
    out: NewFolder = None,
    task: Annotated[
        str | None, typer.Option(help="classification or regression; said by the network, so only checked.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="Which output of a network of several.")] = None,
    calibration_data: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Measured molecules it was NOT trained on: fits its probabilities and sets; a regression needs them.",
        ),
    ] = None,
    smiles: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the structures in that file.")] = None,
    label: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the labels in that file.")] = None,
    unit: Unit = None,
    title: Title = "",
    description: Description = NOT_STATED,
    organism: Organism = NOT_STATED,
    positive_means: PositiveMeans = NOT_STATED,
    trust: Annotated[
        bool, typer.Option("--trust", help="Accept a checkpoint with parts from outside chemprop; they are left out.")
    ] = False,
    workers: Workers = 1,
) -> None:
    """Make an endpoint of a chemprop network you trained; nothing in the checkpoint is run.

    Example: molsieve models add-chemprop model_0/best.pt --name our_gnn --calibration-data held_out.csv --label active
    """
    from molsieve.errors import MolsieveError
    from molsieve.models.chemprop_checkpoint import read_checkpoint
    from molsieve.results.provenance import sha256_of_file

    with training_extra():
        from molsieve.training.own_assay import Assay, check_unit
        from molsieve.training.own_chemprop import add_chemprop

    folder = check_new(name, out)
    wanted = task_named(task)
    found = read_checkpoint(checkpoint, column=column, trust=trust)
    check_unit(unit, found.task)
    if wanted not in (None, found.task):
        raise MolsieveError(f"The network is for {found.task}, not for {task}.", where=str(checkpoint))
    for foreign in found.ignored:
        typer.echo(f"  left out, from outside chemprop: {foreign}")
    read = None
    if calibration_data is not None:
        read = _measured(calibration_data, smiles, label, found.task, positive_means, workers)
    assay = Assay(
        name=name,
        title=title,
        description=description,
        organism=organism,
        positive_means=positive_means,
        unit=unit,
        source=f"{checkpoint.name}, sha256 {sha256_of_file(checkpoint)}",
    )
    info, scores = add_chemprop(found, assay, folder, calibration=read)
    if scores:
        shown = ", ".join(
            f"{metric} {figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})" for metric, figure in scores.items()
        )
        typer.echo(f"On the calibration molecules: {shown} (flattering if the network was trained on any of them).")
        if not info.metrics[name]["calibration_set"]["beats_chance"]:
            typer.echo(f"CAUTION: that is not clearly better than {_KNOWS_NOTHING[found.task]}")
    else:
        typer.echo(
            "Without --calibration-data its probabilities are as the network gives them, and its conformal sets always "
            "hold both labels."
        )
    typer.echo(f"The model is in {folder}. It predicts the shortlist (tier refine); name it in models: [{folder}].")


def _measured(
    data: str, smiles: str | None, label: str | None, task: "Task", positive_means: str, workers: int
) -> "LabelledData":
    from molsieve.errors import MolsieveError
    from molsieve.training.labelled import read_labelled

    if label is None:
        raise MolsieveError("The labels of the calibration data are not named.", where="--label")
    meaning = positive_means if positive_means != NOT_STATED else None
    read = read_labelled(data, smiles, label, task, workers=workers, active_means=meaning)
    tell(read.decisions)
    return read
