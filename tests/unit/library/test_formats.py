import pytest

from molsieve.errors import MolsieveError
from molsieve.library.formats import is_library_name, kind_of, split_name

SDF = b"x\n  prog\n\n  1  0  0  0  0  0            999 V2000\n"


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.smi", b"CCO\n", "smiles"),
        ("a.SMI.GZ", b"CCO\n", "smiles"),
        ("a.tab", b"a\tb\n", "tsv"),
        ("a.txt", SDF, "sdf"),
        ("a.smi", SDF.replace(b"\n", b"\r\n"), "sdf"),
        ("a", SDF, "sdf"),
        ("a.sdf", b"smiles,id\nCCO,1\n", "text"),
        ("a.sdf", b"\n\nM  END\n$$$$\n", "sdf"),
        ("a.csv", b"PAR1....", "parquet"),
        ("a.unknown", b"CCO\n", "text"),
        ("a.csv", (b"CC(=O)Oc1ccccc1C(=O)O," + b"x" * 60 + b"\0\n") * 100, "csv"),
    ],
)
def test_name_and_content(name, head, kind):
    assert kind_of(name, head, None, name) == kind


def test_the_users_word_counts():
    assert kind_of("a.csv", b"CCO\n", "smiles", "a.csv") == "smiles"


@pytest.mark.parametrize(
    ("name", "head", "given", "told"),
    [
        ("a.smi", b"", None, "empty"),
        ("a.xlsx", b"PK\x03\x04....", None, "Excel workbook"),
        ("a.csv", b"%PDF-1.4", None, "PDF"),
        ("a.csv", b"\n<!DOCTYPE html><html>", None, "web page"),
        ("a.csv", b'{"error": "not found"}', None, "JSON"),
        ("a.smi", bytes(range(256)) * 20, None, "control characters"),
        ("a.parquet", b"CCO\n", None, "not a Parquet file"),
        ("a.csv", b"CCO\n", "parquet", "not a Parquet file"),
        ("a.csv", b"PAR1", "csv", "format=csv is given"),
        ("a.tar", b"\0" * 257 + b"ustar", None, "tar archive"),
    ],
)
def test_what_cannot_be_read(name, head, given, told):
    with pytest.raises(MolsieveError, match=told) as caught:
        kind_of(name, head, given, name)
    assert caught.value.fix
    assert caught.value.where == name


def test_a_salt_is_not_json():
    assert kind_of("a.smi", b"[Na+].[Cl-] salt\n", None, "a") == "smiles"


def test_names():
    assert split_name("Set.SDF.gz") == (".sdf", ".gz")
    assert split_name("set.gz") == ("", ".gz")
    assert is_library_name("set.pq")
    assert not any(map(is_library_name, ["README.txt", "LICENSE.txt", "_x.csv", ".x.csv", "x.md"]))
