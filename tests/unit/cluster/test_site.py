import pytest
from tests.unit.cluster.recorded import site

from molsieve.cluster.site import minutes, parse_accounting


def test_partitions_have_their_limits():
    partitions = site().partitions
    assert {name: each.max_minutes for name, each in partitions.items()} == {
        "cpu": 120, "gpu": 60, "short": 1, "closed": 7 * 24 * 60, "denied": None, "group": 120, "drained": 120,
        "broken": 120, "empty": 120, "long": 7 * 24 * 60, "big": None,
    }  # fmt: skip
    assert site().default_partition == "cpu"
    assert (partitions["denied"].cpus_a_node, partitions["denied"].memory_mb_a_node) == (2, 4000)
    assert (partitions["long"].cpus_a_node, partitions["long"].memory_mb_a_node) == (64, 240_000)
    assert partitions["drained"].state == "DRAIN"


def test_partitions_know_whom_they_admit():
    partitions = site().partitions
    admitted = [name for name, partition in partitions.items() if partition.admits("screening")]
    assert admitted == [name for name in partitions if name not in ("closed", "denied")]
    assert partitions["closed"].admits("chemistry")


def test_nodes_out_of_service_are_not_usable():
    usable = {name: [group.is_usable for group in each.nodes] for name, each in site().partitions.items()}
    assert usable["broken"] == [False, False]
    assert usable["drained"] == [False]
    assert usable["long"] == [True, True], "sleeping nodes are woken for a job"


def test_a_partition_is_described_in_a_line():
    partitions = site().partitions
    assert partitions["gpu"].described == (
        "gpu: 1 of 1 nodes usable; on a node up to 4 CPUs, 12000 MB and 1 GPU of type fake; 60 min"
    )
    assert "4 GPU of type a100, 2 GPU of type v100; no time limit" in partitions["big"].described
    assert partitions["broken"].described.startswith("broken: 0 of 3 nodes usable")


def test_accounts_are_in_small_letters_as_slurm_keeps_them():
    accounting = parse_accounting("Chemistry\n", "Chemistry|gpu|3|5|a,b|a\n", "Chemistry\n")
    assert accounting.accounts == {"chemistry"}
    [right] = accounting.associations
    assert (right.account, right.partition, right.max_jobs, right.max_submitted) == ("chemistry", "gpu", 3, 5)
    assert (right.qos, right.default_qos) == ({"a", "b"}, "a")
    assert accounting.default_account == "chemistry"


def test_a_user_without_rights():
    accounting = parse_accounting("", "", "")
    assert (accounting.own_accounts, accounting.default_account) == ([], None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("00:01:00", 1), ("02:00:00", 120), ("1-12:30:00", 2190), ("UNLIMITED", None), ("NONE", None), ("", None)],
)
def test_minutes(text, expected):
    assert minutes(text) == expected
