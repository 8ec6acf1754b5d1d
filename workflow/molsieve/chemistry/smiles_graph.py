"""Canonical SMILES to plain arrays of atoms and bonds, for properties of many molecules at a time.

RDKit's canonical SMILES of a parent holds all that a property needs: elements, hydrogens, charges, aromaticity, bonds.
Reading it in Python costs about 10 microseconds, a third of walking over RDKit's atoms and bonds, and numpy can then
work on the molecules of a whole block at once.
"""

import re
from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import GetPeriodicTable

SINGLE, DOUBLE, TRIPLE, AROMATIC = 0, 1, 2, 3

_TOKEN = re.compile(r"\[[^\]]+\]|Cl|Br|%\d\d|%\(\d+\)|.")
_BRACKET = re.compile(r"\[(?P<symbol>[A-Z][a-z]?|[a-z][a-z]?)@{0,2}(?P<hydrogens>H\d*)?(?P<charge>[+-]\d*)?\]")
# The bond between two atoms without a symbol, or with a mere direction: aromatic if both are, else single.
_UNWRITTEN = 4
_BONDS = {"-": SINGLE, "/": _UNWRITTEN, "\\": _UNWRITTEN, "=": DOUBLE, "#": TRIPLE, ":": AROMATIC}

# Valences RDKit fills with hydrogen when an atom is written without brackets, ascending.
_VALENCES = {
    "B": (3,),
    "C": (4,),
    "N": (3,),
    "O": (2,),
    "P": (3, 5),
    "S": (2, 4, 6),
    "F": (1,),
    "Cl": (1,),
    "Br": (1,),
    "I": (1,),
}
_OPEN, _CLOSE = "()"
_AROMATIC_SYMBOLS = ("b", "c", "n", "o", "p", "s")
_FROM_VALENCE = -1
_CARBON = 6
_TABLE = GetPeriodicTable()


class _AtomKind(NamedTuple):
    """What an atom token says."""

    element: int
    is_aromatic: bool
    charge: int
    hydrogens: int


class _Numbering(dict[str, int]):
    """Atom tokens seen so far, numbered; -1 for those that say more than this module understands."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: list[_AtomKind] = []

    def __missing__(self, token: str) -> int:
        kind = _atom_kind(token)
        number = -1
        if kind is not None:
            number = len(self.kinds)
            self.kinds.append(kind)
        self[token] = number
        return number


class Graph(NamedTuple):
    """One molecule. Bonds come as the tree bond of each atom but the first, then the ring closures."""

    atoms: bytes
    """Number of each atom's token, uint16."""
    begins: bytes
    """First atom of each bond, uint16."""
    ends: bytes
    kinds: bytes
    """Kind of each bond or ``_UNWRITTEN``, uint8."""
    in_ring: bytes
    """Whether each bond is part of a ring, uint8."""


class GraphBlock(NamedTuple):
    """The atoms and the bonds of many molecules, one after the other."""

    molecules: int
    molecule: NDArray[np.int64]
    """Of each atom, the molecule it belongs to."""
    element: NDArray[np.int64]
    is_aromatic: NDArray[np.bool_]
    charge: NDArray[np.int64]
    hydrogens: NDArray[np.int64]
    begins: NDArray[np.int64]
    """Of each bond, its first atom (numbered over all molecules)."""
    ends: NDArray[np.int64]
    kinds: NDArray[np.int64]
    in_ring: NDArray[np.bool_]


def read_graph(smiles: str) -> Graph | None:
    """Atoms and bonds of the canonical SMILES of one fragment, None where it holds what this module does not know.

    Ring membership follows from RDKit writing canonical SMILES along a depth-first walk: every ring closure leads back
    to an ancestor, and the bonds of the walk between the two are in a ring.
    """
    atoms: list[int] = []
    parents: list[int] = []
    kinds: list[int] = []
    closures: list[tuple[int, int, int]] = []
    open_rings: dict[str, tuple[int, int]] = {}
    branches: list[int] = []
    current, kind = -1, _UNWRITTEN
    numbers, bonds = _NUMBERS, _BONDS
    for token in _TOKEN.findall(smiles):
        number = numbers[token]
        if number >= 0:
            parents.append(current)
            kinds.append(kind)
            current, kind = len(atoms), _UNWRITTEN
            atoms.append(number)
        elif token == _OPEN:
            branches.append(current)
        elif token == _CLOSE:
            current = branches.pop()
        elif token in bonds:
            kind = bonds[token]
        elif token[0] in "%0123456789":
            opened = open_rings.pop(token, None)
            if opened is None:
                open_rings[token] = (current, kind)
            else:
                closures.append((opened[0], current, opened[1] if kind == _UNWRITTEN else kind))
            kind = _UNWRITTEN
        else:
            return None
    return _graph(atoms, parents, kinds, closures)


def _graph(atoms: list[int], parents: list[int], kinds: list[int], closures: list[tuple[int, int, int]]) -> Graph:
    # Closures that pass over an atom's tree bond: those that end below it less those that begin there.
    passing = [0] * len(atoms)
    for ancestor, descendant, _ in closures:
        passing[descendant] += 1
        passing[ancestor] -= 1
    for atom in range(len(atoms) - 1, 0, -1):
        if passing[atom]:
            passing[parents[atom]] += passing[atom]
    in_ring = bytes(map(bool, passing[1:])) + b"\1" * len(closures)
    begins = parents[1:] + [closure[0] for closure in closures]
    ends = [*range(1, len(atoms)), *(closure[1] for closure in closures)]
    all_kinds = kinds[1:] + [closure[2] for closure in closures]
    return Graph(
        array("H", atoms).tobytes(), array("H", begins).tobytes(), array("H", ends).tobytes(), bytes(all_kinds), in_ring
    )


def join(graphs: Sequence[Graph]) -> GraphBlock:
    """Lay molecules side by side and fill in what their SMILES leave to the rules of valence."""
    atom_counts = np.array([len(graph.atoms) // 2 for graph in graphs], dtype=np.int64)
    bond_counts = np.array([len(graph.kinds) for graph in graphs], dtype=np.int64)
    first_atoms = np.cumsum(atom_counts) - atom_counts
    shift = np.repeat(first_atoms, bond_counts)
    kinds_of_atoms = np.array(_NUMBERS.kinds, dtype=np.int64).reshape(-1, 4)
    said = kinds_of_atoms[_gather(graphs, "atoms", np.uint16)]
    element, is_aromatic, charge = said[:, 0], said[:, 1].astype(bool), said[:, 2]
    begins = _gather(graphs, "begins", np.uint16) + shift
    ends = _gather(graphs, "ends", np.uint16) + shift
    kinds = _gather(graphs, "kinds", np.uint8)
    both_aromatic = is_aromatic[begins] & is_aromatic[ends]
    kinds = np.where(kinds == _UNWRITTEN, np.where(both_aromatic, AROMATIC, SINGLE), kinds)
    return GraphBlock(
        molecules=len(graphs),
        molecule=np.repeat(np.arange(len(graphs)), atom_counts),
        element=element,
        is_aromatic=is_aromatic,
        charge=charge,
        hydrogens=_hydrogens(said[:, 3], element, begins, ends, kinds),
        begins=begins,
        ends=ends,
        kinds=kinds,
        in_ring=_gather(graphs, "in_ring", np.uint8).astype(bool),
    )


def _gather(graphs: Sequence[Graph], name: str, kind: type[np.unsignedinteger]) -> NDArray[np.int64]:
    return np.frombuffer(b"".join([getattr(graph, name) for graph in graphs]), dtype=kind).astype(np.int64)


def _hydrogens(
    said: NDArray[np.int64],
    element: NDArray[np.int64],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    kinds: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Hydrogens of each atom: as written in brackets, else what is missing to the next valence of the element."""
    twice_order = np.array([2, 4, 6, 3])[kinds]
    bonded = np.bincount(begins, twice_order, len(said)) + np.bincount(ends, twice_order, len(said))
    valence = np.floor(bonded / 2).astype(np.int64)  # three aromatic bonds are 4.5
    full = _FULL_VALENCE[np.minimum(element, len(_FULL_VALENCE) - 1), np.minimum(valence, _FULL_VALENCE.shape[1] - 1)]
    return np.where(said == _FROM_VALENCE, np.maximum(full - valence, 0), said)


def _atom_kind(token: str) -> _AtomKind | None:
    if token in _VALENCES:
        return _AtomKind(_TABLE.GetAtomicNumber(token), is_aromatic=False, charge=0, hydrogens=_FROM_VALENCE)
    if token in _AROMATIC_SYMBOLS:
        element = _TABLE.GetAtomicNumber(token.upper())
        # Of the aromatic atoms only carbon takes a hydrogen without saying so.
        hydrogens = _FROM_VALENCE if element == _CARBON else 0
        return _AtomKind(element, is_aromatic=True, charge=0, hydrogens=hydrogens)
    found = _BRACKET.fullmatch(token)
    if found is None:
        return None
    hydrogens_said, charge_said = found["hydrogens"] or "H0", found["charge"] or "+0"
    return _AtomKind(
        _TABLE.GetAtomicNumber(found["symbol"].capitalize()),
        is_aromatic=found["symbol"].islower(),
        charge=int(charge_said if charge_said[1:] else charge_said + "1"),
        hydrogens=int(hydrogens_said[1:] or 1),
    )


def _full_valences() -> NDArray[np.int64]:
    """Valence that hydrogens fill up to, by element and the valence the bonds use."""
    table = np.zeros((54, 8), dtype=np.int64)
    for symbol, valences in _VALENCES.items():
        for used in range(table.shape[1]):
            table[_TABLE.GetAtomicNumber(symbol), used] = next((v for v in valences if v >= used), 0)
    return table


_FULL_VALENCE = _full_valences()
_NUMBERS = _Numbering()
# Not atoms; looked up once for each token of each molecule, so they must not go through __missing__ each time.
_NUMBERS.update(dict.fromkeys([*_BONDS, "(", ")", ".", "*", *"0123456789"], -1))
