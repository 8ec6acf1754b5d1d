import numpy as np
import pyarrow as pa

from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.models.domain import is_inside, unseen_fraction
from molsieve.models.features import features_of
from molsieve.models.vocabulary import Vocabulary


def prepared(ids, status=None):
    n = len(ids)
    columns = {
        "status": pa.array(status or ["ok"] * n).dictionary_encode(),
        "morgan_ids": pa.array(ids, pa.list_(pa.uint32())),
        "morgan_counts": pa.array([None if i is None else [1] * len(i) for i in ids], pa.list_(pa.uint8())),
    }
    columns |= {c.name: pa.array([None if i is None else k for i in ids], c.type) for k, c in enumerate(DESCRIPTORS)}
    return pa.table(columns)


def test_ragged_lists_become_offsets():
    found = features_of(prepared([[1, 2, 3], [], [9]]))
    assert found.ids.tolist() == [1, 2, 3, 9]
    assert found.offsets.tolist() == [0, 3, 3, 4]
    assert found.descriptors[2].tolist() == list(range(11))
    assert found.molecule_of_bit().tolist() == [0, 0, 0, 2]


def test_rejected_rows_are_left_out():
    found = features_of(prepared([[1, 2], None, [3]], ["ok", "rejected", "ok"]))
    assert found.ids.tolist() == [1, 2, 3]
    assert found.molecules == 2


def test_slices_and_chunks_of_a_table_are_read_right():
    table = prepared([[1], [2, 3], [4, 5, 6], [7]])
    found = features_of(table.slice(1, 2))
    assert found.ids.tolist() == [2, 3, 4, 5, 6]
    assert found.offsets.tolist() == [0, 2, 5]
    chunked = features_of(pa.concat_tables([table.slice(0, 1), table.slice(2, 2)]))
    assert chunked.ids.tolist() == [1, 4, 5, 6, 7]
    assert chunked.offsets.tolist() == [0, 1, 4, 5]


def test_an_empty_table():
    assert features_of(prepared([])).molecules == 0


def test_slice_and_take():
    found = features_of(prepared([[1], [2, 3], [], [7]]))
    assert found.slice(1, 4).ids.tolist() == [2, 3, 7]
    assert found.slice(1, 4).offsets.tolist() == [0, 2, 2, 3]
    taken = found.take(np.array([3, 1, 1]))
    assert taken.ids.tolist() == [7, 2, 3, 2, 3]
    assert taken.offsets.tolist() == [0, 1, 3, 5]


def test_rare_ids_share_the_row_that_adds_nothing():
    training = features_of(prepared([[10, 20, 30], [10, 20], [10]]))
    vocabulary = Vocabulary.of_training(training, min_molecules=2)
    assert vocabulary.ids.tolist() == [10, 20]
    assert vocabulary.embedding_rows == 3
    rows = vocabulary.rows_of(np.array([10, 20, 30, 5, 25, 4_000_000_000], dtype=np.uint32))
    assert rows.tolist() == [1, 2, 0, 0, 0, 0]


def test_an_empty_vocabulary_knows_nothing():
    vocabulary = Vocabulary.of_training(features_of(prepared([[10], [20]])), min_molecules=2)
    assert vocabulary.rows_of(np.array([10], dtype=np.uint32)).tolist() == [0]


def test_the_share_of_unseen_ids():
    training = np.array([10, 20], dtype=np.uint32)
    found = unseen_fraction(features_of(prepared([[10, 20], [10, 5], [], [7, 8]])), training)
    assert found.tolist() == [0.0, 0.5, 1.0, 1.0]


def test_without_training_molecules_everything_is_unseen():
    found = unseen_fraction(features_of(prepared([[10, 20], []])), np.empty(0, dtype=np.uint32))
    assert found.tolist() == [1.0, 1.0]
    assert found.dtype == np.float32


def test_a_share_on_the_limit_is_inside():
    ids = [list(range(10))]
    share = unseen_fraction(features_of(prepared(ids)), np.arange(1, 10, dtype=np.uint32))
    assert is_inside(share, 0.1).all()
    assert is_inside(share.astype(float), 0.1).all()
    assert not is_inside(share, 0.0999).any()
