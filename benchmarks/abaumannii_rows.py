"""A. baumannii split row by row, as in published work, beside the same rows whose molecule is new.

    python benchmarks/abaumannii_rows.py --training training --json benchmarks/abaumannii_rows.json

A quarter of the rows of the screen are stereoisomers of other rows. Published figures come from random splits of rows,
so a model is asked for compounds whose isomer it was trained on; the figures of docs/models.md come from splits of
molecules. Here models are trained and asked as published (ten random splits, 80 % to train on; a molecule without a row
in the training part is held out of every endpoint), and scored on all rows of the test part, and on those of them whose
molecule has no row in the training part. What was scored is kept, so the script can be interrupted and goes on. Half an
hour on one core.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molsieve import project_root
from molsieve.chemistry.standardise import StandardiseOptions
from molsieve.files import write_text
from molsieve.training.curation import read_table, structures_of
from molsieve.training.data import TrainingData, read_rich, training_data
from molsieve.training.datasets import load_registry, values
from molsieve.training.evaluation import scores
from molsieve.training.extrapolation import rank
from molsieve.training.fit import TrainOptions

ENDPOINT = "abaumannii_growth_inhibition"
SPLITS = 10
TRAINED = 0.8
WHO = ("model", "forest")


def screen_rows(data: TrainingData, cache: Path) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows of the published table as molecule (row in the data) and label; without those that were rejected."""
    registry = load_registry(project_root() / "config" / "datasets.yaml")
    (dataset,) = registry.for_endpoint(ENDPOINT)
    table = dataset.read(cache)
    (label,) = [label for label in dataset.labels_in(table) if label.endpoint == ENDPOINT]
    found = structures_of(list(table[dataset.structure_column]), StandardiseOptions())
    row_of = {key: row for row, key in enumerate(data.connectivity)}
    molecules = np.array([row_of.get(structure.connectivity, -1) for structure in found])
    labels = values(table, label.rule).to_numpy()
    usable = (molecules >= 0) & ~np.isnan(labels)
    return molecules[usable].astype(np.int64), labels[usable].astype(np.float64)


def run_split(
    data: TrainingData, molecules: NDArray[np.int64], labels: NDArray[np.float64], split: int
) -> dict[str, Any]:
    """Train on the rows of one part and score the others."""
    order = np.random.default_rng(split).permutation(len(molecules))
    train, test = np.split(order, [round(TRAINED * len(order))])
    place = [e.name for e in data.endpoints].index(ENDPOINT)
    targets = data.targets.copy()
    targets[:, place] = np.nan
    # A molecule is active if one of its isomers is, as in the curated table.
    np.fmax.at(targets[:, place], molecules[train], labels[train].astype(np.float32))
    held_out = np.setdiff1d(molecules[test], molecules[train])
    known = np.setdiff1d(np.flatnonzero(~np.isnan(targets).all(axis=1)), held_out)
    asked = np.unique(molecules[test])
    taught = replace(data, targets=targets)
    ranked = rank(taught, known, asked, [place], seed=split, threads=1, options=TrainOptions())
    outputs = {"model": ranked.model[:, 0], "forest": ranked.forest[:, 0]}
    is_new = np.isin(molecules[test], held_out)
    found: dict[str, Any] = {"rows": len(test), "new": int(is_new.sum())}
    for name in WHO:
        predicted = outputs[name][np.searchsorted(asked, molecules[test])].astype(float)
        for part, inside in (("all", np.ones(len(test), dtype=bool)), ("new", is_new)):
            score = scores(labels[test][inside], predicted[inside], regression=False)
            found[f"{name}, {part}"] = {metric: round(value, 4) for metric, value in score.items()}
    return found


def summary(splits: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation over the splits."""
    rows: dict[str, Any] = {"share_of_new_rows": round(float(np.mean([s["new"] / s["rows"] for s in splits])), 3)}
    for part in ("all", "new"):
        for name in WHO:
            for metric in ("auroc", "auprc"):
                found = np.array([s[f"{name}, {part}"][metric] for s in splits])
                entry = {"mean": round(float(found.mean()), 4), "sd": round(float(found.std(ddof=1)), 4)}
                rows.setdefault(f"{name}, {part}", {})[metric] = entry
    return rows


def main() -> None:
    """Run the splits that are missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--training", type=Path, default=project_root() / "training")
    parser.add_argument("--cache", type=Path, default=Path("training/downloads"), help="downloads, without a mirror")
    parser.add_argument("--work", type=Path, help="where splits are kept; default <training>/abaumannii_rows")
    parser.add_argument("--json", type=Path, help="summary to write")
    given = parser.parse_args()
    work = given.work or given.training / "abaumannii_rows"
    work.mkdir(parents=True, exist_ok=True)
    endpoints = load_registry(project_root() / "config" / "datasets.yaml").endpoints
    rich = read_rich(given.training / "rich.safetensors")
    data = training_data(read_table(given.training / "curated.parquet", endpoints), endpoints, rich)
    molecules, labels = screen_rows(data, given.cache)
    print(f"{len(labels):,} rows, {int(labels.sum())} active, {len(np.unique(molecules)):,} molecules", flush=True)
    found = []
    for split in range(SPLITS):
        kept = work / f"split-{split}.json"
        if not kept.exists():
            write_text(kept, json.dumps(run_split(data, molecules, labels, split)) + "\n")
        found.append(json.loads(kept.read_text()))
        print(split, found[-1], flush=True)
    text = json.dumps({"splits": SPLITS, "rows": summary(found), "by_split": found}, indent=1) + "\n"
    print(text)
    if given.json:
        write_text(given.json, text)


if __name__ == "__main__":
    main()
