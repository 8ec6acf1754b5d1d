import pytest

from molsieve.cluster.waiting import why_waiting


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Resources", "the nodes are busy (Resources)"),
        ("None", "just submitted"),
        ("QOSMaxCpuPerUserLimit", "a limit of its quality of service is reached (QOSMaxCpuPerUserLimit)"),
        ("AssocGrpCpuLimit", "a limit of your account is reached (AssocGrpCpuLimit)"),
        (
            "AssocMaxCpuPerJobLimit",
            "it asks for more than one job may have; it will not start (AssocMaxCpuPerJobLimit)",
        ),
        ("ReqNodeNotAvail, UnavailableNodes:n1", "the nodes it could use are down or reserved (ReqNodeNotAvail)"),
        (
            "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions",
            "the nodes it could use are down or reserved (Nodes required for job are DOWN)",
        ),
        ("SomethingNew", "SomethingNew"),
    ],
)
def test_words(reason, words):
    assert why_waiting(reason) == words
