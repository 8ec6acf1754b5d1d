"""Deduplication over shards, and the stop of a run that read the wrong column."""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molsieve.errors import MolsieveError
from molsieve.scoring.deduplicate import deduplicate

OPTIONS = {"scheduler": "local", "workers": 2, "max_rejected_fraction": 0.5}


def write_shards(folder, shards):
    folder.mkdir(exist_ok=True)
    record = 0
    for number, smiles in enumerate(shards):
        identity = [s and hashlib.blake2b(s.encode(), digest_size=16).digest() for s in smiles]
        status = ["ok" if s else "rejected" for s in smiles]
        table = pa.table(
            {
                "record_id": pa.array(range(record, record + len(smiles)), pa.int64()),
                "status": pa.array(status).dictionary_encode(),
                "reason_code": pa.array([None if s else "unparsable" for s in smiles], pa.string()).dictionary_encode(),
                "identity": pa.array(identity, pa.binary(16)),
            }
        )
        pq.write_table(table, folder / f"{number:05d}.parquet")
        record += len(smiles)
    return folder


def test_the_first_occurrence_wins_over_shards(tmp_path):
    prepared = write_shards(tmp_path / "p", [["A", "B", "A", "C"], ["B", "D", None], ["A", "E", "D"]])
    report = deduplicate(prepared, tmp_path / "d.parquet", **OPTIONS)
    rows = pq.read_table(tmp_path / "d.parquet").to_pylist()
    assert [(row["record_id"], row["duplicate_of"]) for row in rows] == [(2, 0), (4, 1), (7, 0), (9, 5)]
    assert (report.rows, report.ok, report.rejected, report.duplicates) == (10, 5, 1, 4)


def test_one_shard_without_duplicates(tmp_path):
    prepared = write_shards(tmp_path / "p", [["A", "B", "C"]])
    deduplicate(prepared, tmp_path / "d.parquet", **OPTIONS)
    assert pq.read_table(tmp_path / "d.parquet").num_rows == 0


def test_a_shard_in_which_everything_was_rejected(tmp_path):
    prepared = write_shards(tmp_path / "p", [["A", "B", "C", "A"], [None, None]])
    report = deduplicate(prepared, tmp_path / "d.parquet", **OPTIONS)
    assert (report.rejected, report.duplicates) == (2, 1)


def test_too_many_rejected_rows_stop_the_run(tmp_path):
    prepared = write_shards(tmp_path / "p", [["A", None, None, None]])
    with pytest.raises(MolsieveError, match=r"3 of 4 rows were rejected \(3 unparsable\)") as error:
        deduplicate(prepared, tmp_path / "d.parquet", **OPTIONS)
    assert "wrong column" in str(error.value)
    assert not (tmp_path / "d.parquet").exists()


def test_no_valid_molecule_at_all_stops_any_run(tmp_path):
    prepared = write_shards(tmp_path / "p", [[None, None]])
    with pytest.raises(MolsieveError, match="2 of 2 rows"):
        deduplicate(prepared, tmp_path / "d.parquet", **(OPTIONS | {"max_rejected_fraction": 1.0}))
