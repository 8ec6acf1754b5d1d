"""Rank stability: what rests on the weights and what does not."""

import numpy as np

from molsieve.scoring.stability import top_share

NO_PENALTY = np.zeros(4, dtype=np.float32)
ALL = np.ones(4, dtype=bool)


def test_a_compound_that_is_best_in_everything_stays_on_top():
    parts = np.array([[-0.1, -0.1], [-0.5, -0.3], [-0.3, -0.5], [-2, -2]], dtype=np.float32)
    shares = top_share(parts, NO_PENALTY, ALL, 1)
    assert shares.tolist() == [1, 0, 0, 0]
    shares = top_share(parts, NO_PENALTY, ALL, 2)
    assert shares[0] == 1
    assert shares[3] == 0
    # The two in between are mirror images: either may be second, and one of them is.
    assert 0.2 < shares[1] < 0.8
    assert abs(shares[1] + shares[2] - 1) < 1e-6


def test_what_cannot_be_a_hit_takes_nobodys_place():
    parts = np.array([[-0.1], [-0.2], [-0.3], [-0.4]], dtype=np.float32)
    assert top_share(parts, NO_PENALTY, np.array([False, True, True, True]), 1).tolist() == [0, 1, 0, 0]


def test_alerts_count():
    parts = np.array([[-0.1], [-0.2], [-0.3], [-0.4]], dtype=np.float32)
    assert top_share(parts, np.float32([-3, 0, 0, 0]), ALL, 1).tolist() == [0, 1, 0, 0]


def test_fewer_compounds_than_places_all_stay():
    assert top_share(np.full((4, 2), np.nan, np.float32), NO_PENALTY, ALL, 10).tolist() == [1, 1, 1, 1]
