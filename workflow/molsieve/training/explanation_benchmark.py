"""The benchmark of the explanations: models trained for it, molecules they have not seen, and all grades."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from sklearn.metrics import roc_auc_score

from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.models.attribution import Output, atom_weights
from molsieve.models.boosters import Boosters
from molsieve.models.features import SparseFeatures
from molsieve.training.boosting import fit_boosters
from molsieve.training.data import TrainingData
from molsieve.training.explanation_grades import (
    SYNTHETIC,
    Case,
    case,
    grade,
    network_output,
    only_toxicophore,
    toxicophores,
)
from molsieve.training.explanation_methods import METHODS
from molsieve.training.fit import TrainOptions, fit_network

KINDS = ("morgan", "rich")
SEEDS = (1, 2)
SYNTHETIC_MOLECULES = 5000
SYNTHETIC_POSITIVES = 500
SYNTHETIC_CASES = 60
COMPARED = 120
"""Mutagens on which the methods are compared; the one in use is also graded on those the choice has not seen."""

Say = Callable[[str], None]


class SyntheticMolecules(NamedTuple):
    """Molecules with the labels of endpoints made up from substructures."""

    rows: NDArray[np.int64]
    """In the data, [n]."""
    labels: NDArray[np.bool_]
    """Whether the molecule has the substructure, [n, patterns of ``SYNTHETIC``]."""
    held_out: NDArray[np.bool_]
    """A fifth, which models are not trained on, [n]."""

    def positives(self, place: int) -> NDArray[np.int64]:
        """Rows of held-out molecules to explain."""
        return self.rows[self.held_out & self.labels[:, place]][:SYNTHETIC_CASES]


def synthetic_molecules(data: TrainingData, seed: int = 1) -> SyntheticMolecules:
    """Draw molecules so that every pattern has positives."""
    random = np.random.default_rng(seed)
    rows = random.permutation(data.molecules)
    mols = [Chem.MolFromSmiles(data.parent_smiles[i]) for i in rows]
    labels = np.array([[mol.HasSubstructMatch(p.smarts) for p in SYNTHETIC] for mol in mols])
    chosen = np.zeros(len(rows), dtype=bool)
    for column in labels.T:
        chosen[np.flatnonzero(column)[:SYNTHETIC_POSITIVES]] = True
    chosen[np.flatnonzero(~chosen)[: max(SYNTHETIC_MOLECULES - int(chosen.sum()), 0)]] = True
    return SyntheticMolecules(rows[chosen], labels[chosen], random.random(int(chosen.sum())) < 0.2)


def synthetic_grades(data: TrainingData, say: Say) -> dict[str, Any]:
    """Grades on endpoints made up from substructures, by kind of features and pattern."""
    rows, labels, held_out = drawn = synthetic_molecules(data)
    found: dict[str, Any] = {
        "molecules": len(rows),
        "positives": dict(zip(_names(), labels.sum(0).tolist(), strict=True)),
    }
    regression = np.zeros(len(SYNTHETIC), dtype=bool)
    for kind in KINDS:
        features = data.features(kind)
        targets = labels[~held_out].astype(np.float32)
        parts = [fit_network(features.take(rows[~held_out]), targets, regression, TrainOptions(), s) for s in SEEDS]
        found[kind] = {}
        for place, pattern in enumerate(SYNTHETIC):
            cases = [
                case(data.parent_smiles[i], kind, features.descriptors[i], pattern.atoms)
                for i in drawn.positives(place)
            ]
            outputs = [network_output(part, place) for part in parts]
            found[kind][pattern.name] = {
                name: grade(cases, outputs[0], METHODS[name], outputs[1])
                for name in ("features_both_ways", "leave_atom_out")
            }
            say(f"synthetic, {kind}, {pattern.name}: {found[kind][pattern.name]['features_both_ways']}")
    return found


def mutagenicity_grades(data: TrainingData, folds: NDArray[np.int8], say: Say) -> dict[str, Any]:
    """Recovery of toxicophores in mutagens of scaffold fold 0, by models trained on the other folds."""
    labels = data.targets[:, [e.name for e in data.endpoints].index("ames")]
    training = np.flatnonzero(~np.isnan(labels) & (folds != 0))
    known = toxicophores()
    held_out = np.flatnonzero(~np.isnan(labels) & (folds == 0))
    mutagens = held_out[labels[held_out] == 1]
    marked = {int(i): only_toxicophore(Chem.MolFromSmiles(data.parent_smiles[i]), known) for i in mutagens}
    reasons = {i: reason for i, reason in marked.items() if reason is not None}
    outputs = {kind: [_trained(data, kind, training, labels, seed) for seed in SEEDS] for kind in KINDS}
    boosters = [_boosted(data, training, labels, seed) for seed in SEEDS]
    cases = {
        kind: [
            case(data.parent_smiles[i], kind, data.features(kind).descriptors[i], lambda _, atoms=atoms: atoms)  # type: ignore[misc]
            for i, (_, atoms) in reasons.items()
        ]
        for kind in KINDS
    }
    # As in the shipped refine model: networks on both kinds of features and trees, each with the same weight.
    stack = [_stacked(outputs["morgan"][i], outputs["rich"][i], boosters[i]) for i in range(len(SEEDS))]
    found: dict[str, Any] = {
        "held_out_mutagens": len(mutagens),
        "classes": dict(Counter(name for name, _ in reasons.values())),
        "methods": {},
    }
    for kind in KINDS:
        found["methods"][kind] = {}
        for name, method in METHODS.items():
            found["methods"][kind][name] = grade(cases[kind][:COMPARED], outputs[kind][0], method, outputs[kind][1])
            say(f"mutagens, {kind}, {name}: {found['methods'][kind][name]}")
    for tier, kind, pair in (("triage", "morgan", outputs["morgan"]), ("refine", "rich", stack)):
        found[tier] = grade(cases[kind], pair[0], atom_weights, pair[1])
        found[f"{tier}_not_compared"] = grade(cases[kind][COMPARED:], pair[0], atom_weights, pair[1])
        scores = pair[0](data.features(kind).take(held_out))
        found[tier]["model_roc_auc"] = round(float(roc_auc_score(labels[held_out], scores)), 4)
    found["refine_by_class"] = _by_class(cases["rich"], [name for name, _ in reasons.values()], stack[0])
    for tier in ("triage", "triage_not_compared", "refine", "refine_not_compared"):
        say(f"mutagens, {tier}: {found[tier]}")
    return found


def _names() -> list[str]:
    return [pattern.name for pattern in SYNTHETIC]


def _by_class(cases: Sequence[Case], names: Sequence[str], output: Output) -> dict[str, Any]:
    return {
        name: {
            key: value
            for key, value in grade(
                [c for c, n in zip(cases, names, strict=True) if n == name], output, atom_weights
            ).items()
            if key in ("molecules", "atom_auroc", "top_atom", "overlap", "top_atom_random")
        }
        for name in sorted(set(names))
    }


def _trained(data: TrainingData, kind: str, rows: NDArray[np.int64], labels: NDArray[np.float32], seed: int) -> Output:
    features = data.features(kind).take(rows)
    return network_output(fit_network(features, labels[rows, None], np.array([False]), TrainOptions(), seed), 0)


def _boosted(data: TrainingData, rows: NDArray[np.int64], labels: NDArray[np.float32], seed: int) -> Boosters:
    features = data.features("rich").take(rows)
    return fit_boosters(features, labels[rows, None], np.array([False]), ["ames"], seed, threads=1)


def _stacked(morgan: Output, rich: Output, boosters: Boosters) -> Output:
    def output(features: SparseFeatures) -> NDArray[np.float64]:
        as_morgan = features._replace(descriptors=features.descriptors[:, : len(DESCRIPTORS)].copy())
        trees = boosters.outputs(features, ["ames"], 1)[:, 0]
        mean: NDArray[np.float64] = (morgan(as_morgan) + rich(features) + trees) / 3
        return mean

    return output
