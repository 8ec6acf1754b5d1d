"""Refined predictions over those of triage."""

import pyarrow as pa
import pytest

from molsieve.errors import MolsieveError
from molsieve.scoring.compounds import overlay, read_predictions

PREDICTIONS = {"a": [0.9, 0.8, 0.7, 0.6], "ab": [0.1, 0.2, 0.3, 0.4]}


def test_refined_rows_replace_and_the_others_stay():
    triage = pa.table({"record_id": [4, 5, 6], "a_prob": [0.1, 0.2, 0.3], "fast_prob": [1.0, 1.0, 1.0]})
    refined = pa.table({"record_id": [6, 4, 99], "a_prob": [0.6, 0.4, 0.9], "slow_prob": [0.5, 0.7, 0.9]})
    assert overlay(triage, refined).to_pydict() == {
        "record_id": [4, 5, 6],
        "a_prob": [0.4, 0.2, 0.6],
        "fast_prob": [1.0, 1.0, 1.0],
        "slow_prob": [0.7, None, 0.5],
        "tier": ["refine", "triage", "refine"],
    }


def test_only_the_endpoints_asked_for_are_read(library):
    library.shard(0, 0, ["CCO", "CCCO", "CCCCO", "CCN"], PREDICTIONS)
    folder = library.refine(0, [2], {"a": [0.5], "ab": [0.5]})
    found = read_predictions(library.folder / "triage" / "00000.parquet", folder, ["a"])
    assert found.column_names == ["record_id", "a_prob", "nn_similarity", "tier"]
    assert found["a_prob"].to_pylist() == pytest.approx([0.9, 0.8, 0.5, 0.6])


def test_chunks_of_other_shards_do_not_matter(library):
    library.shard(0, 0, ["CCO", "CCCO"], {"a": [0.9, 0.8]})
    library.refine(0, [1, 2], {"a": [0.5, 0.6]})
    folder = library.refine(1, [], {"a": []})
    found = read_predictions(library.folder / "triage" / "00000.parquet", folder)
    assert found["tier"].to_pylist() == ["triage", "refine"]


def test_a_stage_that_did_not_run_is_named(library):
    library.shard(0, 0, ["CCO"], {"a": [0.9]})
    with pytest.raises(MolsieveError, match="no refined predictions"):
        read_predictions(library.folder / "triage" / "00000.parquet", library.folder / "refined")
