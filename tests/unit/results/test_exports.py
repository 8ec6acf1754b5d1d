import csv
import errno
import io
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pyarrow.parquet as pq
import pytest
from rdkit import Chem

from molsieve.results import exports
from molsieve.results.exports import write_csv, write_sdf, write_xlsx
from molsieve.results.schema import hits_columns


@pytest.fixture
def hits(shared_results):
    return pq.read_table(shared_results / "hits.parquet")


@pytest.fixture
def columns(shared_run):
    return hits_columns(shared_run[1].profile_endpoints)


def sheet(path, number=1):
    """Cells of a sheet as rows of text, and the XML."""
    with zipfile.ZipFile(path) as book:
        strings = []
        if "xl/sharedStrings.xml" in book.namelist():
            root = ET.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314
            strings = ["".join(text.text or "" for text in item.iter() if text.tag.endswith("}t")) for item in root]
        xml = book.read(f"xl/worksheets/sheet{number}.xml").decode()
    rows = []
    for row in re.findall(r"<row .*?</row>", xml, re.DOTALL):
        cells = {}
        for reference, kind, value in re.findall(r'<c r="([A-Z]+)\d+"[^>]*?(?: t="(\w+)")?><v>(.*?)</v>', row):
            cells[reference] = strings[int(value)] if kind == "s" else value
        rows.append(cells)
    return rows, xml


def test_csv_is_what_the_table_holds(shared_results, hits):
    frame = pd.read_csv(shared_results / "hits.csv")
    assert list(frame.columns) == hits.column_names
    assert frame["rank"].tolist() == hits["rank"].to_pylist()
    assert frame["herg_prob"].astype("float32").tolist() == hits["herg_prob"].to_pylist()
    assert frame["in_domain"].tolist() == hits["in_domain"].to_pylist()


def test_csv_has_no_byte_order_mark_and_unix_lines(shared_results):
    data = (shared_results / "hits.csv").read_bytes()
    assert data.startswith(b"hit,")
    assert b"\r" not in data


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")'])
def test_a_formula_is_made_harmless(tmp_path, hits, text):
    at = hits.column_names.index("compound_id")
    changed = hits.slice(0, 1).set_column(at, hits.schema.field("compound_id"), [[text]])
    write_csv(tmp_path / "h.csv", changed)
    with (tmp_path / "h.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["compound_id"] == f"'{text}"


@pytest.mark.parametrize("text", ["-42", "+1.5", "NSC-1", "1-2", "C#N"])
def test_numbers_and_plain_text_stay(tmp_path, hits, text):
    at = hits.column_names.index("compound_id")
    changed = hits.slice(0, 1).set_column(at, hits.schema.field("compound_id"), [[text]])
    write_csv(tmp_path / "h.csv", changed)
    with (tmp_path / "h.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["compound_id"] == text


def test_sdf_reads_back_with_coordinates_and_properties(shared_results, hits):
    mols = list(Chem.SDMolSupplier(str(shared_results / "hits.sdf")))
    assert len(mols) == hits.num_rows
    for mol, row in zip(mols, hits.to_pylist(), strict=True):
        assert Chem.MolToSmiles(mol) == row["parent_smiles"]
        assert mol.GetProp("inchikey") == row["inchikey"]
        assert float(mol.GetProp("profile_prob")) == pytest.approx(row["profile_prob"])
        assert mol.GetConformer().Is3D() is False
        assert mol.GetNumAtoms() == 1 or abs(mol.GetConformer().GetPositions()).max() > 0


def test_sdf_survives_line_breaks_and_delimiters(tmp_path, hits):
    at = hits.column_names.index("compound_id")
    values = ["a\n\n$$$$\nb", "> <x>", None] + ["c"] * (hits.num_rows - 3)
    write_sdf(tmp_path / "h.sdf", hits.set_column(at, hits.schema.field("compound_id"), [values]))
    mols = list(Chem.SDMolSupplier(str(tmp_path / "h.sdf")))
    assert len(mols) == hits.num_rows
    assert mols[0].GetProp("compound_id") == "a $$$$ b"
    assert mols[1].GetProp("_Name") == "> <x>"
    assert not mols[2].HasProp("compound_id")
    assert mols[2].GetProp("_Name") == hits["inchikey"][2].as_py()


def test_xlsx_has_names_units_and_values(shared_results, hits):
    rows, xml = sheet(shared_results / "hits.xlsx")
    names = rows[1]
    assert list(names.values()) == ["structure", *hits.column_names]
    at = {name: reference for reference, name in names.items()}
    assert rows[0][at["mw_da"]] == "Da"
    assert float(rows[2][at["mw_da"]]) == pytest.approx(hits["mw_da"][0].as_py())
    assert rows[2][at["parent_smiles"]] == hits["parent_smiles"][0].as_py()
    assert 'state="frozen"' in xml
    assert "<autoFilter" in xml


def test_xlsx_never_holds_a_formula_or_a_link(tmp_path, hits, columns):
    at = hits.column_names.index("compound_id")
    values = ["=1+1", "http://example.org", "\x01\x0b", "@x"] + ["c"] * (hits.num_rows - 4)
    changed = hits.set_column(at, hits.schema.field("compound_id"), [values])
    write_xlsx(tmp_path / "h.xlsx", changed, columns, {"run": "=1+1"})
    rows, xml = sheet(tmp_path / "h.xlsx")
    assert "<f>" not in xml
    assert "<hyperlink" not in xml
    assert "<f>" not in sheet(tmp_path / "h.xlsx", 2)[1]
    reference = next(reference for reference, name in rows[1].items() if name == "compound_id")
    assert [row[reference] for row in rows[2:6]] == ["=1+1", "http://example.org", "  ", "@x"]


def test_xlsx_shows_the_structures_of_few_hits_only(tmp_path, hits, columns, monkeypatch):
    write_xlsx(tmp_path / "h.xlsx", hits, columns, {})
    with zipfile.ZipFile(tmp_path / "h.xlsx") as book:
        pictures = [name for name in book.namelist() if name.startswith("xl/media/")]
        assert len(pictures) == hits.num_rows
        assert book.read(pictures[0]).startswith(b"\x89PNG")
    monkeypatch.setattr(exports, "MAX_DRAWN", hits.num_rows - 1)
    write_xlsx(tmp_path / "h.xlsx", hits, columns, {})
    with zipfile.ZipFile(tmp_path / "h.xlsx") as book:
        assert not [name for name in book.namelist() if name.startswith("xl/media/")]
    assert "structure" not in sheet(tmp_path / "h.xlsx")[0][1].values()


def test_xlsx_explains_itself(shared_results, shared_run):
    rows, _ = sheet(shared_results / "hits.xlsx", 2)
    text = " ".join(" ".join(row.values()) for row in rows)
    assert shared_run[1].run_id in text
    assert "Average molecular weight" in text


def test_a_very_long_text_fits_a_cell(tmp_path, hits, columns):
    at = hits.column_names.index("reasons")
    changed = hits.set_column(at, hits.schema.field("reasons"), [["x" * 50_000] * hits.num_rows])
    write_xlsx(tmp_path / "h.xlsx", changed, columns, {})
    assert zipfile.ZipFile(io.BytesIO((tmp_path / "h.xlsx").read_bytes())).testzip() is None
    rows, _ = sheet(tmp_path / "h.xlsx")
    assert max(len(value) for value in rows[2].values()) == 32_767


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, a disk that is always full")
def test_a_full_disk_is_an_os_error(hits, columns):
    full = Path("/dev/full")
    for write in (write_csv, write_sdf, lambda path, table: write_xlsx(path, table, columns, {})):
        with pytest.raises(OSError, match="No space left") as caught:
            write(full, hits)
        assert caught.value.errno == errno.ENOSPC
