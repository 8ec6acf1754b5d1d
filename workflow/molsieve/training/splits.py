"""Frozen cross-validation folds, decided by hashes, so that neither row order nor a random state can change them.

A molecule has one fold for all endpoints, so no endpoint's test molecule is in training for another endpoint.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rdkit.SimDivFilters import rdSimDivPickers

from molsieve.errors import MolsieveError
from molsieve.files import write_table, write_text
from molsieve.models.endpoints import Endpoint
from molsieve.models.fingerprint_set import FoldedBits, nearest

Scheme = Literal["scaffold", "random", "cluster", "random1", "random2", "random3"]
SCHEMES: tuple[Scheme, ...] = ("scaffold", "random", "cluster", "random1", "random2", "random3")
"""``random1`` to ``random3`` repeat ``random`` with other seeds."""
FOLDS = 5
CLUSTER_SIMILARITY = 0.4

SPLITS = pa.schema(
    [pa.field("connectivity", pa.string(), nullable=False)]
    + [pa.field(scheme, pa.int8(), nullable=False) for scheme in SCHEMES]
)


@dataclass(frozen=True)
class FrozenSplit:
    """Digest and sizes of one scheme, committed so that drift is noticed."""

    digest: str
    molecules: tuple[int, ...]
    """Molecules in each fold."""


def split(table: pa.Table, endpoints: Sequence[Endpoint], out: Path, *, seed: int) -> dict[str, FrozenSplit]:
    """Write the folds of every molecule under every scheme.

    Args:
        table: Multi-task table of ``curation``.
        endpoints: Its endpoints.
        out: Parquet file to write (schema ``SPLITS``).
        seed: Part of every hash.

    """
    keys = table["connectivity"].to_pylist()
    labels = np.stack([table[e.name].to_numpy(zero_copy_only=False) for e in endpoints if not e.is_regression], axis=1)
    folds: dict[Scheme, NDArray[np.int8]] = {
        "scaffold": scaffold_folds(keys, table["scaffold"].to_pylist(), seed),
        "random": stratified_folds(keys, labels, seed),
        "cluster": cluster_folds(keys, FoldedBits.of(table["morgan_ids"].to_numpy().tolist()), seed),
        "random1": stratified_folds(keys, labels, seed + 1),
        "random2": stratified_folds(keys, labels, seed + 2),
        "random3": stratified_folds(keys, labels, seed + 3),
    }
    write_table(out, pa.table({"connectivity": keys} | {s: folds[s] for s in SCHEMES}, schema=SPLITS), SPLITS)
    return {s: freeze(keys, folds[s]) for s in SCHEMES}


def scaffold_folds(keys: Sequence[str], scaffolds: Sequence[str], seed: int) -> NDArray[np.int8]:
    """Fold of each molecule by its Murcko scaffold; acyclic molecules, which have none, by their own key."""
    groups = [scaffold or f"acyclic:{key}" for key, scaffold in zip(keys, scaffolds, strict=True)]
    return np.array([_number(seed, "scaffold", group) % FOLDS for group in groups], dtype=np.int8)


def cluster_folds(keys: Sequence[str], fingerprints: FoldedBits, seed: int) -> NDArray[np.int8]:
    """Fold of each molecule by its sphere-exclusion cluster: most pairs above ``CLUSTER_SIMILARITY`` stay together.

    Centres are picked in the order of a hash of the keys, so the order of the rows does not matter; every other
    molecule joins its nearest centre. Reference: Butina, doi:10.1021/ci9803381; the picking is RDKit's LeaderPicker.
    """
    order = np.argsort([_number(seed, "cluster", key) for key in keys], kind="stable")
    vectors = [fingerprints.bit_vector(i) for i in order]
    picker = rdSimDivPickers.LeaderPicker()
    centres = order[list(picker.LazyBitVectorPick(vectors, len(vectors), 1 - CLUSTER_SIMILARITY))]
    _, place = nearest(fingerprints, fingerprints.take(centres))
    return np.array([_number(seed, "cluster", keys[centres[i]]) % FOLDS for i in place], dtype=np.int8)


def stratified_folds(keys: Sequence[str], labels: NDArray[np.float64], seed: int) -> NDArray[np.int8]:
    """Random folds, stratified: each molecule counts for its rarest positive label, else for its rarest endpoint.

    Args:
        keys: Connectivity of each molecule.
        labels: Binary labels, NaN where not measured, [molecules, endpoints].
        seed: Part of the hash that orders the molecules of a stratum.

    """
    positive, measured = labels == 1.0, ~np.isnan(labels)
    n_endpoints = labels.shape[1]
    by_rarity = np.argsort(positive.sum(axis=0), kind="stable")
    by_size = np.argsort(measured.sum(axis=0), kind="stable")
    stratum = np.full(len(keys), 2 * n_endpoints)
    for endpoint in by_size[::-1]:
        stratum[measured[:, endpoint]] = n_endpoints + endpoint
    for endpoint in by_rarity[::-1]:
        stratum[positive[:, endpoint]] = endpoint
    order = np.array([_number(seed, "random", key) for key in keys], dtype=np.uint64)
    folds = np.empty(len(keys), dtype=np.int8)
    for value in np.unique(stratum):
        rows = np.flatnonzero(stratum == value)
        shuffled = rows[np.argsort(order[rows], kind="stable")]
        folds[shuffled] = (np.arange(len(rows)) + value) % FOLDS
    return folds


def _number(seed: int, purpose: str, text: str) -> int:
    digest = hashlib.blake2b(f"{seed}|{purpose}|{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def freeze(keys: Sequence[str], folds: NDArray[np.int8]) -> FrozenSplit:
    """Digest of an assignment, whatever the order of the rows."""
    lines = sorted(f"{key}\t{fold}" for key, fold in zip(keys, folds, strict=True))
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    return FrozenSplit(digest, tuple(int(n) for n in np.bincount(folds, minlength=FOLDS)))


def write_frozen(path: Path, frozen: dict[str, FrozenSplit], table_digest: str) -> None:
    """Write the digests that are committed with the project."""
    document = {"table_digest": table_digest} | {scheme: asdict(split) for scheme, split in frozen.items()}
    write_text(path, json.dumps(document, indent=1) + "\n")


def check_frozen(path: Path, frozen: dict[str, FrozenSplit], table_digest: str) -> None:
    """Compare with the committed digests.

    Raises:
        MolsieveError: The folds or the curated table are not the frozen ones.

    """
    document = json.loads(path.read_text(encoding="utf-8"))
    now = {"table_digest": table_digest} | {scheme: split.digest for scheme, split in frozen.items()}
    then = {"table_digest": document["table_digest"]} | {s: document[s]["digest"] for s in frozen}
    if changed := sorted(key for key in now if now[key] != then[key]):
        raise MolsieveError(
            f"The folds are not the frozen ones; changed: {', '.join(changed)}.",
            where=str(path),
            fix="If data, standardisation or rules changed on purpose, run 'molsieve training split --freeze'.",
        )


def read_folds(path: Path, scheme: str) -> NDArray[np.int8]:
    """Folds of one scheme in the order of the curated table."""
    import pyarrow.parquet as pq

    folds: NDArray[np.int8] = pq.read_table(path, columns=[scheme])[scheme].to_numpy()
    return folds
