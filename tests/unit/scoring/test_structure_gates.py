"""Which compounds a profile's structure section stops."""

import pyarrow as pa
import pytest

from molsieve.scoring.profile import Structure
from molsieve.scoring.structure_gates import structure_gates

CHECKS = pa.table(
    {
        "pains": pa.array([[], ["quinone_A(370)"], [], [], [], None], pa.list_(pa.string())),
        "antibacterial_class": pa.array([None, None, "quinolone", None, None, None], pa.string()),
        "novelty_tanimoto": pa.array([0.1, 0.1, 0.1, 0.7, 0.2, None], pa.float32()),
        "novelty_tversky": pa.array([0.2, 0.2, 0.2, 0.7, 0.7, None], pa.float32()),
    }
)


@pytest.mark.parametrize(
    ("section", "stopped"),
    [
        ({}, [1, 2, 3]),
        ({"known_tversky": 0.7}, [1, 2, 3, 4]),
        ({"pains": "flag"}, [2, 3]),
        ({"known_classes": "flag", "known_similarity": None}, [1]),
        ({"pains": "flag", "known_classes": "flag", "known_similarity": None}, []),
    ],
)
def test_each_gate_stops_what_it_names_and_nothing_that_was_not_inspected(section, stopped):
    gates = structure_gates(Structure(**section), CHECKS)
    assert sorted({int(row) for _, stops in gates for row in stops.nonzero()[0]}) == stopped


def test_pains_outweigh_what_is_known():
    gates = structure_gates(Structure(), CHECKS)
    assert gates[-1][0] == "pains"
    assert {name for name, _ in gates} == {"known_antibacterial", "pains"}
