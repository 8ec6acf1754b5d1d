import re

import pytest

from molsieve import project_root
from molsieve.cluster.executor_profile import SHIPPED, executor_profile
from molsieve.cluster.requests import asked_for, job_rows
from molsieve.config import Config, load_yaml
from molsieve.costs import memory_mb, runtime_min


def asked(profile, **options):
    return {request.rule: request for request in asked_for(Config(), profile, **options)}


def test_every_rule_that_becomes_a_job_is_asked_for():
    rules = "".join(file.read_text() for file in (project_root() / "workflow" / "rules").glob("*.smk"))
    assert set(asked({})) == set(re.findall(r'memory_of\("(\w+)"\)', rules))


def test_without_a_profile_the_costs_count():
    request, rows = asked({})["prepare"], Config().ingest.shard_size
    assert request.cpus == Config().prepare.threads
    assert request.mem_mb == memory_mb("prepare", rows, threads=request.cpus)
    assert request.runtime_min == runtime_min("prepare", rows, threads=request.cpus)
    again = asked({}, attempt=3)["prepare"]
    assert again.mem_mb == memory_mb("prepare", rows, threads=request.cpus, attempt=3)


def test_rules_over_the_library_grow_with_its_shards():
    config = Config()
    assert job_rows(config, "score", 10) == 10 * config.ingest.shard_size
    assert job_rows(config, "prepare", 10) == config.ingest.shard_size
    assert job_rows(config, "refine", 10) == config.refine.chunk_rows
    assert job_rows(config, "inspect", 10) == config.shortlist.size + config.shortlist.audit


def test_what_reads_the_whole_library_asks_for_all_of_it():
    one, many = asked({}), asked({}, shards=500, library_bytes=10**10)
    grown = {rule for rule in one if many[rule].runtime_min > one[rule].runtime_min}
    assert grown == {"ingest", "deduplicate", "shortlist", "score", "controls", "publish"}
    # No file of that size has more rows.
    assert many["ingest"].runtime_min == runtime_min("ingest", 10**10 // 15)
    assert many["publish"].mem_mb == memory_mb("publish", 500 * Config().ingest.shard_size)


def test_the_shipped_profile_makes_dask_jobs_of_tasks():
    score = asked(load_yaml(project_root() / SHIPPED / "profile.yaml"), attempt=2)["score"]
    assert (score.tasks > 1, score.cpus, score.mem_mb) == (True, 1, 4000)


def test_a_gpu_partition_is_asked_for_by_the_rules_that_use_it(tmp_path):
    profile = executor_profile(None, "run", tmp_path, None, "cpu", "gpu")
    requests = asked(profile)
    assert (requests["triage"].gpus, requests["triage"].partition) == (1, "gpu")
    assert {request.partition for rule, request in requests.items() if rule != "triage"} == {"cpu"}


def test_a_run_that_joins_a_dask_cluster_asks_for_no_workers(tmp_path):
    profile = executor_profile(None, "run", tmp_path, None, "cpu", None, joins_dask=True)
    assert "set-resources" not in profile, "Snakemake takes no empty one"
    score = asked(profile)["score"]
    assert (score.tasks, score.cpus) == (1, 1)
    assert score.mem_mb == memory_mb("score", Config().ingest.shard_size)


@pytest.mark.parametrize(
    ("resources", "gpus"),
    [
        ({"gres": "gpu:a100:1"}, (1, "a100")),
        ({"gres": "gpu:1"}, (1, None)),
        ({"gpu": 1}, (1, None)),
        ({"gpu_model": "h100"}, (1, "h100")),
        ({"gres": "lustre:1"}, (0, None)),
    ],
)
def test_ways_to_ask_for_a_gpu(resources, gpus):
    triage = asked({"set-resources": {"triage": resources}})["triage"]
    assert (triage.gpus, triage.gpu_type) == gpus


def test_expressions_are_those_of_the_attempt_and_the_threads():
    set_ = {"prepare": {"mem_mb": "1000 * threads * attempt", "runtime": "max(5, input.size_mb)"}}
    profile = {"set-threads": {"prepare": 2}, "set-resources": set_}
    prepare = asked(profile, attempt=3)["prepare"]
    assert (prepare.cpus, prepare.mem_mb) == (2, 6000)
    assert prepare.runtime_min == runtime_min("prepare", Config().ingest.shard_size, threads=2, attempt=3)
