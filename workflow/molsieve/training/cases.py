"""The single cases of ``extrapolation`` by name, and their results as tables beside the bars they are measured by."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molsieve.chemistry.standardise import StandardiseOptions
from molsieve.errors import MolsieveError
from molsieve.training.curation import published_parts, scaffold_of, structures_of
from molsieve.training.data import TrainingData
from molsieve.training.datasets import Dataset, Registry
from molsieve.training.extrapolation import class_left_out, moleculenet_split, protocol, transfer
from molsieve.training.fit import TrainOptions
from molsieve.training.significance import corrected_error
from molsieve.training.splits import FOLDS, read_folds
from molsieve.training.stacking import NEIGHBOURS

_ERRORS = ("mae", "rmse")
# Bars by endpoint: published figures, or what the project aims at beyond them.
_FOLD_BARS: tuple[tuple[str, str, str, tuple[str, ...], str], ...] = (
    ("saureus_growth_inhibition", "5 random folds", "auprc", ("random",), "0.45"),
    ("saureus_growth_inhibition", "5 scaffold folds", "auprc", ("scaffold",), "0.38"),
    ("ecoli_growth_inhibition", "random folds", "auroc", ("random", "random1", "random2", "random3"), "0.92"),
    ("abaumannii_growth_inhibition", "random folds", "auroc", ("random", "random1"), "0.83"),
    ("ames", "5 scaffold folds", "auroc", ("scaffold",), "0.87"),
    ("herg", "5 scaffold folds", "auroc", ("scaffold",), "0.87"),
    ("dili", "5 scaffold folds", "auroc", ("scaffold",), "0.91"),
    ("ld50", "5 scaffold folds", "mae", ("scaffold",), "0.58"),
)


def run_case(
    case: str,
    data: TrainingData,
    registry: Registry,
    splits: Path,
    *,
    cache: Path,
    seed: int,
    threads: int,
    options: TrainOptions,
) -> dict[str, Any]:
    """Run one case: ``class:NAME`` (_ for a space), ``transfer:ENDPOINT``, ``gut:SEED`` or ``tox21:SEED``.

    Raises:
        MolsieveError: There is no such case.

    """
    kind, _, argument = case.partition(":")
    if kind in {"gut", "tox21"}:
        seed += int(argument or 0)
    if kind == "class":
        folds = read_folds(splits, "scaffold")
        found = class_left_out(data, argument.replace("_", " "), folds, seed=seed, threads=threads, options=options)
    elif kind == "transfer":
        found = transfer(data, argument, seed=seed, threads=threads, options=options)
    elif kind == "gut":
        dataset = _dataset(registry, "maier2018")
        parts = published_parts(dataset, cache, StandardiseOptions())
        held_out = np.array([parts.get(key, "") == "validation" for key in data.connectivity])
        names = [e.name for e in data.endpoints if e.family == "gut"]
        found = protocol(data, names, held_out, held_out, seed=seed, threads=threads, options=options)
    elif kind == "tox21":
        placed = _tox21_parts(data, _dataset(registry, "tox21"), cache)
        names = [e.name for e in data.endpoints if e.name.startswith("tox21_")]
        found = protocol(data, names, placed > 0, placed == 2, seed=seed, threads=threads, options=options)
    else:
        raise MolsieveError(
            f"There is no case '{case}'.", fix="Give class:NAME, transfer:ENDPOINT, gut:SEED or tox21:SEED."
        )
    return {"case": case} | found


def _dataset(registry: Registry, name: str) -> Dataset:
    return next(d for d in registry.datasets if d.name == name)


def _tox21_parts(data: TrainingData, dataset: Dataset, cache: Path) -> NDArray[np.int8]:
    """Part of each curated molecule in MoleculeNet's split; 0 also for those that are not in Tox21.

    A connectivity that the published split has in several parts counts as the earliest: never tested, if trained on.
    """
    smiles = [str(s) for s in dataset.read(cache)[dataset.structure_column]]
    mols = [Chem.MolFromSmiles(s) for s in smiles]
    kept = [i for i, mol in enumerate(mols) if mol is not None]
    parts = moleculenet_split([scaffold_of(mols[i]) for i in kept])
    found: dict[str, int] = {}
    for i, part in zip(kept, parts, strict=True):
        key = structures_of([smiles[i]], StandardiseOptions())[0].connectivity
        if key:
            found[key] = min(int(part), found.get(key, 2))
    return np.array([found.get(key, 0) for key in data.connectivity], dtype=np.int8)


def tables(cases: Sequence[dict[str, Any]], metrics: dict[str, Any]) -> dict[str, Any]:
    """Tables of the model card.

    Args:
        cases: Results of ``run_case``.
        metrics: Of the refine model, by endpoint and scheme.

    """
    return {
        "protocols": [*fold_protocols(metrics), *_published_rows(cases)],
        "classes_pool": "one scaffold fold of the S. aureus screen, not trained on either",
        "classes": [c for c in cases if c["case"].startswith("class:")],
        "transfer": [c for c in cases if c["case"].startswith("transfer:")],
    }


def fold_protocols(metrics: dict[str, Any]) -> list[dict[str, str]]:
    """Figures over our own folds beside their bars, from the metrics of the refine model by endpoint and scheme."""
    rows = []
    for endpoint, how, metric, schemes, bar in _FOLD_BARS:
        found = [metrics[endpoint][s] for s in schemes if s in metrics.get(endpoint, {})]
        if found:
            n = sum(len(f["model"][metric]["folds"]) for f in found)
            row = {"endpoint": endpoint, "protocol": f"{how} ({n} held-out sets)", "metric": metric, "bar": bar}
            own, forest = (
                np.array([v for f in found for v in f.get(name, {}).get(metric, {}).get("folds", [])])
                for name in ("model", "forest")
            )
            rows.append(row | _beside(own, forest, metric, test_to_train=1 / (FOLDS - 1)))
    return rows


def _beside(
    own: NDArray[np.float64], forest: NDArray[np.float64], metric: str, *, test_to_train: float
) -> dict[str, str]:
    """Mean ± standard deviation of model and forest, and of the paired difference ± standard error.

    Args:
        own: Metric of the model on each held-out set, or with each seed.
        forest: Of the forest on the same sets.
        metric: Which; errors are better when they are smaller.
        test_to_train: Of folds that share training data, as in ``corrected_error``; 0 for seeds of one split.

    """
    row = {name: _mean_and_sd(values) for name, values in (("model", own), ("forest", forest))}
    if len(own) != len(forest) or len(own) < 2:
        return row | {"difference": "-"}
    more = own - forest
    better = int((more < 0 if metric in _ERRORS else more > 0).sum())
    error = corrected_error(more, test_to_train)
    return row | {"difference": f"{more.mean():+.3f} ± {error:.3f}, better in {better} of {len(more)}"}


def _mean_and_sd(values: NDArray[np.float64]) -> str:
    if not len(values):
        return "-"
    return f"{values.mean():.3f}" + (f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else "")


def _published_rows(cases: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    rows = []
    for kind, endpoint, how, bars in (
        ("gut", "gut strains, mean of 40", "published validation compounds", {"auroc": "0.91", "auprc": "0.80"}),
        ("tox21", "Tox21, mean of 12", "MoleculeNet's scaffold split, test part", {"auroc": "0.80"}),
    ):
        found = [c for c in cases if c["case"].partition(":")[0] == kind]
        seeds = f"{len(found)} seed{'s' if len(found) > 1 else ''}"
        if not all(NEIGHBOURS in c for c in found):
            seeds += ", trained parts alone"
        for metric, bar in bars.items():
            if found:
                row = {
                    "endpoint": endpoint,
                    "protocol": f"{how} ({seeds})",
                    "metric": metric,
                    "bar": bar,
                }
                own, forest = (np.array([c[name][metric] for c in found]) for name in ("model", "forest"))
                rows.append(row | _beside(own, forest, metric, test_to_train=0.0))
    return rows
