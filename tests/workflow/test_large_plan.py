"""Planning 10^9 compounds with the real rules and no data."""

import json

import pytest


@pytest.mark.slow
def test_the_jobs_of_a_thousand_million_compounds_are_planned_in_under_a_minute(workspace):
    finished = workspace.molsieve("plan", "--rows", "1e9", "--dry-run", "--json")
    found = json.loads(finished.stdout)
    # Ingest is done, as it is whenever the number of shards is known.
    assert found["dry_run"]["jobs"] == found["run"]["jobs"] - 1
    assert 1_000 < found["run"]["jobs"] < 3_000
    # Of a core, because others may use this machine; with one to itself these are the seconds of the clock.
    assert found["dry_run"]["processor_seconds"] < 30
    assert not list(workspace.folder.glob("work*"))


def test_a_small_plan_too_has_the_jobs_that_snakemake_plans(workspace):
    finished = workspace.molsieve("plan", "--rows", "5e5", "--shard-size", "100000", "--dry-run")
    assert "prepare                6" in finished.stdout
