"""What jobs ask for."""

import json

import pytest

from molsieve import project_root
from molsieve.costs import COSTS, DISK_BYTES, SNAKEMAKE_MB, memory_mb, runtime_min
from molsieve.plan import STAGES


def test_every_stage_of_the_workflow_has_a_cost():
    assert list(COSTS) == list(STAGES)


def test_the_table_is_that_of_the_benchmark():
    fitted = json.loads((project_root() / "benchmarks" / "stage_costs.json").read_text())["fitted"]
    for stage, cost in COSTS.items():
        measured = fitted[stage]
        assert {name: getattr(cost, name) for name in measured} == measured, stage


@pytest.mark.parametrize("stage", COSTS)
def test_a_job_asks_for_more_than_was_measured_and_for_more_when_it_is_tried_again(stage):
    asked = memory_mb(stage, 100_000, threads=4)
    assert asked > COSTS[stage].memory_mb(100_000, 4) + SNAKEMAKE_MB
    assert memory_mb(stage, 100_000, threads=4, attempt=3) == pytest.approx(3 * asked, abs=3)
    minutes = runtime_min(stage, 100_000, threads=4)
    assert minutes > COSTS[stage].seconds(100_000, 4) / 60
    assert runtime_min(stage, 100_000, threads=4, attempt=2) == pytest.approx(2 * minutes, abs=2)


@pytest.mark.parametrize("stage", ["prepare", "triage"])
def test_the_memory_of_a_shard_job_does_not_follow_its_rows(stage):
    assert memory_mb(stage, 10_000_000) == memory_mb(stage, 100_000)


def test_what_a_library_costs_follows_its_rows():
    assert memory_mb("score", 10**9) > 1.5 * 10**9 * 12 / 1e6
    assert runtime_min("score", 10**9, threads=8) < runtime_min("score", 10**9, threads=4)
    assert runtime_min("publish", 10**8) > 5 * runtime_min("publish", 10**7)


def test_conformers_cost_time():
    assert runtime_min("inspect", 6000, conformers=5000) > 2 * runtime_min("inspect", 6000, conformers=0)


def test_the_disk_is_that_of_the_benchmark():
    facts = json.loads((project_root() / "benchmarks" / "stage_costs.json").read_text())
    assert facts["bytes_a_row"] == DISK_BYTES
