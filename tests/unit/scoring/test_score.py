"""Scores, ranks and exclusions, against values worked out by hand."""

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
    report = score(
        library.folder / "prepared", library.folder / "triage", inspected, profile_file, tmp_path / "scores",
        scheduler="local", workers=1,
    )  # fmt: skip
    return report, pq.read_table(tmp_path / "scores").to_pandas().set_index("record_id")


def test_scores(scored):
    _, table = scored
    # size is within range for all, so preference is 1; two BRENK alerts cost 0.9 each; PAINS is a gate
    assert table["score"].tolist() == pytest.approx([0.9, 0.0, 0.7 * 0.81, 0.6, 0.95, 0.1])
    assert table["profile_prob"].tolist() == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.95, 0.1])


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
