"""What it brings to learn how much a compound inhibits growth, beside whether it does.

    python benchmarks/growth_values.py --training training --json benchmarks/growth_values.json

The screens of Stokes (*E. coli*) and Liu (*A. baumannii*) publish growth; the models learn the label that follows from
it. Here growth is a further task of the network on rich features, and trees learn it in the place of the label. Reads
the out-of-fold predictions that ``make train`` leaves; ten random splits, AUROC of the label, paired differences. Half
an hour on one core.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from molsieve import project_root
from molsieve.chemistry.standardise import StandardiseOptions
from molsieve.files import write_text
from molsieve.training.components import STACKED, fit_component
from molsieve.training.curation import read_table, structures_of
from molsieve.training.data import TrainingData, read_rich, training_data
from molsieve.training.datasets import load_registry
from molsieve.training.evaluation import member_mean, scores
from molsieve.training.fit import TrainOptions
from molsieve.training.splits import FOLDS, read_folds

SEED = 20261122
SCHEMES = ("random", "random1")
MEMBERS = TrainOptions().members
# Tails of the growth values, which are errors of pipetting more than effects.
TAILS = (0.5, 99.5)


class Screen(NamedTuple):
    """A screen that publishes growth."""

    endpoint: str
    column: str


SCREENS = (
    Screen("abaumannii_growth_inhibition", "Mean"),
    Screen("ecoli_growth_inhibition", "Mean_Inhibition"),
)
ACTIVITY = ("saureus_growth_inhibition", "ecoli_growth_inhibition", "abaumannii_growth_inhibition")
"""Columns of the stored predictions of the random splits."""


def inhibition(data: TrainingData, cache: Path) -> NDArray[np.float32]:
    """Growth with its sign turned, mean over the rows of a molecule, [molecules, screens]; NaN where not measured."""
    registry = load_registry(project_root() / "config" / "datasets.yaml")
    row_of = {key: row for row, key in enumerate(data.connectivity)}
    found = np.full((data.molecules, len(SCREENS)), np.nan, dtype=np.float32)
    for place, screen in enumerate(SCREENS):
        (dataset,) = registry.for_endpoint(screen.endpoint)
        table = dataset.read(cache)
        growth = table[screen.column].astype(float).to_numpy()
        structures = structures_of(list(table[dataset.structure_column]), StandardiseOptions())
        measured: dict[int, list[float]] = {}
        for structure, value in zip(structures, growth, strict=True):
            if structure.connectivity in row_of and not np.isnan(value):
                measured.setdefault(row_of[structure.connectivity], []).append(float(value))
        for row, own in measured.items():
            found[row, place] = -np.mean(own)
    return np.clip(found, *np.nanpercentile(found, TAILS, axis=0)).astype(np.float32)


def auroc(truth: NDArray[np.float32], values: NDArray[np.float32]) -> float:
    """AUROC over the molecules that have a label."""
    known = ~np.isnan(truth)
    return scores(truth[known].astype(float), values[known].astype(float), regression=False)["auroc"]


def fold_figures(
    data: TrainingData, grown: TrainingData, folds: NDArray[np.int8], scheme: str, fold: int, oof: Path
) -> dict[str, dict[str, float]]:
    """AUROC of each model on one held-out fold, by endpoint."""
    stored = {part: load_file(oof / f"{part}-{scheme}-{fold}.safetensors") for part in STACKED}
    test = stored["rich"]["rows"]
    parts = {part: tensors["outputs"].astype(np.float32) for part, tensors in stored.items()}
    train = np.flatnonzero(folds != fold)
    network = fit_component(
        grown, train, "rich", options=TrainOptions(), seed=SEED + fold, threads=1, families=()
    ).outputs(grown, test, 1)
    alone = replace(
        grown, endpoints=grown.endpoints[data.targets.shape[1] :], targets=grown.targets[:, -len(SCREENS) :]
    )
    rows = train[(~np.isnan(alone.targets[train])).any(axis=1)]
    trees = fit_component(alone, rows, "boosters", options=TrainOptions(), seed=SEED + fold, threads=1)
    values = member_mean(trees.outputs(alone, test, 1))
    names = [e.name for e in data.endpoints]
    found = {}
    for place, screen in enumerate(SCREENS):
        at, column = names.index(screen.endpoint), ACTIVITY.index(screen.endpoint)
        truth = data.targets[test, at]
        own = {part: member_mean(outputs)[:, column] for part, outputs in parts.items()}
        label_network = parts["rich"][:, :MEMBERS, column].mean(axis=1)
        specialist = parts["rich"][:, MEMBERS:, column]
        rich = np.concatenate([network[:, :, at], specialist], axis=1).mean(axis=1)
        # On the scale of the log odds, so that it can be averaged with them.
        scaled = (values[:, place] - values[:, place].mean()) / values[:, place].std()
        scaled = scaled * own["boosters"].std() + own["boosters"].mean()
        both = (own["boosters"] + scaled) / 2
        models = {
            "network, labels": label_network,
            "network, growth too": network[:, :, at].mean(axis=1),
            "trees, labels": own["boosters"],
            "trees, growth": scaled,
            "stack, labels": (own["morgan"] + own["rich"] + own["boosters"]) / 3,
            "stack, growth too": (own["morgan"] + rich + both) / 3,
        }
        found[screen.endpoint] = {name: auroc(truth, outputs) for name, outputs in models.items()}
    return found


def summary(sets: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Mean over the held-out sets, and the paired difference from labels alone with its standard error."""
    rows: dict[str, Any] = {}
    for endpoint in sets[0]:
        for name in sets[0][endpoint]:
            own = np.array([found[endpoint][name] for found in sets])
            entry: dict[str, Any] = {"mean": round(float(own.mean()), 4)}
            base = f"{name.partition(', ')[0]}, labels"
            if name != base:
                more = own - np.array([found[endpoint][base] for found in sets])
                entry["minus_labels"] = [
                    round(float(more.mean()), 4),
                    round(float(more.std(ddof=1) / len(more) ** 0.5), 4),
                ]
            rows.setdefault(endpoint, {})[name] = entry
    return rows


def main() -> None:
    """Train what is new, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--training", type=Path, default=project_root() / "training")
    parser.add_argument("--cache", type=Path, default=Path("training/downloads"), help="downloads, without a mirror")
    parser.add_argument("--json", type=Path, help="table to write")
    given = parser.parse_args()
    endpoints = load_registry(project_root() / "config" / "datasets.yaml").endpoints
    rich = read_rich(given.training / "rich.safetensors")
    data = training_data(read_table(given.training / "curated.parquet", endpoints), endpoints, rich)
    example = next(e for e in endpoints if e.is_regression)
    tasks = tuple(example.model_copy(update={"name": f"{s.endpoint}_value", "family": "auxiliary"}) for s in SCREENS)
    targets = np.hstack([data.targets, inhibition(data, given.cache)])
    grown = replace(data, endpoints=data.endpoints + tasks, targets=targets)
    sets = []
    for scheme in SCHEMES:
        folds = read_folds(given.training / "splits.parquet", scheme)
        for fold in range(FOLDS):
            started = time.process_time()
            sets.append(fold_figures(data, grown, folds, scheme, fold, given.training / "oof"))
            print(scheme, fold, f"{time.process_time() - started:.0f} s of CPU", sets[-1], flush=True)
            if given.json and len(sets) > 1:
                write_text(given.json, json.dumps({"sets": len(sets), "auroc": summary(sets)}, indent=1) + "\n")
    print(json.dumps(summary(sets), indent=1))


if __name__ == "__main__":
    main()
