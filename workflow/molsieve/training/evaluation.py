"""Held-out metrics from stored out-of-fold predictions: of a model, its parts and its baselines, on the same folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from molsieve.errors import MolsieveError
from molsieve.models.fingerprint_set import FoldedBits, nearest_similarity
from molsieve.training.data import TrainingData
from molsieve.training.splits import FOLDS

SIMILARITY_EDGES = (0.0, 0.3, 0.4, 0.5, 1.0)
BASELINES = {"forest": "forest", "neighbours": "neighbours", "logp_mw": "trivial"}
"""Baselines by their name in the metrics, and their name in the stored predictions."""
FALSE_POSITIVE_RATES = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OutOfFold:
    """Predictions for molecules by models that had not seen them, under one scheme of splitting."""

    folds: NDArray[np.int8]
    """Fold of each molecule, [n]."""
    parts: dict[str, NDArray[np.float32]]
    """Of each part: logits, or values, of its members, [n, members, endpoints]; NaN where a member has none."""
    baselines: dict[str, NDArray[np.float32]]
    """Of each baseline (``BASELINES``), [n, endpoints]; NaN where there is no label."""


def read_out_of_fold(
    folder: Path, baselines: Path, scheme: str, folds: NDArray[np.int8], parts: Sequence[str], rows: NDArray[np.int64]
) -> OutOfFold:
    """Put the predictions of the five folds together.

    Args:
        folder: ``<part>-<scheme>-<fold>.safetensors``, by ``components.predict_fold``.
        baselines: ``<scheme>-<fold>.safetensors``, by ``baselines.baseline_fold``.
        scheme: How the molecules were split.
        folds: Fold of each molecule that is asked for, [n].
        parts: Which parts to read.
        rows: Their rows in the curated table, ascending, [n].

    Raises:
        MolsieveError: A fold is missing or does not fit the splits.

    """
    found = {part: _joined([folder / f"{part}-{scheme}-{f}.safetensors" for f in range(FOLDS)], rows) for part in parts}
    others = _joined([baselines / f"{scheme}-{f}.safetensors" for f in range(FOLDS)], rows, fill=True)
    return OutOfFold(
        folds,
        {part: tensors["outputs"].astype(np.float32) for part, tensors in found.items()},
        {name: others[stored] for name, stored in BASELINES.items()},
    )


def _joined(files: Sequence[Path], wanted: NDArray[np.int64], *, fill: bool = False) -> dict[str, NDArray[Any]]:
    """Put the arrays of several files in the order of the wanted rows; with ``fill`` absent rows are NaN."""
    parts = [load_file(file) for file in files]
    rows = np.concatenate([part["rows"] for part in parts])
    missing = ~np.isin(wanted, rows)
    if len(np.unique(rows)) != len(rows) or (missing.any() and not fill):
        raise MolsieveError(
            "The out-of-fold predictions do not belong to these splits.",
            where=str(files[0].parent),
            fix="Delete the folder and train again.",
        )
    place = np.searchsorted(np.sort(rows), wanted)
    order = np.argsort(rows)[np.minimum(place, len(rows) - 1)]
    names = [name for name in parts[0] if name not in {"rows", "everywhere"}]
    arrays = {name: np.concatenate([part[name] for part in parts])[order] for name in names}
    if missing.any():
        for array in arrays.values():
            array[missing] = np.nan
    return arrays


def member_mean(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over the members that predict an endpoint, [n, members, endpoints] -> [n, endpoints]; NaN if none does."""
    there = ~np.isnan(outputs)
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float32] = np.where(there, outputs, 0).sum(axis=1) / there.sum(axis=1)
    return mean.astype(np.float32)


def scores(truth: Array, predicted: Array, *, regression: bool) -> dict[str, float]:
    """Metrics of one held-out set; empty when it has only one class."""
    if regression:
        error = predicted - truth
        spread = ((truth - truth.mean()) ** 2).sum()
        return {
            "mae": float(np.abs(error).mean()),
            "rmse": float(np.sqrt((error**2).mean())),
        } | ({"r2": float(1 - (error**2).sum() / spread)} if spread > 0 else {})
    if not len(truth) or truth.min() == truth.max():
        return {}
    return {
        "auroc": float(roc_auc_score(truth, predicted)),
        "auprc": float(average_precision_score(truth, predicted)),
    }


def over_folds(truth: Array, predicted: Array, folds: NDArray[np.int8], *, regression: bool) -> dict[str, Any]:
    """Mean, standard deviation and single values of each metric over the folds."""
    each = []
    for fold in range(FOLDS):
        inside = (folds == fold) & ~np.isnan(predicted)
        if inside.any():
            each.append(scores(truth[inside], predicted[inside], regression=regression))
    return summary(each)


def summary(each: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Mean, standard deviation and single values of each metric over held-out sets."""
    result: dict[str, Any] = {}
    for metric in dict.fromkeys(name for fold in each for name in fold):
        values = np.array([fold[metric] for fold in each if metric in fold])
        result[metric] = {
            "mean": round(float(values.mean()), 6),
            "sd": round(float(values.std(ddof=1)), 6) if len(values) > 1 else 0.0,
            "folds": [round(float(v), 6) for v in values],
        }
    return result


def endpoint_metrics(data: TrainingData, oof: OutOfFold, model: NDArray[np.float32], index: int) -> dict[str, Any]:
    """Model, its parts and the baselines for one endpoint under one scheme.

    Args:
        data: The molecules of ``oof``.
        oof: Out-of-fold predictions.
        model: Mean output of the whole model, [n, endpoints].
        index: Of the endpoint.

    """
    endpoint = data.endpoints[index]
    measured = ~np.isnan(data.targets[:, index])
    truth, folds = data.targets[measured, index].astype(float), oof.folds[measured]
    predicted = {"model": model[measured, index]}
    if len(oof.parts) > 1:
        # Read-across is the baseline of the same name already.
        own = {part: outputs for part, outputs in oof.parts.items() if part not in oof.baselines}
        predicted |= {part: member_mean(outputs[measured][:, :, index]) for part, outputs in own.items()}
    predicted |= {name: values[measured, index] for name, values in oof.baselines.items() if index < values.shape[1]}
    result: dict[str, Any] = {"n": int(measured.sum())}
    if not endpoint.is_regression:
        result |= {"positives": int(truth.sum()), "prevalence": round(float(truth.mean()), 4)}
    for name, values in predicted.items():
        result[name] = over_folds(truth, values.astype(float), folds, regression=endpoint.is_regression)
    return result


def ranking(truth: Array, predicted: Array) -> dict[str, list[float]]:
    """True positive rate at fixed false positive rates: what precision at any prevalence follows from."""
    fpr, tpr, _ = roc_curve(truth, predicted, drop_intermediate=False)
    found = np.interp(FALSE_POSITIVE_RATES, fpr, tpr)
    return {"fpr": list(FALSE_POSITIVE_RATES), "tpr": [round(float(v), 4) for v in found]}


def by_similarity(
    data: TrainingData,
    similarity: NDArray[np.float32],
    model: NDArray[np.float32],
    forest: NDArray[np.float32],
    index: int,
) -> list[dict[str, Any]]:
    """Metrics by Tanimoto similarity to the nearest training molecule of the endpoint in the other folds.

    Predictions of all folds are pooled: single folds have too few positives in the far bins.

    Args:
        data: The molecules.
        similarity: Of the molecules with a label of the endpoint (``nearest_out_of_fold``).
        model: Mean output of the model, [n, endpoints].
        forest: Of the forest, [n, endpoints].
        index: Of the endpoint.

    """
    measured = np.flatnonzero(~np.isnan(data.targets[:, index]))
    regression = data.endpoints[index].is_regression
    truth = data.targets[measured, index].astype(float)
    rows = []
    for low, high in pairwise(SIMILARITY_EDGES):
        inside = (similarity >= low) & ((similarity < high) | (high == SIMILARITY_EDGES[-1]))
        row: dict[str, Any] = {"from": low, "to": high, "n": int(inside.sum())}
        if inside.sum() > 1:
            if not regression:
                row["positives"] = int(truth[inside].sum())
            for name, values in (("model", model), ("forest", forest)):
                part = values[measured[inside], index].astype(float)
                known = ~np.isnan(part)
                found = scores(truth[inside][known], part[known], regression=regression)
                row[name] = {metric: round(value, 6) for metric, value in found.items()}
        rows.append(row)
    return rows


def nearest_out_of_fold(data: TrainingData, rows: NDArray[np.int64], folds: NDArray[np.int8]) -> NDArray[np.float32]:
    """Similarity of each of ``rows`` to the nearest of them in another fold."""
    bits = FoldedBits.of(data.fingerprints(rows))
    similarity = np.zeros(len(rows), dtype=np.float32)
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds[rows] == fold), np.flatnonzero(folds[rows] != fold)
        similarity[inside] = nearest_similarity(bits.take(inside), bits.take(outside))
    return similarity


def headline(data: TrainingData, metrics: dict[str, Any]) -> str:
    """Benchmark table for terminals: model (forest) under each scheme."""
    schemes = [s for s in ("scaffold", "random", "cluster") if any(s in row for row in metrics.values())]
    lines = [f"{'endpoint':34} {'n':>6} {'prev.':>6}  " + "  ".join(f"{s + ': model (forest)':33}" for s in schemes)]
    for endpoint in data.endpoints:
        row = metrics[endpoint.name]
        names = ("mae", "r2") if endpoint.is_regression else ("auroc", "auprc")
        cells = []
        for scheme in schemes:
            shown = [f"{_mean(row, scheme, 'model', m)} ({_mean(row, scheme, 'forest', m)})" for m in names]
            cells.append(f"{' / '.join(shown) if scheme in row else '':33}")
        prevalence = "" if endpoint.is_regression else f"{row['scaffold']['prevalence']:.3f}"
        lines.append(f"{endpoint.name:34} {row['scaffold']['n']:6} {prevalence:>6}  {'  '.join(cells)}".rstrip())
    return "\n".join(lines)


def _mean(row: dict[str, Any], scheme: str, name: str, metric: str) -> str:
    found = row.get(scheme, {}).get(name, {}).get(metric)
    return "-" if found is None else f"{found['mean']:.3f}"
