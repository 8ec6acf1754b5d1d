"""The funnel of a run: it adds up, shows whom each step cost, and says where everything went when nothing is left."""

import json
import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from molsieve.columns import LOW_CARDINALITY, arrow_schema
from molsieve.results.assemble import WorkFolder
from molsieve.results.publish import publish
from molsieve.results.report import render
from molsieve.results.report_data import gather
from molsieve.results.run_funnel import run_funnel
from molsieve.scoring.profile import Profile
from molsieve.scoring.select import PASSED_OVER


def by_name(funnel):
    return {step.name: step for step in funnel.steps}


def exclude(work, code):
    """Mark every compound that could be a hit as excluded by something else, and leave no hit."""
    for path in sorted((work / "scores").glob("*.parquet")):
        table = pq.read_table(path)
        filled = pc.fill_null(table["excluded_by"].cast(pa.string()), code).cast(LOW_CARDINALITY)
        pq.write_table(table.set_column(table.column_names.index("excluded_by"), "excluded_by", filled), path)
    pq.write_table(pq.read_table(work / "hits.parquet").slice(0, 0), work / "hits.parquet")


def with_hard_size(facts):
    profile = facts.profile.model_dump(mode="json")
    for criterion in profile["criteria"]:
        criterion["required"] |= criterion["name"] == "size"
    return Profile.model_validate(profile)


def test_every_record_leaves_at_one_step_or_is_a_hit(shared_run):
    work, facts = shared_run
    funnel = run_funnel(WorkFolder(work), facts.profile)
    assert funnel.start == 50
    assert funnel.start - sum(step.removed for step in funnel.steps) == funnel.remaining == 8
    for step in funnel.steps:
        assert (len(step.examples) > 0) == (step.removed > 0)
    steps = by_name(funnel)
    assert (steps["readable"].remaining, steps["unique"].remaining) == (34, 13)
    assert steps["readable"].examples[0].smiles is None
    records = ds.dataset([WorkFolder(work).records(shard) for shard in WorkFolder(work).shards]).to_table().to_pylist()
    named = {row["compound_id"] or f"record {row['record_id']:,}" for row in records}
    assert steps["unique"].examples[0].why.removeprefix("the same parent as ") in named


def test_examples_are_the_best_that_a_step_removed(shared_run):
    work, facts = shared_run
    scores = pq.read_table(work / "scores").to_pandas()
    best = scores[scores["excluded_by"] == "not_inspected"].sort_values(["rank", "record_id"]).iloc[0]
    example = by_name(run_funnel(WorkFolder(work), facts.profile))["shortlisted"].examples[0]
    assert example.why.startswith(f"rank {best['rank']}")


def test_it_is_known_who_was_passed_over_for_whom(run):
    work, facts = run
    scores = pq.read_table(work / "scores").to_pandas()
    hits = pq.read_table(work / "hits.parquet")
    eligible = scores[scores["excluded_by"].isna()].sort_values(["rank", "record_id"])["record_id"].tolist()
    pq.write_table(hits.slice(0, 2), work / "hits.parquet")
    passed = {
        "record_id": eligible[2:4],
        "cause": ["too_similar", "scaffold_cap"],
        "blocked_by": eligible[:2],
        "similarity": [0.72, 0.31],
    }
    pq.write_table(pa.table(passed).cast(arrow_schema(PASSED_OVER)), work / "passed_over.parquet")
    steps = by_name(run_funnel(WorkFolder(work), facts.profile))
    assert steps["too_similar"].examples[0].why == "Tanimoto 0.72 to hit 1"
    assert steps["scaffold_cap"].examples[0].why.startswith("scaffold of hit 2")
    assert steps["too_similar"].examples[0].smiles
    assert steps["hits"].removed == len(eligible) - 4
    assert steps["hits"].remaining == 2


@pytest.mark.parametrize(("code", "name", "title"), [
    ("hard:size", "meets_size", "Meets: Molecular weight"),
    ("something_new", "something_new", "Not something new"),
    ("not_refined", "refined", "Described by the reference models"),
])  # fmt: skip
def test_a_run_without_hits_is_published_and_says_where_they_went(run, tmp_path, code, name, title):
    work, facts = run
    profile = with_hard_size(facts)
    facts = type(facts)(**{**{f: getattr(facts, f) for f in facts.__dataclass_fields__}, "profile": profile})
    exclude(work, code)
    funnel = run_funnel(WorkFolder(work), profile)
    assert funnel.remaining == 0
    assert by_name(funnel)[name].removed > 0
    assert funnel.emptied_at().title == title
    html = render(gather(WorkFolder(work), facts), facts)
    (work / "report.html").write_text(html)
    assert f"went at the step &#39;{title}&#39;" in html
    if code == "hard:size":
        assert "Da, not 150 to 600" in html
    report = publish(work, tmp_path / "results", facts=facts)
    assert report.hits == 0
    published = pq.read_table(tmp_path / "results" / "hits.parquet")
    assert published.num_rows == 0
    assert published.column_names == [column.name for column in facts.tables["hits"].columns]
    told = json.loads((tmp_path / "results" / "run.json").read_text())["funnel"]
    assert told[0] == {"step": "records", "title": "Records read", "removed": 0, "remaining": 50}
    assert told[-1]["remaining"] == 0


def test_sharding_does_not_change_it(build_small, tmp_path):
    facts = build_small(tmp_path / "a", shard_size=7)
    build_small(tmp_path / "b", shard_size=50)
    one, other = (run_funnel(WorkFolder(tmp_path / name), facts.profile) for name in ("a", "b"))
    assert one == other


def test_a_flag_is_no_step(shared_run):
    work, facts = shared_run
    profile = facts.profile.model_dump(mode="json")
    profile["structure"]["pains"] = "flag"
    copy = work.parent / "flagged"
    shutil.copytree(work, copy)
    for path in (copy / "scores").glob("*.parquet"):
        table = pq.read_table(path)
        kept = pc.not_equal(pc.fill_null(table["excluded_by"].cast(pa.string()), ""), "pains")
        pq.write_table(table.filter(kept), path)
    assert "no_pains" not in by_name(run_funnel(WorkFolder(copy), Profile.model_validate(profile)))
    assert "no_pains" in by_name(run_funnel(WorkFolder(work), facts.profile))


def test_a_profile_that_welcomes_known_antibacterials_has_no_step_against_them(shared_run):
    work, facts = shared_run
    profile = facts.profile.model_dump(mode="json")
    profile["structure"] |= {"known_similarity": None, "known_tversky": None, "known_classes": "flag"}
    copy = work.parent / "welcome"
    shutil.copytree(work, copy)
    for path in (copy / "scores").glob("*.parquet"):
        table = pq.read_table(path)
        kept = pc.not_equal(pc.fill_null(table["excluded_by"].cast(pa.string()), ""), "known_antibacterial")
        pq.write_table(table.filter(kept), path)
    assert "not_known" not in by_name(run_funnel(WorkFolder(copy), Profile.model_validate(profile)))
    assert "not_known" in by_name(run_funnel(WorkFolder(copy), facts.profile))


@pytest.mark.parametrize(("tanimoto", "tversky", "why"), [
    (0.71, 0.9, "quinolone; Tanimoto 0.71 to nalidixic acid"),
    (0.7, 0.9, "quinolone; Tanimoto 0.70 to nalidixic acid"),
    (0.3, 0.9, "quinolone; has 90% of the features of novobiocin"),
    (0.3, 0.1, "quinolone"),
])  # fmt: skip
def test_what_was_known_about_an_example_is_what_stopped_it(run, tanimoto, tversky, why):
    work, facts = run
    profile = facts.profile.model_dump(mode="json")
    # 0.7 is no number of single precision, which the tables have: the gate compares with the nearest one.
    profile["structure"] |= {"known_similarity": 0.7, "known_tversky": 0.8}
    exclude(work, "known_antibacterial")
    found = {
        "antibacterial_class": "quinolone",
        "novelty_tanimoto": tanimoto,
        "nearest_known": "nalidixic acid",
        "novelty_tversky": tversky,
        "nearest_known_tversky": "novobiocin",
    }
    for path in (work / "scores").glob("*.parquet"):
        table = pq.read_table(path)
        for name, value in found.items():
            column = pa.array([value] * table.num_rows).cast(table.schema.field(name).type)
            table = table.set_column(table.column_names.index(name), name, column)
        pq.write_table(table, path)
    examples = by_name(run_funnel(WorkFolder(work), Profile.model_validate(profile)))["not_known"].examples
    assert {example.why for example in examples} == {why}
