import numpy as np
import pytest
from tests.unit.training.small_model import write_model

from molsieve.errors import MolsieveError
from molsieve.models.store import load_model
from molsieve.training.endpoint_predictions import EndpointPredictions, predictions_under

pytest.importorskip("sklearn")
from molsieve.training.recalibration import recalibrate


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(write_model(tmp_path_factory.mktemp("models") / "small"))


def predictions(model, endpoint, output):
    """Predictions of members that agree but for little noise."""
    noise = np.random.default_rng(0).normal(0, 0.01, (len(output), 3))
    members = (output[:, None] + noise - noise.mean(axis=1, keepdims=True)).astype(np.float32)
    none = np.full(len(output), np.nan)
    return predictions_under(
        model, model.trust, endpoint, EndpointPredictions(members, none, none, none, none, none, none, none)
    )


def assay(n=800, seed=1):
    """Logits whose frequencies are those of a logistic curve of slope 1, and labels."""
    random = np.random.default_rng(seed)
    output = random.normal(-1, 1.5, n)
    return output, (random.random(n) < 1 / (1 + np.exp(-output))).astype(float)


def test_new_data_restore_calibration_and_coverage(model):
    output, truth = assay()
    found = recalibrate(model, "kills", predictions(model, "kills", output), truth, source="assay.csv")
    assert found.before.ece > 0.15
    assert found.after.ece < 0.06
    assert found.after.brier < found.before.brier
    for figures in found.after.conformal:
        assert abs(figures.coverage_active.value - (1 - figures.error)) < 0.05
        assert abs(figures.coverage_inactive.value - (1 - figures.error)) < 0.05
    assert (found.n, found.n_positive) == (800, int(truth.sum()))


def test_other_endpoints_keep_their_trust(model):
    output, truth = assay()
    trust = recalibrate(model, "kills", predictions(model, "kills", output), truth, source="assay.csv").trust
    assert trust.calibrations["harms"] == model.trust.calibrations["harms"]
    assert trust.conformal["harms"] == model.trust.conformal["harms"]
    assert trust.intervals == model.trust.intervals
    assert trust.fitted["kills"].on == "assay.csv"
    assert trust.fitted["harms"].on == "other data"
    assert trust.calibrations["kills"] != model.trust.calibrations["kills"]


def test_what_is_reported_is_not_what_was_fitted(model):
    # Labels without any relation to the outputs: in the sample a flexible curve looks perfect, held out it does not.
    random = np.random.default_rng(2)
    output, truth = random.normal(0, 1, 60), (random.random(60) < 0.5).astype(float)
    found = recalibrate(model, "kills", predictions(model, "kills", output), truth, source="assay.csv")
    assert found.after.brier > 0.24


def test_intervals(model):
    random = np.random.default_rng(3)
    output = random.normal(0, 1, 300)
    truth = 2.5 + 0.5 * output + random.normal(0, 0.6, 300)
    found = recalibrate(model, "dose", predictions(model, "dose", output), truth, source="assay.csv")
    assert found.before.interval.coverage.value < 0.3
    assert found.after.interval.coverage.value == pytest.approx(0.9, abs=0.04)
    assert found.trust.fitted["dose"].n == 300
    assert found.after.ece is None


def test_too_few_of_a_class(model):
    output, truth = assay(60)
    truth[:] = 0
    truth[:3] = 1
    with pytest.raises(MolsieveError, match="There are 3 active molecules"):
        recalibrate(model, "kills", predictions(model, "kills", output), truth, source="assay.csv")
