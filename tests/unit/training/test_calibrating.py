import numpy as np
import pytest
import torch

from molsieve.models.calibration import Calibration, CalibrationTable, expected_calibration_error
from molsieve.training.calibrating import fit_calibration, fit_interval, platt


def simulated(n, *, prevalence=0.05, slope=2.5, shift=1.0, seed=0):
    """Labels drawn from true logits, and the overconfident, shifted logits a model would give for them."""
    random = np.random.default_rng(seed)
    true = random.normal(np.log(prevalence / (1 - prevalence)), 1.5, n)
    labels = (random.random(n) < 1 / (1 + np.exp(-true))).astype(float)
    return slope * true + shift, labels


def calibrated(calibration, logits):
    tensor = torch.from_numpy(np.asarray(logits, dtype=np.float32))[:, None]
    return CalibrationTable([calibration]).probabilities(tensor)[:, 0].numpy()


@pytest.mark.parametrize(("n", "method"), [(600, "platt"), (20_000, "isotonic")])
def test_miscalibration_is_repaired_on_fresh_data(n, method):
    logits, labels = simulated(n)
    calibration = fit_calibration(logits, labels)
    assert calibration.method == method
    fresh, truth = simulated(20_000, seed=1)
    before = expected_calibration_error(1 / (1 + np.exp(-fresh)), truth)
    after = expected_calibration_error(calibrated(calibration, fresh), truth)
    assert after < 0.4 * before
    assert after < 0.02


@pytest.mark.parametrize("n", [600, 20_000])
def test_the_ranking_stays_and_no_ties_appear(n):
    calibration = fit_calibration(*simulated(n))
    assert (np.diff(calibration.logits) > 0).all()
    probabilities = calibrated(calibration, np.linspace(-14, 8, 400))
    assert (np.diff(probabilities) > 0).all()
    assert ((probabilities > 0) & (probabilities < 1)).all()


def test_few_positives_get_platt_even_in_a_large_set():
    logits, labels = simulated(5000, prevalence=0.002)
    assert labels.sum() < 100
    assert fit_calibration(logits, labels).method == "platt"


def test_platt_finds_the_curve_and_never_turns_it_round():
    logits, labels = simulated(200_000, prevalence=0.3)
    assert platt(logits, labels) == pytest.approx((1 / 2.5, -1.0 / 2.5), abs=0.02)
    slope, _ = platt(logits, 1 - labels)
    assert slope > 0


def test_the_identity_changes_nothing():
    logits = np.array([-20.0, -3.3, 0.0, 0.1, 13.0])
    assert calibrated(Calibration.identity(), logits) == pytest.approx(1 / (1 + np.exp(-logits)), abs=1e-6)


def test_calibrations_of_several_endpoints_do_not_mix():
    low, high = fit_calibration(*simulated(20_000)), fit_calibration(*simulated(20_000, prevalence=0.6))
    logits = torch.tensor([[-1.0, 2.0], [3.0, -4.0]])
    both = CalibrationTable([low, high]).probabilities(logits).numpy()
    assert both[:, 0] == pytest.approx(calibrated(low, logits[:, 0].numpy()))
    assert both[:, 1] == pytest.approx(calibrated(high, logits[:, 1].numpy()))


def test_a_perfect_forecast_has_no_error_and_a_bad_one_has():
    labels = np.tile([0.0, 1.0], 500)
    assert expected_calibration_error(labels, labels) == 0
    assert expected_calibration_error(np.full(1000, 0.9), labels) == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("informative", [True, False])
def test_intervals_hold_on_fresh_data(informative):
    def draw(seed):
        random = np.random.default_rng(seed)
        sds = random.uniform(0.1, 1.0, 4000)
        return random.normal(size=4000), sds, random.normal(size=4000) * (2 * sds if informative else 1.0)

    values, sds, noise = draw(0)
    interval = fit_interval(values, sds, values + noise)
    assert (interval.floor is not None) or not informative
    values, sds, noise = draw(1)
    low, high = interval.bounds(torch.from_numpy(values), torch.from_numpy(sds))
    covered = ((low.numpy() <= values + noise) & (values + noise <= high.numpy())).mean()
    assert covered == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("informative", [True, False])
@pytest.mark.parametrize("n", [20, 50])
def test_intervals_of_few_molecules_cover_as_much(n, informative):
    random = np.random.default_rng(1)

    def draw(size):
        sds = random.uniform(0.1, 1.0, size)
        return np.zeros(size), sds, random.normal(size=size) * (2 * sds if informative else 1.0)

    covered = []
    for _ in range(300):
        interval = fit_interval(*draw(n))
        values, sds, truths = draw(500)
        low, high = interval.bounds(torch.from_numpy(values), torch.from_numpy(sds))
        covered.append(((low.numpy() <= truths) & (truths <= high.numpy())).mean())
    assert np.mean(covered) == pytest.approx(0.9, abs=0.02)


def test_interval_of_a_model_without_spread_is_constant():
    interval = fit_interval(np.zeros(40), np.zeros(40), np.linspace(-1, 1, 40))
    assert interval.floor is None
    assert (interval.low, interval.high) == pytest.approx((-1 + 2 / 39, 1 - 2 / 39))
