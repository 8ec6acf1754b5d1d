import numpy as np
import pytest

from molsieve.results.report_controls import controls_view
from molsieve.results.report_data import LibraryFacts, ReportData
from molsieve.scoring.cascade import Cascade


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


def view(controls, library=None):
    scores = np.linspace(0, 1, 1001, dtype=np.float32) if library is None else np.asarray(library, dtype=np.float32)
    facts = LibraryFacts(0, 0, 0, 0, 0, 0, {}, {}, {}, {}, 0, 0, 0)
    nothing = Cascade(0, 0, 0, None, [])
    return controls_view(ReportData(facts, scores, controls, [], 0, 0, [], [], [], nothing, None))


def test_controls_on_top_are_good():
    found = view([control(0.9 + i / 1000) for i in range(40)])
    assert found.verdict == "good"
    assert "never saw in training" in found.words[0]


def test_controls_spread_at_random_give_a_warning():
    found = view([control(i / 40) for i in range(41)])
    assert found.verdict == "none"
    assert found.words[0].startswith("Warning")


def test_a_little_ahead_is_weak():
    random = np.random.default_rng(0)
    found = view([control(score) for score in np.clip(random.uniform(0.1, 1.0, 150), 0, 1)])
    assert found.verdict == "weak"
    assert "weak leads" in found.words[0]


def test_memory_is_called_memory():
    found = view([control(0.99, in_training=True) for _ in range(40)])
    assert any("memory" in sentence for sentence in found.words)
    assert [c.style for c in found.comparisons] == ["all"]


def test_an_unknown_origin_counts_as_seen():
    assert view([control(0.99, in_training=None)]).n_unseen == 0


def test_the_unseen_are_judged_not_all():
    # The model remembers its training data and knows nothing else.
    controls = [control(0.999, in_training=True) for _ in range(100)] + [control(i / 40) for i in range(41)]
    assert view(controls).verdict == "none"


def test_few_unseen_controls_are_said():
    found = view([control(0.99) for _ in range(3)])
    assert found.verdict == "weak"
    assert "3 of them" in found.words[0]
    assert "too few" in found.words[0]


def test_relatives_in_the_training_data_are_said():
    assert any("median similarity of 0.60" in sentence for sentence in view([control(0.99)] * 30).words)


@pytest.mark.parametrize(
    ("controls", "library"), [([], None), ([control(0.5)], []), ([control(0.5, kind="inactive")], None)]
)
def test_nothing_to_compare(controls, library):
    found = view(controls, library)
    assert found.verdict == "unknown"
    assert found.comparisons == []


def test_inactives_are_a_comparison_of_their_own():
    controls = [control(0.9) for _ in range(20)] + [control(0.1, kind="inactive") for _ in range(30)]
    found = view(controls)
    against = [c for c in found.comparisons if "inactives" in c.title]
    assert [c.figures.n_background for c in against] == [30, 30]
    assert against[0].figures.auroc.value == 1
    assert "known inactives (30)" in found.strips


def test_failed_controls_are_named():
    assert view([control(None, name="broken"), control(0.9)]).failed == [("broken", "valence")]


def test_names_are_escaped_in_the_charts():
    assert "<script>" not in view([control(0.9, name="<script>", antibacterial_class="<script>")]).strips
