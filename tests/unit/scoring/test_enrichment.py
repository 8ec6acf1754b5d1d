import time

import numpy as np
import pytest
from rdkit.ML.Scoring import Scoring
from sklearn.metrics import roc_auc_score

from molsieve.scoring.enrichment import (
    Places,
    auroc,
    bedroc,
    enrichment,
    enrichment_factor,
    largest_enrichment_factor,
    matched_auroc,
    roc_curve,
    share_in_top,
)


def scores(seed, n_active=37, n_background=1213, shift=1.0):
    random = np.random.default_rng(seed)
    return random.normal(shift, 1, n_active), random.normal(0, 1, n_background)


def places(active, background):
    return Places.among(np.asarray(active, float), np.sort(np.asarray(background, float)))


def rdkit_list(active, background):
    ranked = [(s, 1) for s in active] + [(s, 0) for s in background]
    return sorted(ranked, reverse=True)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shift", [-1.0, 0.0, 2.0])
def test_agrees_with_rdkit(seed, shift):
    active, background = scores(seed, shift=shift)
    ranked, found = rdkit_list(active, background), places(active, background)
    assert auroc(found) == pytest.approx(Scoring.CalcAUC(ranked, 1))
    assert bedroc(found) == pytest.approx(Scoring.CalcBEDROC(ranked, 1, 20.0))
    assert [enrichment_factor(found, f) for f in (0.01, 0.05, 0.2)] == pytest.approx(
        Scoring.CalcEnrichment(ranked, 1, [0.01, 0.05, 0.2])
    )


def test_ties_count_half():
    assert auroc(places([1, 1, 2], [1, 1, 0])) == pytest.approx(roc_auc_score([1, 1, 1, 0, 0, 0], [1, 1, 2, 1, 1, 0]))
    assert auroc(places([5] * 10, [5] * 90)) == 0.5
    assert enrichment_factor(places([5] * 10, [5] * 90), 0.05) == pytest.approx(1)
    assert bedroc(places([5] * 10, [5] * 9990)) < 0.01


def test_ties_at_the_edge_count_as_their_expected_share():
    # The top 10 % are 10 compounds: 4 that are higher, then 6 of 12 tied ones of which 3 are active.
    active, background = [9, 9, 5, 5, 5], [9, 9] + [5] * 9 + [1] * 84
    assert enrichment_factor(places(active, background), 0.1) == pytest.approx((2 + 3 / 2) / 10 * 100 / 5)


def test_perfect_and_worst_ranking():
    perfect, worst = places([2.0] * 10, np.linspace(0, 1, 990)), places([-1.0] * 10, np.linspace(0, 1, 990))
    assert enrichment_factor(perfect, 0.01) == pytest.approx(largest_enrichment_factor(10, 990, 0.01)) == 100
    assert bedroc(places(np.linspace(2, 3, 10), np.linspace(0, 1, 990))) == pytest.approx(1)
    assert auroc(worst) == 0
    assert share_in_top(perfect, 0.01) == 1
    assert share_in_top(worst, 0.01) == 0


def test_saturation_is_said():
    # With 200 actives among 1,000 compounds the top 1 % cannot hold more than 10 of them.
    assert largest_enrichment_factor(200, 800, 0.01) == pytest.approx(5)


def test_roc_curve_is_exact_where_it_is_sampled():
    active, background = scores(3)
    fpr, tpr = roc_curve(active, background, points=10_000)
    assert (fpr[0], fpr[-1], tpr[-1]) == (0, 1, 1)
    assert (np.diff(fpr) > 0).all()
    assert (np.diff(tpr) >= 0).all()
    assert np.trapezoid(tpr, fpr) == pytest.approx(auroc(places(active, background)), abs=0.002)


def test_intervals_hold_the_value_and_are_reproducible():
    active, background = scores(1)
    first, second = enrichment(active, background), enrichment(active, background)
    assert first == second
    assert first.auroc.low < first.auroc.value < first.auroc.high
    assert first.ef1.low <= first.ef1.value <= first.ef1.high <= first.ef1_max


def test_interval_has_the_width_that_theory_gives():
    # DeLong's variance of the AUROC, doi 10.2307/2531595
    active, background = scores(2, n_active=60, n_background=600)
    found = enrichment(active, background, resamples=2000)
    wins = active[:, None] > background[None, :]
    error = np.sqrt(wins.mean(axis=1).var(ddof=1) / 60 + wins.mean(axis=0).var(ddof=1) / 600)
    assert found.auroc.high - found.auroc.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_nothing_to_compare():
    assert enrichment(np.array([]), np.array([1.0])) is None
    assert enrichment(np.array([1.0]), np.array([])) is None


def test_one_against_one():
    found = enrichment(np.array([1.0]), np.array([0.0]))
    assert found.auroc.value == 1


def test_a_million_compounds_take_seconds():
    active, background = scores(0, n_active=300, n_background=1_000_000)
    start = time.perf_counter()
    enrichment(active.astype(np.float32), background.astype(np.float32))
    assert time.perf_counter() - start < 10


def test_matched_auroc_against_values_worked_out_by_hand():
    active, decoys = np.array([0.9, 0.5, 0.1]), np.array([0.8, 0.5, 0.6, 0.4, 0.2])
    # The first beats both of its decoys, the second ties with its only one, the third loses to both of its own.
    found = matched_auroc(active, decoys, np.array([0, 1, 0, 2, 2]))
    assert found.value == pytest.approx((1 + 0.5 + 0) / 3)
    assert found.low <= found.value <= found.high


def test_matched_auroc_counts_each_active_once():
    # An active with 98 easy decoys weighs no more than one with two hard ones.
    active, decoys = np.array([0.9, 0.1]), np.r_[np.zeros(98), 0.5, 0.5]
    owner = np.repeat([0, 1], [98, 2])
    assert matched_auroc(active, decoys, owner).value == 0.5
    assert auroc(places(active, decoys)) > 0.95


def test_matched_auroc_leaves_out_actives_without_decoys():
    assert matched_auroc(np.array([0.9, 0.0]), np.array([0.5]), np.array([0])).value == 1
    assert matched_auroc(np.array([0.9]), np.zeros(0), np.zeros(0, np.int64)) is None
