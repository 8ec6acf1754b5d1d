"""What alerts cost."""

import pyarrow as pa
import pytest

from molsieve.scoring.alert_penalties import alert_factor
from molsieve.scoring.profile import Structure

CHECKS = pa.table(
    {
        "pains": pa.array([[], [], ["quinone_A(370)"], None], pa.list_(pa.string())),
        "brenk": pa.array([["a"], ["a", "b", "c", "d"], [], None], pa.list_(pa.string())),
    }
)


@pytest.mark.parametrize(
    ("section", "factors"),
    [
        ({"alert_penalties": {"brenk": 0.5}}, [0.5, 0.125, 0.0, 1.0]),
        ({"alert_penalties": {"brenk": 0.5}, "pains": "flag"}, [0.5, 0.125, 1.0, 1.0]),
        # A catalogue that an older table does not have.
        ({"alert_penalties": {"nih": 0.5}, "pains": "flag"}, [1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_each_alert_costs_up_to_three_and_pains_all(section, factors):
    assert alert_factor(Structure(**section), CHECKS).tolist() == factors
