"""A tiny model with known weights, and tables to predict."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rdkit
import torch
from rdkit import Chem

from molsieve.chemistry import standardise
from molsieve.chemistry.descriptors import DESCRIPTORS, describe
from molsieve.chemistry.fingerprints import sparse_morgan
from molsieve.models.calibration import Calibration, Interval
from molsieve.models.conformal import ConformalScores
from molsieve.models.endpoints import Endpoint
from molsieve.models.features import features_of
from molsieve.models.info import Domain, ModelInfo, NetworkFacts, Scale
from molsieve.models.model import NetworkPart
from molsieve.models.network import NetworkShape, SparseNetwork
from molsieve.models.read_across import PRIOR
from molsieve.models.record import TrainingRecord
from molsieve.models.store import FORMAT, save_model, weights_bytes
from molsieve.models.stored_network import as_stored
from molsieve.models.trust import Fitted, Trust
from molsieve.models.vocabulary import Vocabulary

KNOWN = ["CCO", "c1ccccc1O", "CC(=O)Oc1ccccc1C(=O)O", "CCN(CC)CC", "O=C(O)c1ccncc1"]
NEW = ["c1ccsc1", "CCCCCl", "C1CCNCC1"]

FACTS = {"title": "Title", "description": "Description.", "organism": "x", "positive_means": "y"}
ENDPOINTS = (
    Endpoint(name="kills", task="classification", family="activity", n=5, n_positive=2, **FACTS),
    Endpoint(name="harms", task="classification", family="toxicity", n=5, n_positive=1, **FACTS),
    Endpoint(name="dose", task="regression", family="toxicity", unit="g_per_kg", n=5, **FACTS),
)


def prepared_table(smiles: list[str | None]) -> pa.Table:
    """Prepared table; None stands for a rejected row."""
    rows = []
    for i, text in enumerate(smiles):
        row = {"record_id": i, "status": "rejected", "parent_smiles": text, "morgan_ids": None, "morgan_counts": None}
        row |= {c.name: None for c in DESCRIPTORS}
        if text is not None:
            mol = Chem.MolFromSmiles(text)
            ids, counts = sparse_morgan(mol)
            row |= {"status": "ok", "morgan_ids": ids, "morgan_counts": counts}
            row |= {c.name: value for c, value in zip(DESCRIPTORS, describe(mol), strict=True)}
        rows.append(row)
    fields = [
        pa.field("record_id", pa.int64()),
        pa.field("status", pa.dictionary(pa.int32(), pa.string())),
        pa.field("parent_smiles", pa.string()),
        pa.field("morgan_ids", pa.list_(pa.uint32())),
        pa.field("morgan_counts", pa.list_(pa.uint8())),
        *(pa.field(c.name, c.type) for c in DESCRIPTORS),
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def write_duplicates(path: Path, rows: list[tuple[int, int]]) -> Path:
    ids, originals = zip(*rows, strict=True) if rows else ((), ())
    columns = {"record_id": pa.array(ids, pa.int64()), "duplicate_of": pa.array(originals, pa.int64())}
    pq.write_table(pa.table(columns), path)
    return path


def tiny_part(features, vocabulary, seed):
    """A network with random weights that knows the given vocabulary."""
    torch.manual_seed(seed)
    shape = NetworkShape(
        rows=vocabulary.embedding_rows,
        descriptors=features.descriptors.shape[1],
        members=3,
        width=8,
        hidden=8,
        endpoints=len(ENDPOINTS),
    )
    network = SparseNetwork(shape)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    network.embedding.data[0] = 0.0
    return NetworkPart(as_stored(network), vocabulary, np.arange(shape.descriptors))


def tiny_info(parts, **changes):
    """Metadata that fits ``ENDPOINTS``."""
    facts = {
        "format": FORMAT,
        "name": "tiny",
        "tier": "triage",
        "created": "2026-01-01T00:00:00+00:00",
        "endpoints": ENDPOINTS,
        "features": "morgan",
        "descriptors": tuple(c.name for c in DESCRIPTORS),
        "networks": tuple(
            NetworkFacts(shape=p.network.shape, fingerprints=("morgan",), descriptors=tuple(p.descriptors.tolist()))
            for p in parts
        ),
        "has_boosters": False,
        "stack": {e.name: (1.0 / len(parts),) * len(parts) for e in ENDPOINTS},
        "standardise_digest": standardise.digest(standardise.StandardiseOptions()),
        "rdkit_version": rdkit.__version__,
        "datasets": (),
        "curation": {},
        "splits": {},
        "training": {"molecules": len(KNOWN), "versions": {"molsieve": "0", "torch": "0"}},
        "scales": {"dose": Scale(mean=2.5, sd=0.5)},
        "domain": Domain(max_unseen_fraction=0.3, statistics={}),
        "metrics": {e.name: {} for e in ENDPOINTS},
    }
    return ModelInfo(**(facts | changes))


TINY_TRUST = Trust(
    calibrations={"kills": Calibration.identity(), "harms": Calibration.identity()},
    conformal={
        "kills": ConformalScores(active=(-1.0, 0.0, 1.0, 2.0), inactive=(-3.0, -2.0, -1.0, 0.5)),
        "harms": ConformalScores(active=(0.0, 1.0), inactive=(-2.0, -1.0)),
    },
    intervals={"dose": Interval(low=-1.0, high=2.0, floor=None)},
    fitted={e.name: Fitted(on="nothing", date="2026-01-01T00:00:00+00:00", n=5) for e in ENDPOINTS},
)


def tiny_record():
    """Record of ``KNOWN``, whose connectivity keys are real."""
    mols = [Chem.MolFromSmiles(s) for s in KNOWN]
    targets = np.array(
        [[1, 0, 2.0], [0, 1, np.nan], [1, 0, 2.5], [0, np.nan, 3.0], [0, 0, 1.5]],
        dtype=np.float32,
    )
    keys = [Chem.MolToInchiKey(mol)[:14] for mol in mols]
    return TrainingRecord.of(keys, [sparse_morgan(mol)[0] for mol in mols], targets)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """Folder of a model whose training molecules are ``KNOWN``."""
    features = features_of(prepared_table(KNOWN))
    part = tiny_part(features, Vocabulary.of_training(features, 1), seed=5)
    folder = tmp_path_factory.mktemp("tiny") / "model"
    weights = weights_bytes([part], None, tiny_record())
    save_model(folder, tiny_info([part]), TINY_TRUST, weights, "card\n", "{}\n")
    return folder


@pytest.fixture(scope="session")
def reading_model(tmp_path_factory):
    """Folder of the same model with read-across, a tenth of its classifications."""
    features = features_of(prepared_table(KNOWN))
    part = tiny_part(features, Vocabulary.of_training(features, 1), seed=5)
    stack = {e.name: (1.0, 0.0) if e.is_regression else (0.9, 0.1) for e in ENDPOINTS}
    folder = tmp_path_factory.mktemp("reading") / "model"
    info = tiny_info([part], has_read_across=True, read_across_prior=PRIOR, stack=stack)
    save_model(folder, info, TINY_TRUST, weights_bytes([part], None, tiny_record()), "card\n", "{}\n")
    return folder
