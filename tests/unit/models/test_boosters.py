import numpy as np
import pytest

from molsieve.models.boosters import FOLDED_COLUMNS, Boosters, folded_columns
from molsieve.models.features import SparseFeatures
from molsieve.training.boosting import fit_boosters


def features(n=400, seed=0):
    random = np.random.default_rng(seed)
    ids = random.integers(0, 2**32, 60, dtype=np.uint32)
    chosen = [random.choice(ids, 10, replace=False) for _ in range(n)]
    return SparseFeatures(
        np.concatenate(chosen),
        random.integers(1, 4, 10 * n).astype(np.uint8),
        np.arange(0, 10 * n + 1, 10),
        random.normal(size=(n, 3)).astype(np.float32),
    )


@pytest.fixture(scope="module")
def fitted():
    part = features()
    targets = np.stack([part.descriptors[:, 0] > 0, part.descriptors[:, 1], np.zeros(400)], axis=1).astype(np.float32)
    return fit_boosters(part, targets, np.array([False, True, False]), ["sign", "value", "constant"], 1, threads=1)


def test_they_learn_and_skip_what_has_one_class(fitted):
    fresh = features(seed=5)
    found = fitted.outputs(fresh, ["sign", "value", "constant", "other"], threads=1)
    assert ((found[:, 0] > 0) == (fresh.descriptors[:, 0] > 0)).mean() > 0.95
    assert np.corrcoef(found[:, 1], fresh.descriptors[:, 1])[0, 1] > 0.95
    assert np.isnan(found[:, 2:]).all()


def test_what_is_stored_predicts_the_same(fitted):
    again = Boosters.from_tensors(fitted.tensors())
    fresh = features(seed=5)
    names = ["sign", "value"]
    assert again.outputs(fresh, names, 1) == pytest.approx(fitted.outputs(fresh, names, 1), abs=1e-3)
    restored = {name: tensor.tobytes() for name, tensor in again.tensors().items()}
    assert restored == {name: tensor.tobytes() for name, tensor in fitted.tensors().items()}


def test_no_molecules_and_no_boosters(fitted):
    assert fitted.outputs(features(5).slice(0, 0), ["sign"], 1).shape == (0, 1)
    assert Boosters.from_tensors({}) is None


def test_columns_are_counts_then_descriptors():
    part = features(20)
    columns = folded_columns(part)
    assert columns.shape == (20, FOLDED_COLUMNS + 3)
    assert columns[:, FOLDED_COLUMNS:].toarray() == pytest.approx(part.descriptors)
    assert columns[:, :FOLDED_COLUMNS].sum() == pytest.approx(np.log2(1.0 + part.counts).sum(), rel=1e-5)
