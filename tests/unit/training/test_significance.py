import numpy as np
import pytest

from molsieve.training.external_metrics import Labelled
from molsieve.training.significance import beats_chance, corrected_error, margin


def ranked(n, active, shift, seed=0):
    """Labels, and outputs that are higher for the actives by ``shift`` standard deviations."""
    truth = (np.arange(n) < active).astype(float)
    return Labelled(truth, np.random.default_rng(seed).normal(size=n) + shift * truth)


def test_error_grows_with_the_share_held_out_and_the_margin_with_few_sets():
    values = np.array([0.7, 0.75, 0.8, 0.85, 0.9])
    plain = values.std(ddof=1) / 5**0.5
    assert corrected_error(values, 0.0) == pytest.approx(plain)
    assert corrected_error(values, 0.25) == pytest.approx(1.5 * plain)
    assert margin(values, 0.0) == pytest.approx(2.776 * plain, rel=1e-3)
    assert margin(values[:1], 0.25) == float("inf")


@pytest.mark.parametrize(("active", "n"), [(3, 40), (50, 100), (400, 1000)])
def test_one_set_of_noise_seldom_beats_chance(active, n):
    beaten = [beats_chance([ranked(n, active, 0.0, seed)], regression=False) for seed in range(300)]
    assert np.mean(beaten) < 0.06


def test_one_set_with_a_pattern_beats_chance():
    assert beats_chance([ranked(200, 40, 1.5)], regression=False)
    assert not beats_chance([ranked(200, 40, -1.5)], regression=False)


def test_few_actives_are_no_certainty():
    # One active on top of 20: resampling within the classes would call its AUROC certain.
    truth = np.array([1.0] + [0.0] * 19)
    assert not beats_chance([Labelled(truth, -np.arange(20.0))], regression=False)


def test_one_set_of_values():
    random = np.random.default_rng(0)
    truth = random.normal(size=100)
    assert beats_chance([Labelled(truth, truth + random.normal(0, 0.5, 100))], regression=True)
    assert not beats_chance([Labelled(truth, 0.05 * truth + random.normal(0, 0.1, 100))], regression=True)
    assert not beats_chance([Labelled(truth, 1000 * truth)], regression=True)


def test_several_sets_are_judged_by_their_spread():
    good = [ranked(60, 20, 2.0, seed) for seed in range(5)]
    assert beats_chance(good, regression=False, test_to_train=0.25)
    mixed = [ranked(60, 20, shift, 1) for shift in (-1.0, 2.0, 0.0)]
    assert not beats_chance(mixed, regression=False, test_to_train=0.5)


def test_sets_that_cannot_be_judged():
    one_class = Labelled(np.ones(5), np.arange(5.0))
    assert not beats_chance([one_class], regression=False)
    assert beats_chance([one_class, ranked(200, 40, 1.5)], regression=False)
