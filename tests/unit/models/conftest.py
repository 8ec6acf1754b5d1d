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
from molsieve.models.endpoints import Endpoint
from molsieve.models.features import features_of
from molsieve.models.neighbours import FoldedBits
from molsieve.models.network import NetworkShape, TriageNetwork
from molsieve.models.store import Domain, ModelInfo, Scale, TrainingRecord, save_triage_model, weights_bytes
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


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """Folder of a model whose training molecules are ``KNOWN``."""
    import hashlib

    torch.manual_seed(5)
    features = features_of(prepared_table(KNOWN))
    vocabulary = Vocabulary.of_training(features, 1)
    shape = NetworkShape(
        rows=vocabulary.embedding_rows, descriptors=11, members=3, width=8, hidden=8, endpoints=len(ENDPOINTS)
    )
    network = TriageNetwork(shape)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    network.embedding.data[0] = 0.0
    folded = FoldedBits.of([sparse_morgan(Chem.MolFromSmiles(s))[0] for s in KNOWN])
    keys = np.arange(5, dtype=np.uint64)
    weights = weights_bytes(network, TrainingRecord(vocabulary, keys, folded.bits, folded.offsets))
    info = ModelInfo(
        format=1,
        name="tiny",
        created="2026-01-01T00:00:00+00:00",
        endpoints=ENDPOINTS,
        shape={n: getattr(shape, n) for n in ("rows", "descriptors", "members", "width", "hidden", "endpoints")},
        features={},
        standardise_digest=standardise.digest(standardise.StandardiseOptions()),
        rdkit_version=rdkit.__version__,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        datasets=(),
        curation={},
        splits={},
        training={},
        scales={"dose": Scale(mean=2.5, sd=0.5)},
        calibrations={"kills": Calibration.identity(), "harms": Calibration.identity()},
        intervals={"dose": Interval(low=-1.0, high=2.0, floor=None)},
        domain=Domain(max_unseen_fraction=0.3, statistics={}),
        metrics={},
    )
    folder = tmp_path_factory.mktemp("tiny") / "model"
    save_triage_model(folder, info, weights, "card\n")
    return folder
