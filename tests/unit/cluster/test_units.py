import json
import os
from pathlib import Path

import pytest

from molsieve.cluster.units import Stage, stages_of_run
from molsieve.config import parse_config

VALUES = {"shortlist": {"size": 3, "audit": 1}, "refine": {"chunk_rows": 2}}
CONFIG = parse_config(VALUES, "test")
LIBRARY = [
    "summary/ingest.json", "library/prepared/00000.parquet", "library/prepared/00001.parquet",
    "library/duplicates.parquet", "library/triage/00000.parquet", "library/triage/00001.parquet",
    "library/shortlist.parquet", "library/refined/00000.parquet", "library/refined/00001.parquet",
    "library/inspected.parquet", "summary/score.json", "hits.parquet",
]  # fmt: skip
CONTROLS = [
    "controls/records/00000.parquet", "controls/prepared/00000.parquet", "controls/duplicates.parquet",
    "controls/triage/00000.parquet", "controls/shortlist.parquet", "controls/refined/00000.parquet",
    "controls/inspected.parquet", "controls.parquet",
]  # fmt: skip


def write(file: Path, time: float) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    os.utime(file, (time, time))


@pytest.fixture
def work(tmp_path):
    """A finished run of two shards; each file a second younger than the one before."""
    work = tmp_path / "work" / "small"
    for time, file in enumerate([*LIBRARY, *CONTROLS, "report.html"], start=1000):
        write(work / file, time)
    write(tmp_path / "results" / "checksums.sha256", 2000)
    records = work / "library" / "records"
    records.mkdir()
    shards = [{"name": "00000.parquet", "rows": 300}, {"name": "00001.parquet", "rows": 7}]
    (records / "manifest.json").write_text(json.dumps({"shards": shards}))
    return work


def stages(work: Path, config=CONFIG) -> dict[str, Stage]:
    return {stage.name: stage for stage in stages_of_run(work, work.parents[1] / "results", config)}


def done(work: Path) -> dict[str, int]:
    return {name: len(stage.finished) for name, stage in stages(work).items() if stage.finished}


def test_a_finished_run(work):
    found = stages(work)
    assert list(found) == [
        "ingest", "prepare", "deduplicate", "triage", "shortlist", "refine", "inspect", "score", "select", "controls",
        "report", "publish",
    ]  # fmt: skip
    assert all(stage.is_done for stage in found.values())
    assert {name: len(stage.units) for name, stage in found.items() if len(stage.units) > 1} == {
        "prepare": 2, "triage": 2, "refine": 2, "controls": 8
    }  # fmt: skip
    assert (found["prepare"].rows, found["prepare"].rows_done) == (307, 307)


def test_before_the_library_was_read_its_shards_are_not_known(tmp_path):
    found = stages(tmp_path / "work" / "small")
    assert found["prepare"].units is None
    assert not found["prepare"].is_done
    assert len(found["refine"].units) == 2
    assert not any(stage.finished for stage in found.values())


def test_a_missing_shard_leaves_what_follows_to_be_done(work):
    (work / "library/triage/00001.parquet").unlink()
    found = stages(work)
    assert (len(found["triage"].finished), found["triage"].rows_done) == (1, 300)
    assert found["deduplicate"].is_done
    assert not any(found[name].finished for name in ("shortlist", "refine", "score", "report", "publish"))


def test_the_inspection_waits_for_all_refined_chunks(work):
    (work / "library/refined/00001.parquet").unlink()
    found = stages(work)
    assert len(found["refine"].finished) == 1
    assert not any(found[name].finished for name in ("inspect", "score"))


def test_a_changed_inspection_leaves_the_refined_chunks(work):
    (work / "library/inspected.parquet").unlink()
    found = stages(work)
    assert found["refine"].is_done
    assert not any(found[name].finished for name in ("inspect", "score", "select"))


def test_what_is_older_than_its_sources_is_to_be_done(work):
    write(work / "library/shortlist.parquet", 3000)
    assert done(work) == {
        "ingest": 1, "prepare": 2, "deduplicate": 1, "triage": 2, "shortlist": 1, "controls": 7
    }  # fmt: skip


def test_controls_wait_for_the_scores_only_at_their_end(work):
    (work / "summary/score.json").unlink()
    assert done(work)["controls"] == 7


def test_a_run_without_controls_has_no_such_stage(work):
    config = parse_config(VALUES | {"controls": {"enabled": False}}, "test")
    found = stages(work, config)
    assert "controls" not in found
    assert found["publish"].is_done
