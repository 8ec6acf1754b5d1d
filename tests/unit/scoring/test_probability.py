"""The probability of a profile against brute force, against what is known exactly, and where nothing is uncertain."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import ndtr, ndtri

from molsieve.models import families
from molsieve.models.gut_spectrum import spectrum
from molsieve.models.reliability import CalibrationError, Reliability
from molsieve.scoring.criteria import fit_profile
from molsieve.scoring.probability import Belief, common_draws, spread_of_threshold, thresholds
from molsieve.scoring.profile import Profile

EXACT = CalibrationError((0.0, 0.0, 0.0))


def profile_of(*criteria, **others):
    entries = [{"title": c["name"], "source": "test", "desirability": (0, 1), "required": True} | c for c in criteria]
    return Profile.model_validate({"name": "t", "title": "t", "description": "t", "criteria": entries} | others)


def table_of(rows=1, **columns):
    """Predictions of ``rows`` equal compounds; (probability, sd) by endpoint."""
    arrays = {}
    for name, (probability, sd) in columns.items():
        arrays[f"{name}_prob"] = pa.array(np.full(rows, probability), pa.float32())
        arrays[f"{name}_sd"] = pa.array(np.full(rows, sd), pa.float32())
    return pa.table(arrays)


ACTIVITY = {"name": "hits", "endpoints": ("a", "b"), "combine": "any", "want": "active"}
SAFE = {"name": "safe", "endpoints": ("x", "y"), "combine": "all", "want": "inactive"}
RELIABILITIES = {
    "a": Reliability("activity", EXACT),
    "b": Reliability("activity", EXACT),
    "x": Reliability("toxicity", EXACT),
    "y": Reliability("toxicity", EXACT),
}


def scattered(probability, sd, random, shared, correlation, outcome, outcome_factor):
    """One endpoint simulated from the definition: outcomes of draws of its uncertainty, [draws]."""
    share = float(spread_of_threshold(np.array([probability]), np.array([sd]))[0])
    own = random.standard_normal(len(shared))
    noise = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    threshold = (ndtri(probability) + np.sqrt(share) * noise) / np.sqrt(1 - share)
    latent = np.sqrt(outcome) * outcome_factor + np.sqrt(1 - outcome) * random.standard_normal(len(shared))
    return latent < threshold


def test_against_brute_force_monte_carlo():
    beliefs = {"a": (0.3, 0.15), "b": (0.2, 0.1), "x": (0.4, 0.2), "y": (0.1, 0.08)}
    fit = fit_profile(profile_of(ACTIVITY, SAFE), table_of(**beliefs), RELIABILITIES)
    random, draws = np.random.default_rng(1), 2_000_000
    active = {}
    for family, names in (("activity", "ab"), ("toxicity", "xy")):
        shared, factor = random.standard_normal(draws), random.standard_normal(draws)
        for name in names:
            correlation, outcome = families.MEMBER_CORRELATION[family], families.OUTCOME_CORRELATION[family]
            active[name] = scattered(*beliefs[name], random, shared, correlation, outcome, factor)
    met = (active["a"] | active["b"]) & ~active["x"] & ~active["y"]
    assert fit.profile_prob[0] == pytest.approx(met.mean(), abs=0.003)


def test_quantiles_against_brute_force():
    fit = fit_profile(profile_of({**ACTIVITY, "endpoints": ("a",)}), table_of(a=(0.3, 0.15)), RELIABILITIES)
    share = float(spread_of_threshold(np.array([0.3]), np.array([0.15]))[0])
    drawn = ndtr((ndtri(0.3) + np.sqrt(share) * np.random.default_rng(0).standard_normal(10**6)) / np.sqrt(1 - share))
    assert fit.probability.low[0] == pytest.approx(np.quantile(drawn, 0.05), abs=0.01)
    assert fit.probability.high[0] == pytest.approx(np.quantile(drawn, 0.95), abs=0.015)


@pytest.mark.parametrize("probability", [0.001, 0.02, 0.3, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("relative", [0.1, 0.4, 0.6])
def test_spreading_a_probability_keeps_its_mean_and_gives_the_sd(probability, relative):
    sd = relative * np.sqrt(probability * (1 - probability))
    share = float(spread_of_threshold(np.array([probability]), np.array([sd]))[0])
    # Exactly: by a dense grid of the normal variable.
    z = ndtri((np.arange(400_000) + 0.5) / 400_000)
    drawn = ndtr((ndtri(probability) + np.sqrt(share) * z) / np.sqrt(1 - share))
    assert drawn.mean() == pytest.approx(probability, rel=0.002)
    assert drawn.std() == pytest.approx(sd, rel=0.05)


@pytest.mark.parametrize("probability", [0.01, 0.1, 0.5, 0.95])
def test_the_common_draws_keep_calibrated_probabilities(probability):
    for sd in (0.02, 0.1, 0.3):
        belief = {"a": Belief(np.float32([probability]), np.float32([sd]), RELIABILITIES["a"])}
        drawn = ndtr(thresholds("a", belief["a"], common_draws(belief)))
        assert drawn.mean() == pytest.approx(probability, rel=0.02)


def test_without_uncertainty_it_is_the_probability_itself():
    fit = fit_profile(profile_of({**ACTIVITY, "endpoints": ("a",)}), table_of(a=(0.37, 0.0)), RELIABILITIES)
    assert fit.probability.mean[0] == pytest.approx(0.37, abs=1e-6)
    assert fit.probability.low[0] == fit.probability.high[0] == pytest.approx(0.37, abs=1e-6)


def test_endpoints_of_unknown_families_are_independent():
    fit = fit_profile(profile_of(ACTIVITY, SAFE), table_of(a=(0.3, 0), b=(0.2, 0), x=(0.4, 0), y=(0.1, 0)), {})
    assert fit.profile_prob[0] == pytest.approx((1 - 0.7 * 0.8) * 0.6 * 0.9, rel=1e-4)


def test_relatives_add_less_to_each_other_than_strangers():
    table = table_of(a=(0.3, 0.1), b=(0.3, 0.1))
    relatives = fit_profile(profile_of(ACTIVITY), table, RELIABILITIES).profile_prob[0]
    strangers = fit_profile(profile_of(ACTIVITY), table, {}).profile_prob[0]
    assert 0.3 < relatives < strangers


def test_more_of_what_is_wanted_is_never_worse():
    rising = np.linspace(0, 1, 101, dtype=np.float32)
    columns = {"a_prob": rising, "a_sd": np.full(101, 0.05, np.float32), "b_prob": np.full(101, 0.2, np.float32)}
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    assert (np.diff(fit_profile(profile_of(ACTIVITY), table, RELIABILITIES).profile_prob) > -1e-6).all()


def test_fewer_labels_make_a_wider_interval():
    doubtful = {"a": Reliability("activity", CalibrationError((0.5, 0.0, 0.1)))}
    profile, table = profile_of({**ACTIVITY, "endpoints": ("a",)}), table_of(a=(0.3, 0.05))
    sure, unsure = (fit_profile(profile, table, known).probability for known in (RELIABILITIES, doubtful))
    assert unsure.high[0] - unsure.low[0] > sure.high[0] - sure.low[0]
    assert unsure.mean[0] == pytest.approx(sure.mean[0], abs=0.005)


def test_equal_compounds_are_equal_wherever_they_stand():
    """Chunks must not show, and neither must the order of rows."""
    beliefs = {"a": (0.3, 0.15), "b": (0.2, 0.1)}
    many = fit_profile(profile_of(ACTIVITY), table_of(5000, **beliefs), RELIABILITIES).probability
    one = fit_profile(profile_of(ACTIVITY), table_of(**beliefs), RELIABILITIES).probability
    for together, alone in zip(many, one, strict=True):
        assert (together == alone[0]).all()


def test_what_was_not_predicted_is_neutral():
    table = table_of(a=(0.3, 0.1)).append_column("b_prob", pa.array([None], pa.float32()))
    fit = fit_profile(profile_of(ACTIVITY, SAFE), table, RELIABILITIES)
    assert fit.profile_prob[0] == pytest.approx(0.3, abs=0.003)
    assert np.isnan(fit.values["safe"][0])


def test_a_weighted_criterion_is_the_expected_share():
    weighted = {**ACTIVITY, "combine": "weighted", "endpoint_weights": {"a": 3, "b": 1}, "required": False}
    fit = fit_profile(profile_of(weighted, SAFE), table_of(a=(0.8, 0), b=(0.4, 0)), RELIABILITIES)
    assert fit.values["hits"][0] == pytest.approx((3 * 0.8 + 0.4) / 4, rel=1e-3)


def test_selectivity_is_activity_less_the_worst_toxicity():
    asked = {"activity": ["hits"], "toxicity": ["safe"], "note": "n"}
    fit = fit_profile(
        profile_of({**ACTIVITY, "endpoints": ("a",)}, {**SAFE, "endpoints": ("x",)}, selectivity=asked),
        table_of(2, a=(0.7, 0.1), x=(0.2, 0.1)),
        RELIABILITIES,
    )
    assert fit.selectivity.mean == pytest.approx([0.5, 0.5], abs=0.005)
    assert (fit.selectivity.low < 0.45).all()
    assert (fit.selectivity.high > 0.55).all()
    assert fit_profile(profile_of(ACTIVITY), table_of(a=(0.7, 0.1)), RELIABILITIES).selectivity is None


def test_a_share_of_the_gut_is_judged_by_its_interval():
    spares = {"name": "gut", "descriptor": "gut_spectrum", "accept": (None, 0.2), "desirability": None}
    columns = {
        "gut_spectrum": [0.05, 0.2, 0.6],
        "gut_spectrum_lo90": [0.0, 0.02, 0.3],
        "gut_spectrum_hi90": [0.2, 0.6, 0.9],
    }
    table = pa.table({name: pa.array(values, pa.float32()) for name, values in columns.items()})
    prob = fit_profile(profile_of(spares), table, {}).profile_prob
    # The upper bound of the first lies on the limit, so one in twenty of such compounds lies above it.
    assert prob[0] == pytest.approx(0.95, abs=0.01)
    assert prob[0] > prob[1] > prob[2] > 0


@pytest.mark.parametrize("probability", [0.001, 0.01, 0.05, 0.2])
def test_a_share_of_equal_strains_is_judged_as_the_model_says(probability):
    share, low, high = spectrum(np.full((1, 40), probability, dtype=np.float32))
    table = pa.table({"gut_spectrum": share, "gut_spectrum_lo90": low, "gut_spectrum_hi90": high})
    spares = {"name": "gut", "descriptor": "gut_spectrum", "accept": (None, 0.1), "desirability": None}
    correlation = families.OUTCOME_CORRELATION["gut"]
    # Vasicek 2002: the distribution of the share, in closed form.
    exact = ndtr((ndtri(0.1) * np.sqrt(1 - correlation) - ndtri(probability)) / np.sqrt(correlation))
    assert fit_profile(profile_of(spares), table, {}).profile_prob[0] == pytest.approx(exact, abs=0.001)
