import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molsieve.errors import MolsieveError
from molsieve.models.fingerprint_set import FoldedBits
from molsieve.training import similar_pairs
from molsieve.training.similar_pairs import folded, nearest_above

FINGERPRINT = st.sets(st.integers(0, 15), min_size=1).map(lambda bits: np.array(sorted(bits), dtype=np.uint16))
SET = st.lists(FINGERPRINT, max_size=30)


def tanimoto(a, b):
    shared = len(set(a.tolist()) & set(b.tolist()))
    return shared / (len(a) + len(b) - shared)


@settings(deadline=None)
@given(SET, SET, st.sampled_from([0.5, 0.6, 0.75, 0.9, 1.0]))
def test_the_same_as_comparing_all_with_all(a, b, similar):
    # Small blocks, so that a few molecules make many.
    columns, rows = similar_pairs._COLUMNS, similar_pairs._ROWS
    similar_pairs._COLUMNS, similar_pairs._ROWS = 4, 3
    try:
        found = nearest_above(folded(a), folded(b), similar)
    finally:
        similar_pairs._COLUMNS, similar_pairs._ROWS = columns, rows
    for own, other, nearest in ((a, b, found[0]), (b, a, found[1])):
        for i, fingerprint in enumerate(own):
            best = max((tanimoto(fingerprint, theirs) for theirs in other), default=0.0)
            assert nearest.similarity[i] == (best if best > similar else 0.0)
            if best > similar:
                assert tanimoto(fingerprint, other[nearest.index[i]]) == best
            else:
                assert nearest.index[i] == -1


def test_the_limit_itself_is_not_above():
    three, five = np.arange(3, dtype=np.uint16), np.arange(5, dtype=np.uint16)
    assert nearest_above(folded([three]), folded([five]), 0.6)[0].index.tolist() == [-1]
    assert nearest_above(folded([three]), folded([five]), 0.59)[0].index.tolist() == [0]


@pytest.mark.parametrize("similar", [0.0, -1.0, 1.5])
def test_limits_that_are_none(similar):
    with pytest.raises(MolsieveError):
        nearest_above(folded([]), folded([]), similar)


def test_folding_keeps_the_bits():
    ids = [np.array([3, 2049, 5000], dtype=np.uint32), np.array([1], dtype=np.uint32)]
    own = FoldedBits.of(ids)
    again = folded([own.bits[own.offsets[i] : own.offsets[i + 1]] for i in range(2)])
    np.testing.assert_array_equal(own.bits, again.bits)
    np.testing.assert_array_equal(own.offsets, again.offsets)
