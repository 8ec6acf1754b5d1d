"""Cross-validation of somebody's own assay: the model, its parts and the baselines on the same held-out molecules."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from molsieve.models.model import NetworkPart
from molsieve.training.baselines import baseline_fold
from molsieve.training.data import TrainingData
from molsieve.training.evaluation import BASELINES, OutOfFold, scores, summary
from molsieve.training.external_metrics import Labelled
from molsieve.training.own_folds import HeldOut
from molsieve.training.own_parts import fit_parts
from molsieve.training.significance import margin
from molsieve.training.stacking import stacked
from molsieve.training.warm_start import WarmOptions

Step = Callable[[], None]


class Recipe(NamedTuple):
    """How the model is trained."""

    donor: NetworkPart
    options: WarmOptions
    with_boosters: bool
    seed: int
    threads: int


class Comparison(NamedTuple):
    """The model against a baseline over the same held-out sets."""

    baseline: str
    metric: str
    difference: float
    """Mean; positive when the model is better."""
    margin: float
    """Half the width of its 95 % interval, corrected for overlapping training sets; infinite for one held-out set."""

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``no different``."""
        if abs(self.difference) <= self.margin:
            return "no different"
        return "better" if self.difference > 0 else "worse"


def out_of_fold(data: TrainingData, split: HeldOut, recipe: Recipe, step: Step) -> OutOfFold:
    """Predict every molecule of the tested parts by models that have not seen it.

    Args:
        data: The molecules, one endpoint.
        split: How they are split.
        recipe: How the model is trained.
        step: Called after each part.

    """
    endpoint = data.endpoints[0]
    labels = data.targets[:, 0]
    parts: dict[str, NDArray[np.float32]] = {}
    baselines = {name: np.full((data.molecules, 1), np.nan, dtype=np.float32) for name in BASELINES}
    with tempfile.TemporaryDirectory(prefix="molsieve-own-") as folder:
        for fold in split.tested:
            inside, outside = np.flatnonzero(split.folds == fold), np.flatnonzero(split.folds != fold)
            fitted = fit_parts(
                recipe.donor,
                data.morgan.take(outside),
                labels[outside],
                endpoint.name,
                regression=endpoint.is_regression,
                with_boosters=recipe.with_boosters,
                options=recipe.options,
                seed=recipe.seed + fold,
                threads=recipe.threads,
            )
            for name, outputs in fitted.outputs(data.morgan.take(inside), recipe.threads).items():
                whole = parts.setdefault(name, np.full((data.molecules, *outputs.shape[1:]), np.nan, np.float32))
                whole[inside] = outputs
            stored = Path(folder) / f"{fold}.safetensors"
            baseline_fold(data, split.folds, fold, stored, seed=recipe.seed, threads=recipe.threads)
            found = load_file(stored)
            for name, key in BASELINES.items():
                baselines[name][found["rows"]] = found[key]
            step()
    return OutOfFold(split.folds, parts, baselines)


def model_output(oof: OutOfFold) -> NDArray[np.float32]:
    """Output of the whole model for each molecule: the mean of its parts."""
    return stacked([part.mean(axis=1)[:, 0] for part in oof.parts.values()], (1.0,) * len(oof.parts))


def held_out_sets(data: TrainingData, repeats: Sequence[OutOfFold], tested: Sequence[int]) -> list[Labelled]:
    """Labels and outputs of the whole model in every held-out set of every repeat."""
    truth = data.targets[:, 0].astype(float)
    outputs = [(oof.folds, model_output(oof).astype(float)) for oof in repeats]
    return [Labelled(truth[folds == fold], values[folds == fold]) for folds, values in outputs for fold in tested]


def held_out_metrics(data: TrainingData, repeats: Sequence[OutOfFold], tested: Sequence[int]) -> dict[str, Any]:
    """Mean, standard deviation and single values over all held-out sets of all repeats.

    Returns:
        In the shape of ``evaluation.endpoint_metrics``, with the number of ``repeats``.

    """
    truth = data.targets[:, 0].astype(float)
    regression = data.endpoints[0].is_regression
    each: dict[str, list[dict[str, float]]] = {}
    for oof in repeats:
        predicted = {"model": model_output(oof)}
        if len(oof.parts) > 1:
            predicted |= {name: p.mean(axis=1)[:, 0] for name, p in oof.parts.items()}
        predicted |= {name: values[:, 0] for name, values in oof.baselines.items()}
        for fold in tested:
            inside = oof.folds == fold
            for name, values in predicted.items():
                own = values[inside].astype(float)
                known = ~np.isnan(own)
                found = scores(truth[inside][known], own[known], regression=regression) if known.any() else {}
                each.setdefault(name, []).append(found)
    inside = np.isin(repeats[0].folds, tested)
    result: dict[str, Any] = {"n": int(inside.sum()), "repeats": len(repeats)}
    if not regression:
        result |= {"positives": int(truth[inside].sum()), "prevalence": round(float(truth[inside].mean()), 4)}
    return result | {name: summary(found) for name, found in each.items()}


def compare(metrics: dict[str, Any], test_to_train: float, *, regression: bool) -> Comparison | None:
    """The model against the best of the baselines; None when there is nothing to compare.

    Args:
        metrics: By ``held_out_metrics``.
        test_to_train: Molecules of a held-out set by those trained on.
        regression: Whether the labels are values.

    """
    metric = "r2" if regression else "auroc"
    known = {name: metrics[name][metric] for name in BASELINES if metrics.get(name, {}).get(metric)}
    own = metrics.get("model", {}).get(metric)
    if not known or not own:
        return None
    best = max(known, key=lambda name: known[name]["mean"])
    own_values, others = np.array(own["folds"]), np.array(known[best]["folds"])
    if len(own_values) != len(others):
        return Comparison(best, metric, round(own["mean"] - known[best]["mean"], 4), float("inf"))
    gap = own_values - others
    return Comparison(best, metric, round(float(gap.mean()), 4), round(margin(gap, test_to_train), 4))
