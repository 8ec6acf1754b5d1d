import numpy as np
import pytest

from molsieve.results.report_controls import controls_view
from molsieve.results.report_data import LibraryFacts, ReportData
from molsieve.scoring.cascade import Cascade
from molsieve.scoring.judgement import NO_CONTROLS, Actives, DecoyFacts, judge

LIBRARY = np.linspace(0, 1, 1001, dtype=np.float32)


def control(score, kind="active", in_training=False, name="x", antibacterial_class="quinolone"):
    return {
        "name": name,
        "kind": kind,
        "antibacterial_class": antibacterial_class if kind == "active" else None,
        "in_training": in_training,
        "score": score,
        "would_rank": 1,
        "nn_similarity": 0.6,
        "reason_code": None if score is not None else "valence",
    }


def view(controls, judgement=NO_CONTROLS, decoys=None):
    facts = LibraryFacts(0, 0, 0, 0, 0, 0, {}, {}, {}, {}, 0, 0, 0)
    nothing = Cascade(0, 0, 0, None, [])
    data = ReportData(facts, LIBRARY, controls, [], 0, 0, [], [], [], nothing, judgement, decoys or {}, {}, None)
    return controls_view(data)


def judgement(**facts):
    given = {"actives": 30, "matched": 28, "decoys": 60, "wanted": 3, "max_similarity": 0.35, "refined": 60}
    given |= {"imbalance_before": 1.2, "imbalance_after": 0.1, **facts}
    scores = np.full(30, 0.9, np.float32)
    own = np.arange(60) % 28
    actives = Actives(scores, np.ones(30, bool), np.full(60, 0.2, np.float32), own)
    return judge(actives, np.full(9, 0.1, np.float32), LIBRARY, decoys=DecoyFacts(**given))


def test_an_unknown_origin_counts_as_seen():
    assert view([control(0.99, in_training=None)]).n_unseen == 0


def test_every_comparison_is_a_row():
    found = view([control(0.9)] * 30, judgement())
    assert [row.title for row in found.rows if "never" not in row.title] == [
        f"{who}, against {other}"
        for other in ("the library", "their matched decoys", "known inactives")
        for who in ("Known antibacterials, not in the training data", "All known antibacterials")
    ]


def test_decoys_are_described():
    words = " ".join(view([control(0.9)] * 30, judgement()).decoys)
    assert "60 for 28 of 30" in words
    assert "1.20 standard deviations" in words
    assert "2 have no like in this library" in words
    assert "rough" not in words
    assert "fast network" not in words


def test_a_rough_match_and_decoys_of_the_fast_network_are_said():
    words = " ".join(view([control(0.9)] * 30, judgement(imbalance_after=0.6, refined=50)).decoys)
    assert "rough" in words
    assert "10 of the decoys were predicted by the fast network alone" in words


def test_the_curve_against_decoys_is_drawn():
    assert view([control(0.9, name="a")], decoys={"a": np.array([0.1, 0.2], np.float32)}).has_decoy_curve
    assert not view([control(0.9, name="a")]).has_decoy_curve


def test_antibacterials_that_a_gate_stops_are_named():
    stopped = control(0.0, name="linezolid") | {"excluded_by": "pains"}
    other = control(0.0, name="glycopeptide") | {"excluded_by": None}
    assert view([stopped, other, control(0.9)]).gated == ["linezolid"]


@pytest.mark.parametrize(
    ("similarity", "in_training", "measured", "counted"),
    [
        (1.0, True, "a: inactive; b: inactive", 1),
        (1.0, True, "a: inactive; b: active", 0),
        (0.8, True, "a: inactive", 0),
        (1.0, False, "a: inactive", 0),
        (1.0, True, None, 0),
    ],
)
def test_antibacterials_that_were_measured_inactive_are_counted(similarity, in_training, measured, counted):
    row = control(0.1, in_training=in_training) | {"nn_similarity": similarity, "nn_active": measured}
    assert view([row]).measured_inactive == counted


def test_failed_controls_are_named():
    assert view([control(None, name="broken"), control(0.9)]).failed == [("broken", "valence")]


def test_inactives_have_a_strip():
    assert "known inactives (3)" in view([control(0.9), *[control(0.1, kind="inactive")] * 3]).strips


def test_names_are_escaped_in_the_charts():
    assert "<script>" not in view([control(0.9, name="<script>", antibacterial_class="<script>")]).strips


def test_what_the_models_had_not_seen_is_drawn_on_top():
    both = [control(0.9, name="unseen"), control(0.9, name="seen", in_training=True)]
    strips = str(view(both).strips)
    assert strips.index(">seen: would") < strips.index(">unseen: would")
