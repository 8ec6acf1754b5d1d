import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molsieve.errors import MolsieveError
from molsieve.models.prior_shift import precision_at, shifted, top_of_library

shares = st.floats(1e-4, 1 - 1e-4)


def test_precision_by_counting():
    # 1,000 actives and 999,000 inactives: 80 % and 1 % of them are taken.
    found = precision_at(np.array([0.01]), np.array([0.8]), 0.001)
    assert found[0] == pytest.approx(800 / (800 + 9_990))


def test_nothing_taken_has_no_precision():
    assert np.isnan(precision_at(np.array([0.0]), np.array([0.0]), 0.5))[0]


def test_top_of_a_library_against_a_simulated_one():
    random = np.random.default_rng(1)
    fpr = np.geomspace(1e-4, 1, 60)
    tpr = fpr**0.3
    n, prevalence, share = 2_000_000, 0.01, 0.005
    # Scores whose ROC curve is tpr = fpr ** .3: of inactives u, of actives u ** (1 / .3), small is good.
    is_active = random.random(n) < prevalence
    score = np.where(is_active, random.random(n) ** (1 / 0.3), random.random(n))
    best = np.argsort(score)[: int(n * share)]
    row = top_of_library(fpr, tpr, prevalence, [share])[0]
    assert row.precision == pytest.approx(is_active[best].mean(), rel=0.05)
    assert row.recall == pytest.approx(is_active[best].sum() / is_active.sum(), rel=0.05)
    assert row.enrichment == pytest.approx(row.precision / prevalence)


def test_shares_the_data_cannot_tell_are_left_out():
    fpr, tpr = [0.0, 0.001, 0.1, 1.0], [0.3, 0.5, 0.8, 1.0]
    assert [row.share for row in top_of_library(fpr, tpr, 0.01, [1e-5, 0.01, 1.0])] == [0.01, 1.0]
    # With 50 inactives a false positive rate of 0.001 is a twentieth of a molecule.
    assert [row.share for row in top_of_library(fpr, tpr, 0.01, [0.01, 0.2], inactives=50)] == [0.2]
    assert top_of_library([0.0], [1.0], 0.01, [0.5]) == []


def test_all_of_a_library_has_its_prevalence():
    row = top_of_library([0.1, 0.5], [0.6, 0.9], 0.02, [1.0])[0]
    assert (row.precision, row.recall) == (pytest.approx(0.02), pytest.approx(1.0))


def test_prior_odds():
    # Odds 1 : 1 at prior odds 1 : 9 become 1 : 11 at 1 : 99.
    assert shifted(0.5, 0.1, 0.01) == pytest.approx(1 / 12)


@given(shares, shares, shares)
def test_shift_there_and_back(probability, trained, stated):
    there = shifted(probability, trained, stated)
    assert shifted(there, stated, trained) == pytest.approx(probability)
    assert (there <= probability + 1e-12) == (stated <= trained) or trained == pytest.approx(stated)


@pytest.mark.parametrize("prevalence", [0.0, 1.0, 1.5, -0.1, float("nan")])
def test_no_prevalence(prevalence):
    with pytest.raises(MolsieveError, match="between 0 and 1"):
        precision_at(np.array([0.1]), np.array([0.1]), prevalence)
