"""Files nothing can be done with: a message that names the file and says what to do, and nothing left behind."""

import bz2
import gzip
import lzma
import random

import pytest
import zstandard

from molsieve.errors import MolsieveError
from molsieve.library.ingest import ingest
from molsieve.library.source import LibrarySource

GARBAGE = random.Random(1).randbytes(50_000)
GOOD = b"".join(b"CC(=O)N%s,CMP-%d\n" % (b"C" * (i % 30), i) for i in range(200_000))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.smi", b"", "empty"),
        ("empty.csv.gz", gzip.compress(b"", mtime=0), "empty"),
        ("blank.smi", b"\n \n\n", "nothing but blank"),
        ("header.csv", b"smiles,id\n", "header and no row"),
        ("header.smi", b"SMILES Name\n\n\n", "header and no row"),
        ("header.csv", b"A title line,\nsmiles,id\n", "header and no row"),
        ("garbage.smi", GARBAGE, "control characters"),
        ("garbage.sdf", GARBAGE, "control characters"),
        ("garbage.csv.gz", gzip.compress(GARBAGE, mtime=0), "control characters"),
        ("garbage.parquet", b"PAR0" + b"x" * 100, "not a Parquet file"),
        ("prose.txt", b"Dear colleague,\nplease find attached the list.\n", "no structure column"),
        ("numbers.csv", b"1,2\n3,4\n", "no structure column"),
        ("blank.sdf", b"\n\n\n", "nothing but blank"),
        ("page.csv", b"<!DOCTYPE html>\n<html>", "web page"),
        ("cut.smi.gz", gzip.compress(GOOD, mtime=0)[:-100], "ends in the middle"),
        ("cut.smi.bz2", bz2.compress(GOOD)[:-100], "ends in the middle"),
        ("cut.smi.xz", lzma.compress(GOOD, preset=0)[:-100], "ends in the middle"),
        ("cut.smi.zst", zstandard.compress(GOOD)[:-100], "ends in the middle"),
        ("cut.smi.gz", gzip.compress(GOOD, mtime=0)[:8], "ends in the middle"),
        ("cut.parquet", b"PAR1" + GARBAGE, "damaged"),
    ],
)
def test_nothing_can_be_done(write, tmp_path, name, content, told):
    path = write(name, content)
    with pytest.raises(MolsieveError, match=told) as caught:
        ingest([LibrarySource(path=str(path))], tmp_path / "records", shard_size=50_000)
    assert caught.value.where == str(path)
    assert caught.value.fix
    assert not (tmp_path / "records").exists()


def test_skipping_everything(write, understood):
    with pytest.raises(MolsieveError, match="skipped"):
        understood(write("a.smi", "CCO\n"), skip_rows=5)


@pytest.mark.parametrize("shard_size", [0, -1])
def test_shard_size(write, tmp_path, shard_size):
    with pytest.raises(MolsieveError, match="shard_size"):
        ingest([LibrarySource(path=str(write("a.smi", "CCO\n")))], tmp_path / "r", shard_size=shard_size)


def test_one_line_of_a_megabyte(write, read):
    rows = read(write("a.smi", "CCO one\n" + "C" * 1_000_000 + " two\nCCN three\n"))
    assert [row["read_error"] for row in rows] == [None, "line_too_long", None]
    assert [row["compound_id"] for row in rows] == ["one", None, "three"]
    assert rows[1]["structure"] == "C" * 1000


def test_latin1_names(write, read):
    rows = read(write("a.csv", "smiles,name\nCC(=O)N,caf\u00e9ine\nCC(=O)O,na\u00efve\n".encode("latin-1")))
    assert [row["compound_id"] for row in rows] == ["caf\u00e9ine", "na\u00efve"]


def test_utf16_with_bom(write, read):
    rows = read(write("a.txt", "SMILES\tName\r\nCC(=O)N\tcaf\u00e9ine\r\n".encode("utf-16")))
    assert [(row["structure"], row["compound_id"]) for row in rows] == [("CC(=O)N", "caf\u00e9ine")]


def test_duplicate_identifiers_are_kept(write, tmp_path):
    path = write("a.smi", "CCO same\nCCN same\nCCF other\n")
    report = ingest([LibrarySource(path=str(path))], tmp_path / "records", shard_size=10)
    assert (report.rows, report.duplicate_identifiers) == (3, 1)
