"""Features of the reference models: two kinds of fingerprints and RDKit's descriptors.

Avalon, ErG, atom-pair and torsion fingerprints were tried and left out: they brought nothing beside these, and ids of
circular fingerprints can be traced back to atoms. Of RDKit's descriptors those are left out that took half the time and
brought nothing (benchmarks/features.py).
"""

import pickle
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import Descriptors
from rdkit.Chem.rdFingerprintGenerator import GetMorganFeatureAtomInvGen, GetMorganGenerator

from molsieve.chemistry import rdkit_log
from molsieve.chemistry.descriptors import DESCRIPTORS, describe
from molsieve.chemistry.fingerprints import MAX_COUNT, RADIUS, sparse_morgan
from molsieve.chemistry.isolation import Block, Isolated
from molsieve.models.features import SparseFeatures

FEATURE_SALT = 0x9E3779B1
"""Xor-ed into the ids of feature-class fingerprints, which would else coincide with atom-class ones."""

_LEFT_OUT = ("BCUT2D", "qed", "Ipc", "AvgIpc", "SPS", "EState_VSA", "VSA_EState")
_RDKIT = [(name, function) for name, function in Descriptors._descList if not name.startswith(_LEFT_OUT)]  # noqa: SLF001
RICH_DESCRIPTORS: tuple[str, ...] = (*(c.name for c in DESCRIPTORS), *(f"rdkit_{name}" for name, _ in _RDKIT))
"""Names of the descriptors: those of every compound, then sign(x) * log(1 + |x|) of RDKit's."""

_FEATURE_MORGAN = GetMorganGenerator(radius=RADIUS, atomInvariantsGenerator=GetMorganFeatureAtomInvGen())
_BLOCK_ROWS = 100


class RichFeatures(NamedTuple):
    """Features of the molecules that could be described, and which these are."""

    morgan: SparseFeatures
    """The features of the triage network: Morgan ids and the descriptors of every compound."""
    rich: SparseFeatures
    """Morgan ids and feature-class ids; ``RICH_DESCRIPTORS``."""
    rows: NDArray[np.int64]
    """Place of each in the input."""


class _Description(NamedTuple):
    morgan_ids: NDArray[np.uint32]
    morgan_counts: NDArray[np.uint8]
    feature_ids: NDArray[np.uint32]
    feature_counts: NDArray[np.uint8]
    descriptors: NDArray[np.float32]


def feature_ids(mol: Chem.Mol) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Ids of circular fragments of pharmacophoric atom classes (FCFP4, doi:10.1021/ci100050t), and their counts."""
    counts: dict[int, int] = _FEATURE_MORGAN.GetSparseCountFingerprint(mol).GetNonzeroElements()
    ids = np.fromiter(counts.keys(), dtype=np.uint32, count=len(counts)) ^ np.uint32(FEATURE_SALT)
    clipped = np.fromiter(counts.values(), dtype=np.int64, count=len(counts)).clip(max=MAX_COUNT)
    return ids, clipped.astype(np.uint8)


def rich_features(parents: Sequence[str], *, workers: int, timeout_s: float = 20.0) -> RichFeatures:
    """Describe molecules; those that RDKit cannot describe are left out, whatever they do to it.

    Args:
        parents: Canonical SMILES of standardised parents.
        workers: Processes.
        timeout_s: CPU seconds a molecule may take.

    """
    starts = range(0, len(parents), _BLOCK_ROWS)
    chunks = [list(parents[s : s + _BLOCK_ROWS]) for s in starts]
    blocks = (Block(pickle.dumps(chunk), len(chunk)) for chunk in chunks)
    found: list[_Description | None] = []
    with Isolated(_DescribeJob(), workers=workers, timeout_s=timeout_s) as isolated:
        for packed in isolated.results(blocks):
            for part in packed:
                found += pickle.loads(part)  # noqa: S301 - from our own worker processes
    return _collected(found)


class _DescribeJob:
    """What a worker process does with a block of SMILES (an ``isolation.BlockJob``)."""

    def start(self) -> None:
        rdkit_log.capture()

    def records(self, block: bytes) -> list[str]:
        smiles: list[str] = pickle.loads(block)  # noqa: S301 - from the parent process
        return smiles

    def process(self, record: str) -> _Description | None:
        mol = Chem.MolFromSmiles(record)
        return None if mol is None else _described(mol)

    def failed(self, record: str, reason_code: str, detail: str) -> None:  # noqa: ARG002 - the protocol's signature
        return None

    def pack(self, results: list[_Description | None]) -> bytes:
        return pickle.dumps(results)


def _described(mol: Chem.Mol) -> _Description | None:
    values = np.array([function(mol) for _, function in _RDKIT], dtype=np.float64)
    if not np.isfinite(values).all():
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    squashed = np.sign(values) * np.log1p(np.abs(values))
    descriptors = np.concatenate([np.array(describe(mol), dtype=np.float32), squashed.astype(np.float32)])
    return _Description(*sparse_morgan(mol), *feature_ids(mol), descriptors)


def _collected(found: Sequence[_Description | None]) -> RichFeatures:
    rows = np.array([i for i, d in enumerate(found) if d is not None], dtype=np.int64)
    described = [d for d in found if d is not None]
    own = len(DESCRIPTORS)
    dense = np.array([d.descriptors for d in described], dtype=np.float32).reshape(-1, len(RICH_DESCRIPTORS))
    morgan = _ragged([d.morgan_ids for d in described], [d.morgan_counts for d in described], dense[:, :own].copy())
    both = _ragged(
        [np.concatenate([d.morgan_ids, d.feature_ids]) for d in described],
        [np.concatenate([d.morgan_counts, d.feature_counts]) for d in described],
        dense,
    )
    return RichFeatures(morgan, both, rows)


def _ragged(
    ids: list[NDArray[np.uint32]], counts: list[NDArray[np.uint8]], descriptors: NDArray[np.float32]
) -> SparseFeatures:
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in ids])]).astype(np.int64)
    none = [np.empty(0, np.uint32)], [np.empty(0, np.uint8)]
    return SparseFeatures(np.concatenate(ids or none[0]), np.concatenate(counts or none[1]), offsets, descriptors)
