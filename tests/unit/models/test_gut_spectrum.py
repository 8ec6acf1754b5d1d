"""The share of gut strains that a compound inhibits, and its interval."""

import json

import numpy as np
import pytest

from molsieve import project_root
from molsieve.models.endpoints import read_endpoints
from molsieve.models.families import MEMBER_CORRELATION, OUTCOME_CORRELATION
from molsieve.models.gut_spectrum import spectrum, spectrum_arrays

MEASURED = json.loads((project_root() / "benchmarks" / "family_correlation.json").read_text())


def test_it_is_the_expected_share():
    value, low, high = spectrum(np.float32([[0.1, 0.3], [0.9, 0.5]]))
    assert value == pytest.approx([0.2, 0.7])
    assert (low < value).all()
    assert (value < high).all()


def test_the_interval_is_that_of_strains_that_go_together():
    """Against simulated outcomes of four hundred alike strains, too many to scatter by chance."""
    random, correlation = np.random.default_rng(0), OUTCOME_CORRELATION["gut"]
    from scipy.special import ndtr, ndtri

    shares = ndtr((ndtri(0.2) + np.sqrt(correlation) * random.standard_normal(10**6)) / np.sqrt(1 - correlation))
    _, low, high = spectrum(np.full((1, 400), 0.2, dtype=np.float32))
    assert [low[0], high[0]] == pytest.approx(np.quantile(shares, [0.05, 0.95]), abs=0.005)
    # Forty independent strains would lie between 0.1 and 0.3.
    assert low[0] < 0.02
    assert high[0] > 0.5


def test_without_strains_it_is_null():
    endpoints = [e for e in read_endpoints(project_root() / "resources" / "models" / "triage") if e.family == "adme"]
    assert [column.null_count for column in spectrum_arrays(np.zeros((3, len(endpoints)), np.float32), endpoints)] == [
        3
    ] * 3


def test_the_correlations_are_those_that_were_measured():
    for table, what in ((MEMBER_CORRELATION, "members"), (OUTCOME_CORRELATION, "outcomes")):
        for family, value in table.items():
            tiers = [MEASURED[tier][family][what] for tier in ("triage", "refine")]
            assert value == pytest.approx(np.mean(tiers), abs=0.011)


def test_the_interval_holds_what_was_measured():
    for tier in ("triage", "refine"):
        assert 0.88 < MEASURED[tier]["gut"]["panel"]["coverage"] < 0.97
