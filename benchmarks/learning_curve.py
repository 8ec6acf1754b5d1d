"""Would more data help? The endpoints short of their bar, trained on a part of the data, and the metric's noise.

    python benchmarks/learning_curve.py --training training

A network on all features and endpoints (the first of the stack's ``rich`` part) and the forest are trained on a
quarter, half, three quarters and all of the training molecules of a frozen fold; the smaller parts lie within the
larger ones. The noise is a bootstrap over the molecules of one test fold: what the same model would score on other test
sets of this size. Half an hour on one core.
"""

import argparse
import json
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier

from molsieve.training.baselines import TREES, folded_counts
from molsieve.training.components import fit_component
from molsieve.training.curation import read_table
from molsieve.training.data import TrainingData, read_rich, training_data
from molsieve.training.datasets import load_registry
from molsieve.training.evaluation import member_mean, scores
from molsieve.training.fit import TrainOptions
from molsieve.training.splits import read_folds

FRACTIONS = (0.25, 0.5, 0.75, 1.0)
RESAMPLES = 1000


class Question(NamedTuple):
    """A bar, and what has to reach it."""

    endpoints: str
    """Beginning of the names of the endpoints whose mean is meant."""
    scheme: str
    metric: str
    bar: float


QUESTIONS = {
    "A. baumannii": Question("abaumannii", "random", "auroc", 0.83),
    "S. aureus": Question("saureus", "random", "auprc", 0.45),
    "gut strains": Question("gut_", "random", "auprc", 0.80),
    "DILI": Question("dili", "scaffold", "auroc", 0.91),
}


def mean_score(targets: np.ndarray, predicted: np.ndarray, metric: str) -> float:
    """Mean of a metric over endpoints, [molecules, endpoints]; those without both classes are left out."""
    found = []
    for truth, values in zip(targets.T, predicted.T, strict=True):
        known = ~np.isnan(truth)
        found += [s[metric] for s in [scores(truth[known], values[known], regression=False)] if s]
    return float(np.mean(found)) if found else np.nan


def network(data: TrainingData, train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    """Mean logit of the network's members for all endpoints, [test, endpoints]."""
    part = fit_component(data, train, "rich", options=TrainOptions(), seed=seed, threads=1, families=())
    return member_mean(part.outputs(data, test, 1))


def forest(data: TrainingData, train: np.ndarray, test: np.ndarray, places: np.ndarray, seed: int) -> np.ndarray:
    """Probabilities of one untuned forest for each of some endpoints, [test, places]."""
    columns, asked = folded_counts(data.morgan.take(train)), folded_counts(data.morgan.take(test))
    found = np.full((len(test), len(places)), 0.0)
    for place, index in enumerate(places):
        labels = data.targets[train, index]
        known = ~np.isnan(labels)
        if len(np.unique(labels[known])) == 2:
            trees = ExtraTreesClassifier(TREES, n_jobs=1, random_state=seed).fit(columns[known], labels[known])
            found[:, place] = trees.predict_proba(asked)[:, 1]
    return found


def noise(targets: np.ndarray, predicted: np.ndarray, metric: str) -> tuple[float, float]:
    """95 % bootstrap interval of the metric on a test set of this size."""
    random = np.random.default_rng(0)
    known = np.flatnonzero((~np.isnan(targets)).any(axis=1))
    draws = [random.choice(known, len(known)) for _ in range(RESAMPLES if targets.shape[1] == 1 else RESAMPLES // 10)]
    low, high = np.nanquantile([mean_score(targets[d], predicted[d], metric) for d in draws], [0.025, 0.975])
    return round(float(low), 3), round(float(high), 3)


def curve(data: TrainingData, folds: np.ndarray, questions: dict[str, Question], tested: list[int], seed: int) -> dict:
    """Metrics of all questions about the same training data: question, then fraction."""
    names = [e.name for e in data.endpoints]
    results: dict[str, dict] = {
        q: {"metric": v.metric, "bar": v.bar, "scheme": v.scheme, "noise": []} for q, v in questions.items()
    }
    for fold in tested:
        outside, inside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        order = np.random.default_rng([seed, fold]).permutation(outside)
        for fraction in FRACTIONS:
            started = time.perf_counter()
            train = np.sort(order[: round(fraction * len(order))])
            outputs = network(data, train, inside, seed + fold)
            for question, asked in questions.items():
                places = np.array([i for i, name in enumerate(names) if name.startswith(asked.endpoints)])
                truth, values = data.targets[np.ix_(inside, places)].astype(float), outputs[:, places].astype(float)
                row = results[question].setdefault(f"{fraction:g}", {"labels": [], "network": [], "forest": []})
                row["labels"].append(int((~np.isnan(data.targets[np.ix_(train, places)])).sum() / len(places)))
                row["network"].append(round(mean_score(truth, values, asked.metric), 4))
                trees = forest(data, train, inside, places, seed)
                row["forest"].append(round(mean_score(truth, trees, asked.metric), 4))
                if fraction == FRACTIONS[-1]:
                    results[question]["noise"].append(noise(truth, values, asked.metric))
            print(f"fold {fold}, {fraction:.0%} of {len(order):,}: {time.perf_counter() - started:.0f} s", flush=True)
    return results


def show(results: dict[str, dict]) -> None:
    print("| endpoint (metric, folds) | bar | model | " + " | ".join(f"{f:.0%}" for f in FRACTIONS) + " | noise |")
    print("|---|---|---|" + "---|" * (len(FRACTIONS) + 1))
    for question, found in results.items():
        low, high = np.mean(found["noise"], axis=0)
        for model in ("network", "forest"):
            cells = [f"{np.mean(found[f'{fraction:g}'][model]):.3f}" for fraction in FRACTIONS]
            head = f"{question} ({found['metric'].upper()}, {found['scheme']}) | {found['bar']:.2f}"
            span = f"{low:.2f}-{high:.2f}" if model == "network" else ""
            print(f"| {head if model == 'network' else ' | '} | {model} | {' | '.join(cells)} | {span} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--training", type=Path, default=Path("training"), help="what 'snakemake train' wrote")
    parser.add_argument("--registry", type=Path, default=Path("config/datasets.yaml"))
    parser.add_argument("--folds", type=int, nargs="*", default=[0, 1, 2], help="held out in turn")
    parser.add_argument("--questions", nargs="*", choices=QUESTIONS, default=list(QUESTIONS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/learning_curve.json"))
    arguments = parser.parse_args()
    endpoints = load_registry(arguments.registry).endpoints
    rich = read_rich(arguments.training / "rich.safetensors")
    data = training_data(read_table(arguments.training / "curated.parquet", endpoints), endpoints, rich)
    results = {}
    for scheme in dict.fromkeys(QUESTIONS[q].scheme for q in arguments.questions):
        folds = read_folds(arguments.training / "splits.parquet", scheme)
        asked = {q: QUESTIONS[q] for q in arguments.questions if QUESTIONS[q].scheme == scheme}
        results |= curve(data, folds, asked, arguments.folds, arguments.seed)
        document = {"folds": arguments.folds, "seed": arguments.seed, "endpoints": results}
        arguments.json.write_text(json.dumps(document, indent=1) + "\n")
    show(results)


if __name__ == "__main__":
    main()
