import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molsieve.errors import MolsieveError
from molsieve.training.label_cells import read_labels


def read(cells, task=None):
    return read_labels(cells, task, column="y", where="a.csv")


def refused(cells, task=None):
    with pytest.raises(MolsieveError) as error:
        read(cells, task)
    assert error.value.where == "a.csv"
    assert error.value.fix
    return error.value


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        ("1", "0"), ("1.0", "0.0"), ("true", "false"), ("TRUE", "FALSE"), ("Active", "Inactive"), ("yes", "NO"),
        ("pos", "neg"), ("Positive", "negative"), ("active", "0"), ("t", "f"),
    ],
)  # fmt: skip
def test_words_and_digits_for_classes(positive, negative):
    labels = read([positive, negative, None, f" {positive} "])
    assert (labels.task, labels.inferred) == ("classification", True)
    np.testing.assert_array_equal(labels.values, [1, 0, np.nan, 1])
    assert labels.spellings == {positive: 1, negative: 0}


def test_numbers():
    labels = read(["1.5", "-2", "", "3e-2", "+.5", "\u22127"])
    assert labels.task == "regression"
    np.testing.assert_array_equal(labels.values, [1.5, -2, np.nan, 0.03, 0.5, -7])
    assert labels.spellings == {}


def test_zeros_and_ones_are_numbers_when_the_task_says_so():
    assert read(["0", "1", "0"], "regression").values.tolist() == [0, 1, 0]


@pytest.mark.parametrize("missing", ["", "NA", "n/a", "NaN", "null", "None", " ", None])
def test_cells_that_were_not_measured(missing):
    assert math.isnan(read(["1", "0", missing]).values[2])


def test_other_words_are_shown_with_their_rows():
    error = refused(["1", "0", "maybe", "1", "maybe", "hit"])
    assert "has 3 cells that cannot be read as" in error.what
    assert "row 3: 'maybe', row 6: 'hit'" in error.what


@pytest.mark.parametrize(
    ("cells", "task", "what", "fix"),
    [
        (["5.6", "1.2", "3"], "classification", "row 1: '5.6'", "0 for the others"),
        ([">30", "1.2", "3"], None, "row 1: '>30'", "'Less than'"),
        (["5,6", "1,2"], "regression", "row 1: '5,6'", "decimal point"),
        (["active", "5.3", "2.1"], None, "mixes words for classes with 2 numbers", "0 and 1"),
        (["active", "inactive"], "regression", "a number: row 1", "another column"),
        (["-1", "1", "1"], None, "-1 and 1", "task is regression"),
        (["", None, "NA"], None, "all 3 cells are empty", "measurements"),
        (["1.5", "inf", "-Infinity"], None, "has 2 infinite cells", "logarithm"),
        (["1.5", "1e999"], "regression", "row 2: '1e999'", "logarithm"),
        (["1", "0", "inf"], "classification", "infinite", "logarithm"),
    ],
)
def test_labels_that_are_refused(cells, task, what, fix):
    error = refused(cells, task)
    assert what in error.what
    assert fix in error.fix


@given(st.lists(st.one_of(st.none(), st.text(max_size=8), st.floats().map(str), st.sampled_from("01"))))
def test_any_text_gives_labels_or_an_explanation(cells):
    try:
        labels = read(cells)
    except MolsieveError:
        return
    assert len(labels.values) == len(cells)
    assert not np.isinf(labels.values).any()
