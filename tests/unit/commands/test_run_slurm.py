"""What ``molsieve run --slurm`` adds to a configuration."""

from pathlib import Path

import pytest
import yaml

from molsieve.commands.run_slurm import with_shard_size
from molsieve.plan import Plan


@pytest.fixture
def values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "library.smi").write_text("CCO a\n" * 20)
    return {"libraries": ["library.smi"], "run": "small"}


def test_shards_keep_a_job_busy_for_minutes(values):
    chosen = with_shard_size(values, Plan.from_config(values))
    # Two minutes of four cores, at 400 microseconds a row.
    assert chosen["ingest"]["shard_size"] >= 1_200_000
    assert "ingest" not in values


def test_a_size_that_was_given_stays(values):
    given = values | {"ingest": {"shard_size": 500}}
    assert with_shard_size(given, Plan.from_config(given)) == given


@pytest.mark.parametrize(("ingest", "expected"), [({"shard_size": 700}, 700), ({}, 122_880)])
def test_a_run_that_was_started_keeps_its_shards(values, tmp_path, ingest, expected):
    started = tmp_path / "work" / "small" / "config.yaml"
    started.parent.mkdir(parents=True)
    started.write_text(yaml.safe_dump(values | {"ingest": ingest}))
    assert with_shard_size(values, Plan.from_config(values))["ingest"]["shard_size"] == expected
