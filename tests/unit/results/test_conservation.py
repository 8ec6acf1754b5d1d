"""Every rule of the contract is broken once, with matching checksums, so that the rule itself has to notice."""

import json
import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from molsieve.errors import MolsieveError
from molsieve.results.conservation import validate_result_set
from molsieve.results.packages import checksums


def resign(folder):
    """Make row counts and checksums agree with the changed files."""
    path = folder / "schema.json"
    schema = json.loads(path.read_text())
    for table in schema["tables"].values():
        table["rows"] = sum(pq.read_metadata(part).num_rows for part in folder.glob(table["path"]))
    path.write_text(json.dumps(schema))
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    (folder / "checksums.sha256").write_text(checksums(folder, [n for n in names if n != "checksums.sha256"]))


def change(folder, name, function):
    path = folder / name
    table = pq.read_table(path)
    changed = function(table)
    pq.write_table(changed.cast(table.schema) if changed.schema != table.schema else changed, path, compression="zstd")


def put(column, row, value):
    """Function that sets one value."""

    def function(table):
        values = table[column].to_pylist()
        values[row] = value
        at = table.column_names.index(column)
        return table.set_column(at, table.schema.field(column), pa.array(values, table.schema.field(column).type))

    return function


def row_with(folder, name, condition):
    for at, row in enumerate(pq.read_table(folder / name).to_pylist()):
        if condition(row):
            return at, row
    raise AssertionError


def broken(folder, match):
    resign(folder)
    with pytest.raises(MolsieveError, match=match) as caught:
        validate_result_set(folder)
    assert caught.value.where


COMPOUNDS, PREDICTIONS, SCORES = (f"{name}/part-00001.parquet" for name in ("compounds", "predictions", "scores"))


def test_a_sound_set_passes(results):
    report = validate_result_set(results)
    assert report.rows == 50 == report.ok + report.duplicates + report.rejected
    assert report.hits == 8
    assert report.controls == 7
    resign(results)
    assert validate_result_set(results) == report


def test_a_changed_byte(results):
    with (results / "hits.csv").open("a") as file:
        file.write("x")
    with pytest.raises(MolsieveError, match="checksum does not match") as caught:
        validate_result_set(results)
    assert caught.value.where.endswith("hits.csv")
    validate_result_set(results, with_checksums=False)


def test_a_file_without_checksum(results):
    path = results / "checksums.sha256"
    path.write_text("".join(line for line in path.open() if "report.html" not in line))
    with pytest.raises(MolsieveError, match=r"report\.html has no checksum"):
        validate_result_set(results)


@pytest.mark.parametrize("name", ["report.html", "hits.sdf", "checksums.sha256", "run.json"])
def test_a_missing_file(results, name):
    (results / name).unlink()
    with pytest.raises(MolsieveError, match="missing"):
        validate_result_set(results)


def test_a_missing_part(results):
    (results / "scores/part-00002.parquet").unlink()
    with pytest.raises(MolsieveError, match="missing"):
        validate_result_set(results)


def test_no_folder_and_an_empty_one(tmp_path):
    for folder in (tmp_path / "nothing", tmp_path):
        with pytest.raises(MolsieveError, match=r"missing|no such folder"):
            validate_result_set(folder)


def test_a_foreign_file(results):
    (results / "notes.txt").write_text("x")
    broken(results, r"do not belong to it: notes\.txt")


def test_a_lost_record(results):
    change(results, "compounds/part-00002.parquet", lambda t: t.slice(0, t.num_rows - 1))
    broken(results, "49 rows, 50 records were read")


def test_a_record_out_of_order(results):
    change(results, COMPOUNDS, lambda t: t.take([1, 0, *range(2, t.num_rows)]))
    broken(results, "not consecutive")


def test_a_record_twice(results):
    change(results, COMPOUNDS, put("record_id", 3, 22))
    broken(results, "not consecutive")


def test_input_files_that_hold_other_numbers(results):
    path = results / "run.json"
    run = json.loads(path.read_text())
    run["inputs"][0]["rows"] = 49
    path.write_text(json.dumps(run))
    broken(results, "input files have 49")


def test_counts_that_do_not_add_up(results):
    path = results / "run.json"
    run = json.loads(path.read_text())
    run["records"]["ok"] += 1
    path.write_text(json.dumps(run))
    broken(results, "run.json says 14")


def test_an_unknown_status(results):
    change(results, COMPOUNDS, put("status", 0, "lost"))
    broken(results, "unknown status")


def test_an_ok_compound_with_a_reason(results):
    at, _ = row_with(results, "compounds/part-00000.parquet", lambda r: r["status"] == "ok")
    change(results, "compounds/part-00000.parquet", put("reason_code", at, "valence"))
    broken(results, "reason_code")


def test_a_rejected_record_without_reason(results):
    at, _ = row_with(results, COMPOUNDS, lambda r: r["status"] == "rejected")
    change(results, COMPOUNDS, put("reason_code", at, None))
    broken(results, "reason_code")


def test_a_duplicate_of_nothing(results):
    at, _ = row_with(results, COMPOUNDS, lambda r: r["status"] == "duplicate")
    change(results, COMPOUNDS, put("duplicate_of", at, None))
    broken(results, "duplicate_of has to be filled")


def test_a_duplicate_of_a_later_record(results):
    at, row = row_with(results, COMPOUNDS, lambda r: r["status"] == "duplicate")
    change(results, COMPOUNDS, put("duplicate_of", at, row["record_id"] + 1))
    broken(results, "earlier record")


def test_a_duplicate_of_a_rejected_record(results):
    _, rejected = row_with(results, "compounds/part-00000.parquet", lambda r: r["status"] == "rejected")
    at, _ = row_with(results, COMPOUNDS, lambda r: r["status"] == "duplicate")
    change(results, COMPOUNDS, put("duplicate_of", at, rejected["record_id"]))
    broken(results, "status is not ok")


def test_an_ok_compound_without_parent(results):
    at, _ = row_with(results, "compounds/part-00000.parquet", lambda r: r["status"] == "ok")
    change(results, "compounds/part-00000.parquet", put("parent_smiles", at, None))
    broken(results, "parent_smiles")


@pytest.mark.parametrize("name", [PREDICTIONS, SCORES])
def test_a_compound_without_prediction_or_score(results, name):
    change(results, name, lambda t: t.slice(1))
    broken(results, "exactly the ok compounds|rows, but")


@pytest.mark.parametrize("name", ["predictions/part-00002.parquet", "scores/part-00002.parquet"])
def test_the_last_compound_is_missed_too(results, name):
    change(results, name, lambda t: t.slice(0, t.num_rows - 1))
    broken(results, "rows, but 13 compounds are ok")


def test_a_prediction_of_a_duplicate(results):
    _, row = row_with(results, COMPOUNDS, lambda r: r["status"] == "duplicate")
    change(results, PREDICTIONS, put("record_id", 0, row["record_id"]))
    broken(results, "exactly the ok compounds")


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan"), None])
def test_an_impossible_probability(results, value):
    change(results, PREDICTIONS, put("herg_prob", 0, value))
    broken(results, "herg_prob")


def part_of_tier(results, tier):
    """A part of the predictions with several compounds of a tier, and the first of them."""
    for path in sorted((results / "predictions").glob("*.parquet")):
        tiers = pq.read_table(path)["tier"].to_pylist()
        if tiers.count(tier) > 1:
            return path.relative_to(results), tiers.index(tier)
    raise AssertionError


@pytest.mark.parametrize("tier", ["triage", "refine"])
def test_a_probability_that_is_missing_for_some_compounds_of_a_tier(results, tier):
    part, row = part_of_tier(results, tier)
    change(results, part, put("herg_prob", row, None))
    broken(results, "herg_prob")


def test_a_set_for_a_compound_that_only_triage_saw(results):
    part, row = part_of_tier(results, "triage")
    change(results, part, put("herg_set", row, "active"))
    broken(results, "herg_set is filled for compounds of tier triage")


def test_ranks_that_do_not_follow_the_scores(results):
    change(results, SCORES, put("score", 0, 0.999))
    broken(results, "ranks do not follow")


def test_a_rank_that_stands_for_two_scores_in_two_parts(results):
    def first_everywhere(table):
        ranks = pa.array([1] * table.num_rows, table.schema.field("rank").type)
        return table.set_column(table.column_names.index("rank"), table.schema.field("rank"), ranks)

    for part in range(3):
        change(results, f"scores/part-0000{part}.parquet", first_everywhere)
    broken(results, "ranks do not follow")


def test_a_rank_below_the_first(results):
    change(results, SCORES, put("rank", 0, 0))
    broken(results, "not dense")


def test_ranks_with_a_gap(results):
    for part in range(3):
        change(
            results,
            f"scores/part-0000{part}.parquet",
            lambda t: t.set_column(1, t.schema.field("rank"), pc.multiply(t["rank"], 2)),
        )
    broken(results, "not dense")


def test_a_reject_that_is_missing_and_one_too_many(results, tmp_path):
    copy = shutil.copytree(results, tmp_path / "copy")
    change(results, "rejects.parquet", lambda t: t.slice(1))
    broken(results, "rejects are not the rows")
    change(copy, "rejects.parquet", lambda t: pa.concat_tables([t, t.slice(0, 1)]))
    broken(copy, "more rows than")


def test_a_reject_with_another_reason(results):
    change(results, "rejects.parquet", put("reason_code", 0, "made_up"))
    broken(results, "rejects are not the rows")


def test_a_hit_that_is_no_compound(results):
    _, row = row_with(results, "compounds/part-00000.parquet", lambda r: r["status"] == "rejected")
    change(results, "hits.parquet", put("record_id", 0, row["record_id"]))
    broken(results, "not among the ok compounds")


def test_a_hit_twice(results):
    second = pq.read_table(results / "hits.parquet")["record_id"][1].as_py()
    change(results, "hits.parquet", put("record_id", 0, second))
    broken(results, "twice")


def test_hits_that_are_numbered_wrongly(results):
    change(results, "hits.parquet", put("hit", 0, 2))
    broken(results, "numbered")


def test_a_hit_with_another_rank(results):
    change(results, "hits.parquet", put("rank", 0, 9999))
    broken(results, "rank of a hit")


def test_a_hit_that_is_excluded(results):
    record = pq.read_table(results / "hits.parquet")["record_id"][0].as_py()
    for part in range(3):
        name = f"scores/part-0000{part}.parquet"
        ids = pq.read_table(results / name)["record_id"].to_pylist()
        if record in ids:
            change(results, name, put("excluded_by", ids.index(record), "pains"))
    broken(results, "excluded")


def test_parts_with_different_schemas(results):
    table = pq.read_table(results / SCORES)
    pq.write_table(
        table.rename_columns(["x" if c == "nearest_known" else c for c in table.column_names]), results / SCORES
    )
    broken(results, "schema differs")


def test_a_unit_that_was_changed(results):
    for part in range(3):
        path = results / f"compounds/part-0000{part}.parquet"
        table = pq.read_table(path)
        at = table.column_names.index("mw_da")
        field = table.schema.field("mw_da").with_metadata({"description": "x", "unit": "kg"})
        pq.write_table(table.cast(table.schema.set(at, field)), path)
    broken(results, "mw_da")


def test_metadata_of_another_run(results):
    path = results / "hits.parquet"
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata(table.schema.metadata | {b"run_id": b"another"}), path)
    broken(results, "run_id")


def test_row_groups_of_another_size(results):
    path = results / COMPOUNDS
    pq.write_table(pq.read_table(path), path, row_group_size=5)
    broken(results, "row groups")


def test_columns_of_another_contract(results):
    for path in [*(results / "compounds").glob("*.parquet"), results / "rejects.parquet"]:
        table = pq.read_table(path).drop_columns(["formal_charge"])
        pq.write_table(table, path)
    schema = json.loads((results / "schema.json").read_text())
    for name in ("compounds", "rejects"):
        schema["tables"][name]["columns"] = schema["tables"][name]["columns"][:-1]
    (results / "schema.json").write_text(json.dumps(schema))
    broken(results, "schema version")


def test_a_damaged_file_is_explained(results):
    (results / "hits.parquet").write_bytes(b"PAR1 not parquet")
    with pytest.raises(MolsieveError, match="cannot be read"):
        validate_result_set(results, with_checksums=False)
