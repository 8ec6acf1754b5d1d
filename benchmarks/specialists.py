"""What networks that learn some families alone bring beside the one that learns all endpoints, on the scaffold folds.

    python benchmarks/specialists.py --training training --json benchmarks/specialists.json

Reads the out-of-fold predictions that ``make train`` leaves, whose first members are those of the network of all
endpoints. The specialist of the gut bacteria does not ship, so it is trained here (three minutes on one core). Boosters
learn one endpoint at a time and complete the stack in every row. Differences are paired by fold.
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
from molsieve.training.components import FEATURES, SPECIALISTS, Component
from molsieve.training.curation import read_table
from molsieve.training.data import TrainingData, read_rich, training_data
from molsieve.training.datasets import load_registry
from molsieve.training.evaluation import member_mean, scores
from molsieve.training.fit import Scaling, TrainOptions, fit_network
from molsieve.training.splits import FOLDS, read_folds

NETWORKS: tuple[Component, ...] = ("morgan", "rich")
MEMBERS = TrainOptions().members
KINDS = ("all endpoints", "specialist", "both")
Values = NDArray[np.float32]


def gut_specialist(data: TrainingData, folds: NDArray[np.int8], fold: int, network: Component, seed: int) -> Values:
    """Outputs of the antibacterial specialist for the molecules of a fold, [molecules, members, gut endpoints]."""
    learned = np.flatnonzero([e.family in SPECIALISTS[0].learns for e in data.endpoints])
    asked = np.array([data.endpoints[i].family == "gut" for i in learned])
    train = np.flatnonzero((folds != fold) & (~np.isnan(data.targets[:, learned])).any(axis=1))
    features = data.features(FEATURES[network])
    is_regression = data.is_regression[learned]
    targets = Scaling.of(data.targets[train][:, learned], is_regression).standardised(data.targets[train][:, learned])
    fitted = fit_network(features.take(train), targets, is_regression, TrainOptions(), seed + fold)
    outputs: Values = fitted.outputs(features.take(np.flatnonzero(folds == fold))).numpy()
    return outputs[:, :, asked]


def stacks(data: TrainingData, folds: NDArray[np.int8], fold: int, oof: Path, seed: int) -> dict[str, Values]:
    """Mean of the parts for the molecules of a fold, by what the networks have learned: [molecules, endpoints] each."""
    found: dict[str, list[Values]] = {kind: [] for kind in KINDS}
    gut = np.flatnonzero([e.family == "gut" for e in data.endpoints])
    for network in NETWORKS:
        outputs = load_file(oof / f"{network}-scaffold-{fold}.safetensors")["outputs"].astype(np.float32)
        whole, own = member_mean(outputs[:, :MEMBERS]), member_mean(outputs[:, MEMBERS:])
        own[:, gut] = member_mean(gut_specialist(data, folds, fold, network, seed))
        means: tuple[Values, ...] = (whole, own, np.mean([whole, own], axis=0))
        for kind, values in zip(KINDS, means, strict=True):
            found[kind].append(values)
    boosters = load_file(oof / f"boosters-scaffold-{fold}.safetensors")["outputs"].astype(np.float32)[:, 0]
    return {kind: member_mean(np.stack([*values, boosters], axis=1)) for kind, values in found.items()}


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
    for group in folds[0][KINDS[0]]:
        rows[group] = {}
        for kind in KINDS:
            figures: dict[str, Any] = {}
            for metric in folds[0][kind][group]:
                own = np.array([fold[kind][group][metric] for fold in folds])
                less = own - np.array([fold[KINDS[0]][group][metric] for fold in folds])
                figures[metric] = round(float(own.mean()), 4)
                if kind != KINDS[0]:
                    error = less.std(ddof=1) / len(less) ** 0.5
                    figures[f"{metric}_minus_all"] = [round(float(less.mean()), 4), round(float(error), 4)]
            rows[group][kind] = figures
    return rows


def main() -> None:
    """Print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--training", type=Path, default=project_root() / "training")
    parser.add_argument("--seed", type=int, default=20261122, help="of the gut bacteria's specialist")
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
