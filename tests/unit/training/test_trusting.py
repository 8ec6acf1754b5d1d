import numpy as np
import pytest

from molsieve.models.endpoints import Endpoint
from molsieve.models.features import SparseFeatures
from molsieve.training.data import TrainingData
from molsieve.training.trusting import calibrated, calibration_quality, conformal_quality, fit_trust, mean_width

FACTS = {"title": ".", "description": ".", "organism": ".", "positive_means": "."}


def simulated(n=6000, seed=0):
    random = np.random.default_rng(seed)
    true = random.normal(-2, 1.5, n)
    labels = (random.random(n) < 1 / (1 + np.exp(-true))).astype(float)
    return 2 * true + 1, labels, (np.arange(n) % 5).astype(np.int8)


def test_calibration_is_judged_on_what_it_was_not_fitted_on():
    logits, labels, folds = simulated()
    found = calibration_quality(logits, labels, folds)
    assert found["ece_cross_fitted"] < 0.02 < found["ece_raw"]
    predicted, observed, sizes = zip(*found["reliability"], strict=True)
    assert sum(sizes) == len(labels)
    assert list(predicted) == sorted(predicted)
    assert np.abs(np.array(predicted) - observed).max() < 0.08


def test_conformal_sets_are_valid_where_molecules_are_exchangeable():
    logits, labels, folds = simulated()
    for row in conformal_quality(logits, labels, folds):
        for label in ("active", "inactive"):
            assert row[f"exchangeable_{label}"] == pytest.approx(1 - row["error"], abs=0.02)
        assert row["single"] + row["both"] + row["none"] == pytest.approx(1, abs=0.001)


def test_a_shift_between_folds_shows_in_the_coverage():
    logits, labels, folds = simulated()
    shifted = logits + 3.0 * (folds == 0)
    row = conformal_quality(shifted, labels, folds)[0]
    assert row["coverage_inactive"] < row["exchangeable_inactive"] + 0.01
    assert row["exchangeable_inactive"] == pytest.approx(0.9, abs=0.02)


def test_trust_covers_every_endpoint_of_its_kind():
    logits, labels, _ = simulated(1000)
    endpoints = (
        Endpoint(name="a", task="classification", family="activity", **FACTS),
        Endpoint(name="b", task="regression", family="toxicity", unit="g", **FACTS),
    )
    targets = np.stack([labels, logits + np.random.default_rng(1).normal(size=1000)], axis=1).astype(np.float32)
    targets[:100, 1] = np.nan
    empty = SparseFeatures(np.empty(0, np.uint32), np.empty(0, np.uint8), np.zeros(1001, np.int64), np.zeros((1000, 1)))
    data = TrainingData(endpoints, ["K"] * 1000, ["C"] * 1000, targets, empty)
    mean = np.stack([logits, logits], axis=1).astype(np.float32)
    trust = fit_trust(data, mean, np.ones_like(mean), on="a test", date="today")
    assert set(trust.calibrations) == {"a"} == set(trust.conformal)
    assert set(trust.intervals) == {"b"}
    assert (trust.fitted["a"].n, trust.fitted["a"].n_positive) == (1000, int(labels.sum()))
    assert trust.fitted["b"].n == 900
    assert 0 < calibrated(trust.calibrations["a"], np.array([-3.0]))[0] < 0.2
    assert mean_width(trust, "b", logits, np.ones(1000)) == pytest.approx(3.29, abs=0.3)
