import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molsieve.library.smiles_lines import cells, split_line


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("CCO", ["CCO"]),
        ("CCO ethanol", ["CCO", "ethanol"]),
        ("  CCO\t \tethyl alcohol \r", ["CCO", "ethyl alcohol"]),
        ("C[C@H](N)O |&1:1,r|", ["C[C@H](N)O |&1:1,r|"]),
        ("C[C@H](N)O |&1:1| name | with bar", ["C[C@H](N)O |&1:1|", "name | with bar"]),
        ("CCO\t|$A;;$|\tX-1", ["CCO\t|$A;;$|", "X-1"]),
        ("CCO |$a b;$| n", ["CCO |$a b;$|", "n"]),
        ("CCO |unclosed", ["CCO", "|unclosed"]),
        ("CCO |a|b", ["CCO", "|a|b"]),
        (" \t ", []),
    ],
)
def test_lines(line, parts):
    assert split_line(line) == parts
    structures, names = (column.to_pylist() for column in cells(line + "\n").columns)
    assert [value for pair in zip(structures, names, strict=True) for value in pair if value] == parts


@given(st.lists(st.text(st.sampled_from(list("C1 \t|=\r")), max_size=8), max_size=12))
def test_columns_and_lines_say_the_same(lines):
    """The way through Arrow against the one that goes line by line."""
    expected = [parts for line in lines if (parts := split_line(line))]
    found = cells("".join(f"{line}\n" for line in lines))
    assert [type(column) for column in found.columns] == [pa.StringArray] * 2
    rows = [[value for value in pair if value] for pair in zip(*(c.to_pylist() for c in found.columns), strict=True)]
    assert rows == expected


identifiers = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
    .map(str.strip)
    .filter(lambda t: t and t[0] != "|")
)


@given(st.lists(identifiers, min_size=1, max_size=20), st.sampled_from([" ", "\t", "  "]))
def test_any_identifier(names, blank):
    found = cells("".join(f"CC(C)O{blank}{name}\n" for name in names))
    assert found.columns[0].to_pylist() == ["CC(C)O"] * len(names)
    assert found.columns[1].to_pylist() == [name.strip(" \t") for name in names]
