"""The stated loss of the cascade, against values worked out by hand."""

import numpy as np
import pytest

from molsieve.scoring.cascade import cascade


def made(n=20_000, size=500, audit=1000, noise=0.3, seed=1):
    """A library whose reference scores are all known, and what the cascade sees of it."""
    random = np.random.default_rng(seed)
    reference = random.normal(size=n)
    triage = reference + noise * random.normal(size=n)
    order = np.argsort(-triage)
    top, rest = order[:size], random.choice(order[size:], audit, replace=False)
    best = set(np.argsort(-reference)[:size].tolist())
    chosen = np.concatenate([top, rest])
    is_audit = np.arange(len(chosen)) >= size
    return cascade(n, is_audit, triage[chosen], reference[chosen]), len(best & set(top.tolist())) / size


def test_by_hand():
    # Four on top, two drawn of eight others: each stands for four. The best four by the reference models weigh
    # 0.9 (top) 1, 0.8 (sample) 3 of its 4: a quarter was kept.
    found = cascade(
        12,
        np.array([False] * 4 + [True] * 2),
        np.array([1.0, 0.9, 0.8, 0.7, 0.2, 0.1]),
        np.array([0.9, 0.5, 0.4, 0.3, 0.8, 0.1]),
    )
    assert (found.compounds, found.top, found.audit, found.spearman) == (12, 4, 2, None)
    assert [kept.best for kept in found.kept] == [4, 1]
    assert found.kept[0].share.value == pytest.approx(0.25)
    assert found.kept[0].missed_in_sample == 1
    assert found.kept[1].share.value == 1.0


@pytest.mark.parametrize("noise", [0.2, 0.5, 1.0])
def test_the_estimate_is_right_and_its_interval_holds_the_truth(noise):
    errors, inside = [], 0
    for seed in range(10):
        found, truth = made(noise=noise, seed=seed)
        share = found.kept[0].share
        errors.append(share.value - truth)
        inside += share.low <= truth <= share.high
    assert abs(np.mean(errors)) < 0.05
    assert inside >= 8


def test_a_loss_that_no_sample_shows_is_not_excluded():
    found, _ = made(noise=0.0)
    share = found.kept[0].share
    assert (share.value, share.high) == (1.0, 1.0)
    # Up to 3.7 of a thousand could be missed without being seen, which is 72 of 19,500.
    assert share.low == pytest.approx(500 / (500 + 19_500 * (1 - 0.05 ** (1 / 1000))))


def test_when_all_was_refined_there_is_no_uncertainty():
    found, truth = made(n=1500, size=500, audit=1000, noise=0.5)
    share = found.kept[0].share
    assert share.low == share.value == share.high == pytest.approx(truth)


def test_nothing_left_out_or_no_sample():
    scores = np.linspace(0, 1, 20)
    assert cascade(20, np.zeros(20, dtype=bool), scores, scores).kept == []
    assert cascade(100, np.zeros(20, dtype=bool), scores, scores).kept == []
    empty = cascade(0, np.zeros(0, dtype=bool), scores[:0], scores[:0])
    assert (empty.top, empty.audit, empty.spearman) == (0, 0, None)


def test_rank_correlation():
    found, _ = made(noise=0.5)
    assert found.spearman.low < found.spearman.value < found.spearman.high
    assert found.spearman.value == pytest.approx(0.87, abs=0.05)
    constant = np.full(50, 0.5)
    assert cascade(100, np.ones(50, dtype=bool), constant, constant).spearman is None


def test_the_same_input_gives_the_same_interval():
    assert made()[0] == made()[0]
