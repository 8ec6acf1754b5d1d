import numpy as np
import pytest
from tests.unit.training.small_model import ENDPOINTS

from molsieve.models.features import SparseFeatures
from molsieve.models.fingerprint_set import FoldedBits
from molsieve.models.read_across import read_across
from molsieve.models.record import TrainingRecord
from molsieve.training.baselines import nearest_mean
from molsieve.training.data import TrainingData
from molsieve.training.evaluation import OutOfFold, endpoint_metrics
from molsieve.training.stacking import (
    NEIGHBOURS,
    READ_ACROSS,
    add_read_across,
    choose_weights,
    nested,
    stacked,
    with_read_across,
    with_spread,
)

N = 200


@pytest.fixture
def data():
    """Random molecules; labels of two classifications and a regression, a third missing."""
    random = np.random.default_rng(3)
    targets = random.integers(0, 2, (N, 3)).astype(np.float32)
    targets[:, 2] = random.normal(size=N)
    targets[random.random((N, 3)) < 0.3] = np.nan
    ids = np.concatenate([random.choice(300, 30, replace=False) for _ in range(N)]).astype(np.uint32)
    morgan = SparseFeatures(ids, np.ones(len(ids), np.uint8), np.arange(N + 1) * 30, np.zeros((N, 0), np.float32))
    return TrainingData(ENDPOINTS, [f"K{i}" for i in range(N)], [""] * N, targets, morgan)


@pytest.fixture
def oof(data):
    """Three parts that know nothing, and neighbours that know nearly everything of the first two endpoints."""
    random = np.random.default_rng(4)
    parts = {
        name: random.normal(size=(N, members, 3)).astype(np.float32)
        for name, members in {"morgan": 4, "rich": 4, "boosters": 1}.items()
    }
    means = np.clip(data.targets, 0.2, 0.8)
    return OutOfFold((np.arange(N) % 5).astype(np.int8), parts, {NEIGHBOURS: means, "forest": means})


def test_what_is_evaluated_is_what_ships(data):
    train, test = np.arange(150), np.arange(150, N)
    record = TrainingRecord.of(data.connectivity[:150], data.fingerprints(train), data.targets[train])
    measured = train[~np.isnan(data.targets[train, 0])]
    stored = np.full((N, 3), np.nan, np.float32)
    stored[test, 0] = nearest_mean(data, test, measured, data.targets[measured, 0])
    part = add_read_across(data, OutOfFold(np.zeros(N, np.int8), {}, {NEIGHBOURS: stored})).parts[NEIGHBOURS]
    shipped = read_across(FoldedBits.of(data.fingerprints(test)), record, [0])
    assert part[test, 0, :1] == pytest.approx(shipped, abs=1e-5)
    assert len(np.unique(shipped)) > 5


def test_read_across_is_a_part_of_classifications_only(data, oof):
    part = add_read_across(data, oof).parts[NEIGHBOURS]
    assert part.shape == (N, 1, 3)
    measured = ~np.isnan(data.targets[:, 0])
    assert part[measured, 0, 0] == pytest.approx(np.where(data.targets[measured, 0] == 1, 1.386, -1.386), abs=1e-3)
    assert np.isnan(part[~measured, 0, 0]).all()
    assert np.isnan(part[:, 0, 2]).all()


def test_it_has_its_share_of_what_the_trained_parts_are_given(data, oof):
    everything = np.ones(N, dtype=bool)
    trained = choose_weights(data, oof, everything)
    found = choose_weights(data, add_read_across(data, oof), everything)
    for family, weights in found.items():
        assert weights == pytest.approx((*((1 - READ_ACROSS) * w for w in trained[family]), READ_ACROSS), abs=1e-3)


def test_the_stack_has_it_where_it_was_measured(data, oof):
    full = add_read_across(data, oof)
    mean, sd = nested(data, full)
    without, spread = nested(data, oof)
    measured = ~np.isnan(data.targets[:, 0])
    assert mean[~measured, 0] == pytest.approx(without[~measured, 0], abs=1e-5)
    assert sd == pytest.approx(spread, abs=1e-3)
    assert mean[:, 2] == pytest.approx(without[:, 2], abs=1e-3)
    expected = (1 - READ_ACROSS) * without[measured, 0] + READ_ACROSS * full.parts[NEIGHBOURS][measured, 0, 0]
    assert mean[measured, 0] == pytest.approx(expected, abs=1e-3)
    metrics = endpoint_metrics(data, full, mean, 0)
    assert metrics["model"]["auroc"]["mean"] > endpoint_metrics(data, oof, without, 0)["model"]["auroc"]["mean"]
    # It says nothing twice: the neighbours are the baseline.
    assert metrics[NEIGHBOURS] == endpoint_metrics(data, oof, without, 0)[NEIGHBOURS]


def test_stored_neighbours_of_the_first_endpoints_alone(data, oof):
    fewer = OutOfFold(oof.folds, oof.parts, {NEIGHBOURS: oof.baselines[NEIGHBOURS][:, :1]})
    part = add_read_across(data, fewer).parts[NEIGHBOURS]
    assert part.shape == (N, 1, 3)
    assert not np.isnan(part[:, 0, 0]).all()
    assert np.isnan(part[:, 0, 1:]).all()
    assert np.isfinite(nested(data, add_read_across(data, fewer))[0]).all()


def test_each_molecule_is_weighed_by_the_members_it_has():
    first, second = np.array([[0.0, 2.0], [1.0, 5.0]], np.float32), np.array([[4.0], [np.nan]], np.float32)
    mean, sd = with_spread([first, second], (0.5, 0.5))
    assert mean.tolist() == [2.5, 3.0]
    # Weighted and unbiased: the variance over 1 - sum of the squared weights.
    assert sd[0] ** 2 == pytest.approx((0.25 * 2.5**2 + 0.25 * 0.5**2 + 0.5 * 1.5**2) / (1 - 0.375))
    assert sd[1] == pytest.approx(np.std([1, 5], ddof=1))


def test_members_that_do_not_predict_leave_their_share_to_the_others_of_the_part():
    networks, trees = np.array([[1.0, 3.0, np.nan]], np.float32), np.array([[6.0]], np.float32)
    mean, sd = with_spread([networks, trees], (0.5, 0.5))
    assert mean.tolist() == [4.0]
    assert (mean, sd) == with_spread([networks[:, :2], trees], (0.5, 0.5))


def test_parts_of_several_endpoints_at_once():
    trained, neighbours = np.array([[1.0, 2.0]], np.float32), np.array([[3.0, np.nan]], np.float32)
    assert stacked([trained, trained, neighbours], with_read_across((1, 1)))[0] == pytest.approx([1.4, 2.0])
