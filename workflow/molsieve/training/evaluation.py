"""Held-out metrics of the network and its baselines, from stored out-of-fold predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from sklearn.metrics import average_precision_score, roc_auc_score

from molsieve.errors import MolsieveError
from molsieve.models.calibration import CalibrationTable, expected_calibration_error
from molsieve.models.endpoints import Endpoint
from molsieve.models.neighbours import FoldedBits, nearest_similarity
from molsieve.training.calibrating import fit_calibration
from molsieve.training.fit import TrainingData
from molsieve.training.splits import FOLDS, Scheme

SIMILARITY_EDGES = (0.0, 0.3, 0.4, 0.5, 1.0)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OutOfFold:
    """Predictions for every molecule by models that had not seen it, under one scheme."""

    folds: NDArray[np.int8]
    outputs: NDArray[np.float32]
    """Of the network's members: logits or values, [n, members, endpoints]."""
    unseen_fraction: NDArray[np.float32]
    forest: NDArray[np.float32]
    """[n, endpoints], NaN where there is no label."""
    trivial: NDArray[np.float32]


def read_out_of_fold(folder: Path, scheme: Scheme, folds: NDArray[np.int8], baselines: Path) -> OutOfFold:
    """Put the predictions of the five folds together.

    Raises:
        MolsieveError: A fold is missing or does not fit the splits.

    """
    network = _joined([folder / f"{scheme}-{fold}.safetensors" for fold in range(FOLDS)], len(folds))
    others = _joined([baselines / f"{scheme}-{fold}.safetensors" for fold in range(FOLDS)], len(folds))
    return OutOfFold(folds, network["outputs"], network["unseen_fraction"], others["forest"], others["trivial"])


def _joined(files: Sequence[Path], n: int) -> dict[str, NDArray[np.float32]]:
    parts = [load_file(file) for file in files]
    rows = np.concatenate([part["rows"] for part in parts])
    if not np.array_equal(np.sort(rows), np.arange(n)):
        raise MolsieveError(
            "The out-of-fold predictions do not belong to these splits.",
            where=str(files[0].parent),
            fix="Delete the folder and train again.",
        )
    order = np.argsort(rows)
    return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0] if name != "rows"}


def scores(truth: Array, predicted: Array, *, regression: bool) -> dict[str, float]:
    """Metrics of one held-out set; empty when it has only one class."""
    if regression:
        error = predicted - truth
        spread = ((truth - truth.mean()) ** 2).sum()
        return {
            "mae": float(np.abs(error).mean()),
            "rmse": float(np.sqrt((error**2).mean())),
            "r2": float(1 - (error**2).sum() / spread),
        }
    if truth.min() == truth.max():
        return {}
    return {
        "auroc": float(roc_auc_score(truth, predicted)),
        "auprc": float(average_precision_score(truth, predicted)),
    }


def over_folds(truth: Array, predicted: Array, folds: NDArray[np.int8], *, regression: bool) -> dict[str, Any]:
    """Mean, standard deviation and single values of each metric over the folds."""
    each = [scores(truth[folds == f], predicted[folds == f], regression=regression) for f in range(FOLDS)]
    summary: dict[str, Any] = {}
    for metric in ("mae", "rmse", "r2") if regression else ("auroc", "auprc"):
        values = np.array([fold[metric] for fold in each if metric in fold])
        summary[metric] = {
            "mean": round(float(values.mean()), 4),
            "sd": round(float(values.std(ddof=1)), 4),
            "folds": [round(float(v), 4) for v in values],
        }
    return summary


def endpoint_metrics(data: TrainingData, oof: OutOfFold, index: int) -> dict[str, Any]:
    """Network beside its baselines for one endpoint under one scheme."""
    endpoint = data.endpoints[index]
    measured = ~np.isnan(data.targets[:, index])
    truth, folds = data.targets[measured, index].astype(float), oof.folds[measured]
    predicted = {
        "network": oof.outputs[measured][:, :, index].mean(axis=1),
        "forest": oof.forest[measured, index],
        "logp_mw": oof.trivial[measured, index],
    }
    result: dict[str, Any] = {"n": int(measured.sum())}
    if not endpoint.is_regression:
        result |= {"positives": int(truth.sum()), "prevalence": round(float(truth.mean()), 4)}
    for name, values in predicted.items():
        result[name] = over_folds(truth, values.astype(float), folds, regression=endpoint.is_regression)
    return result


def calibration_quality(logits: Array, labels: Array, folds: NDArray[np.int8]) -> dict[str, float]:
    """Compare the calibration error before, and after a calibration fitted on the other folds (so not flattered)."""
    calibrated = np.empty_like(logits)
    for fold in range(FOLDS):
        held_out = folds == fold
        if labels[~held_out].min() == labels[~held_out].max():
            calibrated[held_out] = labels[~held_out].mean()
            continue
        calibration = fit_calibration(logits[~held_out], labels[~held_out])
        calibrated[held_out] = apply(calibration, logits[held_out])
    return {
        "ece_raw": round(expected_calibration_error(1 / (1 + np.exp(-logits)), labels), 4),
        "ece_cross_fitted": round(expected_calibration_error(calibrated, labels), 4),
    }


def apply(calibration: Any, logits: Array) -> Array:  # noqa: ANN401 - Calibration, or anything with its grid
    """Calibrated probabilities of one endpoint."""
    import torch

    tensor = torch.from_numpy(logits.astype(np.float32))[:, None]
    probabilities: Array = CalibrationTable([calibration]).probabilities(tensor)[:, 0].numpy().astype(float)
    return probabilities


def by_similarity(data: TrainingData, oof: OutOfFold, index: int) -> list[dict[str, Any]]:
    """Metrics by Tanimoto similarity to the nearest training molecule of the endpoint in the other folds.

    Predictions of all folds are pooled: single folds have too few positives in the far bins.
    """
    measured = np.flatnonzero(~np.isnan(data.targets[:, index]))
    similarity = nearest_out_of_fold(data, measured, oof.folds)
    truth = data.targets[measured, index].astype(float)
    network = oof.outputs[measured][:, :, index].mean(axis=1).astype(float)
    forest = oof.forest[measured, index].astype(float)
    rows = []
    for low, high in pairwise(SIMILARITY_EDGES):
        inside = (similarity >= low) & ((similarity < high) | (high == SIMILARITY_EDGES[-1]))
        row: dict[str, Any] = {"from": low, "to": high, "n": int(inside.sum())}
        if inside.any():
            row["positives"] = int(truth[inside].sum())
            for name, values in (("network", network), ("forest", forest)):
                found = scores(truth[inside], values[inside], regression=data.endpoints[index].is_regression)
                row[name] = {metric: round(value, 4) for metric, value in found.items()}
        rows.append(row)
    return rows


def nearest_out_of_fold(data: TrainingData, rows: NDArray[np.int64], folds: NDArray[np.int8]) -> NDArray[np.float32]:
    """Similarity of each molecule to the nearest of ``rows`` in another fold."""
    offsets, ids = data.features.offsets, data.features.ids
    fingerprints = [ids[offsets[i] : offsets[i + 1]] for i in rows]
    similarity = np.zeros(len(rows), dtype=np.float32)
    for fold in range(FOLDS):
        inside = np.flatnonzero(folds[rows] == fold)
        outside = np.flatnonzero(folds[rows] != fold)
        similarity[inside] = nearest_similarity(
            FoldedBits.of([fingerprints[i] for i in inside]), FoldedBits.of([fingerprints[i] for i in outside])
        )
    return similarity


def headline(endpoints: Sequence[Endpoint], metrics: dict[str, Any]) -> str:
    """Benchmark table for terminals: network (forest) under both schemes."""
    lines = [f"{'endpoint':30} {'n':>6} {'prev.':>6}  {'random: network (forest)':32} scaffold: network (forest)"]
    for endpoint in endpoints:
        row = metrics[endpoint.name]
        names = ("mae", "r2") if endpoint.is_regression else ("auroc", "auprc")
        cells = []
        for scheme in ("random", "scaffold"):
            shown = [f"{row[scheme]['network'][m]['mean']:.3f} ({row[scheme]['forest'][m]['mean']:.3f})" for m in names]
            cells.append(" / ".join(shown))
        prevalence = "" if endpoint.is_regression else f"{row['scaffold']['prevalence']:.3f}"
        lines.append(f"{endpoint.name:30} {row['scaffold']['n']:6} {prevalence:>6}  {cells[0]:32} {cells[1]}")
    return "\n".join(lines)
