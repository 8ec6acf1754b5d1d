"""How long, and with how much noise, the triage network should learn from the reference model.

    python benchmarks/student.py --training training --json benchmarks/student.json

Reads the out-of-fold predictions that ``make train`` leaves, trains students with several settings on two scaffold
folds, which chose, and says what each keeps of the stored reference model's margin over chance: sums over the endpoints
of a family of AUROC - 0.5 and of average precision - prevalence. The margins in docs/models.md are those of all five
folds. Half an hour on one core.
"""

import argparse
import json
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molsieve import project_root
from molsieve.files import write_text
from molsieve.training import components
from molsieve.training.components import STACKED, fit_component, teacher_outputs
from molsieve.training.curation import read_table
from molsieve.training.data import TrainingData, training_data
from molsieve.training.datasets import load_registry
from molsieve.training.evaluation import member_mean, scores
from molsieve.training.fit import TrainOptions
from molsieve.training.splits import read_folds

SEED = 20261122
CHOSEN_ON = (0, 1)


class Setting(NamedTuple):
    """What a student is trained with."""

    epochs: int
    dropout: float
    bit_dropout: float
    soft_weight: float
    hidden: int = 256


SETTINGS = (
    Setting(10, 0.3, 0.2, 0.1),
    Setting(10, 0.3, 0.2, 0.3),
    Setting(10, 0.3, 0.2, 1.0),
    Setting(10, 0.15, 0.1, 0.3),
    Setting(20, 0.3, 0.2, 0.1),
    Setting(20, 0.3, 0.2, 0.03),
    Setting(20, 0.15, 0.1, 0.1),
    Setting(20, 0.2, 0.1, 0.1, hidden=512),
    Setting(30, 0.3, 0.2, 0.1),
    Setting(30, 0.2, 0.2, 0.1),
    Setting(30, 0.15, 0.1, 0.1),
)
Margins = dict[str, dict[str, float]]
"""By endpoint: AUROC - 0.5 and average precision - prevalence."""


def margins(truth: dict[str, NDArray[np.float64]], predicted: dict[str, NDArray[np.float64]]) -> Margins:
    """Of each endpoint that has both classes."""
    found: Margins = {}
    for name, labels in truth.items():
        score = scores(labels, predicted[name], regression=False)
        if score:
            found[name] = {"auroc": score["auroc"] - 0.5, "auprc": score["auprc"] - float(labels.mean())}
    return found


def reference(stored: Path, fold: int) -> Margins:
    """Margins of the reference model in a fold."""
    rows = pq.read_table(stored, filters=[("scheme", "=", "scaffold"), ("fold", "=", fold)]).to_pandas()
    of = dict(iter(rows[rows["label"].isin([0.0, 1.0])].groupby("endpoint", observed=True)))
    truth = {str(name): part["label"].to_numpy(float) for name, part in of.items()}
    return margins(truth, {str(name): part["model"].to_numpy(float) for name, part in of.items()})


def student(data: TrainingData, folds: NDArray[np.int8], fold: int, oof: Path, setting: Setting) -> Margins:
    """Train a student without a fold and ask it for the fold."""
    components.SOFT_WEIGHT = setting.soft_weight
    options = TrainOptions(
        epochs=setting.epochs, dropout=setting.dropout, bit_dropout=setting.bit_dropout, hidden=setting.hidden
    )
    soft = teacher_outputs([oof / f"{part}-scaffold-{fold}.safetensors" for part in STACKED])
    train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
    fitted = fit_component(data, train, "student", options=options, seed=SEED + fold, threads=1, soft=soft)
    outputs = member_mean(fitted.outputs(data, test, 1)).astype(float)
    truth, predicted = {}, {}
    for i, endpoint in enumerate(data.endpoints):
        if not endpoint.is_regression:
            known = ~np.isnan(data.targets[test, i])
            truth[endpoint.name] = data.targets[test[known], i].astype(float)
            predicted[endpoint.name] = outputs[known, i]
    return margins(truth, predicted)


def kept(data: TrainingData, own: list[Margins], teacher: list[Margins]) -> dict[str, dict[str, float]]:
    """Share of the teacher's margin that a student has, by family and metric, over the folds."""
    sums: dict[str, dict[str, list[float]]] = {}
    for found, base in zip(own, teacher, strict=True):
        for endpoint in data.endpoints:
            if endpoint.name in found and endpoint.name in base:
                for metric, value in found[endpoint.name].items():
                    both = sums.setdefault(endpoint.family, {}).setdefault(metric, [0.0, 0.0])
                    both[0] += value
                    both[1] += base[endpoint.name][metric]
    return {family: {m: round(a / b, 4) for m, (a, b) in of.items()} for family, of in sums.items()}


def main() -> None:
    """Train the students, and print what each keeps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--training", type=Path, default=project_root() / "training")
    parser.add_argument("--stored", type=Path, default=project_root() / "resources" / "out_of_fold" / "refine.parquet")
    parser.add_argument("--folds", type=int, nargs="+", default=list(CHOSEN_ON))
    parser.add_argument("--json", type=Path, help="table to write")
    given = parser.parse_args()
    endpoints = load_registry(project_root() / "config" / "datasets.yaml").endpoints
    data = training_data(read_table(given.training / "curated.parquet", endpoints), endpoints)
    folds = read_folds(given.training / "splits.parquet", "scaffold")
    teacher = [reference(given.stored, fold) for fold in given.folds]
    rows = []
    for setting in SETTINGS:
        started = time.process_time()
        found = [student(data, folds, fold, given.training / "oof", setting) for fold in given.folds]
        seconds = (time.process_time() - started) / len(given.folds)
        rows.append(setting._asdict() | {"seconds": round(seconds), "kept": kept(data, found, teacher)})
        print(rows[-1], flush=True)
        if given.json:
            write_text(given.json, json.dumps({"folds": given.folds, "settings": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
