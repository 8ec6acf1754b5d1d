import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import load_file
from sklearn.metrics import roc_auc_score

from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.models.endpoints import Endpoint
from molsieve.training.baselines import baseline_fold, folded_counts
from molsieve.training.curation import table_schema
from molsieve.training.evaluation import endpoint_metrics, read_out_of_fold
from molsieve.training.fit import TrainingData, TrainOptions, fit, fit_fold

FACTS = {"title": ".", "description": ".", "organism": ".", "positive_means": "."}
ENDPOINTS = (
    Endpoint(name="has_seven", task="classification", family="activity", **FACTS),
    Endpoint(name="size", task="regression", family="toxicity", unit="atoms", **FACTS),
)
OPTIONS = TrainOptions(members=2, width=16, hidden=16, epochs=40, batch_size=64, embedding_decay=0.0)


@pytest.fixture(scope="module")
def data():
    """Molecules whose label is whether they have bit 7; the label of every third is missing."""
    random = np.random.default_rng(0)
    ids = [np.sort(random.choice(40, 8, replace=False)).astype(np.uint32) * 5000 for _ in range(600)]
    counts = [np.ones(8, dtype=np.uint8)] * 600
    sizes = random.uniform(10, 40, 600)
    has = np.array([float(7 * 5000 in i) for i in ids])
    columns = {
        "connectivity": [f"K{i:03d}" for i in range(600)],
        "parent_smiles": ["C"] * 600,
        "scaffold": [f"S{i % 50}" for i in range(600)],
        "morgan_ids": ids,
        "morgan_counts": counts,
    }
    columns |= {c.name: pa.array(sizes).cast(c.type, safe=False) for c in DESCRIPTORS}
    columns["has_seven"] = np.where(np.arange(600) % 3 == 0, np.nan, has)
    columns["size"] = sizes
    arrays = {n: pa.array(v, from_pandas=True) if isinstance(v, np.ndarray) else v for n, v in columns.items()}
    return TrainingData(pa.table(arrays, schema=table_schema(ENDPOINTS)), ENDPOINTS), has, sizes


def test_it_learns_from_partial_labels_and_is_the_same_for_the_same_seed(data, tmp_path):
    training, has, sizes = data
    folds = (np.arange(600) % 5).astype(np.int8)
    fit_fold(training, folds, 0, tmp_path / "a.safetensors", options=OPTIONS, seed=3)
    fit_fold(training, folds, 0, tmp_path / "b.safetensors", options=OPTIONS, seed=3)
    first, again = load_file(tmp_path / "a.safetensors"), load_file(tmp_path / "b.safetensors")
    assert np.array_equal(first["outputs"], again["outputs"])
    rows = first["rows"]
    assert np.array_equal(rows, np.flatnonzero(folds == 0))
    logits, values = first["outputs"][:, :, 0].mean(axis=1), first["outputs"][:, :, 1].mean(axis=1)
    assert np.median(logits[has[rows] == 1]) > 0 > np.median(logits[has[rows] == 0])
    assert roc_auc_score(has[rows], logits) > 0.98
    assert np.abs(values - sizes[rows]).mean() < 3
    assert (first["unseen_fraction"] == 0).all()


def test_members_differ(data):
    training, *_ = data
    fitted = fit(training, np.arange(600), OPTIONS, 0)
    outputs = fitted.outputs(training, training.features)
    assert outputs.std(axis=1).mean() > 0.01


def test_baselines_and_metrics(data, tmp_path):
    training, *_ = data
    folds = (np.arange(600) % 5).astype(np.int8)
    for fold in range(5):
        fit_fold(training, folds, fold, tmp_path / f"net/random-{fold}.safetensors", options=OPTIONS, seed=0)
        baseline_fold(training, folds, fold, tmp_path / f"trees/random-{fold}.safetensors", seed=0, threads=1)
    found = read_out_of_fold(tmp_path / "net", "random", folds, tmp_path / "trees")
    assert np.isnan(found.forest[::3, 0]).all()
    metrics = endpoint_metrics(training, found, 0)
    assert metrics["n"] == 400
    assert metrics["network"]["auroc"]["mean"] > 0.99
    assert metrics["forest"]["auroc"]["mean"] > 0.9
    assert metrics["logp_mw"]["auroc"]["mean"] < 0.65
    assert len(metrics["network"]["auprc"]["folds"]) == 5


def test_the_forest_sees_counts_and_descriptors(data):
    training, *_ = data
    columns = folded_counts(training.features)
    assert columns.shape == (600, 2048 + 11)
    assert columns[:, :2048].sum() == 600 * 8
    assert columns[3, 2048] == pytest.approx(training.features.descriptors[3, 0])
