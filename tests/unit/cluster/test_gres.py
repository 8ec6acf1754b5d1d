import pytest

from molsieve.cluster.gres import gpus_in


@pytest.mark.parametrize(
    ("gres", "gpus"),
    [
        ("(null)", {}),
        ("", {}),
        ("lustre:1", {}),
        ("gpu:1", {"": 1}),
        ("gpu", {"": 1}),
        ("gpu:a100", {"a100": 1}),
        ("gpu:fake:1", {"fake": 1}),
        ("gpu:a100:4(S:0-1),craynetwork:2", {"a100": 4}),
        ("gpu:a100:4(S:0,3),gpu:v100:2(S:1)", {"a100": 4, "v100": 2}),
        ("gpu:a100:1,gpu:a100:3", {"a100": 4}),
    ],
)
def test_gpus_of_a_node(gres, gpus):
    assert gpus_in(gres) == gpus
