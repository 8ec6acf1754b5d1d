"""How good the explanations are: grades that need no opinion.

(a) Endpoints made up from substructures: are the true atoms found? (b) Mutagenicity: are known toxicophores found in
molecules the model has not seen? (c) Does taking away the atoms named change the output more than taking away others?
(d) Do two trainings with different seeds name the same atoms?
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from scipy.stats import spearmanr

from molsieve import project_root
from molsieve.models.attribution import Method, Output, Traceable, Weights
from molsieve.models.environments import environments_of
from molsieve.models.model import NetworkPart

Truth = NDArray[np.bool_]
"""Atoms that are the reason, [atoms]."""

DELETED_SHARES = (0.1, 0.2, 0.3)
RANDOM_DRAWS = 10


@dataclass(frozen=True)
class Pattern:
    """A named substructure."""

    name: str
    smarts: Chem.Mol

    def atoms(self, mol: Chem.Mol) -> Truth:
        """Atoms of all its matches; none when it does not match."""
        found = np.zeros(mol.GetNumAtoms(), dtype=bool)
        for match in mol.GetSubstructMatches(self.smarts, uniquify=True, maxMatches=1000):
            found[list(match)] = True
        return found


SYNTHETIC = tuple(
    Pattern(name, Chem.MolFromSmarts(smarts))
    for name, smarts in (
        ("aromatic nitro group", "a[N+](=O)[O-]"),
        ("sulfonamide", "[#6]S(=O)(=O)[NX3]"),
        ("fluoroquinolone core", "O=c1c(C(=O)[OX2])cn(*)c2cc(*)c(F)cc12"),
        ("tertiary amine", "[NX3;H0]([CX4])([CX4])[CX4]"),
    )
)


class Case(NamedTuple):
    """One molecule to explain, with the atoms that are the reason."""

    mol: Chem.Mol
    environments: Traceable
    truth: Truth


def case(smiles: str, kind: str, descriptors: NDArray[np.float32], truth: Callable[[Chem.Mol], Truth]) -> Case:
    """Describe a molecule for explaining; ``kind`` as in ``ModelInfo.features``."""
    mol = Chem.MolFromSmiles(smiles)
    return Case(mol, environments_of(mol, "rich" if kind == "rich" else "morgan", descriptors), truth(mol))


def toxicophores() -> dict[str, tuple[Pattern, ...]]:
    """Patterns of ``resources/toxicophores.csv`` by class (Kazius, McGuire and Bursi, doi:10.1021/jm040835a)."""
    found: dict[str, tuple[Pattern, ...]] = {}
    with (project_root() / "resources" / "toxicophores.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            pattern = Pattern(row["name"], Chem.MolFromSmarts(row["smarts"]))
            found[row["general"]] = (*found.get(row["general"], ()), pattern)
    return found


def only_toxicophore(mol: Chem.Mol, classes: dict[str, tuple[Pattern, ...]]) -> tuple[str, Truth] | None:
    """Class and atoms of the toxicophore of a molecule that has those of one class only; None for any other."""
    found = []
    for name, patterns in classes.items():
        atoms = np.any([pattern.atoms(mol) for pattern in patterns], axis=0)
        if atoms.any():
            found.append((name, atoms))
    return found[0] if len(found) == 1 and not found[0][1].all() else None


def network_output(part: NetworkPart, endpoint: int, members: slice = slice(None)) -> Output:
    """Mean output of some members of a network."""
    return lambda features: part.outputs(features)[:, members, endpoint].mean(dim=1).double().numpy()


def atom_auroc(weights: Weights, truth: Truth) -> float:
    """Chance that an atom of the reason has a larger weight than another atom; ties count half. NaN without others."""
    if truth.all() or not truth.any():
        return float("nan")
    difference = weights[truth][:, None] - weights[~truth][None, :]
    difference[np.abs(difference) < 1e-6] = 0.0
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def recovered(weights: Weights, truth: Truth) -> tuple[bool, float]:
    """Whether the atom of the largest weight is part of the reason of k atoms, and the share of the top k that is."""
    top = np.argsort(-weights, kind="stable")[: int(truth.sum())]
    return bool(truth[top[0]]), float(truth[top].mean())


class Deletion(NamedTuple):
    """Mean fall of an output over ``DELETED_SHARES`` when atoms' entries are taken away."""

    top: float
    """Of the atoms with the largest weights."""
    chance: float
    """Of atoms drawn at random, as many."""


def deletion(output: Output, case: Case, weights: Weights, seed: int = 0) -> Deletion:
    """Area between the output and its course as atoms are taken away."""
    n = len(weights)
    random = np.random.default_rng(seed)
    sizes = [max(1, round(share * n)) for share in DELETED_SHARES]
    orders = [np.argsort(-weights, kind="stable"), *(random.permutation(n) for _ in range(RANDOM_DRAWS))]
    kept = [~case.environments.atoms[:, order[:k]].any(axis=1) for order in orders for k in sizes]
    kept.append(np.ones_like(kept[0]))
    found = output(case.environments.features(np.array(kept)))
    falls = (found[-1] - found[:-1]).reshape(len(orders), len(sizes)).mean(axis=1)
    return Deletion(float(falls[0]), float(falls[1:].mean()))


def agreement(first: Weights, second: Weights) -> float:
    """Rank correlation of two explanations of one molecule; NaN when one of them names no atom."""
    if np.ptp(first) < 1e-9 or np.ptp(second) < 1e-9:
        return float("nan")
    return float(spearmanr(first, second).statistic)


def grade(cases: Sequence[Case], output: Output, method: Method, other: Output | None = None) -> dict[str, float]:
    """All grades of one method on molecules whose reason is known.

    Args:
        cases: Molecules the model has not seen.
        output: Output to explain.
        method: Attribution to atoms.
        other: The same output of a model trained with another seed.

    Returns:
        ``molecules``, and means over them: ``atom_auroc`` (0.5 by chance) and its standard error, ``top_atom`` (share
        whose largest weight is on the reason), ``overlap`` (share of the k largest weights on it, k its size),
        ``top_atom_random`` (both, for atoms drawn at random), ``deletion`` and ``deletion_random`` (fall in logits),
        ``stability`` (rank correlation between seeds).

    """
    rows = []
    for number, one in enumerate(cases):
        weights = method(output, one.environments)
        deleted = deletion(output, one, weights, number)
        again = float("nan")
        if other is not None:
            again = agreement(weights, method(other, one.environments))
        chance = float(one.truth.mean())
        rows.append((atom_auroc(weights, one.truth), *recovered(weights, one.truth), chance, *deleted, again))
    if not rows:
        return {"molecules": 0}
    table = np.array(rows, dtype=float)
    names = ("atom_auroc", "top_atom", "overlap", "top_atom_random", "deletion", "deletion_random", "stability")
    # Where every atom is the reason there is no other to tell it from.
    graded = table[~np.isnan(table[:, 0]), 0]
    found = {"molecules": len(rows), "atom_auroc_se": float(graded.std() / max(len(graded), 1) ** 0.5)}
    for name, column in zip(names, table.T, strict=True):
        measured = column[~np.isnan(column)]
        if len(measured):
            found[name] = float(measured.mean())
    return {name: round(value, 4) for name, value in found.items()}
