"""A small model of two endpoints that models of one's own can start from, and a small assay to train them on."""

from pathlib import Path

import numpy as np
import rdkit
import torch
from rdkit import Chem

from molsieve.chemistry import standardise
from molsieve.chemistry.descriptors import DESCRIPTORS, describe
from molsieve.chemistry.fingerprints import sparse_morgan
from molsieve.models.calibration import Calibration
from molsieve.models.conformal import ConformalScores
from molsieve.models.endpoints import Endpoint
from molsieve.models.features import SparseFeatures
from molsieve.models.info import Domain, ModelInfo, NetworkFacts
from molsieve.models.model import NetworkPart
from molsieve.models.network import NetworkShape, SparseNetwork
from molsieve.models.record import TrainingRecord
from molsieve.models.store import FORMAT, save_model, weights_bytes
from molsieve.models.trust import Trust
from molsieve.models.vocabulary import Vocabulary

RINGS = ["c1ccccc1", "c1ccncc1", "C1CCCCC1", "c1ccsc1", "c1ccoc1", "C1CCNCC1", "c1ccc2ccccc2c1", "C1CCOC1"]
TAILS = ["O", "N", "C(=O)O", "CC", "Cl", "OC", "C(=O)N", "S(=O)(=O)N", "CCN", "C#N", "F", "CCCO", "C(C)C", "NC(C)=O"]


def molecules(n: int) -> list[str]:
    """Different small molecules, of eight scaffolds."""
    found = [Chem.CanonSmiles(ring + tail) for tail in TAILS for ring in RINGS]
    found += [Chem.CanonSmiles(a + ring + b) for a in ("CCO", "OC(=O)") for b in TAILS for ring in RINGS]
    return list(dict.fromkeys(found))[:n]


def acidic(smiles: str) -> int:
    """A label that can be learned."""
    return int("C(=O)O" in smiles or "S(" in smiles)


def features(smiles: list[str]) -> SparseFeatures:
    mols = [Chem.MolFromSmiles(s) for s in smiles]
    pairs = [sparse_morgan(mol) for mol in mols]
    return SparseFeatures(
        np.concatenate([ids for ids, _ in pairs]),
        np.concatenate([counts for _, counts in pairs]),
        np.cumsum([0, *(len(ids) for ids, _ in pairs)]).astype(np.int64),
        np.array([describe(mol) for mol in mols], dtype=np.float32),
    )


def write_base(folder: Path, known: list[str]) -> Path:
    """Write a model with a random network that has vectors for the ids of the known molecules."""
    torch.manual_seed(3)
    seen = features(known)
    vocabulary = Vocabulary.of_training(seen, 1)
    shape = NetworkShape(vocabulary.embedding_rows, len(DESCRIPTORS), members=2, width=16, hidden=16, endpoints=2)
    network = SparseNetwork(shape)
    network.descriptor_mean.copy_(torch.from_numpy(seen.descriptors.mean(axis=0)))
    network.descriptor_sd.copy_(torch.from_numpy(seen.descriptors.std(axis=0) + 1e-6))
    words = {"title": "t", "description": "d", "organism": "o", "positive_means": "p", "family": "toxicity"}
    endpoints = tuple(Endpoint(name=name, task="classification", **words) for name in ("ames", "herg"))
    part = NetworkPart(network, vocabulary, np.arange(len(DESCRIPTORS)))
    fingerprints = [seen.ids[a:b] for a, b in zip(seen.offsets[:-1], seen.offsets[1:], strict=True)]
    keys = [Chem.MolToInchiKey(Chem.MolFromSmiles(s))[:14] for s in known]
    targets = np.array([[acidic(s), np.nan] for s in known], dtype=np.float32)
    info = ModelInfo(
        format=FORMAT,
        name="base",
        tier="triage",
        created="2026-01-01T00:00:00+00:00",
        endpoints=endpoints,
        features="morgan",
        descriptors=tuple(c.name for c in DESCRIPTORS),
        networks=(NetworkFacts(shape=shape, fingerprints=("morgan",), descriptors=tuple(range(len(DESCRIPTORS)))),),
        has_boosters=False,
        stack={e.name: (1.0,) for e in endpoints},
        standardise_digest=standardise.digest(standardise.StandardiseOptions()),
        rdkit_version=rdkit.__version__,
        datasets=(),
        curation={},
        splits={},
        training={},
        scales={},
        domain=Domain(max_unseen_fraction=0.2, statistics={}),
        metrics={},
    )
    empty = ConformalScores(active=(), inactive=())
    trust = Trust(
        calibrations={e.name: Calibration.identity() for e in endpoints},
        conformal={e.name: empty for e in endpoints},
        intervals={},
        fitted={},
    )
    record = TrainingRecord.of(keys, fingerprints, targets)
    save_model(folder, info, trust, weights_bytes([part], None, record), "card\n", "{}\n")
    return folder
