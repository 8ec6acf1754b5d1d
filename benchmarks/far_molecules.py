"""Which training data carry furthest: known antibiotic classes left out of training, and a scaffold fold as the pool.

    python benchmarks/far_molecules.py --unlabelled pubchem_100k.tsv.gz --json benchmarks/far_molecules.json

Needs what `make train` leaves in training/, for the variant `toxcast` the auxiliary table (`molsieve training curate
--auxiliary training/auxiliary.parquet ...`), and for `unlabelled` a file of SMILES. Each variant trains both kinds of
network of the stack, without specialists, on the same molecules and is asked for the same ones; boosters and forest
learn one endpoint at a time and stand beside them. A seed is a pool (scaffold fold) and a start of the networks. What
was predicted is kept, so the script can be interrupted and goes on. Ten minutes a seed on one core.
"""

import argparse
import gzip
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rdkit import Chem
from safetensors.numpy import load_file, save_file
from sklearn.ensemble import ExtraTreesClassifier

from molsieve import project_root
from molsieve.chemistry.standardise import StandardiseOptions
from molsieve.files import replacing, write_text
from molsieve.models.endpoints import Endpoint
from molsieve.models.features import SparseFeatures
from molsieve.models.fingerprint_set import FoldedBits, nearest_similarity
from molsieve.models.record import connectivity_hash
from molsieve.models.rich_features import rich_features
from molsieve.scoring.classes import antibacterial_class
from molsieve.training.baselines import TREES, folded_counts
from molsieve.training.components import Component, fit_component
from molsieve.training.curation import read_table, structures_of
from molsieve.training.data import TrainingData, read_rich, training_data
from molsieve.training.datasets import load_registry
from molsieve.training.evaluation import member_mean, scores
from molsieve.training.extrapolation import ACTIVITY, BETA_LACTAMS, CLASSES, share_on_top
from molsieve.training.fit import TrainOptions
from molsieve.training.splits import read_folds

VARIANTS = {
    "activity": "the 3 activity endpoints and the 40 gut strains",
    "all": "all 77 endpoints, as shipped",
    "toxcast": "all 77 and the 345 auxiliary ToxCast assays",
    "descriptors": "all 77 and, as a task, a sample of the 195 descriptors (for the network on Morgan ids alone)",
    "unlabelled": "the same with 20,000 molecules of a vendor's library, of which nothing but descriptors is known",
}
ON_MORGAN_IDS = ("descriptors", "unlabelled")
UNLABELLED = 20_000
NETWORKS: tuple[Component, ...] = ("morgan", "rich")
ALONE = ("forest", "boosters")
BOTH = "activity and all"
SCREENS = (ACTIVITY, "ecoli_growth_inhibition", "abaumannii_growth_inhibition")
FAR = 0.4
# So many cells of the descriptors as make them count about as much as a large endpoint.
DESCRIPTOR_CELLS = 0.02


class Sources(NamedTuple):
    """Files beside the curated table."""

    auxiliary: Path
    unlabelled: Path | None


def with_tasks(data: TrainingData, variant: str, sources: Sources, seed: int) -> TrainingData:
    """Data with the endpoints of a variant, and for some with further tasks, or with further molecules at the end."""
    if variant == "activity":
        places = [i for i, e in enumerate(data.endpoints) if e.family in {"activity", "gut"}]
        return replace(data, endpoints=tuple(data.endpoints[i] for i in places), targets=data.targets[:, places])
    if variant == "toxcast":
        table = pq.read_table(sources.auxiliary)
        names = [name for name in table.column_names if name.startswith("toxcast_")]
        row_of = {key: row for row, key in enumerate(data.connectivity)}
        rows = np.array([row_of.get(key, -1) for key in table["connectivity"].to_pylist()])
        more = np.full((data.molecules, len(names)), np.nan, dtype=np.float32)
        for column, name in enumerate(names):
            values = table[name].to_numpy(zero_copy_only=False).astype(np.float32)
            more[rows[rows >= 0], column] = values[rows >= 0]
        return _beside(data, names, "classification", more)
    if variant == "unlabelled":
        data = _with_molecules(data, sources)
    if variant in ON_MORGAN_IDS:
        values = data.features("rich").descriptors.astype(np.float32)
        chosen = np.random.default_rng(seed).random(values.shape) < DESCRIPTOR_CELLS
        names = [f"descriptor_{i}" for i in range(values.shape[1])]
        return _beside(data, names, "regression", np.where(chosen, values, np.nan).astype(np.float32))
    return data


def _with_molecules(data: TrainingData, sources: Sources) -> TrainingData:
    """Append molecules without labels that are not in the data; their features are kept beside the auxiliary table."""
    kept = sources.auxiliary.parent / "unlabelled.safetensors"
    if not kept.exists():
        if sources.unlabelled is None:
            raise SystemExit("The variant `unlabelled` needs --unlabelled FILE.")
        with gzip.open(sources.unlabelled, "rt") as file:
            smiles = [line.split()[0] for line in islice(file, 1, 1 + UNLABELLED)]
        structures = structures_of(smiles, StandardiseOptions())
        known = set(data.connectivity)
        new = {s.connectivity: s.parent_smiles for s in structures if s.connectivity and s.connectivity not in known}
        described = rich_features(list(new.values()), workers=1)
        both = {"morgan": described.morgan, "rich": described.rich}
        tensors = {f"{kind}.{name}": a for kind, f in both.items() for name, a in f._asdict().items()}
        save_file(tensors | {"hashes": _hashes(new)[described.rows]}, kept)
    stored = load_file(kept)
    if np.isin(stored["hashes"], _hashes(data.connectivity)).any():
        raise SystemExit(f"Training molecules are among those of {kept}: delete it.")
    morgan, rich = (SparseFeatures(*(stored[f"{k}.{n}"] for n in SparseFeatures._fields)) for k in ("morgan", "rich"))
    more = rich.molecules
    return replace(
        data,
        connectivity=[*data.connectivity, *[""] * more],
        parent_smiles=[*data.parent_smiles, *[""] * more],
        targets=np.vstack([data.targets, np.full((more, data.targets.shape[1]), np.nan, dtype=np.float32)]),
        morgan=_joined(data.morgan, morgan),
        rich=_joined(data.features("rich"), rich),
    )


def _hashes(connectivity: Iterable[str]) -> NDArray[np.uint64]:
    return np.array([connectivity_hash(key) for key in connectivity], dtype=np.uint64)


def _joined(first: SparseFeatures, second: SparseFeatures) -> SparseFeatures:
    return SparseFeatures(
        np.concatenate([first.ids, second.ids]),
        np.concatenate([first.counts, second.counts]),
        np.concatenate([first.offsets, second.offsets[1:] + first.offsets[-1]]),
        np.concatenate([first.descriptors, second.descriptors]),
    )


def _beside(data: TrainingData, names: list[str], task: str, more: NDArray[np.float32]) -> TrainingData:
    example = next(e for e in data.endpoints if e.is_regression == (task == "regression"))
    tasks = tuple(example.model_copy(update={"name": name, "family": "auxiliary"}) for name in names)
    return replace(data, endpoints=data.endpoints + tasks, targets=np.hstack([data.targets, more]))


class Question:
    """Which molecules are trained on, and which are asked for, with one scaffold fold as the pool."""

    def __init__(self, data: TrainingData, classes: NDArray[np.str_], folds: NDArray[np.int8], fold: int) -> None:
        names = [e.name for e in data.endpoints]
        self.labels = {name: data.targets[:, names.index(name)] for name in SCREENS}
        is_member = classes != ""
        saureus = self.labels[ACTIVITY]
        self.members = {name: np.flatnonzero((classes == name) & (saureus == 1)) for name in CLASSES}
        self.pools = {
            name: np.flatnonzero((folds == fold) & ~is_member & ~np.isnan(label)) for name, label in self.labels.items()
        }
        self.train = np.flatnonzero((folds != fold) & ~is_member & ~np.isnan(data.targets).all(axis=1))
        self.test = np.unique(np.concatenate([*self.members.values(), *self.pools.values()]))
        self._place = np.full(data.molecules, -1)
        self._place[self.test] = np.arange(len(self.test))
        pool = self.pools[ACTIVITY]
        known = self.train[~np.isnan(saureus[self.train])]
        sets = [FoldedBits.of(data.fingerprints(rows)) for rows in (pool, known)]
        self.is_far = nearest_similarity(*sets) < FAR

    def answers(self, outputs: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
        """Metrics of the outputs for ``test`` by screen."""
        found: dict[str, Any] = {"classes": {}}
        values = outputs[ACTIVITY]
        pool = self.pools[ACTIVITY]
        for name, members in self.members.items():
            both = np.concatenate([values[self._place[members]], values[self._place[pool]]]).astype(float)
            is_class = np.arange(len(both)) < len(members)
            found["classes"][name] = {
                "auroc": round(scores(is_class.astype(float), both, regression=False)["auroc"], 4),
                "top": share_on_top(both.astype(np.float32), is_class),
            }
        for name, rows in self.pools.items():
            found[name] = self._scores(name, rows, outputs)
        found["far"] = self._scores(ACTIVITY, pool[self.is_far], outputs)
        return found

    def _scores(self, name: str, rows: NDArray[np.int64], outputs: dict[str, NDArray[np.float32]]) -> dict[str, float]:
        truth = self.labels[name][rows].astype(float)
        found = scores(truth, outputs[name][self._place[rows]].astype(float), regression=False)
        return {metric: round(value, 4) for metric, value in found.items()}


def of_screens(endpoints: tuple[Endpoint, ...], values: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Columns of the screens."""
    names = [e.name for e in endpoints]
    return {screen: values[:, names.index(screen)] for screen in SCREENS}


def references(
    data: TrainingData, question: Question, seed: int
) -> Iterator[tuple[str, dict[str, NDArray[np.float32]]]]:
    """What learns one endpoint at a time: the forest and the boosters."""
    columns = folded_counts(data.morgan)
    forest: dict[str, NDArray[np.float32]] = {}
    for screen in SCREENS:
        label = question.labels[screen][question.train]
        trees = ExtraTreesClassifier(TREES, n_jobs=1, random_state=seed)
        trees.fit(columns[question.train[~np.isnan(label)]], label[~np.isnan(label)])
        forest[screen] = trees.predict_proba(columns[question.test])[:, 1].astype(np.float32)
    yield "forest", forest
    places = [i for i, e in enumerate(data.endpoints) if e.name in SCREENS]
    part = replace(data, endpoints=tuple(data.endpoints[i] for i in places), targets=data.targets[:, places])
    rows = question.train[~np.isnan(part.targets[question.train]).all(axis=1)]
    fitted = fit_component(part, rows, "boosters", options=TrainOptions(), seed=seed, threads=1)
    yield "boosters", of_screens(part.endpoints, member_mean(fitted.outputs(part, question.test, 1)))


Outputs = dict[str, NDArray[np.float32]]
"""Of one model: for each screen, of the molecules of ``Question.test``."""


def run_seed(
    data: TrainingData, question: Question, seed: int, sources: Sources, variants: list[str], out: Path
) -> None:
    """Train what is missing in ``out`` for one seed: ``<variant>.<part>.<screen>``, [molecules asked for]."""
    done = load_file(out) if out.exists() else {}

    def keep(key: str, outputs: Outputs) -> None:
        done.update({f"{key}.{screen}": np.ascontiguousarray(values) for screen, values in outputs.items()})
        with replacing(out) as temporary:
            save_file(done, temporary)

    def is_missing(key: str) -> bool:
        return f"{key}.{ACTIVITY}" not in done

    if any(is_missing(name) for name in ALONE):
        for name, outputs in references(data, question, seed):
            keep(name, outputs)
    for variant in variants:
        taught = with_tasks(data, variant, sources, seed)
        train = np.concatenate([question.train, np.arange(data.molecules, taught.molecules)])
        rows = train[~np.isnan(taught.targets[train]).all(axis=1)]
        for network in NETWORKS[: 1 if variant in ON_MORGAN_IDS else None]:
            if is_missing(f"{variant}.{network}"):
                started = time.process_time()
                fitted = fit_component(taught, rows, network, options=TrainOptions(), seed=seed, threads=1, families=())
                found = member_mean(fitted.outputs(taught, question.test, 1))
                keep(f"{variant}.{network}", of_screens(taught.endpoints, found))
                print(f"seed {seed}, {variant}, {network}: {time.process_time() - started:.0f} s of CPU", flush=True)


def answered(question: Question, path: Path) -> dict[str, dict[str, Any]]:
    """Answers of every model of one seed, single and stacked: ``<part>`` or ``<part>, <variant>``."""
    stored = load_file(path)
    keys = dict.fromkeys(name.rpartition(".")[0] for name in stored)
    models: dict[str, Outputs] = {key: {s: stored[f"{key}.{s}"] for s in SCREENS} for key in keys}
    networks = {v: [f"{v}.{n}" for n in NETWORKS] for v in VARIANTS if f"{v}.{NETWORKS[-1]}" in models}
    if {"activity", "all"} <= set(networks):
        networks[BOTH] = networks["activity"] + networks["all"]
    found = {name: models[name] for name in ALONE}
    found |= {f"{part}, {variant}": m for key, m in models.items() for variant, _, part in [key.partition(".")] if part}
    for variant, parts in networks.items():
        # The boosters keep their third of the stack.
        mean = {s: np.mean([models[p][s] for p in parts], axis=0) for s in SCREENS}
        stack = {s: (2 * mean[s] + models["boosters"][s]) / 3 for s in SCREENS}
        found[f"stack, {variant}"] = stack
        found[f"stack and forest, {variant}"] = {s: (3 * stack[s] + _logit(models["forest"][s])) / 4 for s in SCREENS}
    return {name: question.answers(outputs) for name, outputs in found.items()}


def _logit(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    clipped = np.clip(probability, 1e-3, 1 - 1e-3)
    logit: NDArray[np.float32] = np.log(clipped / (1 - clipped))
    return logit


def table(seeds: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Mean over seeds, and for stack and networks the difference from all endpoints, with standard errors."""
    rows: dict[str, Any] = {}
    for name in seeds[0]:
        if all(name in found for found in seeds):
            figures = [_figures(found[name]) for found in seeds]
            rows[name] = _summary(figures)
            part, _, variant = name.partition(", ")
            if variant and variant != "all":
                whole = [_figures(found[f"{part}, all"]) for found in seeds]
                rows[name]["minus_all"] = _summary(
                    [{k: own[k] - base[k] for k in own} for own, base in zip(figures, whole, strict=True)]
                )
    return rows


def _figures(answers: dict[str, Any]) -> dict[str, float]:
    classes = answers["classes"].values()
    return {
        "class_auroc": float(np.mean([c["auroc"] for c in classes])),
        "class_top": float(np.mean([c["top"] for c in classes])),
        "far_auprc": answers["far"]["auprc"],
        "far_auroc": answers["far"]["auroc"],
        "saureus_auprc": answers[ACTIVITY]["auprc"],
        "ecoli_auroc": answers[SCREENS[1]]["auroc"],
        "abaumannii_auroc": answers[SCREENS[2]]["auroc"],
    }


def _summary(rows: list[dict[str, float]]) -> dict[str, Any]:
    columns = {k: np.array([row[k] for row in rows]) for k in rows[0]}
    return {
        k: {"mean": round(float(v.mean()), 4), "se": round(float(v.std(ddof=1) / len(v) ** 0.5), 4)}
        for k, v in columns.items()
    }


def main() -> None:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--training", type=Path, default=project_root() / "training")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="also the scaffold fold that is the pool"
    )
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--unlabelled", type=Path, help="packed file of SMILES with a header, for that variant")
    parser.add_argument("--work", type=Path, help="where seeds are kept; default <training>/far")
    parser.add_argument("--json", type=Path, help="summary to write")
    given = parser.parse_args()
    work = given.work or given.training / "far"
    work.mkdir(parents=True, exist_ok=True)
    registry = load_registry(project_root() / "config" / "datasets.yaml")
    curated = read_table(given.training / "curated.parquet", registry.endpoints)
    data = training_data(curated, registry.endpoints, read_rich(given.training / "rich.safetensors"))
    folds = read_folds(given.training / "splits.parquet", "scaffold")
    classes = np.array([_class_left_out(smiles) for smiles in data.parent_smiles])
    sources = Sources(given.training / "auxiliary.parquet", given.unlabelled)
    answers = []
    for seed in given.seeds:
        question = Question(data, classes, folds, seed)
        out = work / f"seed-{seed}.safetensors"
        run_seed(data, question, seed, sources, given.variants, out)
        answers.append(answered(question, out))
    if len(answers) > 1:
        rows = table(answers)
        text = json.dumps({"variants": VARIANTS, "seeds": given.seeds, "rows": rows}, indent=1)
        print(text)
        if given.json:
            write_text(given.json, text + "\n")


def _class_left_out(smiles: str) -> str:
    found = antibacterial_class(Chem.MolFromSmiles(smiles)) or ""
    found = "beta-lactam" if found in BETA_LACTAMS else found
    return found if found in CLASSES else ""


if __name__ == "__main__":
    main()
