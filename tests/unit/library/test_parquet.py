import datetime as dt
import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molsieve.errors import MolsieveError

SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "Cn1cnc2c1c(=O)n(C)c(=O)n2C", "CN1CCC[C@H]1c1cccnc1", None, ""]


@pytest.fixture
def parquet(tmp_path):
    def file(columns, name="a.parquet", **options):
        pq.write_table(pa.table(columns), tmp_path / name, **options)
        return tmp_path / name

    return file


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())], ids=str
)
def test_any_string_type(parquet, read, kind):
    rows = read(parquet({"id": [7, 8, 9, 10, 11], "smiles": pa.array(SMILES).cast(kind)}))
    assert [row["structure"] for row in rows] == SMILES
    assert [row["compound_id"] for row in rows] == ["7", "8", "9", "10", "11"]
    assert [row["read_error"] for row in rows] == [None, None, None, "empty_structure", "empty_structure"]


def test_other_columns_are_kept_as_text(parquet, read):
    path = parquet(
        {
            "smiles": SMILES[:2],
            "score": [0.5, None],
            "day": [dt.date(2024, 5, 1), None],
            "flags": [["a", "b"], None],
            "raw": [b"\x00\xff", None],
            "text": ['say "hi"\n', "back\\slash"],
        }
    )
    first, second = (json.loads(row["properties"]) for row in read(path))
    assert first == {"score": "0.5", "day": "2024-05-01", "flags": '["a", "b"]', "raw": "00ff", "text": 'say "hi"\n'}
    assert list(first) == ["score", "day", "flags", "raw", "text"]
    assert second == {"text": "back\\slash"}


def test_many_row_groups_and_a_name_that_lies(parquet, read):
    path = parquet({"drug": SMILES[:3] * 5000, "name": [f"n{i}" for i in range(15_000)]}, "a.csv", row_group_size=700)
    rows = read(path, shard_size=4000)
    assert [row["compound_id"] for row in rows] == [f"n{i}" for i in range(15_000)]
    assert [row["source_row"] for row in rows] == list(range(1, 15_001))


def test_compressed_once_more(parquet, write, read):
    archive = gzip.compress(parquet({"smiles": SMILES[:3]}).read_bytes())
    assert len(read(write("b.parquet.gz", archive))) == 3


def test_nul_bytes_and_giants(parquet, read):
    rows = read(parquet({"smiles": [*SMILES[:3], "C\0C", "C" * 300_000], "id": [*"abc", "d\0", "e"]}))
    assert [row["read_error"] for row in rows] == [None, None, None, "invalid_character", "line_too_long"]
    assert rows[3]["compound_id"] == "d\ufffd"
    assert len(rows[4]["structure"]) == 1000


def test_bytes_that_are_no_text(parquet, read):
    smiles = pa.array([b"CC(=O)N", b"CC(=O)O", b"C\xff"], pa.binary()).view(pa.string())
    names = pa.array([b"a", b"caf\xe9", b"c"], pa.binary()).view(pa.string())
    rows = read(parquet({"smiles": smiles, "name": names}))
    assert [row["read_error"] for row in rows] == [None, None, "invalid_character"]
    assert rows[1]["compound_id"] == "caf\ufffd"


def test_damage_is_told(parquet, write, understood, read):
    content = parquet({"smiles": SMILES[:3] * 1000}).read_bytes()
    with pytest.raises(MolsieveError, match="damaged"):
        understood(write("cut.parquet", content[:-20]))
    broken = bytearray(content)
    broken[10:60] = b"\xff" * 50
    with pytest.raises(MolsieveError, match="damaged"):
        read(write("broken.parquet", bytes(broken)))


def test_columns_are_checked(parquet, understood):
    path = parquet({"smiles": SMILES[:3], "mw": [1.0, 2.0, 3.0]})
    with pytest.raises(MolsieveError, match="holds double, not text"):
        understood(path, structure_column="mw")
    with pytest.raises(MolsieveError, match="no such column") as caught:
        understood(path, structure_column="smile")
    assert "Columns: smiles, mw." in caught.value.fix
    with pytest.raises(MolsieveError, match="no structure column"):
        understood(parquet({"a": ["x"], "b": [1]}))
    with pytest.raises(MolsieveError, match="no row"):
        understood(parquet({"smiles": pa.array([], pa.string())}))
