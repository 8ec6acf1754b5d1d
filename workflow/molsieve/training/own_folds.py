"""Folds for somebody's own assay: small, of equal size, and with actives in each where there are enough."""

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from molsieve.errors import MolsieveError
from molsieve.training.labelled import LabelledData, MoleculeSplit
from molsieve.training.splits import FOLDS

# A scaffold with a larger share of the molecules leaves too few others to be tested against.
LARGEST_SCAFFOLD = 0.5
MOST_PARTS = 20
_TRAINING_PARTS = frozenset(["train", "training", "tr"])


class HeldOut(NamedTuple):
    """A way of splitting molecules, and which parts are predicted by models that have not seen them."""

    folds: NDArray[np.int8]
    """Part of each molecule, [molecules]."""
    tested: tuple[int, ...]
    """Parts that are held out in turn; the others are always in training."""

    @property
    def test_to_train(self) -> float:
        """Molecules of a held-out part by those trained on, mean over the parts."""
        sizes = np.array([(self.folds == fold).sum() for fold in self.tested])
        return float((sizes / (len(self.folds) - sizes)).mean())


def has_scaffold_folds(scaffolds: Sequence[str]) -> bool:
    """Whether molecules can be split by scaffold; not when most of them are one series."""
    groups = _groups(scaffolds)
    _, sizes = np.unique(groups, return_counts=True)
    return len(sizes) >= FOLDS and bool(sizes.max() <= LARGEST_SCAFFOLD * len(groups))


def scaffold_split(scaffolds: Sequence[str], labels: NDArray[np.float64], *, regression: bool, seed: int) -> HeldOut:
    """Five folds; molecules of one Murcko scaffold stay together, an acyclic molecule is a scaffold of its own."""
    groups = _groups(scaffolds)
    if regression:
        splitter = GroupKFold(FOLDS, shuffle=True, random_state=seed)
    else:
        splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    return _held_out(splitter.split(groups, labels, groups), len(labels))


def random_split(labels: NDArray[np.float64], *, regression: bool, seed: int) -> HeldOut:
    """Five random folds, stratified when there are enough of the rarer class."""
    rarer = 0 if regression else min((labels == 1).sum(), (labels == 0).sum())
    kind = StratifiedKFold if rarer >= FOLDS else KFold
    return _held_out(kind(FOLDS, shuffle=True, random_state=seed).split(labels, labels), len(labels))


def user_split(data: LabelledData, split: MoleculeSplit) -> tuple[HeldOut, tuple[str, ...]]:
    """The user's own split and the names of its parts; a part called ``train`` is never held out.

    Raises:
        MolsieveError: It has too many parts to train a model for each, or none to hold out.

    """
    names = sorted({str(part) for part in split.part})
    if len(names) > MOST_PARTS:
        raise MolsieveError(
            f"The split has {len(names):,} parts; each would need a model of its own.",
            where=data.name,
            fix=f"Name a column with at most {MOST_PARTS} different values, for example train and test.",
        )
    folds = np.array([names.index(str(part)) for part in split.part], dtype=np.int8)
    tested = tuple(i for i, name in enumerate(names) if name.casefold() not in _TRAINING_PARTS)
    if not tested:
        raise MolsieveError(
            f"The split has no part to hold out: {', '.join(names)} all stand for training molecules.",
            where=data.name,
            fix="Call the part that the model is to be tested on otherwise, for example test.",
        )
    return HeldOut(folds, tested), tuple(names)


def _groups(scaffolds: Sequence[str]) -> list[str]:
    return [scaffold or f"acyclic:{row}" for row, scaffold in enumerate(scaffolds)]


def _held_out(splits: Iterable[tuple[Any, Any]], n: int) -> HeldOut:
    folds = np.zeros(n, dtype=np.int8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer actives than folds: some folds have none, and the metrics say so
        for fold, (_, inside) in enumerate(splits):
            folds[inside] = fold
    return HeldOut(folds, tuple(range(FOLDS)))
