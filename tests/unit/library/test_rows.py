"""The quoting policy: well-formed CSV is read exactly, a stray quote damages its own row only."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molsieve.library import rows as rows_module
from molsieve.library.rows import RowSplitter
from molsieve.library.structures import is_certain_smiles


def splitter(columns=3, delimiter=",", quoting=True):
    return RowSplitter(delimiter, quoting=quoting, columns=columns, is_row=lambda cells: is_certain_smiles(cells[0]))


def rows(text, **options):
    found, rest = splitter(**options).rows(text, final=True)
    assert not rest
    return found


def columns(text, **options):
    cells, rest = splitter(**options).cells(text, final=True)
    assert not rest
    return list(zip(*(column.to_pylist() for column in cells.columns), strict=True)), cells


cell = st.text(st.sampled_from(list("ab ,;\t|\"\n\r'\u00e9\u4e2d")), max_size=8)
tables = st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1))


@given(tables, st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_csv_writes_is_read_back(table, delimiter, end, quote_all):
    text = io.StringIO()
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(table)
    # csv leaves a lone carriage return bare when the line ends are line feeds; no reader can tell that one.
    if end == "\n" and not quote_all:
        table = [[value.replace("\r", "-") for value in row] for row in table]
        text = io.StringIO()
        csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(table)
    width = len(table[0])
    # A row of blanks alone is a blank line to us.
    kept = [row for row in table if len(row) > 1 or row[0].strip(" ")]
    assert rows(text.getvalue(), columns=width, delimiter=delimiter) == kept
    assert columns(text.getvalue(), columns=width, delimiter=delimiter)[0] == [tuple(row) for row in kept]


@given(
    st.lists(st.text(st.sampled_from(list('aC1=",\n\r ')), max_size=12), max_size=12).map("\n".join), st.integers(1, 4)
)
def test_columns_and_rows_say_the_same(text, width):
    """The fast ways through Arrow against the one that goes cell by cell."""
    text += "\n"
    expected, _ = splitter(width).rows(text, final=True)
    found, cells = columns(text, columns=width)
    padded = [tuple((row + [None] * width)[:width]) for row in expected]
    assert found == padded
    assert cells.short == sum(len(row) < width for row in expected)
    assert cells.overflow == {i: row[width:] for i, row in enumerate(expected) if any(row[width:])}


@given(st.lists(st.text(st.sampled_from(list('aC",\n ')), max_size=10), max_size=10).map("\n".join), st.integers(0, 60))
def test_a_cut_between_lines_changes_nothing(text, place):
    text += "\n"
    whole, _ = splitter(2).rows(text, final=True)
    cut = text.find("\n", place) + 1 or len(text)
    first, rest = splitter(2).rows(text[:cut], final=False)
    second, _ = splitter(2).rows(rest + text[cut:], final=True)
    assert first + second == whole


@given(st.text(st.sampled_from(list('aC",\n ')), max_size=60))
def test_no_line_is_lost(text):
    """Every character that is no delimiter, quote or line end is in some cell, in order."""
    plain = "".join(c for c in text if c in "aC ")
    found, _ = splitter(2).rows(text + "\n", final=True)
    kept = "".join(c for row in found for value in row for c in value if c in "aC ")
    assert kept.replace(" ", "") == plain.replace(" ", "")


def test_a_quote_inside_a_cell_is_a_character():
    assert rows('CCO,5" pipe,1\nCCN,2\'-deoxy-5",2\n') == [["CCO", '5" pipe', "1"], ["CCN", "2'-deoxy-5\"", "2"]]


def test_a_quoted_word_at_the_start_of_a_cell_is_text():
    assert rows('CCO,"Yellow" dye,1\nCCN,x,2\n') == [["CCO", '"Yellow" dye', "1"], ["CCN", "x", "2"]]


def test_a_lone_quote_costs_its_own_row_only():
    lines = [f"CC(=O)N{'C' * i},name {i},{i}" for i in range(50)]
    lines[10] = 'CCO,"oops,10'
    found = rows("\n".join(lines) + "\n")
    assert len(found) == 50
    assert found[10] == ["CCO", '"oops', "10"]
    assert found[11] == ["CC(=O)N" + "C" * 11, "name 11", "11"]


def test_two_lone_quotes_that_would_make_a_cell_of_many_rows():
    lines = [f"CC(=O)N{'C' * i},name {i},{i}" for i in range(50)]
    lines[10] = 'CCO,"oops,10'
    lines[40] = 'CCO,again",40'
    found = rows("\n".join(lines) + "\n")
    assert len(found) == 50
    assert found[10][1:] == ['"oops', "10"]
    assert found[40][1:] == ['again"', "40"]


def test_adjacent_lone_quotes():
    assert rows('CC=O,"one,1\nCCN(C)C,two",2\nCCF,three,3\n') == [
        ["CC=O", '"one', "1"],
        ["CCN(C)C", 'two"', "2"],
        ["CCF", "three", "3"],
    ]


def test_a_cell_of_several_lines():
    assert rows('CCO,"first\r\nsecond, ""third""\n",1\nCCN,x,2\n') == [
        ["CCO", 'first\r\nsecond, "third"\n', "1"],
        ["CCN", "x", "2"],
    ]


def test_a_quote_that_closes_past_the_limit_does_not_open(monkeypatch):
    monkeypatch.setattr(rows_module, "MAX_LINE_BYTES", 30)
    text = 'CCO,"a,1\n' + "text without commas\n" * 3 + 'b",2,3\n'
    assert rows(text)[0] == ["CCO", '"a', "1"]
    assert len(rows(text)) == 5


def test_unclosed_quotes_cost_no_more_than_the_text_is_long():
    text = "".join(f'CC,"open {i} {"x" * 50},1\n' for i in range(20_000))
    assert len(rows(text)) == 20_000


def test_more_text_is_asked_for_only_while_a_cell_may_go_on():
    found, rest = splitter().rows('CCF,a,1\nCCO,"open\n', final=False)
    assert found == [["CCF", "a", "1"]]
    assert rest == 'CCO,"open\n'


def test_short_and_long_rows():
    found, cells = columns("CCO,a,1\nCCN\nCCF,b,2,3,4\nCCCl,c,3,,\n\n   \nCCBr,,\n")
    assert found == [("CCO", "a", "1"), ("CCN", None, None), ("CCF", "b", "2"), ("CCCl", "c", "3"), ("CCBr", "", "")]
    assert cells.overflow == {2: ["3", "4"]}
    assert cells.short == 1


@pytest.mark.parametrize("delimiter", list("^]\\.-|"))
def test_any_delimiter(delimiter):
    text = delimiter.join(["CCO", f'"x{delimiter}y"', "1"]) + "\n"
    assert columns(text * 3, delimiter=delimiter)[0] == [("CCO", f"x{delimiter}y", "1")] * 3


def test_quotes_mean_nothing_in_smiles_files():
    assert rows('CCO\t"one"\nCCN\t"two\n', columns=2, delimiter="\t", quoting=False) == [
        ["CCO", '"one"'],
        ["CCN", '"two'],
    ]


def test_numbered_rows_count_lines():
    numbered = RowSplitter(",", quoting=True).numbered_rows('title\n\n"a\nb",c\nd,e\n')
    assert numbered == [(0, ["title"]), (2, ["a\nb", "c"]), (4, ["d", "e"])]
