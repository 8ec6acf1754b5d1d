import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.numpy import load_file
from sklearn.metrics import roc_auc_score

from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.models.endpoints import Endpoint
from molsieve.models.predict import mean_and_spread
from molsieve.training.baselines import baseline_fold, folded_counts
from molsieve.training.components import (
    fit_component,
    load_component,
    predict_fold,
    save_component,
    stack_outputs,
    teacher_outputs,
)
from molsieve.training.curation import table_schema
from molsieve.training.data import training_data
from molsieve.training.evaluation import endpoint_metrics, member_mean, read_out_of_fold
from molsieve.training.extrapolation import rank
from molsieve.training.fit import TrainOptions
from molsieve.training.stacking import READ_ACROSS, choose_weights, nested, with_spread

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
    found = training_data(pa.table(arrays, schema=table_schema(ENDPOINTS)), ENDPOINTS)
    found.rich = found.morgan
    return found, has, sizes


def fold_of(training, folds, fold, out, component="morgan", seed=0, **soft):
    rows = np.flatnonzero(folds != fold)
    fitted = fit_component(training, rows, component, options=OPTIONS, seed=seed, threads=1, **soft)
    predict_fold(fitted, training, np.flatnonzero(folds == fold), out, everywhere=True)
    return fitted


@pytest.mark.parametrize("component", ["morgan", "rich", "boosters"])
def test_it_learns_from_partial_labels_and_is_the_same_for_the_same_seed(data, tmp_path, component):
    training, has, sizes = data
    folds = (np.arange(600) % 5).astype(np.int8)
    fold_of(training, folds, 0, tmp_path / "a.safetensors", component, seed=3)
    fold_of(training, folds, 0, tmp_path / "b.safetensors", component, seed=3)
    first, again = load_file(tmp_path / "a.safetensors"), load_file(tmp_path / "b.safetensors")
    assert np.array_equal(first["outputs"], again["outputs"], equal_nan=True)
    rows = first["rows"]
    assert np.array_equal(rows, np.flatnonzero(folds == 0))
    logits, values = member_mean(first["outputs"].astype(np.float32)).T
    assert np.median(logits[has[rows] == 1]) > 0 > np.median(logits[has[rows] == 0])
    assert roc_auc_score(has[rows], logits) > 0.98
    assert np.abs(values - sizes[rows]).mean() < 3
    assert first["everywhere"].shape == (600, 2)
    assert first["everywhere"][rows, 0] == pytest.approx(logits.astype(float), abs=0.01)


def test_members_differ(data):
    training, *_ = data
    fitted = fit_component(training, np.arange(600), "morgan", options=OPTIONS, seed=0, threads=1)
    outputs = fitted.outputs(training, np.arange(600), 1)
    assert np.nanstd(outputs, axis=1).mean() > 0.01


def test_specialists_learn_their_families_alone(data):
    training, *_ = data
    rows = np.arange(600)
    whole, first, second = fit_component(training, rows, "rich", options=OPTIONS, seed=0, threads=1).part
    assert whole.predicts is None
    assert [n.predicts.tolist() for n in (first, second)] == [[True, False], [False, True]]
    alone = training.of_families(["activity"])[0]
    (only,) = fit_component(alone, np.arange(alone.molecules), "rich", options=OPTIONS, seed=0, threads=1).part
    features = training.morgan
    torch.testing.assert_close(first.outputs(features)[:, :, :1], only.outputs(features))
    assert first.outputs(features)[:, :, 1].isnan().all()


def test_on_morgan_ids_only_activity_has_a_specialist(data):
    training, *_ = data
    whole, specialist = fit_component(training, np.arange(600), "morgan", options=OPTIONS, seed=0, threads=1).part
    assert whole.predicts is None
    assert specialist.predicts.tolist() == [True, False]


def test_the_whole_and_the_specialist_count_alike(data):
    training, *_ = data
    rows, features = np.arange(600), training.morgan
    fitted = fit_component(training, rows, "morgan", options=OPTIONS, seed=0, threads=1, families=["activity"])
    whole, specialist = fitted.part
    outputs = fitted.outputs(training, rows, 1)
    assert np.isnan(outputs).any(axis=0).tolist() == [[False, False]] * 2 + [[False, True]] * 2
    expected = (whole.outputs(features) + specialist.outputs(features)).mean(dim=1)[:, 0] / 2
    assert member_mean(outputs)[:, 0] == pytest.approx(expected.numpy(), abs=1e-5)
    assert member_mean(outputs)[:, 1] == pytest.approx(outputs[:, :2, 1].mean(axis=1), abs=1e-4)


def test_a_student_is_one_network(data):
    training, *_ = data
    soft = np.zeros((600, 2), dtype=np.float32)
    fitted = fit_component(training, np.arange(600), "student", options=OPTIONS, seed=0, threads=1, soft=soft)
    assert len(fitted.part) == 1


@pytest.mark.parametrize("component", ["morgan", "boosters"])
def test_a_part_is_read_back_as_it_was_written(data, tmp_path, component):
    training, *_ = data
    rows = np.arange(600)
    fitted = fit_component(training, rows, component, options=OPTIONS, seed=0, threads=1)
    save_component(fitted, tmp_path / "part.safetensors")
    again = load_component(component, tmp_path / "part.safetensors")
    assert np.allclose(again.outputs(training, rows, 1), fitted.outputs(training, rows, 1), equal_nan=True, atol=1e-3)
    assert again.seconds == fitted.seconds


def test_storing_a_network_changes_less_than_its_members_disagree(data, monkeypatch):
    training, *_ = data
    rows = np.arange(600)
    stored = fit_component(training, rows, "morgan", options=OPTIONS, seed=0, threads=1).outputs(training, rows, 1)
    monkeypatch.setattr("molsieve.training.fit.as_stored", lambda network: network.eval())
    exact = fit_component(training, rows, "morgan", options=OPTIONS, seed=0, threads=1).outputs(training, rows, 1)
    moved = np.sqrt((member_mean(stored - exact) ** 2).mean(axis=0))
    assert (moved > 0).all()
    assert (moved < 0.35 * np.nanstd(exact, axis=1, ddof=1).mean(axis=0)).all()


def test_a_student_learns_what_only_its_teacher_knows(data, tmp_path):
    training, has, _ = data
    folds = (np.arange(600) % 5).astype(np.int8)
    fold_of(training, folds, 0, tmp_path / "teacher.safetensors", "boosters")
    soft = teacher_outputs([tmp_path / "teacher.safetensors"])
    blind = training.of_families(["toxicity"])[0]
    blind.targets = np.stack([np.full(600, np.nan), training.targets[:, 1]], axis=1).astype(np.float32)
    blind.endpoints = training.endpoints
    taught = fit_component(blind, np.arange(600), "student", options=OPTIONS, seed=0, threads=1, soft=soft)
    logits = taught.outputs(training, np.arange(600), 1)[:, :, 0].mean(axis=1)
    assert roc_auc_score(has, logits) > 0.95


def test_folds_metrics_and_stack(data, tmp_path):
    training, *_ = data
    folds = (np.arange(600) % 5).astype(np.int8)
    for fold in range(5):
        for part in ("morgan", "boosters"):
            fold_of(training, folds, fold, tmp_path / f"net/{part}-random-{fold}.safetensors", part)
        baseline_fold(training, folds, fold, tmp_path / f"trees/random-{fold}.safetensors", seed=0, threads=1)
    found = read_out_of_fold(
        tmp_path / "net", tmp_path / "trees", "random", folds, ["morgan", "boosters"], np.arange(600)
    )
    assert np.isnan(found.baselines["forest"][::3, 0]).all()
    metrics = endpoint_metrics(training, found, nested(training, found)[0], 0)
    assert metrics["n"] == 400
    assert metrics["model"]["auroc"]["mean"] > 0.99
    assert metrics["boosters"]["auroc"]["mean"] > 0.9
    assert metrics["forest"]["auroc"]["mean"] > 0.9
    assert metrics["neighbours"]["auroc"]["mean"] > 0.6
    assert metrics["logp_mw"]["auroc"]["mean"] < 0.65
    assert len(metrics["model"]["auprc"]["folds"]) == 5
    weights = choose_weights(training, found, np.ones(600, dtype=bool))
    assert set(weights) == {"activity", "toxicity"}
    assert all(sum(w) == pytest.approx(1, abs=1e-3) for w in weights.values())


def test_molecules_left_out_are_ranked_by_all_parts(data):
    training, has, _ = data
    train, test = np.arange(450), np.arange(450, 600)
    ranked = rank(training, train, test, [0, 1], seed=0, threads=1, options=OPTIONS)
    assert list(ranked.parts) == ["morgan", "rich", "boosters", "neighbours"]
    trained = np.mean([ranked.parts[name] for name in ("morgan", "rich", "boosters")], axis=0)
    expected = (1 - READ_ACROSS) * trained[:, 0] + READ_ACROSS * ranked.parts["neighbours"][:, 0]
    assert ranked.model[:, 0] == pytest.approx(expected, abs=1e-4)
    assert ranked.model[:, 1] == pytest.approx(trained[:, 1], abs=1e-4)
    assert roc_auc_score(has[test], ranked.parts["neighbours"][:, 0]) > 0.6
    assert roc_auc_score(has[test], ranked.forest[:, 0]) > 0.8


def test_the_spread_is_that_of_the_prediction():
    random = np.random.default_rng(0)
    parts = [random.normal(size=(50, 5)).astype(np.float32), random.normal(size=(50, 1)).astype(np.float32)]
    mean, sd = with_spread(parts, (0.5, 0.5))
    assert mean == pytest.approx((parts[0].mean(axis=1) + parts[1][:, 0]) / 2, abs=1e-5)
    weights = torch.tensor([[0.1]] * 5 + [[0.5]])
    _, expected = mean_and_spread(torch.from_numpy(np.concatenate(parts, axis=1))[:, :, None], weights)
    assert sd == pytest.approx(expected[:, 0].numpy(), abs=1e-5)
    alone, none = with_spread([parts[0], np.full((50, 1), np.nan, np.float32)], (0.5, 0.5))
    assert alone == pytest.approx(parts[0].mean(axis=1), abs=1e-5)
    assert none == pytest.approx(parts[0].std(axis=1, ddof=1), abs=1e-5)


def test_the_stack_of_final_parts_is_their_mean(data):
    training, *_ = data
    rows = np.arange(600)
    parts = [fit_component(training, rows, c, options=OPTIONS, seed=0, threads=1) for c in ("morgan", "boosters")]
    expected = np.mean([member_mean(p.outputs(training, rows, 1)) for p in parts], axis=0)
    assert stack_outputs(parts, training, 1) == pytest.approx(expected, abs=1e-4)


def test_the_forest_sees_counts_and_descriptors(data):
    training, *_ = data
    columns = folded_counts(training.morgan)
    assert columns.shape == (600, 2048 + 11)
    assert columns[:, :2048].sum() == 600 * 8
    assert columns[3, 2048] == pytest.approx(training.morgan.descriptors[3, 0])
