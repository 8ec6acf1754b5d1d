"""What a model of somebody's own assay should be made of: small real assays, five folds of new scaffolds.

Compared on the same folds: a network trained from scratch, the shipped kind of network with a new output (warm start),
boosted trees, their means, and an untuned forest. The network that the warm start begins with (the donor) is trained
without the tested endpoints AND without any molecule of theirs, so nothing about the test molecules is known to it.

    python benchmarks/own_assay.py --table training/curated.parquet --donor training/donor.safetensors
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from molsieve.models.features import SparseFeatures
from molsieve.models.model import NetworkPart
from molsieve.training.baselines import folded_counts
from molsieve.training.boosting import fit_boosters
from molsieve.training.components import FittedComponent, load_component, save_component
from molsieve.training.curation import read_table
from molsieve.training.data import TrainingData, training_data
from molsieve.training.datasets import load_registry
from molsieve.training.evaluation import scores
from molsieve.training.fit import Scaling, TrainOptions, fit_network
from molsieve.training.own_folds import scaffold_split
from molsieve.training.warm_start import WarmOptions, fit_warm

TESTED = (
    "hia",
    "pgp_inhibition",
    "bbb",
    "bioavailability",
    "skin_reaction",
    "carcinogens",
    "dili",
    "ecoli_growth_inhibition",
    "ppbr",
    "clearance_hepatocyte",
    "tetrahymena_igc50",
)
SCRATCH = TrainOptions(min_molecules=2, epochs=40, batch_size=64)
RIDGES = (10.0, 30.0, 100.0)


def train_donor(data: TrainingData, out: Path, epochs: int, seed: int) -> None:
    names = [e.name for e in data.endpoints]
    tested = [names.index(name) for name in TESTED]
    others = [i for i in range(len(names)) if i not in tested]
    known = ~np.isnan(data.targets)
    rows = np.flatnonzero(known[:, others].any(axis=1) & ~known[:, tested].any(axis=1))
    targets, regression = data.targets[np.ix_(rows, others)], data.is_regression[others]
    scaling = Scaling.of(targets, regression)
    part = fit_network(
        data.morgan.take(rows), scaling.standardised(targets), regression, TrainOptions(epochs=epochs), seed
    )
    save_component(FittedComponent("morgan", (part,), scaling, 0.0), out)


def fit_all(
    donor: NetworkPart, train: SparseFeatures, y: np.ndarray, test: SparseFeatures, *, regression: bool, seed: int
) -> dict[str, tuple[np.ndarray, float]]:
    """Outputs of each method for the test molecules, and its seconds."""
    found = {}

    def add(name: str, started: float, outputs: np.ndarray) -> None:
        found[name] = (outputs, time.perf_counter() - started)

    is_regression, targets = np.array([regression]), y[:, None].astype(np.float32)
    started = time.perf_counter()
    forest = (
        ExtraTreesRegressor(100, random_state=seed, max_features="sqrt")
        if regression
        else ExtraTreesClassifier(100, random_state=seed)
    ).fit(folded_counts(train), y)
    x = folded_counts(test)
    add("forest", started, forest.predict(x) if regression else forest.predict_proba(x)[:, 1])
    started = time.perf_counter()
    scratch = fit_network(train, targets, is_regression, SCRATCH, seed)
    add("scratch", started, scratch.outputs(test).numpy()[:, :, 0].mean(axis=1))
    started = time.perf_counter()
    boosters = fit_boosters(train, targets, is_regression, ["y"], seed, threads=1)
    add("trees", started, boosters.outputs(test, ["y"], 1)[:, 0])
    for ridge in RIDGES:
        started = time.perf_counter()
        warm = fit_warm(donor, train, targets[:, 0], WarmOptions(ridge=ridge), regression=regression)
        add(f"warm_{ridge:g}", started, warm.outputs(test).numpy()[:, :, 0].mean(axis=1))
        add(f"warm_{ridge:g}+trees", started, (found[f"warm_{ridge:g}"][0] + found["trees"][0]) / 2)
    add("scratch+trees", started, (found["scratch"][0] + found["trees"][0]) / 2)
    return found


def compare(
    data: TrainingData, scaffolds: np.ndarray, donor: NetworkPart, name: str, n: int | None, repeats: int
) -> dict[str, dict[str, float]] | None:
    """Mean and sd over all held-out folds of AUROC, or R2, of each method."""
    index = [e.name for e in data.endpoints].index(name)
    regression = bool(data.is_regression[index])
    measured = np.flatnonzero(~np.isnan(data.targets[:, index]))
    if n is not None and n >= len(measured):
        return None
    each: dict[str, list[float]] = {}
    seconds: dict[str, float] = {}
    for repeat in range(repeats):
        random = np.random.default_rng(1000 * repeat + (n or 0))
        rows = measured if n is None else np.sort(random.choice(measured, n, replace=False))
        labels = data.targets[rows, index].astype(float)
        folds = scaffold_split(scaffolds[rows].tolist(), labels, regression=regression, seed=repeat).folds
        features = data.morgan.take(rows)
        for fold in range(5):
            inside, outside = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
            scaling = Scaling.of(labels[outside, None].astype(np.float32), np.array([regression]))
            y = (labels[outside] - scaling.mean[0]) / scaling.sd[0]
            methods = fit_all(
                donor, features.take(outside), y, features.take(inside), regression=regression, seed=repeat
            )
            for method, (outputs, took) in methods.items():
                values = outputs * scaling.sd[0] + scaling.mean[0]
                found = scores(labels[inside], values, regression=regression)
                if found:
                    each.setdefault(method, []).append(found["r2" if regression else "auroc"])
                seconds[method] = seconds.get(method, 0.0) + took
    fits = 5 * repeats
    return {
        method: {
            "mean": round(float(np.mean(values)), 4),
            "sd": round(float(np.std(values, ddof=1)), 4),
            "seconds": round(seconds[method] / fits, 2),
        }
        for method, values in each.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, default=Path("training/curated.parquet"))
    parser.add_argument("--registry", type=Path, default=Path("config/datasets.yaml"))
    parser.add_argument("--donor", type=Path, default=Path("training/donor.safetensors"), help="trained if not there")
    parser.add_argument("--epochs", type=int, default=5, help="of the donor")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--sizes", type=int, nargs="*", default=[200, 500, 0], help="molecules; 0: all")
    parser.add_argument("--endpoints", nargs="*", default=list(TESTED))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/own_assay.json"))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(arguments.threads)
    endpoints = load_registry(arguments.registry).endpoints
    table = read_table(arguments.table, endpoints)
    data, scaffolds = training_data(table, endpoints), np.array(table["scaffold"].to_pylist(), dtype=object)
    if not arguments.donor.exists():
        train_donor(data, arguments.donor, arguments.epochs, seed=1)
    (donor,) = load_component("morgan", arguments.donor).part
    results: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for size in arguments.sizes:
        for name in arguments.endpoints:
            found = compare(data, scaffolds, donor, name, size or None, arguments.repeats)
            if found is None:
                continue
            results.setdefault(str(size or "all"), {})[name] = found
            shown = "  ".join(f"{method} {row['mean']:.3f}" for method, row in found.items())
            print(f"{name} {size or 'all'}: {shown}", flush=True)
            arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
