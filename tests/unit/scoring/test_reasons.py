"""Why a hit ranks where it does: what is named, and what is left unsaid."""

import pyarrow as pa
import pytest

from molsieve.scoring.profile import Profile
from molsieve.scoring.reasons import reasons, typical_contributions

CRITERIA = (
    {
        "name": "activity",
        "title": "Active",
        "endpoints": ("a", "b"),
        "combine": "any",
        "want": "active",
        "desirability": (0, 0.5),
        "required": True,
        "source": "test",
    },
    {
        "name": "safety",
        "title": "Safe",
        "endpoints": ("tox",),
        "want": "inactive",
        "desirability": (0.2, 0.8),
        "required": True,
        "source": "test",
    },
    {"name": "size", "title": "Size", "descriptor": "mw_da", "accept": (None, 300), "fade": 100, "source": "test"},
)
TEST_PROFILE = Profile.model_validate({"name": "t", "title": "t", "description": "t", "criteria": CRITERIA})
TYPICAL = {"activity": -3.0, "safety": -0.3, "size": 0.0}
ROW = {
    "activity_value": 0.61,
    "activity_contribution": -0.49,
    "safety_value": 0.5,
    "safety_contribution": -0.69,
    "size_value": 250.4,
    "size_contribution": 0.0,
}


def test_what_helps_and_what_costs():
    text = reasons(TEST_PROFILE, ROW, TYPICAL)
    assert text == (
        "Helped by “Active” (61%), score x 12 beside the usual candidate. Held back by “Safe” (50%), score x 0.50."
    )


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {"selectivity_margin": -0.2, "selectivity_lo90": -0.4, "selectivity_hi90": -0.1},
            "likelier toxic than active (margin -0.20, -0.40 to -0.10)",
        ),
        (
            {"selectivity_margin": 0.1, "selectivity_lo90": -0.1, "selectivity_hi90": 0.3},
            "selectivity not shown (margin +0.10, -0.10 to +0.30)",
        ),
        ({"a_set": "both"}, "the models cannot tell: Active"),
        (
            {"nih": ["aldehyde"], "toxicophores": ["epoxide", "aziridine"]},
            "NIH alert: aldehyde; toxicophore alerts: epox",
        ),
        ({"nearest_known": "colistin", "novelty_tanimoto": 0.41}, "nearest known antibacterial colistin at 0.41"),
        ({"tier": "triage"}, "fast network alone"),
        ({"in_domain": False}, "outside the models' domain"),
    ],
)
def test_cautions(columns, expected):
    assert expected in reasons(TEST_PROFILE, ROW | columns, TYPICAL)


def test_nothing_is_held_against_an_ideal_compound():
    ideal = {f"{name}_contribution": 0.0 for name in TYPICAL} | {f"{name}_value": 1.0 for name in TYPICAL}
    assert reasons(TEST_PROFILE, ideal, dict.fromkeys(TYPICAL, 0.0)) == ""


def test_what_was_not_judged_is_not_named():
    assert "Safe" not in reasons(TEST_PROFILE, ROW | {"safety_contribution": None, "safety_value": None}, TYPICAL)


def test_the_usual_candidate_is_the_median_of_what_was_judged():
    columns = {f"{name}_contribution": pa.array([-1.0, -3.0, -2.0, None], pa.float32()) for name in TYPICAL}
    assert typical_contributions(TEST_PROFILE, pa.table(columns)) == dict.fromkeys(TYPICAL, -2.0)
