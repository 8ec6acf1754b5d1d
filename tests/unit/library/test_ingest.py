"""The stage: one record for each row, in shards, with a manifest, or nothing at all."""

import bz2
import csv
import gzip
import io
import json
import lzma

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molsieve.errors import MolsieveError
from molsieve.library.duplicates import DuplicateCounter
from molsieve.library.ingest import ingest
from molsieve.library.records import READ_ERRORS, RECORDS, SCHEMA
from molsieve.library.source import LibrarySource

ROWS = [(f"CC(=O)N{'C' * (i % 30)}", f"CMP-{i}") for i in range(2500)]
CSV = "smiles,id\n" + "".join(f"{smiles},{name}\n" for smiles, name in ROWS)


def run(paths, folder, **options):
    options.setdefault("shard_size", 1000)
    return ingest([LibrarySource(path=str(path)) for path in paths], folder, **options)


def test_shards_and_manifest(write, tmp_path):
    out = tmp_path / "out" / "records"
    seen = []
    report = run(
        [write("a.csv", CSV), write("b.smi", "CCO x\n\nCCN x\n")], out, first_record_id=5, on_progress=seen.append
    )
    assert sorted(path.name for path in out.iterdir()) == [
        "00000.parquet",
        "00001.parquet",
        "00002.parquet",
        "manifest.json",
    ]
    tables = [pq.read_table(path) for path in sorted(out.glob("*.parquet"))]
    assert [table.num_rows for table in tables] == [1000, 1000, 502]
    assert all(table.schema.equals(SCHEMA) for table in tables)
    assert all(field.metadata[b"description"] for field in tables[0].schema)
    table = pa.concat_tables(tables)
    assert table["record_id"].to_pylist() == list(range(5, 2507))
    assert table["source"].to_pylist() == ["a.csv"] * 2500 + ["b.smi"] * 2
    assert table["source_row"].to_pylist() == [*range(1, 2501), 1, 2]
    assert table["compound_id"].to_pylist() == [name for _, name in ROWS] + ["x", "x"]
    assert table["structure"].to_pylist() == [smiles for smiles, _ in ROWS] + ["CCO", "CCN"]
    assert (report.rows, report.files, report.shards, report.duplicate_identifiers, report.read_errors) == (
        2502,
        2,
        3,
        1,
        {},
    )
    assert seen[-1] == 2502
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["shards"][2] == {"name": "00002.parquet", "rows": 502, "first_record_id": 2005}
    assert manifest["rows"] == 2502
    first, second = manifest["files"]
    assert (first["rows"], first["format"], first["columns"], first["structure_column"]) == (
        2500,
        "csv",
        ["smiles", "id"],
        "smiles",
    )
    assert (second["rows"], second["format"], second["delimiter"], second["header"]) == (
        2,
        "smiles",
        "whitespace",
        False,
    )
    assert len(first["sha256"]) == 64


@pytest.mark.parametrize("shard_size", [1, 500, 2499, 2500, 2501])
def test_shard_sizes(write, tmp_path, shard_size):
    report = run([write("a.csv", CSV[: CSV.index("CMP-20\n")])], tmp_path / "r", shard_size=shard_size)
    sizes = [pq.read_metadata(path).num_rows for path in sorted((tmp_path / "r").glob("*.parquet"))]
    assert sum(sizes) == report.rows == 21
    assert set(sizes[:-1]) <= {shard_size}


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
        (".zst", zstandard.compress),
        ("", gzip.compress),
    ],
)
def test_compressed_files_read_the_same(write, read, suffix, compress):
    plain = read(write("a.csv", CSV))
    packed = read(write(f"packed/a.csv{suffix}", compress(CSV.encode())))
    strip = [{key: value for key, value in row.items() if key != "source"} for row in packed]
    assert strip == [{key: value for key, value in row.items() if key != "source"} for row in plain]


def test_a_shorter_run_leaves_no_stale_shard(write, tmp_path):
    out = tmp_path / "records"
    run([write("a.csv", CSV)], out)
    run([write("b.smi", "CCO\n")], out)
    assert sorted(path.name for path in out.iterdir()) == ["00000.parquet", "manifest.json"]
    assert pq.read_metadata(out / "00000.parquet").num_rows == 1


def test_the_same_run_gives_the_same_bytes(write, tmp_path):
    path = write("a.csv", CSV)
    for name in ("one", "two"):
        run([path], tmp_path / name)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_nothing_is_left_when_a_later_file_fails(write, tmp_path):
    good = write("a.csv", CSV)
    cut = write("b.csv.gz", gzip.compress(CSV.encode() * 200)[:-5000])
    out = tmp_path / "records"
    with pytest.raises(MolsieveError, match="ends in the middle"):
        run([good, cut], out)
    assert not out.exists()
    run([good], out)
    with pytest.raises(MolsieveError, match="ends in the middle"):
        run([good, cut], out)
    assert list(out.iterdir()) == []


def test_wrong_arguments_leave_an_earlier_result_alone(write, tmp_path):
    out = tmp_path / "records"
    run([write("a.csv", CSV)], out)
    with pytest.raises(MolsieveError, match="does not exist"):
        run([tmp_path / "gone.csv"], out)
    assert len(list(out.iterdir())) == 4


def test_a_folder_that_cannot_be_written(write, tmp_path):
    write("file", "")
    with pytest.raises(MolsieveError, match="cannot write the records") as caught:
        run([write("a.csv", CSV)], tmp_path / "file" / "records")
    assert caught.value.where.endswith("file/records")


def test_a_full_disk(write, tmp_path, monkeypatch):
    written = 0

    def fail(self, table):
        nonlocal written
        written += table.num_rows
        if written > 1500:
            raise OSError(28, "No space left on device")
        return original(self, table)

    original = pq.ParquetWriter.write_table
    monkeypatch.setattr(pq.ParquetWriter, "write_table", lambda self, table, **_: fail(self, table))
    with pytest.raises(MolsieveError, match="No space left"):
        run([write("a.csv", CSV)], tmp_path / "records")
    assert not (tmp_path / "records").exists()


def test_one_reader_error_a_code(write, read):
    text = (
        "id,smiles,note\n"
        "1,CC(=O)N,fine\n"
        "2,,empty\n"
        "3\n"
        "4,   ,blank\n"
        "5,CC,note,with,commas\n"
        "6,C\0C,nul\n"
        f"7,{'C' * 300_000},long\n"
        "\n"
        "8,CC(=O)O\n"
        ",,\n"
    )
    rows = read(write("a.csv", text))
    assert [row["source_row"] for row in rows] == list(range(1, 10))
    assert [row["read_error"] for row in rows] == [
        None,
        "empty_structure",
        "empty_structure",
        "empty_structure",
        "too_many_fields",
        "invalid_character",
        "line_too_long",
        None,
        "empty_structure",
    ]
    assert {row["read_error"] for row in rows} - {None} <= set(READ_ERRORS)
    assert json.loads(rows[4]["properties"]) == {"note": "note", "id": "5", "column_4": "with", "column_5": "commas"}
    assert (rows[6]["structure"], rows[6]["compound_id"]) == ("C" * 1000, "7")
    assert "300,007 bytes" in rows[6]["read_detail"]
    assert rows[8]["compound_id"] is None


def test_unquoted_commas_in_the_names_of_a_two_column_table(write, read):
    rows = read(write("a.csv", "smiles,name\nCC(=O)N,acetamide\nClCC(Cl)C,1,2-dichloropropane\n"))
    assert [row["compound_id"] for row in rows] == ["acetamide", "1,2-dichloropropane"]
    assert [row["read_error"] for row in rows] == [None, None]


def test_with_too_many_fields_a_first_structure_is_sure_and_the_identifier_is_not(write, read):
    rows = read(write("a.csv", "smiles,name,id\nCC(=O)N,x,A1\nClCC(Cl)C,1,2-dichloropropane,A2\n"))
    assert [row["read_error"] for row in rows] == [None, None]
    assert [row["compound_id"] for row in rows] == ["A1", None]
    assert json.loads(rows[1]["properties"]) == {"name": "1", "id": "2-dichloropropane", "column_4": "A2"}


def test_a_cut_extension_is_no_structure(write, read):
    rows = read(write("a.csv", "smiles,name,id\nCC(=O)N,x,A1\nC[C@H](F)O |&1:1,r|,y,A2\n"))
    assert [row["read_error"] for row in rows] == [None, "too_many_fields"]


def test_a_cell_over_two_lines_whose_rest_looks_like_a_row(write, read):
    text = 'id;name;smiles;note;price\nA-7;one;CCOCC;;1\nA-8;"multi\nline; name";O=C(NCc1ccccc1)c1ccc(Br)cc1;;1\n'
    rows = read(write("a.csv", text + "A-9;two;CCNCC;;1\n"))
    assert [row["compound_id"] for row in rows] == ["A-7", "A-8", "A-9"]
    assert rows[1]["structure"] == "O=C(NCc1ccccc1)c1ccc(Br)cc1"


def test_a_structure_is_kept_as_it_stands(write, read):
    rows = read(write("a.csv", 'id;smiles\n1;"C[C@H](N)C(=O)O |&1:1,r|"\n2; CC(=O)O \n'))
    assert [row["structure"] for row in rows] == ["C[C@H](N)C(=O)O |&1:1,r|", " CC(=O)O "]


def test_records_are_documented():
    assert [column.name for column in RECORDS] == [
        "record_id",
        "source",
        "source_row",
        "compound_id",
        "structure",
        "structure_format",
        "properties",
        "read_error",
        "read_detail",
    ]


# Without control characters but those of text: a file that is full of them is refused as binary (test_bad_input.py).
identifier = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\r\t", exclude_characters="\ufeff"),
    max_size=20,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    names=st.lists(identifier, min_size=1, max_size=30),
    notes=st.lists(identifier, min_size=30, max_size=30),
    delimiter=st.sampled_from(",;\t|"),
    packed=st.booleans(),
)
def test_what_csv_writes_is_read_back(tmp_path_factory, names, notes, delimiter, packed):
    """Identifiers with quotes, delimiters, line ends and any characters come back as they were, one record a row."""
    folder = tmp_path_factory.mktemp("round")
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["smiles", "compound id", "note"])
    writer.writerows(
        [f"CC(=O)N{'C' * i}", name, note] for i, (name, note) in enumerate(zip(names, notes, strict=False))
    )
    content = text.getvalue().encode()
    path = folder / "a.csv"
    path.write_bytes(gzip.compress(content) if packed else content)
    source = LibrarySource(path=str(path), id_column="compound id")
    ingest([source], folder / "records", shard_size=7)
    rows = pa.concat_tables(
        pq.read_table(shard) for shard in sorted((folder / "records").glob("*.parquet"))
    ).to_pylist()
    assert [row["compound_id"] or "" for row in rows] == names
    assert [row["structure"] for row in rows] == [f"CC(=O)N{'C' * i}" for i in range(len(names))]
    assert [json.loads(row["properties"] or "{}").get("note", "") for row in rows] == notes[: len(names)]


@pytest.mark.parametrize("at_once", [3, 1000])
def test_duplicates_are_counted_in_any_number_of_passes(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr("molsieve.library.duplicates._AT_ONCE", at_once)
    with DuplicateCounter(tmp_path) as counter:
        counter.add(pa.array(["a", "b", None, "a"]))
        counter.add(pa.array(["c", "a", "b", None, "d"]))
        assert counter.repeated() == 3
    with DuplicateCounter(tmp_path) as counter:
        assert counter.repeated() == 0
