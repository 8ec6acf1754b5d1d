import pytest

from molsieve.training.domain import TOLERANCE, UNSEEN_EDGES, limit

ABOVE = TOLERANCE + 0.01


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([1.0, 1.0, 1.1, ABOVE, 1.5], UNSEEN_EDGES[3]),
        ([1.0, ABOVE, 1.0, 1.0, 1.0], UNSEEN_EDGES[1]),
        ([2.0, 2 * ABOVE - 0.05, 2.0, 2 * ABOVE, 2.0], UNSEEN_EDGES[3]),
        ([1.0] * 5, 1.0),
        ([1.0, 1.0, None, None, ABOVE], UNSEEN_EDGES[4]),
    ],
)
def test_the_limit_is_where_the_error_first_exceeds_the_tolerance(errors, expected):
    assert limit(errors) == expected
