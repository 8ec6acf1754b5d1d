"""What networks that learn some families alone bring beside the one that learns all endpoints, on the scaffold folds.

    python benchmarks/specialists.py --training training --json benchmarks/specialists.json

Reads the out-of-fold predictions that ``make train`` leaves, whose first members are those of the network of all
endpoints. Specialists that do not ship (for gut bacteria; for toxicity and ADME on Morgan ids) are trained here, in ten
minutes on one core. A part's output is the mean of its networks; boosters learn one endpoint at a time and complete
the stack in every row. Differences are paired by fold.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from molsieve import project_root
from molsieve.files import write_text
from molsieve.training.components import Component, fit_component
from molsieve.training.curation import read_table
from molsieve.training.data import TrainingData, read_rich, training_data
from molsieve.training.datasets import load_registry
from molsieve.training.evaluation import member_mean, scores
from molsieve.training.fit import TrainOptions
from molsieve.training.splits import FOLDS, read_folds

NETWORKS: tuple[Component, ...] = ("morgan", "rich")
MEMBERS = TrainOptions().members
KINDS: dict[str, tuple[Component, ...]] = {
    "all endpoints": (),
    "and specialists on rich features": ("rich",),
    "and specialists in both parts": ("morgan", "rich"),
}
LEARN_TOGETHER = (("activity", "gut"), ("toxicity", "adme"))
Values = NDArray[np.float32]


def trained_here(
    data: TrainingData, folds: NDArray[np.int8], fold: int, network: Component, families: tuple[str, ...], seed: int
) -> Values:
    """Mean output of a specialist for the molecules of a fold, [molecules, endpoints it learned]."""
    part = data.of_endpoints(np.flatnonzero([e.family in families for e in data.endpoints]))
    train = np.flatnonzero((folds != fold) & (~np.isnan(part.targets)).any(axis=1))
    fitted = fit_component(part, train, network, options=TrainOptions(), seed=seed + fold, threads=1)
    return member_mean(fitted.outputs(part, np.flatnonzero(folds == fold), 1))


def stacks(data: TrainingData, folds: NDArray[np.int8], fold: int, oof: Path, seed: int) -> dict[str, Values]:
    """Mean of the parts for the molecules of a fold, for each of ``KINDS``: [molecules, endpoints]."""
    whole: dict[Component, Values] = {}
    both: dict[Component, Values] = {}
    for network in NETWORKS:
        outputs = load_file(oof / f"{network}-scaffold-{fold}.safetensors")["outputs"].astype(np.float32)
        whole[network], own = member_mean(outputs[:, :MEMBERS]), member_mean(outputs[:, MEMBERS:])
        for families in LEARN_TOGETHER:
            learned = np.flatnonzero([e.family in families for e in data.endpoints])
            missing = np.isnan(own[:, learned]).all(axis=0)
            if missing.any():
                found = trained_here(data, folds, fold, network, families, seed)
                own[:, learned[missing]] = found[:, missing]
        both[network] = member_mean(np.stack([whole[network], own], axis=1))
    boosters = load_file(oof / f"boosters-scaffold-{fold}.safetensors")["outputs"].astype(np.float32)[:, 0]
    parts = {kind: [both[n] if n in special else whole[n] for n in NETWORKS] for kind, special in KINDS.items()}
    return {kind: member_mean(np.stack([*networks, boosters], axis=1)) for kind, networks in parts.items()}


def fold_figures(data: TrainingData, rows: NDArray[np.int64], values: Values) -> dict[str, dict[str, float]]:
    """Mean of each metric over the endpoints of a family, classifications and regressions apart."""
    found: dict[str, list[dict[str, float]]] = {}
    for i, endpoint in enumerate(data.endpoints):
        measured = ~np.isnan(data.targets[rows, i])
        truth = data.targets[rows[measured], i].astype(float)
        score = scores(truth, values[measured, i].astype(float), regression=endpoint.is_regression)
        if score:
            group = endpoint.family + (" (values)" if endpoint.is_regression else "")
            found.setdefault(group, []).append(score)
    return {
        group: {metric: float(np.mean([score[metric] for score in each])) for metric in each[0]}
        for group, each in found.items()
    }


def table(folds: list[dict[str, dict[str, dict[str, float]]]]) -> dict[str, Any]:
    """By family and kind: mean of each metric over the folds, and the difference from all endpoints with its error."""
    rows: dict[str, Any] = {}
    alone = next(iter(KINDS))
    for group in folds[0][alone]:
        rows[group] = {}
        for kind in KINDS:
            figures: dict[str, Any] = {}
            for metric in folds[0][kind][group]:
                own = np.array([fold[kind][group][metric] for fold in folds])
                less = own - np.array([fold[alone][group][metric] for fold in folds])
                figures[metric] = round(float(own.mean()), 4)
                if kind != alone:
                    error = less.std(ddof=1) / len(less) ** 0.5
                    figures[f"{metric}_minus_all"] = [round(float(less.mean()), 4), round(float(error), 4)]
            rows[group][kind] = figures
    return rows


def main() -> None:
    """Print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--training", type=Path, default=project_root() / "training")
    parser.add_argument("--seed", type=int, default=20261122, help="of the specialists trained here")
    parser.add_argument("--json", type=Path, help="figures to write")
    given = parser.parse_args()
    registry = load_registry(project_root() / "config" / "datasets.yaml")
    curated = read_table(given.training / "curated.parquet", registry.endpoints)
    data = training_data(curated, registry.endpoints, read_rich(given.training / "rich.safetensors"))
    folds = read_folds(given.training / "splits.parquet", "scaffold")
    found = []
    for fold in range(FOLDS):
        values = stacks(data, folds, fold, given.training / "oof", given.seed)
        rows = np.flatnonzero(folds == fold)
        found.append({kind: fold_figures(data, rows, of) for kind, of in values.items()})
    text = json.dumps({"folds": FOLDS, "seed": given.seed, "stack": table(found)}, indent=1)
    print(text)
    if given.json:
        write_text(given.json, text + "\n")


if __name__ == "__main__":
    main()
