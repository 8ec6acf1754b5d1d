import errno
import json
import os
import shutil
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molsieve.errors import MolsieveError
from molsieve.results import publish as publish_module
from molsieve.results.conservation import FILES
from molsieve.results.publish import publish, validate_result_set

TIMED = {"run.json", "checksums.sha256"}


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def whole(folder, table):
    return pq.read_table(folder / table) if (folder / table).is_dir() else pq.read_table(folder / f"{table}.parquet")


def test_the_tree_is_that_of_the_contract(shared_results):
    parts = {f"{table}/part-{n:05d}.parquet" for table in ("compounds", "predictions", "scores") for n in range(3)}
    assert contents(shared_results).keys() == parts | set(FILES)


def test_every_record_has_one_row_and_a_fate(shared_results):
    compounds = whole(shared_results, "compounds").to_pylist()
    assert [row["record_id"] for row in compounds] == list(range(50))
    by_smiles = {}
    for row in compounds:
        if row["status"] == "rejected":
            assert row["reason_code"]
            assert row["parent_smiles"] is None
        elif row["status"] == "duplicate":
            assert row["duplicate_of"] == by_smiles[row["parent_smiles"]]
            assert row["reason_detail"] == f"same parent as record {row['duplicate_of']}"
        else:
            assert row["reason_code"] is None
            assert by_smiles.setdefault(row["parent_smiles"], row["record_id"]) == row["record_id"]
    assert {row["status"] for row in compounds} == {"ok", "duplicate", "rejected"}
    rejected = [row for row in compounds if row["status"] == "rejected"]
    assert whole(shared_results, "rejects").to_pylist() == rejected


def test_salts_keep_what_was_removed(shared_results):
    row = next(
        row
        for row in whole(shared_results, "compounds").to_pylist()
        if row["input_structure"] == "[Na+].[O-]C(=O)c1ccccc1O"
    )
    assert "fragments_removed" in row["changes"]
    assert row["removed_fragments"] == "[Na+]"
    assert (row["source"], row["source_row"]) == ("lib <1>.smi", row["record_id"] + 1)


def test_refined_compounds_have_the_predictions_of_the_reference_models(shared_run, shared_results):
    refined = {row["record_id"]: row for row in pq.read_table(shared_run[0] / "library/refined").to_pylist()}
    triage = {row["record_id"]: row for row in pq.read_table(shared_run[0] / "library/triage").to_pylist()}
    predictions = whole(shared_results, "predictions").to_pylist()
    assert {row["record_id"] for row in predictions if row["tier"] == "refine"} == refined.keys()
    assert 0 < len(refined) < len(predictions)
    for row in predictions:
        source = refined.get(row["record_id"], triage[row["record_id"]])
        assert row["herg_prob"] == source["herg_prob"]
        for name in ("herg_set", "nn_similarity", "nn_active"):
            assert row[name] == source.get(name)
            assert (row[name] is not None) == (row["tier"] == "refine")


def test_a_shortlisted_compound_that_could_not_be_described_keeps_its_triage_predictions(shared_run, shared_results):
    shortlisted = set(pq.read_table(shared_run[0] / "library/shortlist.parquet")["record_id"].to_pylist())
    refined = set(pq.read_table(shared_run[0] / "library/refined")["record_id"].to_pylist())
    predictions = {row["record_id"]: row for row in whole(shared_results, "predictions").to_pylist()}
    assert shortlisted > refined
    assert {predictions[record]["tier"] for record in shortlisted - refined} == {"triage"}


def test_files_carry_their_provenance(shared_run, shared_results):
    for path in shared_results.rglob("*.parquet"):
        metadata = {k.decode(): v.decode() for k, v in pq.read_schema(path).metadata.items()}
        assert metadata == shared_run[1].file_metadata
        assert b"pandas" not in pq.read_schema(path).metadata
        assert (
            pq.read_metadata(path).row_group(0).column(0).compression == "ZSTD"
            if pq.read_metadata(path).num_rows
            else True
        )


def test_run_json_has_inputs_counts_stages_and_the_only_times(shared_run, shared_results):
    run = json.loads((shared_results / "run.json").read_text())
    assert run["run_id"] == shared_run[1].run_id
    assert run["records"]["read"] == 50 == sum(run["records"][s] for s in ("ok", "duplicate", "rejected"))
    assert run["inputs"][0]["sha256"] == shared_run[1].inputs[0].sha256
    assert run["stages"]["prepare-library"] == {
        "jobs": 2,
        "stage": "prepare",
        "rows": 100,
        "seconds": 4.0,
        "rows_per_second": 25.0,
    }
    assert run["started"] == "2023-11-14T22:13:20+00:00"
    assert run["host"]
    others = b"".join(data for name, data in contents(shared_results).items() if name not in TIMED)
    assert run["finished"][:13].encode() not in others


def test_two_publications_give_the_same_bytes(shared_run, shared_results, tmp_path):
    publish(shared_run[0], tmp_path / "small", facts=shared_run[1])
    first, second = contents(shared_results), contents(tmp_path / "small")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name] and name not in TIMED] == []


def test_sharding_does_not_change_the_rows(build_small, shared_results, tmp_path):
    facts = build_small(tmp_path / "small", shard_size=7)
    (tmp_path / "small/report.html").write_text(facts.run_id)
    publish(tmp_path / "small", tmp_path / "results", facts=facts)
    for table in ("compounds", "predictions", "scores", "hits"):
        assert whole(tmp_path / "results", table).to_pylist() == whole(shared_results, table).to_pylist()


def test_sha256sum_agrees(shared_results):
    done = subprocess.run(
        ["sha256sum", "-c", "--strict", "checksums.sha256"],
        cwd=shared_results,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": OK") == len(contents(shared_results)) - 1


def test_inchikeys_of_a_large_library_are_those_of_the_hits(run, tmp_path):
    work, facts = run
    publish(work, tmp_path / "r", facts=facts, inchikey_limit=49)
    compounds = whole(tmp_path / "r", "compounds").to_pylist()
    hits = whole(tmp_path / "r", "hits").to_pylist()
    assert {row["record_id"]: row["inchikey"] for row in compounds if row["inchikey"]} == {
        row["record_id"]: row["inchikey"] for row in hits
    }
    assert all(row["inchikey"] for row in hits)


def test_inchikeys_of_a_small_library_are_all_there(shared_results):
    compounds = whole(shared_results, "compounds").to_pylist()
    assert all((row["inchikey"] is not None) == (row["status"] == "ok") for row in compounds)
    salicylic = next(row for row in compounds if row["parent_smiles"] == "O=C(O)c1ccccc1O")
    assert salicylic["inchikey"] == "YGSDEFSMJLZEOE-UHFFFAOYSA-N"


def test_a_run_without_controls_has_an_empty_table(run, tmp_path):
    work, facts = run
    for name in ("controls.parquet", "decoys.parquet", "judgement.json"):
        (work / name).unlink()
    publish(work, tmp_path / "r", facts=facts)
    controls = pq.read_table(tmp_path / "r/controls.parquet")
    assert controls.num_rows == 0
    assert "would_rank" in controls.column_names


def test_a_run_without_hits_is_published(builder, profile, tmp_path):
    facts = builder.build(tmp_path / "w", [("CCO", "a", None), ("C(", "b", None)], profile, shard_size=10, hits=0)
    (tmp_path / "w/report.html").write_text(facts.run_id)
    report = publish(tmp_path / "w", tmp_path / "r", facts=facts)
    assert (report.rows, report.ok, report.hits) == (2, 1, 0)
    assert (tmp_path / "r/hits.sdf").read_text() == ""
    assert (tmp_path / "r/hits.csv").read_text().startswith("hit,record_id,")


def test_a_library_without_a_single_structure_is_published(builder, profile, tmp_path):
    facts = builder.build(tmp_path / "w", [("C(", "a", None), ("", None, None)], profile, shard_size=10)
    (tmp_path / "w/report.html").write_text(facts.run_id)
    report = publish(tmp_path / "w", tmp_path / "r", facts=facts)
    assert (report.rows, report.ok, report.rejected) == (2, 0, 2)
    assert pq.read_table(tmp_path / "r/scores").num_rows == 0


def test_an_older_set_is_replaced_whole(run, tmp_path):
    work, facts = run
    old = tmp_path / "results" / "r"
    old.mkdir(parents=True)
    (old / "something-else.txt").write_text("old")
    publish(work, old, facts=facts)
    assert not (old / "something-else.txt").exists()
    assert listed(old.parent) == ["r"]
    validate_result_set(old)


def test_a_report_of_another_run_is_rendered_again(run, tmp_path):
    work, facts = run
    (work / "report.html").write_text("of another run")
    publish(work, tmp_path / "r", facts=facts)
    text = (tmp_path / "r/report.html").read_text()
    assert facts.run_id in text
    assert "of another run" not in text


@pytest.fixture
def published_before(run, tmp_path):
    """A work folder, and a result set published from it that must survive."""
    work, facts = run
    folder = tmp_path / "results" / "r"
    publish(work, folder, facts=facts)
    return work, facts, folder, contents(folder)


def fails(published_before, match):
    work, facts, folder, before = published_before
    with pytest.raises(MolsieveError, match=match) as caught:
        publish(work, folder, facts=facts)
    assert contents(folder) == before
    assert listed(folder.parent) == ["r"]
    return caught.value


def lose_row(path):
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)


@pytest.mark.parametrize("table", ["library/triage/00001.parquet", "scores/00001.parquet"])
def test_a_lost_compound_stops_it(published_before, table):
    lose_row(published_before[0] / table)
    error = fails(published_before, "exactly the ok compounds")
    assert "part-00001" in error.where


def test_a_lost_record_stops_it(published_before):
    lose_row(published_before[0] / "library/prepared/00001.parquet")
    fails(published_before, "not the records that were read")


def test_a_lost_shard_stops_it(published_before):
    work = published_before[0]
    for folder in ("library/records", "library/prepared", "library/triage", "scores"):
        (work / folder / "00002.parquet").unlink()
    fails(published_before, "40 rows, 50 records were read")


def test_a_missing_input_stops_it(published_before):
    (published_before[0] / "hits.parquet").unlink()
    assert "hits.parquet" in fails(published_before, "input of publishing missing").where


@pytest.mark.parametrize(
    ("code", "match"), [(errno.ENOSPC, "disk is full"), (errno.EDQUOT, "disk is full"), (errno.EIO, "failed")]
)
def test_a_full_disk_leaves_nothing(published_before, monkeypatch, code, match):
    def full(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(publish_module, "write_csv", full)
    fails(published_before, match)


def test_a_disk_that_really_is_full(run, full_disk):
    work, facts = run
    with pytest.raises(MolsieveError, match="disk is full"):
        publish(work, full_disk / "r", facts=facts)
    assert listed(full_disk) == []


def test_pyarrow_on_a_full_disk(published_before, monkeypatch):
    # pyarrow reports it as an OSError too; /dev/full is a disk that is always full.
    def full(path, *_):
        with pa.OSFile("/dev/full", "wb") as file:
            file.write(b"x" * 100_000)

    monkeypatch.setattr(publish_module, "write_sdf", full)
    fails(published_before, "disk is full")


def test_an_interrupt_leaves_nothing(published_before, monkeypatch):
    work, facts, folder, before = published_before

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(publish_module, "write_xlsx", interrupt)
    with pytest.raises(KeyboardInterrupt):
        publish(work, folder, facts=facts)
    assert contents(folder) == before
    assert listed(folder.parent) == ["r"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission(run, tmp_path):
    work, facts = run
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(MolsieveError, match="no permission"):
            publish(work, tmp_path / "results" / "r", facts=facts)
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_no_permission_is_explained(published_before, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied", "/results/r")

    monkeypatch.setattr(publish_module, "_swap_in", refuse)
    assert fails(published_before, "no permission").where == "/results/r"


def test_leftovers_of_a_killed_publication_are_removed(run, tmp_path):
    work, facts = run
    for name, age in ((".r.1.tmp", 200_000), (".r.2.old", 200_000), (".r.3.tmp", 10), (".other.1.tmp", 200_000)):
        (tmp_path / "results" / name).mkdir(parents=True)
        then = tmp_path.stat().st_mtime - age
        os.utime(tmp_path / "results" / name, (then, then))
    publish(work, tmp_path / "results/r", facts=facts)
    assert listed(tmp_path / "results") == [".other.1.tmp", ".r.3.tmp", "r"]


def test_a_failed_rename_brings_the_old_set_back(published_before, monkeypatch):
    work, facts, folder, before = published_before
    rename = Path.rename

    def fail(self, target):
        if self.suffix == ".tmp":
            raise OSError(errno.EIO, "broken")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(MolsieveError, match="failed"):
        publish(work, folder, facts=facts)
    monkeypatch.undo()
    assert contents(folder) == before
    shutil.rmtree(folder.parent)


def test_an_input_that_was_miscounted_stops_it(published_before):
    work, facts, folder, _ = published_before
    wrong = replace(facts, inputs=(replace(facts.inputs[0], rows=51),))
    with pytest.raises(MolsieveError, match="51 records were read"):
        publish(work, folder, facts=wrong)
