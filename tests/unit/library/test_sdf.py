import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molsieve.errors import MolsieveError
from molsieve.library import sdf as sdf_module
from molsieve.library.sdf import sdf_records

SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "Cn1cnc2c1c(=O)n(C)c(=O)n2C", "CN1CCC[C@H]1c1cccnc1"]


def record(smiles="CCO", title="", fields=(), v3000=False, end="$$$$\n"):
    block = Chem.MolToMolBlock(Chem.MolFromSmiles(smiles), forceV3000=v3000)
    block = title + block[block.index("\n") :]
    return block + "".join(f">  <{name}>\n{value}\n\n" for name, value in fields) + end


def library(v3000=False, title="mol {}"):
    return "".join(
        record(smiles, title.format(number), [("Catalog ID", f"Z{number}"), ("Note", "two\nlines")], v3000)
        for number, smiles in enumerate(SMILES, 10)
    )


@pytest.mark.parametrize("v3000", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_structures_and_fields_are_kept(write, read, v3000, end):
    rows = read(write("a.sdf", library(v3000).replace("\n", end)))
    assert [row["source_row"] for row in rows] == [1, 2, 3]
    assert [row["compound_id"] for row in rows] == ["mol 10", "mol 11", "mol 12"]
    assert all(row["structure_format"] == "molblock" for row in rows)
    found = [Chem.MolToSmiles(Chem.MolFromMolBlock(row["structure"])) for row in rows]
    assert found == [Chem.CanonSmiles(smiles) for smiles in SMILES]
    assert json.loads(rows[0]["properties"]) == {"Catalog ID": "Z10", "Note": "two\nlines"}
    assert list(json.loads(rows[0]["properties"])) == ["Catalog ID", "Note"]


def test_titles_that_count_the_records_give_way_to_an_identifier(write, understood, read):
    text = "".join(record(smiles, f"Compound {i}", [("Catalog ID", f"Z{i * 7}")]) for i, smiles in enumerate(SMILES, 1))
    path = write("a.sdf", text)
    assert understood(path).id_column == "Catalog ID"
    assert json.loads(read(path)[0]["properties"]) == {"title": "Compound 1"}


@pytest.mark.parametrize(
    ("wanted", "identifiers"),
    [
        ("Catalog ID", ["Z10", "Z11", "Z12"]),
        ("catalog_id", ["Z10", "Z11", "Z12"]),
        ("title", ["mol 10", "mol 11", "mol 12"]),
    ],
)
def test_the_identifier_can_be_chosen(write, read, wanted, identifiers):
    assert [row["compound_id"] for row in read(write("a.sdf", library()), id_column=wanted)] == identifiers


def test_wrong_choices_are_refused(write, understood):
    path = write("a.sdf", library())
    with pytest.raises(MolsieveError, match="id_column is 'Catalogue'") as caught:
        understood(path, id_column="Catalogue")
    assert "Catalog ID, Note" in caught.value.fix
    with pytest.raises(MolsieveError, match="structure_column"):
        understood(path, structure_column="Note")


def test_no_titles_and_no_identifier(write, understood):
    assert understood(write("a.sdf", record() + record("CCN"))).id_column is None


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_cut_record_is_a_record_with_an_error(write, read, share):
    whole = library()
    last = whole.rindex("mol 12")
    text = whole[: last + int((len(whole) - last) * share)]
    assert text.count("$$$$") == 2
    rows = read(write("a.sdf", text))
    assert [row["read_error"] for row in rows] == [None, None, "truncated_record"]
    assert rows[2]["structure"].startswith("mol 12\n")


def test_a_last_record_without_its_end_line_is_whole(write, read):
    for text in [record(end=""), record(fields=[("a", "1")], end="")]:
        assert [row["read_error"] for row in read(write("a.sdf", text * 1))] == [None]
    assert read(write("a.mol", record(end="")))[0]["read_error"] is None


def test_empty_records_are_records(write, read):
    rows = read(write("a.sdf", record() + "$$$$\n" + "\n\n\n$$$$\n" + record("CCN") + "\n\n"))
    assert [row["read_error"] for row in rows] == [None, "empty_structure", "empty_structure", None]


def test_odd_data_headers(write, read):
    tail = (
        "> 25 <MELTING.POINT>  (7)\n179.0\n\n"
        ">  <a>b>\n> 100 uM\n\n"
        ">  <blank>\n\n"
        ">  <gap>\none\n\nthree\n\n"
        ">  <twice>\n1\n\n>  <twice>\n2\n\n"
        "> <last>\nno blank line\n"
    )
    (row,) = read(write("a.sdf", record(end=tail + "$$$$\n")))
    assert json.loads(row["properties"]) == {
        "MELTING.POINT": "179.0",
        "a>b": "> 100 uM",
        "blank": "",
        "gap": "one\n\nthree",
        "twice": "1",
        "twice (2)": "2",
        "last": "no blank line",
    }


def test_a_giant_record_and_a_giant_line_cost_themselves(write, read, monkeypatch):
    monkeypatch.setattr(sdf_module, "MAX_RECORD_CHARACTERS", 3_000_000)
    text = (
        record("CCO", "one")
        + record("CCN", "two", [("blob", "x" * 1_000_000)])
        + record("CCF", "three", [("blob", ("y" * 79 + "\n") * 50_000)])
        + record("CCCl", "four")
    )
    rows = read(write("a.sdf", text))
    assert [row["read_error"] for row in rows] == [None, "line_too_long", "line_too_long", None]
    assert [row["compound_id"] for row in rows] == ["one", "two", "three", "four"]
    assert all(len(row["structure"]) <= 1000 for row in rows)


def test_content_decides_where_the_name_misleads(write, understood):
    assert understood(write("a.txt", library())).format == "sdf"
    assert understood(write("noname", library(v3000=True))).format == "sdf"


field_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda text: text.strip() and not text.startswith((">", "$$$$"))
)


@given(
    st.lists(st.dictionaries(field_text.filter(lambda t: "<" not in t), field_text, max_size=4), min_size=1, max_size=5)
)
def test_any_fields_survive(records):
    text = "".join(record(title=str(i), fields=fields.items()) for i, fields in enumerate(records))
    cuts = [text[start : text.find("\n", start + 40) + 1] for start in [0]]
    found = list(sdf_records([cuts[0], text[len(cuts[0]) :]]))
    assert [record.fields for record in found] == records
    assert all(record.error is None for record in found)
