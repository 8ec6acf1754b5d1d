"""The leak ledger: which molecules two sets share, and which of one set are nearly a molecule of the other.

A model tested on molecules it was trained on looks better than it is; most of the models with a top-three place on a
public leaderboard were (Koleiev et al. 2026, bioRxiv 2026.02.26.708193). So before a number is believed, the test set
is compared with everything the model has seen: by identity (first block of the InChIKey: salts and stereoisomers are
the same molecule) and by Tanimoto similarity of folded Morgan fingerprints.

    test = labelled_set(read_labelled("my_assay.csv", "SMILES", "active", None))
    model = model_set(Path("resources/models/triage"))
    print(leak_report.as_text(ledger([test, model])))
    refuse_overlap(test, model)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from molsieve.errors import MolsieveError
from molsieve.models.fingerprint_set import FoldedBits
from molsieve.training.similar_pairs import nearest_above

SIMILAR = 0.9

_SHOWN_ROWS = 5


class Known(Protocol):
    """What is needed of molecules to recognise them, for example of those a model was trained on."""

    @property
    def hashes(self) -> NDArray[np.uint64]:
        """``connectivity_hash`` of each molecule, distinct, in any order, [molecules]."""

    @property
    def bits(self) -> FoldedBits | None:
        """Fingerprint of each molecule in the order of ``hashes``; None when not all are known."""


@dataclass(frozen=True)
class LeakSet:
    """A named set of distinct molecules (a ``Known``)."""

    name: str
    hashes: NDArray[np.uint64]
    bits: FoldedBits | None
    places: Sequence[str] | None = None
    """Where each molecule stands for a reader to find it, for example ``row 17``; None when nothing is known."""
    smiles: Sequence[str] | None = None
    """Parent of each molecule; None when structures are not kept."""
    rows: int = 0
    """Input rows, with those that repeat a molecule or could not be used."""
    note: str = ""
    """What the reader of a ledger should know about the set."""
    is_known: bool = True
    """Whether it is known which molecules these are; where it is not, there are none here."""

    @property
    def molecules(self) -> int:
        """Number of molecules that are known."""
        return len(self.hashes)

    @property
    def counted(self) -> int | None:
        """The same, None when none is known."""
        return self.molecules if self.is_known else None

    def part(self, name: str, keep: NDArray[np.bool_]) -> "LeakSet":
        """Some of the molecules under another name."""
        chosen = np.flatnonzero(keep)
        return LeakSet(
            name,
            self.hashes[chosen],
            None if self.bits is None else self.bits.take(chosen),
            None if self.places is None else [self.places[i] for i in chosen.tolist()],
            None if self.smiles is None else [self.smiles[i] for i in chosen.tolist()],
            len(chosen),
            self.note,
            self.is_known,
        )


@dataclass(frozen=True)
class Match:
    """A molecule of one set and its counterpart in the other."""

    kind: Literal["same", "near"]
    a: int
    """Position of the molecule in set A, from 0."""
    b: int
    a_place: str
    b_place: str
    a_smiles: str
    b_smiles: str
    similarity: float


@dataclass(frozen=True)
class Overlap:
    """What two sets have in common."""

    a: str
    b: str
    a_molecules: int | None
    b_molecules: int | None
    same: int | None
    """Molecules that are in both; None when the molecules of a set are not known."""
    a_near: int | None
    """Molecules of A that are not in B, but more similar than ``similar`` to one there; None when molecules or
    fingerprints are not known."""
    b_near: int | None
    """The same for molecules of B."""
    similar: float
    matches: tuple[Match, ...]
    """Same molecules in the order of A, then those of A that are near one of B, the nearest first."""

    @property
    def any(self) -> bool:
        """Whether there is anything to report."""
        return bool(self.same or self.a_near or self.b_near)


@dataclass(frozen=True)
class SetFacts:
    """A set in the ledger."""

    name: str
    rows: int | None
    molecules: int | None
    """None, as the rows, when it is not known which molecules these are."""
    has_fingerprints: bool
    note: str


@dataclass(frozen=True)
class Ledger:
    """All pairs of some sets; ``dataclasses.asdict`` gives its JSON form, ``leak_report`` the forms to read."""

    sets: tuple[SetFacts, ...]
    overlaps: tuple[Overlap, ...]
    similar: float

    @property
    def any(self) -> bool:
        """Whether any two sets share a molecule or hold similar ones."""
        return any(overlap.any for overlap in self.overlaps)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of the sets of which no molecule is known, so that a leak cannot be ruled out."""
        return tuple(s.name for s in self.sets if s.molecules is None)


class Kept(NamedTuple):
    """A test set without the molecules the training data knows."""

    keep: NDArray[np.bool_]
    """Of each molecule of the test set whether it stays, [molecules]."""
    excluded: tuple[Match, ...]
    text: str
    """What was done, in a sentence."""


def overlap(a: LeakSet, b: LeakSet, similar: float = SIMILAR) -> Overlap:
    """Compare two sets.

    Args:
        a: One set; its molecules are listed.
        b: The other set.
        similar: Tanimoto similarity that near molecules exceed.

    Raises:
        MolsieveError: ``similar`` is not between 0 and 1.

    """
    if not (a.is_known and b.is_known):
        return Overlap(a.name, b.name, a.counted, b.counted, None, None, None, similar, ())
    _, in_a, in_b = np.intersect1d(a.hashes, b.hashes, assume_unique=True, return_indices=True)
    order = np.argsort(in_a)
    matches = [_match("same", a, b, int(i), int(j), 1.0) for i, j in zip(in_a[order], in_b[order], strict=True)]
    a_near = b_near = None
    if a.bits is not None and b.bits is not None:
        of_a, of_b = nearest_above(a.bits, b.bits, similar)
        near_a, near_b = of_a.index >= 0, of_b.index >= 0
        near_a[in_a] = near_b[in_b] = False
        a_near, b_near = int(near_a.sum()), int(near_b.sum())
        rows = np.flatnonzero(near_a)
        rows = rows[np.argsort(-of_a.similarity[rows], kind="stable")]
        matches += [_match("near", a, b, int(i), int(of_a.index[i]), float(of_a.similarity[i])) for i in rows]
    return Overlap(a.name, b.name, a.molecules, b.molecules, len(in_a), a_near, b_near, similar, tuple(matches))


def ledger(sets: Sequence[LeakSet], similar: float = SIMILAR) -> Ledger:
    """Compare all pairs of sets, in the order given."""
    facts = tuple(
        SetFacts(s.name, s.rows if s.is_known else None, s.counted, s.is_known and s.bits is not None, s.note)
        for s in sets
    )
    return Ledger(facts, tuple(overlap(a, b, similar) for a, b in combinations(sets, 2)), similar)


def refuse_overlap(test: LeakSet, training: Known) -> None:
    """Stop an evaluation on molecules the model was trained on.

    Raises:
        MolsieveError: Molecules of the test set are training molecules.

    """
    rows = np.flatnonzero(np.isin(test.hashes, training.hashes))
    if len(rows):
        raise MolsieveError(
            f"{len(rows):,} of {test.molecules:,} test molecules are in the training data, so the result would look "
            f"better than it is: {_listed(test, rows)}.",
            where=test.name,
            fix="Leave them out (--exclude-training), or test on other molecules.",
        )


def without_overlap(test: LeakSet, training: Known, *, similar: float | None = None) -> Kept:
    """Leave out the test molecules that the training data knows.

    Args:
        test: Test set.
        training: What the model was trained on.
        similar: Leave out also those more similar than this to a training molecule; None for the same ones only.

    Raises:
        MolsieveError: No test molecule is left, or ``similar`` is asked for and fingerprints are missing.

    """
    known = _as_set(training, with_bits=similar is not None)
    found = overlap(test, known, SIMILAR if similar is None else similar)
    if similar is not None and found.a_near is None:
        raise MolsieveError(
            "Similar molecules cannot be left out: fingerprints of the training molecules are not kept.",
            where=known.name,
            fix="Leave out the same molecules only.",
        )
    keep = np.ones(test.molecules, dtype=bool)
    keep[[match.a for match in found.matches]] = False
    if not keep.any():
        raise MolsieveError(
            f"All {test.molecules:,} test molecules are in the training data; there is nothing left to test on.",
            where=test.name,
            fix="Test on molecules the model has not seen.",
        )
    if keep.all():
        what = "in the training data" if similar is None else f"in the training data or more similar than {similar:g}"
        return Kept(keep, (), f"None of {test.molecules:,} test molecules is {what}.")
    near = f" and {found.a_near:,} more similar than {similar:g} to one" if similar is not None else ""
    same = sum(match.kind == "same" for match in found.matches)
    text = f"{same:,} of {test.molecules:,} test molecules that are in the training data{near} were left out"
    return Kept(keep, found.matches, f"{text}: {_listed(test, np.flatnonzero(~keep))}.")


def _match(kind: Literal["same", "near"], a: LeakSet, b: LeakSet, i: int, j: int, similarity: float) -> Match:
    places, smiles = (_at(a.places, i), _at(b.places, j)), (_at(a.smiles, i), _at(b.smiles, j))
    return Match(kind, i, j, *places, *smiles, similarity)


def _at(texts: Sequence[str] | None, index: int) -> str:
    return "" if texts is None else texts[index]


def _listed(test: LeakSet, molecules: NDArray[np.int64]) -> str:
    shown = []
    for i in molecules[:_SHOWN_ROWS]:
        known = [_at(test.places, i), _at(test.smiles, i)[:60]]
        shown.append(" ".join(filter(None, known)) or f"molecule {i + 1}")
    more = f" and {len(molecules) - _SHOWN_ROWS:,} more" if len(molecules) > _SHOWN_ROWS else ""
    return ", ".join(shown) + more


def _as_set(known: Known, *, with_bits: bool) -> LeakSet:
    bits = known.bits if with_bits else None
    return replace(known, bits=bits) if isinstance(known, LeakSet) else LeakSet("the training data", known.hashes, bits)
