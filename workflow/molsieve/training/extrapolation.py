"""How the models do where discovery happens: on classes, screens and splits they know nothing of.

Each case trains the parts of a stack, on all endpoints as they ship or on one screen alone (``transfer``), and a
forest, without some molecules, and looks at how these are ranked. The stack weighs its trained parts alike here and
reads across beside them, so no weight is chosen by the molecules left out; that activity has specialists was chosen by
such classes, among others (``components``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from sklearn.ensemble import ExtraTreesClassifier

from molsieve.errors import MolsieveError
from molsieve.models.fingerprint_set import FoldedBits
from molsieve.models.read_across import read_across
from molsieve.models.record import TrainingRecord
from molsieve.scoring.classes import antibacterial_class
from molsieve.training.baselines import TREES, folded_counts
from molsieve.training.components import STACKED, fit_component
from molsieve.training.data import TrainingData
from molsieve.training.evaluation import member_mean, scores, summary
from molsieve.training.fit import TrainOptions
from molsieve.training.stacking import NEIGHBOURS, stacked, with_read_across

ACTIVITY = "saureus_growth_inhibition"
BETA_LACTAMS = ("penam", "cephem", "carbapenem", "monobactam", "beta-lactam")
"""Left out together: they share the ring that makes the class."""
CLASSES: tuple[str, ...] = (
    "beta-lactam",
    "macrolide",
    "quinolone",
    "tetracycline",
    "aminoglycoside",
    "cyclic peptide",
    "nitrofuran",
    "glycopeptide",
)
"""Classes with at least five S. aureus actives in the training data."""
TOP = 0.05


@dataclass(frozen=True)
class Ranked:
    """Outputs for molecules that were left out, [molecules, endpoints asked for]; NaN where there is no prediction."""

    parts: dict[str, NDArray[np.float32]]
    """Trained ones, then read-across."""
    forest: NDArray[np.float32]

    @property
    def model(self) -> NDArray[np.float32]:
        """Mean of the trained parts alike, with read-across beside them."""
        return stacked(list(self.parts.values()), with_read_across((1.0,) * (len(self.parts) - 1)))


def rank(
    data: TrainingData,
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    asked: Sequence[int],
    *,
    seed: int,
    threads: int,
    options: TrainOptions,
) -> Ranked:
    """Train on some molecules and predict others.

    Args:
        data: Curated molecules.
        train: Rows to train on.
        test: Rows to predict.
        asked: Endpoints wanted, classifications or regressions; the networks learn the others too.
        seed: Of everything random.
        threads: CPU threads.
        options: Of the networks.

    """
    part = data.of_endpoints(asked)
    parts: dict[str, NDArray[np.float32]] = {}
    for component in STACKED:
        # Trees learn one endpoint at a time, so those that nobody asks for can be left out.
        if component == "boosters":
            fitted = fit_component(part, train, component, options=options, seed=seed, threads=threads)
            parts[component] = member_mean(fitted.outputs(part, test, threads))
        else:
            families = {e.family for e in part.endpoints}
            fitted = fit_component(
                data, train, component, options=options, seed=seed, threads=threads, families=families
            )
            parts[component] = member_mean(fitted.outputs(data, test, threads))[:, asked]
    parts[NEIGHBOURS] = _read_across(part, train, test)
    columns = folded_counts(data.morgan)
    forest = np.full((len(test), len(asked)), np.nan, dtype=np.float32)
    for i in np.flatnonzero(~part.is_regression):
        known = train[~np.isnan(part.targets[train, i])]
        trees = ExtraTreesClassifier(TREES, n_jobs=threads, random_state=seed)
        trees.fit(columns[known], part.targets[known, i])
        forest[:, i] = trees.predict_proba(columns[test])[:, 1]
    return Ranked(parts, forest)


def _read_across(data: TrainingData, train: NDArray[np.int64], test: NDArray[np.int64]) -> NDArray[np.float32]:
    record = TrainingRecord.of([data.connectivity[i] for i in train], data.fingerprints(train), data.targets[train])
    outputs = np.full((len(test), len(data.endpoints)), np.nan, dtype=np.float32)
    classes = np.flatnonzero(~data.is_regression)
    outputs[:, classes] = read_across(FoldedBits.of(data.fingerprints(test)), record, classes.tolist())
    return outputs


def class_left_out(
    data: TrainingData, name: str, pool_folds: NDArray[np.int8], *, seed: int, threads: int, options: TrainOptions
) -> dict[str, Any]:
    """Share of a class's actives among the best 5 % when neither the class nor the pool was trained on.

    Args:
        data: Curated molecules.
        name: One of ``CLASSES``.
        pool_folds: Scaffold fold of each molecule; fold 0 is the pool the class has to stand out from.
        seed: Of everything random.
        threads: CPU threads.
        options: Of the networks.

    """
    names = BETA_LACTAMS if name == "beta-lactam" else (name,)
    is_member = np.array([antibacterial_class(Chem.MolFromSmiles(s)) in names for s in data.parent_smiles])
    index = [e.name for e in data.endpoints].index(ACTIVITY)
    labels = data.targets[:, index]
    in_pool = (pool_folds == 0) & ~is_member & ~np.isnan(labels)
    train = np.flatnonzero(~is_member & (pool_folds != 0))
    members = np.flatnonzero(is_member & (labels == 1.0))
    test = np.concatenate([members, np.flatnonzero(in_pool)])
    ranked = rank(data, train, test, [index], seed=seed, threads=threads, options=options)
    is_class = np.arange(len(test)) < len(members)
    found: dict[str, Any] = {"class": name, "members": len(members), "pool": int(in_pool.sum())}
    outputs = {"model": ranked.model, "forest": ranked.forest, **ranked.parts}
    return found | {key: share_on_top(values[:, 0], is_class) for key, values in outputs.items()}


def share_on_top(values: NDArray[np.float32], is_class: NDArray[np.bool_]) -> float:
    """Share of the class among the best ``TOP`` of class and pool; ties count half."""
    limit = np.quantile(values, 1 - TOP)
    own = values[is_class]
    return round(float((own > limit).mean() + 0.5 * (own == limit).mean()), 3)


def transfer(data: TrainingData, source: str, *, seed: int, threads: int, options: TrainOptions) -> dict[str, Any]:
    """Train on one screen alone and rank the molecules that only the S. aureus screen has.

    Args:
        data: Curated molecules.
        source: Endpoint trained on.
        seed: Of everything random.
        threads: CPU threads.
        options: Of the networks.

    """
    names = [e.name for e in data.endpoints]
    taught, asked = names.index(source), names.index(ACTIVITY)
    others = [i for i, e in enumerate(data.endpoints) if e.family == "activity" and i != asked]
    only = ~np.isnan(data.targets[:, asked]) & np.isnan(data.targets[:, others]).all(axis=1)
    rows = np.flatnonzero(~np.isnan(data.targets[:, taught]) | only)
    alone = TrainingData(
        endpoints=(data.endpoints[taught],),
        connectivity=[data.connectivity[i] for i in rows],
        parent_smiles=[data.parent_smiles[i] for i in rows],
        targets=data.targets[rows][:, [taught]],
        morgan=data.morgan.take(rows),
        rich=None if data.rich is None else data.rich.take(rows),
    )
    test = np.flatnonzero(only[rows])
    train = np.flatnonzero(~np.isnan(alone.targets[:, 0]))
    ranked = rank(alone, train, test, [0], seed=seed, threads=threads, options=options)
    truth = data.targets[rows[test], asked].astype(float)
    found: dict[str, Any] = {"trained_on": source, "n": len(test), "positives": int(truth.sum())}
    outputs = {"model": ranked.model, "forest": ranked.forest, **ranked.parts}
    for key, values in outputs.items():
        found[key] = {m: round(v, 4) for m, v in scores(truth, values[:, 0].astype(float), regression=False).items()}
    return found


def protocol(
    data: TrainingData,
    endpoints: Sequence[str],
    held_out: NDArray[np.bool_],
    tested: NDArray[np.bool_],
    *,
    seed: int,
    threads: int,
    options: TrainOptions,
) -> dict[str, Any]:
    """Mean AUROC and AUPRC over some endpoints for molecules of a published test set, held out of everything.

    Args:
        data: Curated molecules.
        endpoints: Those averaged over.
        held_out: Molecules not trained on.
        tested: Those of them that are scored.
        seed: Of everything random.
        threads: CPU threads.
        options: Of the networks.

    Raises:
        MolsieveError: None of the molecules is held out.

    """
    test = np.flatnonzero(tested)
    if not len(test):
        raise MolsieveError("The published split holds out none of the curated molecules.")
    indices = [i for i, e in enumerate(data.endpoints) if e.name in set(endpoints)]
    ranked = rank(data, np.flatnonzero(~held_out), test, indices, seed=seed, threads=threads, options=options)
    found: dict[str, Any] = {"seed": seed, "molecules": len(test), "endpoints": len(indices)}
    outputs = {"model": ranked.model, "forest": ranked.forest, **ranked.parts}
    for key, values in outputs.items():
        each = []
        for column, i in enumerate(indices):
            known = ~np.isnan(data.targets[test, i]) & ~np.isnan(values[:, column])
            truth = data.targets[test[known], i].astype(float)
            each.append(scores(truth, values[known, column].astype(float), regression=False))
        found[key] = {m: s["mean"] for m, s in summary([e for e in each if e]).items()}
    return found


def moleculenet_split(scaffolds: Sequence[str], train: float = 0.8, valid: float = 0.1) -> NDArray[np.int8]:
    """MoleculeNet's deterministic scaffold split: 0 training, 1 validation, 2 test (doi:10.1039/C7SC02664A).

    Scaffold groups in order of falling size fill the training set, then the validation set; the rest is the test set.

    Args:
        scaffolds: Murcko scaffold of each molecule in the order of the published file; acyclic ones are one group, as
            there.
        train: Share of the molecules to train on.
        valid: Share of the molecules to validate on.

    """
    groups: dict[str, list[int]] = {}
    for i, scaffold in enumerate(scaffolds):
        groups.setdefault(scaffold, []).append(i)
    ordered = sorted(groups.values(), key=lambda group: (len(group), group[0]), reverse=True)
    parts = np.full(len(scaffolds), 2, dtype=np.int8)
    in_train = in_valid = 0
    for group in ordered:
        if in_train + len(group) <= train * len(scaffolds):
            parts[group] = 0
            in_train += len(group)
        elif in_train + in_valid + len(group) <= (train + valid) * len(scaffolds):
            parts[group] = 1
            in_valid += len(group)
    return parts
