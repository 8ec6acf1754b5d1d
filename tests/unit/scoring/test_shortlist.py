"""The shortlist: the best over all shards, and a sample that does not depend on the sharding."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from molsieve.scoring.compounds import read_compounds
from molsieve.scoring.criteria import fit_profile
from molsieve.scoring.profile import load_profile
from molsieve.scoring.shortlist import first_scores, shortlist

SMILES = ["CCO", "CCCO", "CCCCO", "CCCCCO", "CCCCCCO", "CCN", "CCCN", "CCCCN", "CCCCCN", "CCCCCCN"]
ACTIVITY = [0.1, 0.9, 0.2, 0.3, 0.8, 0.05, 0.7, 0.01, 0.02, 0.6]


def fill(library, shards):
    start = 0
    for number, rows in enumerate(shards):
        chosen = slice(start, start + rows)
        predictions = {"a": ACTIVITY[chosen], "b": [0.0] * rows, "tox": [0.0] * rows}
        library.shard(number, start, SMILES[chosen], predictions)
        start += rows


def run(library, profile_file, out, **options):
    defaults = {"size": 3, "audit": 2, "seed": 7, "scheduler": "local", "workers": 1, "reliabilities": {}}
    return shortlist(library.folder / "prepared", library.folder / "triage", profile_file, out, **(defaults | options))


def test_best_and_sample(library, profile_file, tmp_path):
    fill(library, [10])
    report = run(library, profile_file, tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["record_id"] for row in table if row["reason"] == "top"] == [1, 4, 6]
    assert len([row for row in table if row["reason"] == "audit"]) == 2
    assert (report.compounds, report.top, report.audit) == (10, 3, 2)


def test_independent_of_sharding(library, profile_file, tmp_path):
    fill(library, [10])
    run(library, profile_file, tmp_path / "one.parquet")
    fill(library, [4, 1, 5])
    run(library, profile_file, tmp_path / "three.parquet")
    one, three = (pq.read_table(tmp_path / name).to_pylist() for name in ("one.parquet", "three.parquet"))
    assert [(r["record_id"], r["reason"]) for r in one] == [(r["record_id"], r["reason"]) for r in three]
    assert {row["shard"] for row in three} <= {"00000", "00001", "00002"}


def test_the_sample_follows_the_seed(library, profile_file, tmp_path):
    fill(library, [10])
    samples = set()
    for seed in range(6):
        run(library, profile_file, tmp_path / "out.parquet", seed=seed)
        rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
        samples.add(tuple(row["record_id"] for row in rows if row["reason"] == "audit"))
    assert len(samples) > 2


def test_small_libraries_pass_whole(library, profile_file, tmp_path):
    fill(library, [10])
    run(library, profile_file, tmp_path / "out.parquet", size=100)
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 10


def test_it_has_what_the_profile_asks_for(library, profile_file, tmp_path):
    """Else a look at the refined predictions would have to go over all shards again."""
    fill(library, [4, 6])
    run(library, profile_file, tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["a_prob"].to_pylist() == pytest.approx([ACTIVITY[row] for row in table["record_id"].to_pylist()])
    again = first_scores(load_profile(profile_file), table, {})
    assert again == pytest.approx(table["first_score"].to_numpy())


def test_without_shards_it_is_empty(profile_file, library, tmp_path):
    (library.folder / "triage").mkdir(parents=True)
    report = run(library, profile_file, tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").num_rows == report.compounds == 0


def test_profile_fit_against_values_by_hand(library, profile_file):
    library.shard(0, 0, ["CCO", "C" * 25], {"a": [0.5, 0.5], "b": [0.5, 0.0], "tox": [0.2, 0.5]})
    compounds = read_compounds(
        library.folder / "prepared" / "00000.parquet", library.folder / "triage" / "00000.parquet"
    )
    fit = fit_profile(load_profile(profile_file), compounds, {})
    # any of two at 0.5 is 0.75; not toxic is 0.8; ethanol is small enough, C25H52 (352.7 Da) is 52.7 Da too heavy
    assert fit.values["activity"] == pytest.approx([0.75, 0.5])
    assert fit.profile_prob == pytest.approx([0.75 * 0.8, 0.5 * 0.5])
    assert fit.desirabilities["size"] == pytest.approx([1.0, 0.473], abs=0.002)
    assert fit.preference == pytest.approx(fit.desirabilities["size"])
    expected = np.array([1.0**2 * 1.0 * 1.0, 1.0**2 * 0.5 * 0.473]) ** (1 / 4)
    assert fit.desirability == pytest.approx(expected, abs=0.002)
