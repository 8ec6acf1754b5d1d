"""``molsieve models train``."""

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
    source_of,
    task_named,
    tell,
)
from molsieve.commands.training_extra import training_extra

if TYPE_CHECKING:
    from molsieve.training.own import OwnModel


def train_command(
    data: Annotated[
        str,
        typer.Option(metavar="FILE", help="Your measurements: CSV, TSV, SMILES, SDF or Parquet, also compressed."),
    ],
    label: Annotated[str, typer.Option(metavar="COLUMN", help="Column of the labels: 0 and 1, or values.")],
    name: Name,
    smiles: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of the structures; found out if left away.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="classification or regression; found out from the labels if left away.")
    ] = None,
    out: NewFolder = None,
    unit: Unit = None,
    title: Title = "",
    description: Description = NOT_STATED,
    organism: Organism = NOT_STATED,
    positive_means: PositiveMeans = NOT_STATED,
    split_column: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Your own split, e.g. train and test: judged by it too.")
    ] = None,
    repair_split: Annotated[
        bool, typer.Option("--repair-split", help="Keep a molecule that is in several parts in the largest only.")
    ] = False,
    rows: Annotated[Path | None, typer.Option(metavar="FILE", help="Write what became of every row (Parquet).")] = None,
    base: Annotated[str, typer.Option(help="Model whose network yours starts from.")] = "triage",
    seed: Annotated[int, typer.Option(help="Seed of folds and training.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads and worker processes.")] = 2,
) -> None:
    """Make an endpoint of your own measurements: a model with card, calibration and domain, from a few hundred rows.

    Example: molsieve models train --data plate7.csv --smiles SMILES --label active --name my_target
    """
    from molsieve.commands.model_folders import model_folder
    from molsieve.commands.terminal import progress
    from molsieve.files import write_table
    from molsieve.models.endpoints import read_endpoints
    from molsieve.models.store import load_model
    from molsieve.training.labelled import check_split, read_labelled

    with training_extra():
        from molsieve.training.own import Settings, train_own
        from molsieve.training.own_assay import Assay, check_unit

    base_folder = model_folder(base)
    folder = check_new(name, out, [endpoint.name for endpoint in read_endpoints(base_folder)])
    chosen_task = task_named(task)
    check_unit(unit, chosen_task)
    start = load_model(base_folder)
    typer.echo(f"reading {data}", err=True)
    read = read_labelled(data, smiles, label, chosen_task, workers=threads, split_column=split_column)
    if rows is not None:
        write_table(rows, read.rows, read.rows.schema)
    split = check_split(read, repair=repair_split) if split_column is not None else None
    tell(read.decisions)
    assay = Assay(
        name=name,
        title=title,
        description=description,
        organism=organism,
        positive_means=positive_means,
        unit=unit,
        source=source_of(data, read.name),
    )
    with progress("training") as moved:
        found = train_own(read, assay, start, folder, Settings(seed=seed, threads=threads), split=split, progress=moved)
    tell(found.decisions)
    _show(found, folder)


def _show(found: "OwnModel", folder: Path) -> None:
    from molsieve.commands.terminal import console

    out = console()
    name = found.info.name
    for scheme, title in (("scaffold", "New scaffolds"), ("random", "Random folds"), ("split", "Your split")):
        if scheme in found.info.metrics[name]:
            out.print()
            out.print(_table(title, found, scheme))
    typer.echo(f"\n{found.verdict}")
    typer.echo(f"\nThe model is in {folder} ({found.seconds:.0f} s); its card is {folder / 'MODEL_CARD.md'}.")
    typer.echo(f"\n{_use(found, folder)}")


def _table(title: str, found: "OwnModel", scheme: str) -> object:
    from molsieve.commands.terminal import table

    metrics = found.info.metrics[found.info.name][scheme]
    columns = ("mae", "rmse", "r2") if found.info.endpoints[0].is_regression else ("auroc", "auprc")
    names = {
        "model": "this model",
        "network": "  its network alone",
        "boosters": "  its trees alone",
        "forest": "untuned forest",
        "neighbours": "five nearest neighbours",
        "logp_mw": "logP and weight only",
    }
    rows = [
        [text, *(_spread(metrics[key].get(column)) for column in columns)]
        for key, text in names.items()
        if key in metrics
    ]
    share = f", {metrics['positives']:,} positive" if "positives" in metrics else ""
    headings = {"mae": "MAE", "rmse": "RMSE", "r2": "R2", "auroc": "AUROC", "auprc": "AUPRC"}
    return table(
        f"{title}: {metrics['n']:,} molecules{share}, mean ± sd over held-out sets",
        ("", *(headings[column] for column in columns)),
        rows,
    )


def _spread(summary: "dict[str, float] | None") -> str:
    return "-" if not summary else f"{summary['mean']:.3f} ± {summary['sd']:.3f}"


def _use(found: "OwnModel", folder: Path) -> str:
    endpoint = found.info.endpoints[0]
    if endpoint.is_regression:
        asked = [
            f"endpoint: {endpoint.name}",
            "accept: [LOW, HIGH]  # the range you want; null leaves a side open",
            "fade: DISTANCE  # outside of it at which a compound is worth nothing",
        ]
    else:
        asked = [f"endpoints: [{endpoint.name}]", "want: active", "desirability: [0.0, 0.5]"]
    criterion = [f"name: {endpoint.name}", f'title: "{endpoint.title}"', *asked, "weight: 1", "source: our own assay"]
    lines = [f"  {'-' if first else ' '} {text}" for first, text in zip([True] + [False] * 9, criterion, strict=False)]
    return (
        f"To use it, name it in the configuration\n\n  models: [{folder}]\n\n"
        f"or run it with --set models=[{folder}], and ask for it in the criteria of a profile:\n\n" + "\n".join(lines)
    )
