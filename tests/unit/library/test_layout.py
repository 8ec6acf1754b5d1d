"""What is found out about a text table without being told."""

import pytest

from molsieve.errors import MolsieveError
from molsieve.library.structures import is_attempted_smiles, is_certain_smiles, is_molblock, is_smiles

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
CAFFEINE = "Cn1cnc2c1c(=O)n(C)c(=O)n2C"
NICOTINE = "CN1CCC[C@H]1c1cccnc1"
ALL = ("smiles", "id", "mw")
THREE = (("aspirin", ASPIRIN), ("caffeine", CAFFEINE), ("nicotine", NICOTINE))


def table(delimiter, header=None, columns=("id", "smiles"), title=""):
    lines = [delimiter.join(header)] if header else []
    for number, (name, smiles) in enumerate(THREE, 1):
        values = {"id": f"CMP-{number}", "name": name, "smiles": smiles, "mw": f"{100 * number / 7:.2f}"}
        lines.append(delimiter.join(values[column] for column in columns))
    return title + "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        # SMILES files
        ("a.smi", f"{ASPIRIN}\n{CAFFEINE}\n", ("smiles", False, "column_1", None)),
        ("a.smi", f"{ASPIRIN} aspirin\n{CAFFEINE}\n", ("smiles", False, "column_1", "column_2")),
        ("a.smi", f"{ASPIRIN}\tacetyl salicylic acid\n", ("smiles", False, "column_1", "column_2")),
        ("a.smi", f"SMILES Name\n{ASPIRIN} aspirin\n", ("smiles", True, "SMILES", "Name")),
        ("a.smiles", f"canonical_smiles\n{ASPIRIN}\n", ("smiles", True, "canonical_smiles", None)),
        ("a.smi", f"#SMILES\tID\n{ASPIRIN}\tx\n", ("smiles", True, "#SMILES", "ID")),
        ("a.smi", f"# made by hand\n{ASPIRIN} x\n", ("smiles", False, "column_1", "column_2")),
        ("a.smi", "not_a_smiles one\nC1CC two\n", ("smiles", False, "column_1", "column_2")),
        ("a.smi", f"{ASPIRIN},aspirin\n{CAFFEINE},caffeine\n", ("smiles", False, "column_1", "column_2")),
        ("a.smi", table("\t", columns=("smiles", "id", "mw")), ("smiles", False, "column_1", "column_2")),
        ("a.smi", table("\t", ("smiles", "id", "mw"), ("smiles", "id", "mw")), ("smiles", True, "smiles", "id")),
        ("a.cxsmiles", table("\t", ("smiles", "id", "MW"), ("smiles", "id", "mw")), ("smiles", True, "smiles", "id")),
        ("a.smi", table(" ", ("smiles", "zinc_id", "mw"), ALL), ("smiles", True, "smiles", "zinc_id")),
        ("a.txt", table(" ", columns=("id", "smiles")), ("smiles", False, "column_2", "column_1")),
        ("a.txt", f"{ASPIRIN}\n{CAFFEINE}\n", ("smiles", False, "column_1", None)),
        # tables
        ("a.csv", table(",", ("id", "smiles")), ("csv", True, "smiles", "id")),
        ("a.csv", table(";", ("Catalog No.", "SMILES")), ("csv", True, "SMILES", "Catalog No.")),
        ("a.csv", table("\t", ("id", "smiles")), ("tsv", True, "smiles", "id")),
        ("a.csv", table("|", ("id", "smiles")), ("csv", True, "smiles", "id")),
        ("a.tsv", table(",", ("id", "smiles")), ("csv", True, "smiles", "id")),
        ("a.txt", table(";", ("id", "smiles")), ("csv", True, "smiles", "id")),
        ("a", table(",", ("id", "smiles")), ("csv", True, "smiles", "id")),
        ("a.csv", table(","), ("csv", False, "column_2", "column_1")),
        ("a.csv", table(",", columns=("smiles", "mw")), ("csv", False, "column_1", None)),
        ("a.csv", table(",", ("SMILES",), ("smiles",)), ("csv", True, "SMILES", None)),
        ("a.csv", table(",", columns=("smiles",)), ("csv", False, "column_1", None)),
        ("a.csv", table(",", ("Vorname", "Struktur"), ("name", "smiles")), ("csv", True, "Struktur", None)),
        ("a.csv", table(",", ("x", "y"), ("id", "smiles")), ("csv", True, "y", "x")),
        ("a.csv", table(",", ("Drug_ID", "Drug", "Y"), ("id", "smiles", "mw")), ("csv", True, "Drug", "Drug_ID")),
        ("a.csv", table(",", ALL, ALL, "Supplier list 2024,,\n\n"), ("csv", True, "smiles", "id")),
        ("a.csv", table(",", None, ("smiles", "id"), "Supplier list\n"), ("csv", False, "column_1", "column_2")),
        ("a.csv", table(";", ("id", "smiles"), title="sep=;\n"), ("csv", True, "smiles", "id")),
        ("a.csv", table(",", None, ("smiles", "mw"), "# comment, comma\n# two\n"), ("csv", False, "column_1", None)),
        ("a.csv", '"smiles","name"\n"CCO","ethanol"\n"CCN","ethyl, amine"\n', ("csv", True, "smiles", "name")),
    ],
)  # fmt: skip
def test_understood_without_options(write, understood, read, name, content, expected):
    path = write(name, content)
    found = understood(path)
    assert (found.format, found.header, found.structure_column, found.id_column) == expected
    rows = read(path)
    parsed = [row["structure"] for row in rows]
    data_rows = [
        line
        for line in content.splitlines()
        if any(smiles in line for _, smiles in THREE) or "CC" in line or "not_a" in line
    ]
    assert len(rows) == len(data_rows)
    if ASPIRIN in content:
        assert ASPIRIN in parsed


def test_title_lines_are_counted(write, understood):
    found = understood(write("a.csv", table(",", ("id", "smiles"), title="One title here\n\n# note\n")))
    assert found.title_lines == 3
    assert found.columns == ("id", "smiles")


def test_r_row_names(write, understood, read):
    path = write("a.csv", f'"smiles","mw"\n"1","{ASPIRIN}",180.2\n"2","{CAFFEINE}",194.2\n')
    found = understood(path)
    assert found.columns == ("column_1", "smiles", "mw")
    assert [row["structure"] for row in read(path)] == [ASPIRIN, CAFFEINE]


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        (("smiles", "isomeric_smiles"), "isomeric_smiles"),
        (("canonical_smiles", "SMILES"), "SMILES"),
        (("rdkit_no_salt", "pchem_isomeric_smile"), "pchem_isomeric_smile"),
        (("scaffold_smiles", "whatever"), "whatever"),
        (("molecule", "CXSMILES"), "CXSMILES"),
    ],
)
def test_of_two_structure_columns_the_better_name_wins(write, understood, columns, chosen):
    lines = [",".join(columns), *(f"{smiles},{smiles}" for _, smiles in THREE)]
    assert understood(write("a.csv", "\n".join(lines))).structure_column == chosen


def test_a_name_without_structures_is_not_believed(write, understood):
    lines = [
        "Structure,SMILES (canonical),code",
        *(f"image{i}.png,{smiles},X-{i}" for i, (_, smiles) in enumerate(THREE)),
    ]
    found = understood(write("a.csv", "\n".join(lines)))
    assert (found.structure_column, found.id_column) == ("SMILES (canonical)", "code")


def test_an_almost_empty_isomeric_column_does_not_win(write, understood):
    rows = [f"{smiles},{smiles if i == 0 else ''},c{i}" for i, (_, smiles) in enumerate(THREE * 4)]
    found = understood(write("a.csv", "\n".join(["smiles,isomeric_smiles,id", *rows])))
    assert found.structure_column == "smiles"


def test_short_words_that_parse_are_no_structures(write, understood):
    rows = [f"{word},{word},{smiles}" for word, (_, smiles) in zip(["C", "COCO", "BIOS"], THREE, strict=True)]
    assert understood(write("a.csv", "\n".join(["element,brand,text", *rows]))).structure_column == "text"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_library_of_bad_structures_is_read_by_its_header(write, read, delimiter):
    rows = read(write("a.csv", "id,smiles\n1,C1CC\n2,xyz\n".replace(",", delimiter)))
    assert [row["structure"] for row in rows] == ["C1CC", "xyz"]


@pytest.mark.parametrize(
    ("header", "identifier"),
    [
        (("id", "name"), "id"),
        (("name", "Catalog Number"), "Catalog Number"),
        (("target_id", "name"), "name"),
        (("MOLPORTID", "mw"), "MOLPORTID"),
        (("mw", "activity"), None),
    ],
)
def test_identifier_columns(write, understood, header, identifier):
    value = {"mw": "{:.3f}", "activity": "{:.2e}"}
    rows = [
        ",".join([smiles, *(value.get(name, name[0] + "{:.0f}").format(i / 7 + i * 10) for name in header)])
        for i, (_, smiles) in enumerate(THREE)
    ]
    found = understood(write("a.csv", "\n".join([",".join(["smiles", *header]), *rows])))
    assert found.id_column == identifier


def test_options_win(write, read):
    path = write("a.csv", f"junk\nmore;junk\na;b;c\n{ASPIRIN};{CAFFEINE};x\n{NICOTINE};{ASPIRIN};y\n")
    rows = read(path, structure_column="b", id_column="c", skip_rows=2, delimiter=";", header=True)
    assert [(row["structure"], row["compound_id"]) for row in rows] == [(CAFFEINE, "x"), (ASPIRIN, "y")]
    assert rows[0]["properties"] == f'{{"a": "{ASPIRIN}"}}'
    rows = read(path, structure_column="column_2", id_column="column_3", skip_rows=3, header=False)
    assert [row["compound_id"] for row in rows] == ["x", "y"]


def test_a_header_of_unknown_names_is_found_by_the_name_given(write, read):
    path = write("a.csv", "foo,bar\n1,C1CC\n2,xyz\n")
    rows = read(path, structure_column="bar")
    assert [row["structure"] for row in rows] == ["C1CC", "xyz"]


def test_column_names_fit_but_for_case(write, understood):
    assert (
        understood(write("a.csv", table(",", ("ID", "My Smiles"))), structure_column="my_smiles").structure_column
        == "My Smiles"
    )


@pytest.mark.parametrize("option", ["structure_column", "id_column"])
def test_a_column_that_is_not_there(write, understood, option):
    with pytest.raises(MolsieveError, match=f"{option} is 'smilse'") as caught:
        understood(write("a.csv", table(",", ("id", "smiles"))), **{option: "smilse"})
    assert "Did you mean 'smiles'? Columns: id, smiles." in caught.value.fix
    assert caught.value.where.endswith("a.csv")


def test_no_structure_column_lists_what_there_is(write, understood):
    with pytest.raises(MolsieveError, match="no structure column") as caught:
        understood(write("a.tsv", "prestwick_ID\tsplit\nPrestw-1\ttrain\nPrestw-2\ttest\n"))
    assert "prestwick_ID, split" in caught.value.fix


def test_molblocks_in_a_table(write, read):
    block = "x\n  RDKit\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n    0.0000    0.0000    0.0000 C   0  0\nM  END\n"
    rows = read(write("a.csv", "id,molblock\n" + "".join(f'{i},"{block}"\n' for i in range(3))))
    assert [(row["structure"], row["structure_format"]) for row in rows] == [(block, "molblock")] * 3


@pytest.mark.parametrize("text", [ASPIRIN, "C", "[Na+].[Cl-]", "C[C@H](N)C(=O)O |&1:1|", "F/C=C/F", "c1ccccc1", "*CC"])
def test_smiles(text):
    assert is_smiles(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "5.3",
        "aspirin",
        "CCO ethanol",
        "C13H18N2O6",
        "C1CC",
        "50-78-2",
        "BSYNRYMUTXBXSQ-UHFFFAOYSA-N",
        "x" * 3000,
    ],
)
def test_no_smiles(text):
    assert not is_smiles(text)


def test_certain_and_attempted_smiles():
    assert is_certain_smiles(ASPIRIN)
    assert not any(map(is_certain_smiles, ["C", "COCO", "BIOS", "CC"]))
    assert is_attempted_smiles("C1CC")
    assert not any(map(is_attempted_smiles, ["smiles", "Struktur", "ID"]))
    assert not is_molblock(ASPIRIN)
