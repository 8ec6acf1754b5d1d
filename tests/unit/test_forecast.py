"""What a run over a library takes."""

import json

import pytest

from molsieve import project_root
from molsieve.config import Config, Ingest, Prepare
from molsieve.files import ROW_GROUP_ROWS
from molsieve.forecast import JOB_OVERHEAD_S, MOST_JOBS, WORTH_A_JOB_S, forecast, recommended_shard_rows, runs_for


def recommended(rows, **options):
    config = Config(**options)
    return config.model_copy(update={"ingest": Ingest(shard_size=recommended_shard_rows(rows, config))})


@pytest.mark.parametrize("rows", [10**6, 10**8, 10**9])
@pytest.mark.parametrize("threads", [1, 4, 16])
def test_the_recommended_shards_are_worth_a_job_and_few_enough(rows, threads):
    config = recommended(rows, prepare=Prepare(threads=threads))
    run = forecast(config, rows)
    prepare = next(stage for stage in run.stages if stage.stage == "prepare")
    assert config.ingest.shard_size % ROW_GROUP_ROWS == 0
    assert run.jobs <= MOST_JOBS + 30
    assert run.shards == 1 or prepare.job_s > WORTH_A_JOB_S


def test_beyond_a_thousand_million_rows_there_are_several_runs():
    assert [runs_for(rows) for rows in (1, 10**9, 10**9 + 1, 10**10)] == [1, 1, 2, 10]


def test_core_hours_and_disk_follow_the_rows_and_the_shortlist_does_not():
    small, large = (forecast(Config(), rows) for rows in (10**8, 10**9))
    hours = [{stage.stage: stage.core_hours for stage in run.stages} for run in (small, large)]
    assert hours[1]["prepare"] == pytest.approx(10 * hours[0]["prepare"], rel=0.01)
    assert hours[1]["refine"] == hours[0]["refine"]
    assert large.disk_bytes == {table: 10 * size for table, size in small.disk_bytes.items()}


def test_more_cores_shorten_a_run_down_to_its_longest_chain():
    run = forecast(recommended(10**9), 10**9)
    assert run.seconds_on(400) < run.seconds_on(40) < run.seconds_on(4)
    assert run.seconds_on(10**6) > run.longest.job_s


def test_without_controls_there_are_fewer_jobs():
    config = Config(controls={"enabled": False})
    assert forecast(config, 10**6).jobs == forecast(Config(), 10**6).jobs - 8


def test_what_a_job_costs_beside_its_work_is_what_was_measured():
    rules = json.loads((project_root() / "benchmarks" / "slurm_overhead.json").read_text())["rules"]
    assert max(rule["beside_stage_processor_s"] for rule in rules.values()) == JOB_OVERHEAD_S
