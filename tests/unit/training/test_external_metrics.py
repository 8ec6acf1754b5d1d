import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molsieve.training.external_metrics import (
    SIMILARITY_EDGES,
    Labelled,
    at_cutoff,
    best_ef1,
    bootstrap,
    by_domain,
    calibration_figures,
    classification_figures,
    conformal_figures,
    interval_figures,
    ranking,
    regression_figures,
    share,
)

metrics = pytest.importorskip("sklearn.metrics")


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=4, max_size=60))
def test_ranking_is_what_scikit_learn_says(pairs):
    truth, value = np.array([(1, 3), (0, 5), *pairs], dtype=float).T
    found = ranking(truth, value / 10)
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(truth, value))
    assert found["auprc"] == pytest.approx(metrics.average_precision_score(truth, value))
    decisions = at_cutoff(truth, value / 10)
    assert decisions["mcc"] == pytest.approx(metrics.matthews_corrcoef(truth, value >= 5), abs=1e-9)
    assert decisions["sensitivity"] == pytest.approx(metrics.recall_score(truth, value >= 5))


def drawn(n=600, seed=3):
    random = np.random.default_rng(seed)
    value = random.beta(0.6, 2.0, n)
    return (random.random(n) < value).astype(float), value


def test_intervals_hold_the_value_and_narrow_with_the_data():
    few, many = (classification_figures(*drawn(n), resamples=200, seed=0) for n in (200, 5000))
    assert set(few) == {"prevalence", "auroc", "auprc", "bedroc", "ef1", "mcc", "sensitivity", "specificity"}
    for name, estimate in few.items():
        assert estimate.low <= estimate.value <= estimate.high, name
        assert many[name].high - many[name].low < estimate.high - estimate.low, name


def test_resamples_keep_the_prevalence():
    truth, value = drawn()
    seen = []
    bootstrap(lambda t, v: seen.append(t.mean()) or {}, truth, value, classes=True, resamples=20, seed=1)
    assert np.allclose(seen, truth.mean())


def test_calibrated_probabilities_are_told_from_wrong_ones():
    truth, value = drawn(4000)
    good = calibration_figures(truth, value, resamples=100, seed=0)
    bad = calibration_figures(truth, np.sqrt(value), resamples=100, seed=0)
    assert good.ece < 1.6 * good.ece_by_chance
    assert bad.ece > 3 * bad.ece_by_chance
    assert good.brier.value < bad.brier.value
    assert len(good.reliability) == 15
    assert sum(b.n for b in good.reliability) == 4000
    assert good.brier_of_prevalence == pytest.approx(truth.mean() * (1 - truth.mean()))


def test_conformal_coverage_by_class():
    truth = np.array([1.0, 1.0, 1.0, 0.0, 0.0])
    sets = np.array([2, 3, 1, 1, 0], dtype=np.int8)
    found = conformal_figures(truth, sets, 0.2)
    assert found.coverage_active.value == pytest.approx(2 / 3)
    assert found.coverage_inactive.value == pytest.approx(1 / 2)
    assert found.shares == {"none": 0.2, "inactive": 0.4, "active": 0.2, "both": 0.2}


def test_share_of_nothing():
    assert np.isnan(share(0, 0).value)
    assert share(10, 10).high == pytest.approx(1.0)
    assert share(10, 10).low < 0.8


def test_largest_enrichment():
    assert best_ef1(np.array([1.0] * 5 + [0.0] * 995)) == pytest.approx(100.0)


def test_regression():
    truth = np.linspace(0, 10, 50)
    found = regression_figures(truth, truth + 1.0, resamples=100, seed=0)
    assert (found["mae"].value, found["rmse"].value) == (pytest.approx(1.0), pytest.approx(1.0))
    assert found["spearman"].value == pytest.approx(1.0)
    assert 0.8 < found["r2"].value < 1.0
    assert np.isnan(regression_figures(truth, np.ones(50), resamples=100, seed=0)["spearman"].value)
    assert interval_figures(truth, truth - 1, truth + np.r_[np.full(40, 1.0), np.full(10, -0.5)]).coverage.value == 0.8


def test_bins_by_domain():
    truth, value = drawn(400)
    distance = np.r_[np.full(100, 0.1), np.full(100, 0.3), np.full(196, 0.45), np.full(4, 1.0)]
    bins = by_domain(
        Labelled(truth, value),
        distance,
        np.ones(400, dtype=bool),
        measure="nn_similarity",
        edges=SIMILARITY_EDGES,
        classes=True,
        resamples=100,
        seed=0,
    )
    assert [(b.low, b.high, b.n) for b in bins] == [(0.0, 0.3, 100), (0.3, 0.4, 100), (0.4, 0.5, 196), (0.5, 1.0, 4)]
    assert set(bins[0].figures) == {"auroc", "auprc", "brier"}
    assert bins[3].figures == {}
    assert bins[3].coverage == 1.0
