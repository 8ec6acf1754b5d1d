"""Does a graph network earn a place in the stack? chemprop's D-MPNN on the *E. coli* screen, in the frozen folds.

chemprop pins an older RDKit than molsieve's, so it runs in an environment of its own:

    python -m venv x; x/bin/pip install chemprop
    python benchmarks/dmpnn.py --python x/bin/python

For each scaffold fold and seed one network is trained on the other folds (a tenth of their scaffolds, another tenth for
each seed, chooses the epoch), with and without RDKit's descriptors beside the learned ones, as Stokes et al. had them
(doi:10.1016/j.cell.2020.01.021). A network that is there already is not trained again. Compared with the stored
out-of-fold predictions of the stack, its parts and the forest, on the same molecules; then averaged into the stack.
The smallest screen is used because a CPU trains it in minutes: two on one core for each fold, seed and variant.
"""

import argparse
import csv
import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy.stats import rankdata

from molsieve.training.components import STACKED
from molsieve.training.curation import read_table
from molsieve.training.data import TrainingData, training_data
from molsieve.training.datasets import load_registry
from molsieve.training.evaluation import member_mean, nearest_out_of_fold, over_folds, read_out_of_fold, scores
from molsieve.training.significance import corrected_error
from molsieve.training.splits import FOLDS, read_folds
from molsieve.training.stacking import stacked

ENDPOINT = "ecoli_growth_inhibition"
VARIANTS = {"dmpnn": (), "dmpnn+descriptors": ("--molecule-featurizers", "v1_rdkit_2d_normalized")}
FAR = 0.4
RESAMPLES = 2000


def validation_part(scaffolds: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A tenth of the molecules, whole scaffolds, [n] bool; acyclic molecules, which have none, one by one."""
    groups = np.array([scaffold or f"acyclic:{row}" for row, scaffold in enumerate(scaffolds)])
    names, index, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = random.permutation(len(names))
    before = np.cumsum(sizes[order]) - sizes[order]
    return np.isin(index, order[before < 0.1 * len(scaffolds)])


def write_molecules(path: Path, smiles: list[str], labels: np.ndarray, rows: np.ndarray) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["smiles", "active"])
        writer.writerows([smiles[row], int(labels[row])] for row in rows)


def train(
    python: Path, folder: Path, files: list[Path], variant: tuple[str, ...], *, seed: int, epochs: int
) -> np.ndarray:
    """Probabilities of the test molecules by one network."""
    command = [python, "-c", "from chemprop.cli.main import main; main()", "train", "-q", "-i", *files, "-o", folder]
    command += ["-s", "smiles", "--target-columns", "active", "-t", "classification", *variant, "-n", "0"]
    command += ["--epochs", epochs, "--pytorch-seed", seed, "--accelerator", "cpu", "--remove-checkpoints"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": ""}
    subprocess.run([str(part) for part in command], check=True, env=environment, stdout=subprocess.DEVNULL)
    with (folder / "model_0" / "test_predictions.csv").open() as file:
        return np.array([float(row["active"]) for row in csv.DictReader(file)])


def out_of_fold(
    arguments: argparse.Namespace, data: TrainingData, scaffolds: np.ndarray, folds: np.ndarray, variant: str
) -> np.ndarray:
    """Logits of every network for the molecules of its fold, [n, seeds]; written to ``--out``, fold by fold."""
    labels = data.targets[:, 0]
    found = np.full((data.molecules, arguments.seeds), np.nan)
    for seed in range(arguments.seeds):
        for fold in range(FOLDS):
            stored = arguments.out / f"{variant}-{fold}-{seed}.safetensors"
            inside, outside = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
            if not stored.exists():
                folder = arguments.out / f"{variant}-{fold}-{seed}"
                folder.mkdir(parents=True, exist_ok=True)
                held_back = validation_part(scaffolds[outside], np.random.default_rng([seed, fold]))
                files = [folder / f"{name}.csv" for name in ("train", "validation", "test")]
                for file, rows in zip(files, (outside[~held_back], outside[held_back], inside), strict=True):
                    write_molecules(file, data.parent_smiles, labels, rows)
                started = time.perf_counter()
                options = {"seed": seed, "epochs": arguments.epochs}
                probability = train(arguments.python, folder / "model", files, VARIANTS[variant], **options)
                seconds = time.perf_counter() - started
                print(f"{variant}, fold {fold}, seed {seed}: {seconds:.0f} s", flush=True)
                logit = np.log(np.clip(probability, 1e-6, 1 - 1e-6)) - np.log(np.clip(1 - probability, 1e-6, 1 - 1e-6))
                save_file({"rows": inside, "outputs": logit, "seconds": np.array([seconds])}, stored)
            found[inside, seed] = load_file(stored)["outputs"]
    return found


def paired(truth: np.ndarray, new: np.ndarray, old: np.ndarray, folds: np.ndarray) -> dict[str, dict[str, float]]:
    """Gain over the folds with its corrected standard error, and a bootstrap interval of it over all molecules."""
    random = np.random.default_rng(0)
    gains = []
    while len(gains) < RESAMPLES:
        rows = random.integers(len(truth), size=len(truth))
        if truth[rows].any():
            a, b = (scores(truth[rows], values[rows], regression=False) for values in (new, old))
            gains.append([a["auroc"] - b["auroc"], a["auprc"] - b["auprc"]])
    low, high = np.quantile(gains, [0.025, 0.975], axis=0)
    of_new, of_old = (over_folds(truth, values, folds, regression=False) for values in (new, old))
    found = {}
    for place, metric in enumerate(("auroc", "auprc")):
        gap = np.array(of_new[metric]["folds"]) - np.array(of_old[metric]["folds"])
        error = corrected_error(gap, 1 / (FOLDS - 1))
        row = {"gain": gap.mean(), "error": error, "pooled_low": low[place], "pooled_high": high[place]}
        found[metric] = {name: round(float(value), 4) for name, value in row.items()}
    return found


def ranks(values: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Rank among the molecules of the same fold, from 0 to 1: logits of two kinds of model have two scales."""
    found = np.empty(len(values))
    for fold in range(FOLDS):
        inside = folds == fold
        found[inside] = rankdata(values[inside]) / inside.sum()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", type=Path, required=True, help="interpreter of an environment with chemprop 2")
    parser.add_argument("--training", type=Path, default=Path("training"), help="what 'snakemake train' wrote")
    parser.add_argument("--registry", type=Path, default=Path("config/datasets.yaml"))
    parser.add_argument("--out", type=Path, default=Path("training/dmpnn"), help="folder of the predictions")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--variants", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--json", type=Path, default=Path("benchmarks/dmpnn.json"))
    arguments = parser.parse_args()
    endpoints = load_registry(arguments.registry).endpoints
    table = read_table(arguments.training / "curated.parquet", endpoints)
    whole = training_data(table, endpoints)
    index = [e.name for e in endpoints].index(ENDPOINT)
    rows = np.flatnonzero(~np.isnan(whole.targets[:, index]))
    folds = read_folds(arguments.training / "splits.parquet", "scaffold")[rows]
    scaffolds = np.array(table["scaffold"].to_pylist(), dtype=object)[rows]
    data = TrainingData(
        (endpoints[index],),
        [whole.connectivity[row] for row in rows],
        [whole.parent_smiles[row] for row in rows],
        whole.targets[rows][:, [index]],
        whole.morgan.take(rows),
    )
    truth = data.targets[:, 0].astype(float)
    stored = read_out_of_fold(
        arguments.training / "oof", arguments.training / "baselines", "scaffold", folds, STACKED, rows
    )
    parts = {name: member_mean(outputs)[:, index] for name, outputs in stored.parts.items()}
    stack = stacked(list(parts.values()), (1.0,) * len(parts)).astype(float)
    predicted = {"stack": stack, **parts, "forest": stored.baselines["forest"][:, index].astype(float)}
    for variant in arguments.variants:
        logits = out_of_fold(arguments, data, scaffolds, folds, variant).mean(axis=1)
        predicted[variant] = logits
        predicted[f"stack and {variant}, mean logit"] = (3 * stack + logits) / 4
        predicted[f"stack and {variant}, mean rank"] = (3 * ranks(stack, folds) + ranks(logits, folds)) / 4
    far = nearest_out_of_fold(data, np.arange(data.molecules), folds) < FAR
    result = {
        "endpoint": ENDPOINT,
        "molecules": data.molecules,
        "positives": int(truth.sum()),
        "far": {"below_similarity": FAR, "molecules": int(far.sum()), "positives": int(truth[far].sum())},
        "seeds": arguments.seeds,
        "epochs": arguments.epochs,
        "held_out": {name: over_folds(truth, values, folds, regression=False) for name, values in predicted.items()},
        "far_pooled": {
            name: {
                metric: round(value, 4)
                for metric, value in scores(truth[far], ranks(values, folds)[far], regression=False).items()
            }
            for name, values in predicted.items()
        },
        "against_stack": {
            name: paired(truth, ranks(values, folds), ranks(stack, folds), folds)
            for name, values in predicted.items()
            if "dmpnn" in name
        },
    }
    arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    print(f"{'':42} {'AUROC':>14} {'AUPRC':>14}   far: AUROC  AUPRC")
    for name, found in result["held_out"].items():
        shown = "  ".join(f"{found[m]['mean']:.3f} ± {found[m]['sd']:.3f}" for m in ("auroc", "auprc"))
        far_scores = "  ".join(f"{result['far_pooled'][name][m]:.3f}" for m in ("auroc", "auprc"))
        print(f"{name:42} {shown}        {far_scores}")


if __name__ == "__main__":
    main()
