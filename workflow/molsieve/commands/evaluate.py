"""``molsieve models evaluate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molsieve.commands.options import Workers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from molsieve.training.labelled import LabelledData
    from molsieve.training.row_account import Decision

DataFile = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="FILE",
        help="Labelled molecules: CSV, TSV, SMILES, SDF or Parquet, also compressed; options after ::, as in "
        "a.txt::skip_rows=2.",
    ),
]
SmilesColumn = Annotated[
    str | None,
    typer.Option("--smiles", metavar="COLUMN", help="Column of the structures; found out when not given."),
]
LabelColumn = Annotated[str, typer.Option("--label", metavar="COLUMN", help="Column or SD field of the labels.")]
EndpointName = Annotated[
    str | None, typer.Option(help="Endpoint the labels are of; may be left out when the model has one only.")
]
ExcludeTraining = Annotated[
    bool,
    typer.Option(
        "--exclude-training", help="Leave out molecules the endpoint was trained on, instead of refusing the file."
    ),
]


def evaluate_command(
    data: DataFile,
    label: LabelColumn,
    endpoint: EndpointName = None,
    smiles: SmilesColumn = None,
    tier: Annotated[str, typer.Option(help="Shipped model: triage or refine.")] = "refine",
    model: Annotated[
        str | None, typer.Option(metavar="DIR", help="Directory of another model, instead of a shipped one.")
    ] = None,
    exclude_training: ExcludeTraining = False,
    predictions: Annotated[
        Path | None, typer.Option(metavar="OUT.parquet", help="Write the prediction of every input row.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="OUT.json", help="Write the figures.")] = None,
    split_column: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column that names the part of a split; with --part.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="Part of the split to evaluate on, for example test.")] = None,
    repair_split: Annotated[
        bool, typer.Option("--repair-split", help="Let the largest part keep molecules that are in several.")
    ] = False,
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples.")] = 2000,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    workers: Workers = 1,
) -> None:
    """Test a model on measured molecules: ranking, calibration, conformal sets, and all of it by domain.

    Refuses molecules the endpoint was trained on, and says which rows they are.

    Example: molsieve models evaluate --data assay.csv --smiles SMILES --label active --endpoint herg --exclude-training
    """
    import json

    import torch

    from molsieve.commands.evaluation_text import show
    from molsieve.commands.model_folders import model_folder
    from molsieve.commands.terminal import progress
    from molsieve.files import write_table, write_text
    from molsieve.models.kinds import load_any_model
    from molsieve.models.store import models_sha256
    from molsieve.training.endpoint_predictions import predict_endpoint
    from molsieve.training.external import as_json, choose, evaluate
    from molsieve.training.external_rows import predictions_by_row
    from molsieve.training.labelled import read_labelled

    torch.set_num_threads(workers)
    folder = model_folder(model or tier)
    loaded = load_any_model(folder)
    name = endpoint or only_endpoint([e.name for e in loaded.endpoints], str(folder))
    facts = loaded.endpoints[loaded.info.endpoint_index(name)]
    read = read_labelled(
        data,
        smiles,
        label,
        facts.task,
        workers=workers,
        split_column=split_column,
        active_means=facts.positive_means,
    )
    say(read.decisions)
    among, decisions = _part(read, split_column, part, repair=repair_split)
    chosen = choose(read, loaded, name, exclude_training=exclude_training, among=among)
    say((*decisions, *chosen.decisions))
    with progress("predicting") as moved:
        predicted = predict_endpoint(loaded, name, read.parent_smiles, read.bits, workers=workers, progress=moved)
    found = evaluate(loaded, name, read, chosen, predicted, resamples=resamples, seed=seed)
    if predictions is not None:
        table = predictions_by_row(loaded, name, read, chosen, predicted, workers=workers)
        write_table(predictions, table, table.schema)
    if json_file is not None:
        document = {"model_sha256": models_sha256(folder), "model_folder": str(folder), "part": part} | as_json(found)
        write_text(json_file, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    show(found)


def only_endpoint(names: list[str], where: str) -> str:
    """Endpoint that need not be named.

    Raises:
        MolsieveError: There are several.

    """
    from molsieve.errors import MolsieveError

    if len(names) == 1:
        return names[0]
    raise MolsieveError(
        f"The model has {len(names)} endpoints; which one are the labels of?",
        where=where,
        fix=f"Give --endpoint, one of {', '.join(names)}.",
    )


def say(decisions: "tuple[Decision, ...]") -> None:
    """Tell what was decided about the data, on the standard error, so that figures can be piped."""
    for decision in decisions:
        typer.echo(decision.text, err=True)


def _part(
    data: "LabelledData", split_column: str | None, part: str | None, *, repair: bool
) -> "tuple[NDArray[np.bool_] | None, tuple[Decision, ...]]":
    """Molecules of one part of the user's split."""
    from molsieve.errors import MolsieveError
    from molsieve.training.labelled import check_split

    if split_column is None and part is None:
        return None, ()
    if split_column is None or part is None:
        raise MolsieveError(
            "--split-column and --part go together.", fix="Name the column, and the part of it to evaluate on."
        )
    split = check_split(data, repair=repair)
    parts = sorted(set(split.part.tolist()))
    if part not in parts:
        raise MolsieveError(
            f"The split has no part '{part}'.", where=f"column {split_column}", fix=f"Its parts are {', '.join(parts)}."
        )
    return split.part == part, split.decisions
