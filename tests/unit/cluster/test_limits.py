import pytest
from tests.unit.cluster.recorded import site

from molsieve.cluster.limits import check_requests
from molsieve.cluster.requests import RuleRequest


def found(*requests, partition=None, gpu_partition=None):
    return check_requests(site(), requests, None, partition, gpu_partition)


def test_what_fits_is_said_in_a_line():
    [finding] = found(
        RuleRequest("prepare", 4, 12_000, 120), RuleRequest("triage", 1, 1000, 60, gpus=1, partition="gpu")
    )
    assert (finding.level, finding.said) == ("ok", "what the rules ask for fits into cpu, gpu")


@pytest.mark.parametrize(
    ("request_", "said", "fix"),
    [
        (
            RuleRequest("prepare", 1, 500, 121),
            "too much for the partition cpu: prepare (121 min); a job there may run 120 min",
            "Try --partition long or big, or make the shards smaller (ingest.shard_size), or several runs",
        ),
        (
            RuleRequest("prepare", 1, 12_001, 1),
            "prepare (12001 MB); a job there gets at most 12000 MB on a node",
            "Try --partition long or big",
        ),
        (RuleRequest("prepare", 5, 500, 1), "prepare (5 CPUs); a job there gets at most 4 CPUs", "long or big"),
        (RuleRequest("triage", 1, 500, 1, gpus=2), "triage (2 GPU); a node there has 1 GPU of type", "Try --gpu-part"),
        (
            RuleRequest("triage", 1, 500, 1, gpus=1, partition="short"),
            "triage (1 GPU); a node there has no GPU",
            "Try --gpu-partition cpu or gpu or big, or leave --gpu-partition out",
        ),
        (
            RuleRequest("triage", 1, 500, 1, gpus=1, partition="gpu", gpu_type="a100"),
            "triage (1 a100 GPU); a node there has 1 GPU of type fake",
            "Try --gpu-partition big",
        ),
        (
            RuleRequest("score", 64, 240_000, 1, partition="long"),
            "score (1 x 64 CPUs and 240000 MB); its nodes together do not hold that",
            "Try --partition big",
        ),
        (RuleRequest("score", 1, 500, 1, tasks=9), "score (9 x 1 CPUs and 500 MB); its nodes", "lower tasks"),
        (RuleRequest("score", 1, 6000, 1, tasks=5), "score (5 x 1 CPUs and 6000 MB); its nodes", "lower tasks"),
    ],
)  # fmt: skip
def test_each_limit_is_found_once_with_a_way_out(request_, said, fix):
    [finding] = found(request_)
    assert finding.level == "problem"
    assert said in finding.said
    assert fix in finding.fix


def test_rules_over_the_same_limit_share_a_finding():
    asked = [RuleRequest("prepare", 1, 500, 30), RuleRequest("refine", 1, 500, 40), RuleRequest("score", 1, 500, 1)]
    [finding] = found(*asked, partition="short")
    assert "prepare (30 min), refine (40 min);" in finding.said


def test_a_partition_without_time_limit_takes_any_time():
    assert found(RuleRequest("prepare", 1, 500, 10**6), partition="big")[0].level == "ok"


def test_rules_with_gpus_go_to_the_gpu_partition():
    asked = RuleRequest("triage", 1, 500, 90, gpus=1)
    assert found(asked)[0].level == "ok"
    assert "the partition gpu" in found(asked, gpu_partition="gpu")[0].said


def test_a_partition_that_is_not_there_is_reported_elsewhere():
    assert found(RuleRequest("prepare", 1, 500, 1), partition="none") == []
