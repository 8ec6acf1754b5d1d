from types import SimpleNamespace

import numpy as np
import pytest

from molsieve.models.boosters import Boosters
from molsieve.models.model import NetworkPart
from molsieve.training.assemble import network_weights
from molsieve.training.components import FittedComponent
from molsieve.training.fit import Scaling

SCALING = Scaling(np.zeros(2, np.float32), np.ones(2, np.float32))


def fitted(part):
    return FittedComponent("morgan", part, SCALING, 0.0)


def network(*predicts):
    return NetworkPart(None, None, np.arange(0), np.array(predicts) if predicts else None)


@pytest.mark.parametrize(
    ("place", "regression", "expected"),
    [
        # Two networks share the part's weight where both predict the endpoint.
        (0, False, (0.2, 0.2, 0.4, 0.2)),
        # The second predicts only the first endpoint, and there are no trees for the second.
        (1, False, (0.6667, 0.0, 0.0, 0.3333)),
        (0, True, (0.25, 0.25, 0.5, 0.0)),
    ],
)
def test_networks_of_a_part_share_its_weight(place, regression, expected):
    stack = [fitted((network(), network(True, False))), fitted(Boosters({"first": None}))]
    endpoint = SimpleNamespace(name=("first", "second")[place], is_regression=regression)
    assert network_weights((0.4, 0.4, 0.2), stack, place, endpoint) == pytest.approx(expected)
