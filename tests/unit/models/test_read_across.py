from itertools import combinations

import numpy as np
import pytest
import torch
from rdkit.DataStructs import BulkTanimotoSimilarity

from molsieve.models.features import features_of
from molsieve.models.fingerprint_set import FoldedBits
from molsieve.models.predict import predict
from molsieve.models.read_across import PRIOR, neighbour_logits, neighbour_means, read_across
from molsieve.models.record import TrainingRecord
from molsieve.models.store import load_model

from .conftest import KNOWN, NEW, prepared_table, tiny_record


@pytest.fixture
def molecules():
    """Queries, training molecules, and labels of three endpoints: of half of them, of three, of none."""
    random = np.random.default_rng(0)
    found = [
        FoldedBits.of([random.choice(300, random.integers(25, 60), replace=False) for _ in range(n)])
        for n in (150, 400)
    ]
    some, few = np.sort(random.choice(400, 200, replace=False)), np.array([7, 90, 300])
    measured = [(some, random.integers(0, 2, 200).astype(float)), (few, np.array([1.0, 0.0, 1.0]))]
    return *found, [*measured, (np.empty(0, int), np.empty(0))]


def by_hand(queries, training, rows, labels):
    """Every choice among the equally near ones counts the same."""
    means = []
    for i in range(queries.molecules):
        similarity = np.array(BulkTanimotoSimilarity(queries.bit_vector(i), [training.bit_vector(row) for row in rows]))
        order = np.argsort(-similarity, kind="stable")
        last = similarity[order[:5]][-1]
        nearer, equal = np.flatnonzero(similarity > last), np.flatnonzero(similarity == last)
        choices = [[*nearer, *some] for some in combinations(equal, min(5, len(rows)) - len(nearer))]
        total = np.mean([(similarity[chosen] ** 3 * labels[chosen]).sum() for chosen in choices])
        weight = np.mean([(similarity[chosen] ** 3).sum() for chosen in choices])
        means.append((total + PRIOR * labels.mean()) / (weight + PRIOR))
    return np.array(means)


def test_the_mean_of_the_five_nearest_by_hand(molecules):
    queries, training, measured = molecules
    found = neighbour_means(queries, training, measured)
    for i, (rows, labels) in enumerate(measured[:2]):
        assert found[:, i] == pytest.approx(by_hand(queries, training, rows, labels), abs=1e-5)
    assert np.isnan(found[:, 2]).all()


def test_blocks_do_not_matter(molecules, monkeypatch):
    queries, training, measured = molecules
    expected = neighbour_means(queries, training, measured)
    monkeypatch.setattr("molsieve.models.fingerprint_set._BLOCK_ROWS", 7)
    assert np.array_equal(neighbour_means(queries, training, measured), expected, equal_nan=True)


def test_nothing_in_common_gives_the_mean_of_all():
    training = FoldedBits.of([np.array([i]) for i in range(10)])
    measured = [(np.arange(10), np.array([1.0] + [0.0] * 9))]
    assert neighbour_means(FoldedBits.of([np.array([99])]), training, measured) == pytest.approx(0.1)
    assert neighbour_means(FoldedBits.of([np.array([99])]), training, measured, prior=0.0) == pytest.approx(0.1)
    assert neighbour_means(FoldedBits.of([]), training, measured).shape == (0, 1)


def test_far_neighbours_say_little():
    """Five actives that share 1 of 19 bits with the query, and five that are the query, in a set of 10 % actives."""
    far, same = [np.arange(9, 19)] * 5, [np.arange(10)] * 5
    others = [np.arange(100, 110)] * 45
    labels = np.array([1.0] * 5 + [0.0] * 45)
    found = [
        neighbour_means(FoldedBits.of([np.arange(10)]), FoldedBits.of(near + others), [(np.arange(50), labels)]).item()
        for near in (far, same)
    ]
    assert found[0] < 0.11
    assert found[1] > 0.98


def test_the_order_of_equally_near_molecules_does_not_matter(molecules):
    queries, training, measured = molecules
    reversed_rows = np.arange(training.molecules)[::-1]
    there = [(np.sort(training.molecules - 1 - rows), labels[::-1]) for rows, labels in measured]
    found = neighbour_means(queries, training.take(reversed_rows), there)
    assert found == pytest.approx(neighbour_means(queries, training, measured), abs=1e-6, nan_ok=True)


def test_agreeing_neighbours_do_not_make_certain():
    found = neighbour_logits(np.array([[0.0, 0.5, 1.0, np.nan]], np.float32))[0]
    assert found[:3] == pytest.approx([-4.595, 0.0, 4.595], abs=1e-3)
    assert np.isnan(found[3])


def test_a_training_molecule_is_its_own_neighbour():
    random = np.random.default_rng(1)
    ids = [random.choice(300, 40, replace=False).astype(np.uint32) for _ in range(60)]
    labels = (np.arange(60) % 10 == 0).astype(np.float32)[:, None]
    record = TrainingRecord.of([f"K{i}" for i in range(60)], ids, labels)
    found = read_across(FoldedBits.of(ids), record, [0])[:, 0]
    assert ((found > 0) == (labels[:, 0] == 1)).all()


def test_it_is_one_more_member_of_the_stack(tiny_model, reading_model):
    alone, model = load_model(tiny_model), load_model(reading_model)
    table = prepared_table([*KNOWN, *NEW])
    features = features_of(table)
    neighbours = model.neighbours(features)
    assert np.isnan(neighbours[:, 2]).all()
    assert np.array_equal(neighbours[:, :2], read_across(FoldedBits.of_features(features), tiny_record(), [0, 1]))
    assert np.array_equal(model.neighbours(features, [2, 1]), neighbours[:, [2, 1]], equal_nan=True)
    found = predict(model, features, batch_size=3, conformal_error=0.2, neighbours=neighbours)
    logits = torch.cat([alone.outputs(features), torch.from_numpy(neighbours)[:, None]], dim=1)[:, :, :2]
    shares = torch.tensor([0.3, 0.3, 0.3, 0.1])[:, None].repeat(1, 2)
    assert np.allclose(found.value[:, :2], torch.sigmoid((logits * shares).sum(dim=1)), atol=1e-6)
    # It is no member of the ensemble.
    assert np.allclose(found.sd, predict(alone, features).sd, atol=1e-6)
    assert np.allclose(found.value[:, 2], predict(alone, features).value[:, 2], atol=1e-6)


def test_neighbours_belong_to_models_that_have_the_part(tiny_model, reading_model):
    features = features_of(prepared_table(NEW))
    neighbours = load_model(reading_model).neighbours(features)
    assert load_model(tiny_model).neighbours(features) is None
    for folder, given in ((tiny_model, neighbours), (reading_model, None)):
        with pytest.raises(ValueError, match="neighbours belong"):
            predict(load_model(folder), features, neighbours=given)
