"""Pareto fronts against the definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from molsieve.scoring.pareto import MAX_FRONTS, pareto_fronts


def test_known_fronts():
    values = np.array([[1, 0], [0, 1], [0.5, 0.5], [0.4, 0.4], [0, 0]], dtype=np.float32)
    assert pareto_fronts(values).tolist() == [1, 1, 1, 2, 3]


def test_equal_rows_share_a_front():
    assert pareto_fronts(np.ones((4, 3), dtype=np.float32)).tolist() == [1, 1, 1, 1]


def test_no_rows():
    assert pareto_fronts(np.empty((0, 3), dtype=np.float32)).tolist() == []


@given(
    arrays(np.float32, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.sampled_from([0, 0.25, 0.5, 1]))
)
def test_first_front_is_what_nothing_dominates(values):
    fronts = pareto_fronts(values)
    for row, value in enumerate(values):
        dominated = any((other >= value).all() and (other > value).any() for other in values)
        assert (fronts[row] == 1) == (not dominated)
    assert fronts.max() <= MAX_FRONTS
