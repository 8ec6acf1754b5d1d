"""Files are complete or not there, also when the disk is full or the process dies."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molsieve.files import ROW_GROUP_ROWS, TableWriter, replacing, write_table, write_text

SCHEMA = pa.schema([pa.field("number", pa.int64())])


def numbers(count, start=0):
    return pa.table({"number": pa.array(range(start, start + count), pa.int64())})


def test_nothing_appears_when_the_block_fails(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
        _ = 1 / 0
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_row_groups_are_full_but_for_the_last(tmp_path):
    with TableWriter(tmp_path / "t.parquet", SCHEMA) as writer:
        for start in range(0, 300_000, 1000):
            writer.write(numbers(1000, start))
    metadata = pq.ParquetFile(tmp_path / "t.parquet").metadata
    groups = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
    assert groups == [ROW_GROUP_ROWS, ROW_GROUP_ROWS, 300_000 - 2 * ROW_GROUP_ROWS]
    assert pq.read_table(tmp_path / "t.parquet")["number"].to_pylist() == list(range(300_000))


def test_an_empty_table_has_its_schema(tmp_path):
    write_table(tmp_path / "t.parquet", SCHEMA.empty_table(), SCHEMA)
    assert pq.read_schema(tmp_path / "t.parquet").names == ["number"]


def test_a_failed_writer_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), TableWriter(tmp_path / "t.parquet", SCHEMA) as writer:
        writer.write(numbers(10))
        _ = 1 / 0
    assert os.listdir(tmp_path) == []


def test_a_wrong_type_fails_at_the_writer(tmp_path):
    with pytest.raises(pa.ArrowInvalid), TableWriter(tmp_path / "t.parquet", SCHEMA) as writer:
        writer.write(pa.table({"number": ["x"]}))
    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_the_old_file(full_disk):
    write_table(full_disk / "t.parquet", numbers(10), SCHEMA)
    import numpy as np

    noise = pa.table({"number": np.random.default_rng(0).integers(0, 2**62, 400_000)})
    with pytest.raises(OSError, match="No space left"):
        write_table(full_disk / "t.parquet", noise, SCHEMA)
    assert os.listdir(full_disk) == ["t.parquet"]
    assert pq.read_table(full_disk / "t.parquet").num_rows == 10
