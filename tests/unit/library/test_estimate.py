"""How many rows a library has, from its size."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from molsieve.library.estimate import estimate_rows
from molsieve.library.source import LibrarySource

ROWS = "".join(f"{'C' * (1 + row % 30)}O,id{row}\n" for row in range(20_000))
PACK = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}


def rows_of(path):
    return estimate_rows([LibrarySource(path=str(path))])


@pytest.mark.parametrize("suffix", PACK)
def test_a_file_that_fits_the_sample_is_counted(tmp_path, suffix):
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(PACK[suffix](f"smiles,name\n{ROWS}CC,last".encode()))
    assert rows_of(path).rows == 20_001
    assert not rows_of(path).is_exact


@pytest.mark.parametrize("suffix", PACK)
def test_of_a_longer_one_the_beginning_is_enough(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr("molsieve.library.estimate._SAMPLE_BYTES", 1 << 20)
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(PACK[suffix](b"smiles,name\n" + 20 * ROWS.encode()))
    assert rows_of(path).rows == pytest.approx(400_000, rel=0.1)


def test_records_of_an_sd_file(tmp_path, mirror):
    assert rows_of(mirror / "libraries" / "enamine_881.sdf").rows == 881


def test_parquet_says_it_exactly(tmp_path):
    pq.write_table(pa.table({"smiles": ["CCO"] * 1234}), tmp_path / "a.parquet")
    assert rows_of(tmp_path / "a.parquet").rows == 1234
    assert rows_of(tmp_path / "a.parquet").is_exact


def test_several_files_add_up(tmp_path):
    for name in ("a.smi", "b.smi"):
        (tmp_path / name).write_text("CCO x\nCCN y\n")
    assert rows_of(tmp_path).rows == 4
