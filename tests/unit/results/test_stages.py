import json

from molsieve.results.stages import read_stages


def write(folder, name, **facts):
    (folder / f"{name}.json").write_text(json.dumps(facts))


def test_shards_of_a_stage_are_summed(tmp_path):
    write(tmp_path, "triage-library-00000", rows=100, seconds=2, started=100.0, device="cpu", molecules_per_second=50)
    write(tmp_path, "triage-library-00001", rows=300, seconds=2, started=90.0, device="cuda", molecules_per_second=150)
    write(tmp_path, "ingest", rows=400, seconds=1, started=80.5, read_errors={"empty_structure": 2}, done=True)
    stages, started = read_stages(tmp_path)
    assert stages["triage-library"] == {
        "jobs": 2,
        "rows": 400,
        "seconds": 4,
        "device": "various",
        "rows_per_second": 100.0,
    }
    assert stages["ingest"]["read_errors"] == {"empty_structure": 2}
    assert stages["ingest"]["done"] is True
    assert started.timestamp() == 80.5


def test_nothing_and_nonsense(tmp_path):
    assert read_stages(tmp_path / "absent") == ({}, None)
    (tmp_path / "a.json").write_text("not json")
    assert read_stages(tmp_path) == ({}, None)
