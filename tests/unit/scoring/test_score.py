"""Scores, ranks and exclusions, against values worked out by hand."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molsieve.columns import arrow_schema
from molsieve.scoring.inspect import INSPECTED
from molsieve.scoring.score import score


def inspected_table(path, rows):
    blank = {"pains": [], "brenk": [], "antibacterial_class": None, "novelty_tanimoto": 0.1, "nearest_known": "x"}
    pq.write_table(pa.Table.from_pylist([blank | row for row in rows], schema=arrow_schema(INSPECTED)), path)
    return path


@pytest.fixture
def scored(library, profile_file, tmp_path):
    smiles = ["CCO", "CCCO", "CCCCO", "CCN", "CCCN", "CCCCN"]
    library.shard(0, 0, smiles[:4], {"a": [0.9, 0.8, 0.7, 0.6], "b": [0, 0, 0, 0], "tox": [0, 0, 0, 0]})
    library.shard(1, 4, smiles[4:], {"a": [0.95, 0.1], "b": [0, 0], "tox": [0, 0]})
    inspected = inspected_table(
        tmp_path / "inspected.parquet",
        [
            {"record_id": 0},
            {"record_id": 1, "pains": ["quinone_A"]},
            {"record_id": 2, "brenk": ["x", "y"]},
            {"record_id": 3, "novelty_tanimoto": 0.5},
            {"record_id": 4, "antibacterial_class": "penam"},
        ],
    )
    library.refine(0, [], {"a": [], "b": [], "tox": []})
    return run(library, inspected, profile_file, tmp_path / "scores")


def run(library, inspected, profile_file, scores):
    folders = (library.folder / name for name in ("prepared", "triage", "refined"))
    report = score(*folders, inspected, profile_file, scores, reliabilities={}, hits=1, scheduler="local", workers=1)
    return report, pq.read_table(scores).to_pandas().set_index("record_id")


def test_scores(scored):
    _, table = scored
    # size is within range for all, so preference is 1; two BRENK alerts cost 0.9 each; PAINS is a gate
    assert table["score"].tolist() == pytest.approx([0.9, 0.0, 0.7 * 0.81, 0.6, 0.95, 0.1], rel=1e-5)
    assert table["profile_prob"].tolist() == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.95, 0.1], rel=1e-5)


def test_ranks_are_over_all_shards(scored):
    _, table = scored
    assert table["rank"].tolist() == [2, 6, 4, 3, 1, 5]


def test_exclusions(scored):
    report, table = scored
    reasons = [None if value != value else value for value in table["excluded_by"].astype(object)]
    assert reasons == [None, "pains", None, "known_antibacterial", "known_antibacterial", "not_inspected"]
    assert table["inspected"].tolist() == [True, True, True, True, True, False]
    assert (report.compounds, report.inspected, report.eligible) == (6, 5, 2)


def test_fronts_only_where_inspected(scored):
    _, table = scored
    assert table["pareto_front"].notna().tolist() == [True, True, True, True, True, False]
    assert table.loc[4, "pareto_front"] == 1


def test_refined_predictions_replace_those_of_triage(library, profile_file, tmp_path):
    library.shard(0, 0, ["CCO", "CCCO"], {"a": [0.9, 0.8], "b": [0, 0], "tox": [0, 0]})
    library.shard(1, 2, ["CCCCO", "CCN"], {"a": [0.7, 0.6], "b": [0, 0], "tox": [0, 0]})
    library.refine(0, [1], {"a": [0.3], "b": [0], "tox": [0]})
    library.refine(1, [2], {"a": [0.95], "b": [0], "tox": [0]})
    inspected = inspected_table(tmp_path / "inspected.parquet", [{"record_id": 1}, {"record_id": 2}])
    _, table = run(library, inspected, profile_file, tmp_path / "scores")
    assert table["score"].tolist() == pytest.approx([0.9, 0.3, 0.95, 0.6])


def test_an_endpoint_of_tier_refine_alone_is_neutral_until_then(library, tmp_path):
    """A criterion that only the shortlist has predictions for: null elsewhere, and such compounds are no hits."""
    profile = tmp_path / "own.yaml"
    profile.write_text(
        """
name: own
title: Own
description: With an endpoint of a slow model.
criteria:
  - {name: activity, title: Active, endpoints: [a], want: active, desirability: [0, 0.5], required: true, source: test}
  - {name: mine, title: Mine, endpoints: [slow], want: active, desirability: [0, 1], required: true, source: test}
  - {name: dose, title: Dose, endpoint: dose, accept: [2, null], source: test}
"""
    )
    library.shard(0, 0, ["CCO", "CCCO", "CCCCO"], {"a": [0.9, 0.8, 0.7]})
    folder = library.refine(0, [0], {"a": [0.5], "slow": [0.4]})
    table = pq.read_table(folder / "00000.parquet")
    for name, value in {"dose_mg": 1.0, "dose_mg_lo90": 0.0, "dose_mg_hi90": 2.0, "dose_sd": 0.1}.items():
        table = table.append_column(name, pa.array([value], pa.float32()))
    pq.write_table(table, folder / "00000.parquet")
    inspected = inspected_table(tmp_path / "inspected.parquet", [{"record_id": 0}, {"record_id": 1}])
    _, scores = run(library, inspected, profile, tmp_path / "scores")
    assert scores["profile_prob"].tolist() == pytest.approx([0.2, 0.8, 0.7])
    assert scores["mine_value"].isna().tolist() == [False, True, True]
    assert scores["mine_desirability"].isna().tolist() == [False, True, True]
    assert scores["dose_desirability"].isna().tolist() == [False, True, True]
    # The preference over criteria that are not required is the dose alone; without it there is none.
    assert scores["score"].tolist() == pytest.approx([0.2 * 0.01, 0.8, 0.7])
    reasons = [None if value != value else value for value in scores["excluded_by"].astype(object)]
    assert reasons == [None, "not_refined", "not_inspected"]


def test_contributions_add_up_to_the_score(scored):
    _, table = scored
    parts = table[[f"{name}_contribution" for name in ("activity", "safety", "size")]].sum(axis=1)
    # Two BRENK alerts of the third compound; the second is behind the PAINS gate.
    penalty = np.log([1, 1, 0.81, 1, 1, 1])
    scored_above_0 = table["score"] > 0
    assert (np.exp(parts + penalty) * scored_above_0).tolist() == pytest.approx(table["score"].tolist(), abs=1e-5)


def test_intervals_hold_the_probability(scored):
    _, table = scored
    assert (table["profile_prob_lo90"] <= table["profile_prob"] + 1e-6).all()
    assert (table["profile_prob"] <= table["profile_prob_hi90"] + 1e-6).all()
    assert table["selectivity_margin"].isna().all()


def test_stability_is_that_of_compounds_that_can_be_hits(scored):
    _, table = scored
    shares = table["top_share"].tolist()
    assert shares[:5] == [1, 0, 0, 0, 0]
    assert np.isnan(shares[5])


def test_nothing_is_left_beside_the_shards(scored, tmp_path):
    assert sorted(path.name for path in (tmp_path / "scores").iterdir()) == ["00000.parquet", "00001.parquet"]


def profile_with(tmp_path, profile_file, structure, criteria=""):
    path = tmp_path / "changed.yaml"
    path.write_text(profile_file.read_text() + criteria + f"structure: {structure}\n")
    return path


def test_known_antibacterials_are_welcome_where_the_profile_says_so(library, profile_file, tmp_path):
    library.shard(0, 0, ["CCO", "CCCO"], {"a": [0.9, 0.8], "b": [0, 0], "tox": [0, 0]})
    library.refine(0, [], {"a": [], "b": [], "tox": []})
    rows = [{"record_id": 0, "novelty_tanimoto": 1.0}, {"record_id": 1, "antibacterial_class": "penam"}]
    inspected = inspected_table(tmp_path / "inspected.parquet", rows)
    profile = profile_with(tmp_path, profile_file, "{known_similarity: null, known_classes: flag}")
    report, table = run(library, inspected, profile, tmp_path / "scores")
    assert table["excluded_by"].isna().all()
    assert report.eligible == 2


def test_what_has_no_conformers_is_neutral_and_no_hit(library, profile_file, tmp_path):
    library.shard(0, 0, ["CCO", "CCCO"], {"a": [0.9, 0.8], "b": [0, 0], "tox": [0, 0]})
    library.refine(0, [], {"a": [], "b": [], "tox": []})
    inspected = inspected_table(tmp_path / "inspected.parquet", [{"record_id": 0}, {"record_id": 1}])
    checks = pq.read_table(inspected)
    checks = checks.drop_columns([name for name in ("entry_score",) if name in checks.column_names])
    pq.write_table(checks.append_column("entry_score", pa.array([0.25, None], pa.float32())), inspected)
    entry = "  - {name: entry, title: Entry, descriptor: entry_score, accept: [0.5, null], fade: 0.5, source: test}\n"
    profile = profile_with(tmp_path, profile_file, "{pains: gate}", entry)
    _, table = run(library, inspected, profile, tmp_path / "scores")
    assert table["excluded_by"].astype(object).tolist()[1] == "not_inspected_3d"
    assert table["entry_value"].tolist()[0] == pytest.approx(0.25)
    # Half of the preference: size counts as much and is met.
    assert table["score"].tolist() == pytest.approx([0.9 * 0.5**0.5, 0.8], rel=1e-4)


def test_a_required_property_rules_out_whatever_the_fade(library, profile_file, tmp_path):
    library.shard(0, 0, ["CCO", "CCCCCCCCO"], {"a": [0.9, 0.8], "b": [0, 0], "tox": [0, 0]})
    library.refine(0, [], {"a": [], "b": [], "tox": []})
    inspected = inspected_table(tmp_path / "inspected.parquet", [{"record_id": 0}, {"record_id": 1}])
    small = "{name: small, title: Small, descriptor: mw_da, accept: [null, 100], fade: 200, required: true, source: x}"
    profile = profile_with(tmp_path, profile_file, "{pains: gate}", f"  - {small}\n")
    report, table = run(library, inspected, profile, tmp_path / "scores")
    assert table["profile_prob"].tolist() == pytest.approx([0.9, 0.0], rel=1e-5)
    assert [value == "hard:small" for value in table["excluded_by"].astype(object)] == [False, True]
    assert report.eligible == 1
