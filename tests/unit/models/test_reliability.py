"""The standard error of a calibration, against refitted calibrations and by the number of labels."""

import numpy as np
import pytest
from tests.unit.models.graph_model import write_graph_model

from molsieve import project_root
from molsieve.models.calibration import Calibration
from molsieve.models.conformal import ConformalScores
from molsieve.models.reliability import CalibrationError, read_reliabilities
from molsieve.models.trust import Fitted
from molsieve.training.calibrating import platt

MODELS = [project_root() / "resources" / "models" / name for name in ("refine", "triage")]


def labelled(n, random):
    logits = random.normal(-1, 1.5, n)
    return logits, (random.random(n) < 1 / (1 + np.exp(-logits))).astype(float)


def error_of(logits, labels):
    fitted = Fitted(on="test", date="2026-01-01", n=len(labels), n_positive=int(labels.sum()))
    return CalibrationError.of(Calibration.identity(), ConformalScores.of(logits, labels), fitted)


@pytest.mark.parametrize("probability", [0.05, 0.3, 0.8])
def test_it_is_the_scatter_of_refitted_calibrations(probability):
    random = np.random.default_rng(0)
    at = np.log(probability / (1 - probability))
    refitted = []
    for _ in range(300):
        slope, intercept = platt(*labelled(600, random))
        refitted.append(1 / (1 + np.exp(-(slope * at + intercept))))
    said = error_of(*labelled(600, random)).standard_error(np.float32([probability]))[0]
    assert said == pytest.approx(np.std(refitted), rel=0.35)


def test_four_times_the_labels_halve_it():
    random = np.random.default_rng(0)
    few, many = (error_of(*labelled(n, random)).standard_error(np.float32([0.3]))[0] for n in (500, 2000))
    assert few / many == pytest.approx(2, rel=0.25)


def test_probabilities_with_it_stay_probabilities():
    error = error_of(*labelled(40, np.random.default_rng(0)))
    p = np.float32([0, 1e-4, 0.5, 1 - 1e-4, 1])
    assert (error.standard_error(p)[[0, -1]] == 0).all()
    assert (error.standard_error(p) <= 0.5).all()


def test_of_the_shipped_models():
    found = read_reliabilities(MODELS)
    assert (found["ames"].family, found["saureus_growth_inhibition"].family) == ("toxicity", "activity")
    assert found["ld50"].calibration is None
    half = np.float32([0.5])
    # Ames has twenty times the labels of carcinogenicity.
    ames, carcinogens = (found[name].calibration.standard_error(half)[0] for name in ("ames", "carcinogens"))
    assert ames < 0.02 < carcinogens < 0.2


def test_without_labels_it_is_the_prior():
    half = np.float32([0.5])
    unfitted = CalibrationError.unfitted()
    fitted = Fitted(on="test", date="2026-01-01", n=0)
    nothing = ConformalScores(active=(), inactive=())
    assert CalibrationError.of(Calibration.identity(), nothing, fitted).covariance == unfitted.covariance
    assert unfitted.standard_error(half)[0] == pytest.approx(0.25)
    assert error_of(*labelled(40, np.random.default_rng(0))).standard_error(half)[0] < 0.15


def test_a_chemprop_network_without_measured_molecules_is_far_from_certain(tmp_path):
    found = read_reliabilities([write_graph_model(tmp_path / "gnn", "uncalibrated")])
    assert found["gnn"].calibration == CalibrationError.unfitted()
