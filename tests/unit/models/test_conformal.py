import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molsieve.models.conformal import MAX_KEPT, SETS, ConformalScores


def simulated(n, seed, prevalence=0.2):
    random = np.random.default_rng(seed)
    labels = (random.random(n) < prevalence).astype(float)
    return random.normal(labels * 2.0 - 1.0, 1.2), labels


@pytest.mark.parametrize("error", [0.1, 0.2, 0.05])
def test_each_class_is_covered_as_promised(error):
    scores = ConformalScores.of(*simulated(4000, 0))
    logits, labels = simulated(20_000, 1)
    names = np.array(SETS)[scores.sets(logits, error)]
    for label, name in ((1, "active"), (0, "inactive")):
        covered = np.isin(names[labels == label], (name, "both")).mean()
        assert covered == pytest.approx(1 - error, abs=0.025)


def test_p_values_are_those_of_crepes():
    crepes = pytest.importorskip("crepes")
    logits, labels = simulated(500, 2)
    fresh, _ = simulated(100, 3)
    ours = ConformalScores.of(logits, labels).p_values(fresh)
    for column, label, sign in ((0, 1, -1.0), (1, 0, 1.0)):
        theirs = crepes.ConformalClassifier().fit(sign * np.round(logits[labels == label], 4))
        p = theirs.predict_p(sign * fresh[:, None], smoothing=False)[:, 0]
        assert ours[column] == pytest.approx(p, abs=1e-6)


def test_large_calibration_sets_are_thinned_without_harm():
    logits, labels = simulated(60_000, 4)
    scores = ConformalScores.of(logits, labels)
    assert len(scores.active) == MAX_KEPT == len(scores.inactive)
    fresh = np.linspace(-4, 4, 200)
    exact = np.array([(logits[labels == 1] <= x).mean() for x in fresh])
    assert scores.p_values(fresh)[0] == pytest.approx(exact, abs=0.003)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=50), st.lists(st.floats(-20, 20), min_size=2, max_size=50))
def test_a_higher_output_is_never_less_like_an_active(new, calibration):
    labels = np.arange(len(calibration)) % 2
    active, inactive = ConformalScores.of(np.array(calibration), labels).p_values(np.sort(new))
    assert (np.diff(active) >= 0).all()
    assert (np.diff(inactive) <= 0).all()
    assert ((active > 0) & (active <= 1)).all()


def test_a_class_without_calibration_molecules_is_never_ruled_out():
    scores = ConformalScores.of(np.array([0.0, 1.0]), np.array([1, 1]))
    assert [SETS[c] for c in scores.sets(np.array([-9.0, 9.0]), 0.4)] == ["inactive", "both"]
