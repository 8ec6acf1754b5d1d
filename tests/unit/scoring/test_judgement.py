import json

import numpy as np
import pytest

from molsieve.scoring.judgement import NO_CONTROLS, Actives, DecoyFacts, Judgement, judge

LIBRARY = np.linspace(0, 1, 1001, dtype=np.float32)
FACTS = DecoyFacts(40, 40, 80, 2, 0.35, 0.9, 0.1, 80)


def controls(scores, unseen=True, decoys=(), matched_to=(), by_properties=None):
    scores = np.asarray(scores, np.float32)
    return Actives(
        scores,
        np.broadcast_to(unseen, scores.shape),
        np.asarray(decoys, np.float32),
        np.asarray(matched_to, np.int64),
        by_properties,
    )


def judged(actives, inactives=(), library=LIBRARY, **more):
    return judge(actives, np.asarray(inactives, np.float32), np.asarray(library, np.float32), **more)


def said(judgement, text):
    return any(text in sentence for sentence in judgement.words)


def test_controls_on_top_are_good():
    found = judged(controls(1 + np.arange(40) / 1000))
    assert found.verdict == "good"
    assert not found.is_warning
    assert "never saw in training" in found.words[0]


def test_controls_spread_at_random_give_a_warning():
    found = judged(controls(np.arange(41) / 40))
    assert found.verdict == "none"
    assert found.is_warning
    assert found.words[0].startswith("Warning")


def test_a_little_ahead_is_weak():
    found = judged(controls(np.random.default_rng(0).uniform(0.1, 1.0, 150)))
    assert found.verdict == "weak"
    assert "weak leads" in found.words[0]


def test_a_top_that_includes_chance_is_weak():
    # All controls lie between 80 and 98 % of the library: far ahead, but none at the very top.
    found = judged(controls(np.linspace(0.8, 0.98, 60)))
    assert found.judged.figures.auroc.low > 0.6
    assert found.verdict == "weak"
    assert said(found, "the very top of the list is not proven")


def test_memory_is_called_memory():
    found = judged(controls([0.99] * 40, unseen=False))
    assert said(found, "memory")
    assert {c.who for c in found.comparisons} == {"all"}


def test_the_unseen_are_judged_not_all():
    # The model remembers its training data and knows nothing else.
    unseen = np.repeat([False, True], [100, 41])
    assert judged(controls(np.r_[np.full(100, 0.999), np.arange(41) / 40], unseen)).verdict == "none"


def test_few_unseen_controls_are_said():
    found = judged(controls([0.99] * 3))
    assert found.verdict == "weak"
    assert "3 of them" in found.words[0]
    assert "too few" in found.words[0]


def test_relatives_in_the_training_data_are_said():
    assert said(judged(controls([0.99] * 30), near=0.6), "median similarity of 0.60")


@pytest.mark.parametrize(("actives", "library"), [([], LIBRARY), ([0.5], [])])
def test_nothing_to_compare(actives, library):
    assert judged(controls(actives), library=library) == NO_CONTROLS


def test_inactives_are_a_comparison_of_their_own():
    found = judged(controls([0.9] * 20), [0.1] * 30)
    against = [c for c in found.comparisons if c.against == "inactives"]
    assert [c.figures.n_background for c in against] == [30, 30]
    assert against[0].figures.auroc.value == 1


def matched(own_decoys, n=40):
    """Controls far ahead of the library, each with two decoys of these scores."""
    return controls(1 + np.arange(n) / 1000, decoys=np.tile(own_decoys, n), matched_to=np.repeat(np.arange(n), 2))


def test_decoys_below_the_controls_support_the_verdict():
    found = judged(matched([0.1, 0.2]), decoys=FACTS)
    assert found.verdict == "good"
    assert found.own_decoys.value == 1
    assert said(found, "beats 100% of its decoys")


def test_decoys_that_score_like_the_controls_are_a_warning():
    found = judged(matched([0.0, 2.0]), decoys=FACTS)
    assert found.judged.figures.auroc.low > 0.9
    assert found.verdict == "weak"
    assert said(found, "Warning: the ranking cannot tell known antibacterials from compounds")


def test_no_decoys_are_said():
    assert said(judged(controls([0.99] * 30), decoys=FACTS), "nothing says whether the models see more")


def test_few_unseen_with_decoys_leave_it_to_all():
    unseen = np.repeat([True, False], [20, 30])
    actives = controls(np.linspace(0.9, 0.95, 50), unseen, np.full(33, 0.1), np.r_[[0, 1, 2], np.arange(20, 50)])
    found = judged(actives, decoys=FACTS)
    assert found.own_decoys_of == "all"
    assert said(found, "too few unseen ones have such compounds")


def test_decoys_belong_to_their_actives():
    actives = controls([0.9, 0.8, 0.7], [False, True, True], [0.1, 0.2, 0.3, 0.4], [0, 1, 1, 2])
    unseen = actives.of("unseen")
    assert unseen.scores.tolist() == pytest.approx([0.8, 0.7])
    assert unseen.decoys.tolist() == pytest.approx([0.2, 0.3, 0.4])
    assert unseen.matched_to.tolist() == [0, 0, 1]


def test_properties_that_do_as_well_are_said():
    actives = matched([0.1, 0.2])
    by_properties = (np.full(40, 2, np.float32), np.zeros(1001, np.float32), np.full(80, 2, np.float32))
    found = judged(
        Actives(actives.scores, actives.unseen, actives.decoys, actives.matched_to, by_properties), decoys=FACTS
    )
    assert said(found, "proves little")
    assert found.own_decoys_by_properties.value == 0.5
    assert said(found, "where properties alone would beat 50%")


def test_it_survives_the_file(tmp_path):
    found = judged(matched([0.1, 0.2]), [0.3] * 9, decoys=FACTS, near=0.4)
    path = tmp_path / "judgement.json"
    path.write_text(json.dumps(found.as_json()))
    assert Judgement.read(path) == found == Judgement.of_run(path)
    assert Judgement.of_run(tmp_path / "absent.json") == NO_CONTROLS
