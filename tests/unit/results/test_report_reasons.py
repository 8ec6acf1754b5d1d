import math

import pytest

from molsieve.results.report_reasons import contributions
from molsieve.scoring.profile import Profile


def profile(*titles):
    criteria = [
        {
            "name": f"c{i}",
            "title": title,
            "descriptor": "mw_da",
            "accept": [None, 300],
            "required": True,
            "source": "test",
        }
        for i, title in enumerate(titles)
    ]
    return Profile.model_validate({"name": "test", "title": "Test", "description": "", "criteria": criteria})


def row(*factors):
    return {f"c{i}_contribution": None if factor is None else math.log(factor) for i, factor in enumerate(factors)}


def test_the_dearest_comes_first_and_is_named():
    found = contributions(profile("active", "small", "polar"), row(0.5, 0.1, 1.0), 0.05)
    assert [part.title for part in found.parts] == ["small", "active", "polar"]
    assert [part.factor for part in found.parts] == ["\u00d7 0.10", "\u00d7 0.50", "\u00d7 1.00"]
    assert [part.quality for part in found.parts] == ["poor", "fair", "good"]
    assert found.words == "Loses most by small (\u00d7 0.10) and active (\u00d7 0.50). 1 of 3 cost nothing."


def test_bars_are_logarithmic_and_end():
    found = contributions(profile("a", "b", "c"), row(0.1, 1e-9, 1.0), 1e-10)
    assert {part.title: part.width for part in found.parts} == {"b": 100.0, "a": 50.0, "c": 0.0}
    assert found.parts[0].factor.endswith("< 0.01")


def test_what_no_criterion_explains_is_the_alerts():
    found = contributions(profile("active"), row(0.5) | {"brenk": ["x", "y"]}, 0.405)
    assert [part.title for part in found.parts] == ["active", "Structural alerts"]
    assert found.parts[1].factor == "\u00d7 0.81"


def test_nothing_lost():
    assert contributions(profile("active"), row(1.0), 1.0).words == "Loses nothing by any criterion."


@pytest.mark.parametrize("values", [{}, {"c0_contribution": None}])
def test_earlier_results_have_none(values):
    assert contributions(profile("active"), values, 0.5) is None


def test_what_was_not_judged_is_left_out():
    assert [part.title for part in contributions(profile("a", "b"), row(0.5, None), 0.5).parts] == ["a"]


def test_a_probability_too_small_for_its_logarithm_is_no_alert():
    assert [part.title for part in contributions(profile("active"), row(1e-6) | {"brenk": []}, 1e-8).parts] == [
        "active"
    ]


def test_criteria_of_the_same_title_are_two_parts():
    assert [part.factor for part in contributions(profile("same", "same"), row(0.5, 0.4), 0.2).parts] == [
        "\u00d7 0.40",
        "\u00d7 0.50",
    ]
