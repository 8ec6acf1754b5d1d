"""``molsieve models recalibrate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molsieve.commands.assay_options import source_of
from molsieve.commands.evaluate import DataFile, EndpointName, ExcludeTraining, LabelColumn, SmilesColumn
from molsieve.commands.options import Workers
from molsieve.commands.training_extra import training_extra

if TYPE_CHECKING:
    from molsieve.training.recalibration import Recalibrated


def recalibrate_command(
    model: Annotated[str, typer.Argument(help="triage, refine, or the directory of a model.")],
    data: DataFile,
    label: LabelColumn,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Directory to write the recalibrated model to.")],
    endpoint: EndpointName = None,
    smiles: SmilesColumn = None,
    exclude_training: ExcludeTraining = False,
    seed: Annotated[int, typer.Option(help="Of the cross-validation.")] = 0,
    workers: Workers = 1,
) -> None:
    """Fit the calibration, conformal sets or interval of one endpoint on your own data; nothing is trained.

    The ranking stays as it was. What the swap brought is measured by cross-validation.

    Example: molsieve models recalibrate refine --data assay.csv --smiles SMILES --label active --endpoint herg
    --out models/refine-our-herg
    """
    import numpy as np
    import torch

    from molsieve.commands.evaluate import only_endpoint, say
    from molsieve.commands.model_folders import model_folder, new_folder
    from molsieve.commands.terminal import progress
    from molsieve.models.kinds import load_any_model
    from molsieve.models.store import WEIGHTS, save_model
    from molsieve.training.endpoint_predictions import predict_endpoint
    from molsieve.training.external import choose
    from molsieve.training.labelled import read_labelled

    with training_extra():
        from molsieve.training.card import card_json, render_card
        from molsieve.training.recalibration import recalibrate

    torch.set_num_threads(workers)
    folder = model_folder(model)
    new_folder(out)
    loaded = load_any_model(folder)
    name = endpoint or only_endpoint([e.name for e in loaded.endpoints], str(folder))
    facts = loaded.endpoints[loaded.info.endpoint_index(name)]
    read = read_labelled(
        data,
        smiles,
        label,
        facts.task,
        workers=workers,
        active_means=facts.positive_means,
    )
    say(read.decisions)
    chosen = choose(read, loaded, name, exclude_training=exclude_training)
    say(chosen.decisions)
    with progress("predicting") as moved:
        predicted = predict_endpoint(loaded, name, read.parent_smiles, read.bits, workers=workers, progress=moved)
    rows = np.flatnonzero(chosen.keep & predicted.described)
    source = source_of(data, read.name)
    found = recalibrate(loaded, name, predicted.take(rows), read.label[rows], source=source, seed=seed)
    stored = loaded.info.metrics
    info = loaded.info.model_copy(update={"metrics": stored | {name: stored.get(name, {}) | found.metrics}})
    card, document = render_card(info, found.trust), card_json(info, found.trust)
    save_model(out, info, found.trust, (folder / WEIGHTS).read_bytes(), card, document)
    _show(found, name)
    typer.echo(f"\nThe recalibrated model is in {out}; the trust of its other endpoints is as it was.")


def _show(found: "Recalibrated", endpoint: str) -> None:
    from molsieve.commands.terminal import console, interval, number, table

    what = f"{found.n:,} molecules" + (f", {found.n_positive:,} active" if found.n_positive else "")
    before, after = found.before, found.after
    rows = []
    if before.interval is not None and after.interval is not None:
        rows.append(["90 % intervals cover", interval(before.interval.coverage), interval(after.interval.coverage)])
        rows.append(["their mean width", number(before.interval.mean_width), number(after.interval.mean_width)])
    else:
        rows.append(["ECE", number(before.ece), number(after.ece)])
        rows.append(["Brier score", number(before.brier), number(after.brier)])
    for old, new in zip(before.conformal, after.conformal, strict=True):
        promised = f"(promised {1 - old.error:g})"
        rows.append([f"active covered {promised}", interval(old.coverage_active), interval(new.coverage_active)])
        rows.append([f"inactive covered {promised}", interval(old.coverage_inactive), interval(new.coverage_inactive)])
        single = [f.shares["active"] + f.shares["inactive"] for f in (old, new)]
        rows.append([f"sets of one label (error {old.error:g})", *(number(share) for share in single)])
    out = console()
    out.print(f"{endpoint}: fitted on {what}; method: {found.method}")
    out.print(table("Measured on these data", ("", "before", "after, 5-fold cross-validated"), rows))
