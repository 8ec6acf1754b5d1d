"""How much the measured neighbours should count beside the trained parts of the reference model.

    python benchmarks/read_across.py --training training --json benchmarks/read_across.json

For shares of read-across in the stack and weights of the mean label (``molsieve.models.read_across``), from the stored
out-of-fold predictions of the trained parts, all alike, and neighbours computed here from the other folds. Scaffold and
cluster folds were looked at to choose; the random folds stand beside them and chose nothing. Ten minutes on one core.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from molsieve import project_root
from molsieve.files import write_text
from molsieve.models.fingerprint_set import FoldedBits
from molsieve.models.read_across import neighbour_logits, neighbour_means
from molsieve.training.components import STACKED
from molsieve.training.curation import read_table
from molsieve.training.data import TrainingData, training_data
from molsieve.training.datasets import load_registry
from molsieve.training.evaluation import member_mean, read_out_of_fold, scores
from molsieve.training.splits import FOLDS, read_folds

SHARES = (0.1, 0.15, 0.2)
PRIORS = (0.0, 0.03, 0.1, 0.3)
NONE = "0"
"""The stack of the trained parts alone."""


def group(data: TrainingData, index: int) -> str:
    """Endpoints whose mean is reported: the screens one by one, Tox21 as one, the others by family."""
    endpoint = data.endpoints[index]
    if endpoint.family == "activity":
        return endpoint.name
    return "tox21" if endpoint.name.startswith("tox21") else endpoint.family


def figures(training: Path, data: TrainingData, scheme: str, families: set[str]) -> dict[str, dict[str, list[float]]]:
    """AUROC and average precision by group and candidate, means over endpoints and folds."""
    folds = read_folds(training / "splits.parquet", scheme)
    places = [i for i, e in enumerate(data.endpoints) if e.family in families and not e.is_regression]
    asked = np.flatnonzero((~np.isnan(data.targets[:, places])).any(axis=1) & (folds >= 0))
    oof = read_out_of_fold(training / "oof", training / "baselines", scheme, folds[asked], STACKED, asked)
    trained = np.mean([member_mean(part) for part in oof.parts.values()], axis=0)
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(oof.folds == fold), np.flatnonzero(oof.folds != fold)
        queries, known = (FoldedBits.of(data.fingerprints(asked[rows])) for rows in (inside, outside))
        labels = [data.targets[asked[outside], i] for i in places]
        measured = [(np.flatnonzero(~np.isnan(y)), y[~np.isnan(y)]) for y in labels]
        logits = {prior: neighbour_logits(neighbour_means(queries, known, measured, prior)) for prior in PRIORS}
        for column, index in enumerate(places):
            truth = data.targets[asked[inside], index].astype(float)
            there = ~np.isnan(truth)
            own = trained[inside, index].astype(float)
            outputs = {NONE: own} | {
                f"{share:g} prior {prior:g}": (1 - share) * own + share * near[:, column]
                for prior, near in logits.items()
                for share in SHARES
            }
            for name, values in outputs.items():
                score = scores(truth[there], values[there], regression=False)
                if score:
                    pair = (score["auroc"], score["auprc"])
                    found.setdefault(group(data, index), {}).setdefault(name, []).append(pair)
        print(f"{scheme} fold {fold}", flush=True)
    return {
        name: {candidate: np.mean(pairs, axis=0).round(4).tolist() for candidate, pairs in of.items()}
        for name, of in found.items()
    }


def main() -> None:
    """Print and store the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--training", type=Path, default=project_root() / "training")
    parser.add_argument("--json", type=Path, help="Where to write the figures.")
    arguments = parser.parse_args()
    registry = load_registry(project_root() / "config" / "datasets.yaml")
    data = training_data(read_table(arguments.training / "curated.parquet", registry.endpoints), registry.endpoints)
    every = {e.family for e in data.endpoints}
    found = {
        scheme: figures(arguments.training, data, scheme, families)
        for scheme, families in (("scaffold", every), ("cluster", {"activity"}), ("random", {"activity"}))
    }
    text = json.dumps(found, indent=1) + "\n"
    print(text)
    if arguments.json:
        write_text(arguments.json, text)


if __name__ == "__main__":
    main()
