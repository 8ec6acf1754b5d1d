import json

import pytest
from tests.unit.models.graph_model import KINDS, write_graph_model

from molsieve import project_root
from molsieve.models.store import read_info
from molsieve.models.trust import read_trust
from molsieve.training.benchmark_tables import documented
from molsieve.training.card import card_json, expected_precision, grade_rows, render_card

FOLDER = project_root() / "resources" / "models" / "refine"
TABLES = ("classes", "transfer")


def test_the_documentation_shows_the_shipped_figures():
    text = (project_root() / "docs" / "models.md").read_text()
    assert documented(text, read_info(FOLDER), read_info(FOLDER.parent / "triage")) == text


def test_the_card_follows_the_five_principles():
    card = render_card(read_info(FOLDER), read_trust(FOLDER))
    headings = [line for line in card.splitlines() if line.startswith("## ")]
    assert [h[3:4] for h in headings[:5]] == ["1", "2", "3", "4", "5"]
    assert "None |" not in card
    assert "| nan" not in card.lower()
    for row in (line for line in card.splitlines() if line.startswith("| ")):
        assert row.endswith("|"), row


def test_the_record_of_each_endpoint_has_the_sections_of_the_qmrf():
    info = read_info(FOLDER)
    document = json.loads(card_json(info, read_trust(FOLDER)))
    assert set(document["endpoints"]) == {e.name for e in info.endpoints}
    record = document["endpoints"]["herg"]
    assert [key[0] for key in record] == ["1", "3", "4", "5", "6", "8", "9"]
    assert record["3_endpoint"]["dependent_variable"] == "IC50 at most 10 uM"
    assert record["6_7_statistics"]["held_out"]["scaffold"]["model"]["auroc"]["mean"] > 0.8
    assert record["9_references"]


def test_the_card_names_read_across_where_it_is_a_part():
    info, trust = read_info(FOLDER), read_trust(FOLDER)
    model, record = {}, {}
    for has in (False, True):
        stack = {name: weights if has else weights[:-1] for name, weights in info.stack.items()}
        changed = info.model_copy(update={"has_read_across": has, "stack": stack})
        model[has], record[has] = (
            render_card(changed, trust),
            json.loads(card_json(changed, trust))["endpoints"]["herg"],
        )
    assert "measured labels of the five nearest training molecules" in model[True]
    assert "five nearest training" not in model[False]
    assert "read-across" in record[True]["4_algorithm"]["type"]
    assert "read-across" not in record[False]["4_algorithm"]["type"]


def test_the_card_says_which_figures_are_of_the_trained_parts_alone():
    info, trust = read_info(FOLDER), read_trust(FOLDER)
    extrapolation = info.training["extrapolation"]
    older = {k: [{n: v for n, v in row.items() if n != "neighbours"} for row in extrapolation[k]] for k in TABLES}
    newer = {k: [row | {"neighbours": 0.5} for row in older[k]] for k in TABLES}
    for rows, count in ((older, 2), (newer, 0)):
        training = info.training | {"extrapolation": extrapolation | rows}
        card = render_card(info.model_copy(update={"has_read_across": True, "training": training}), trust)
        assert card.count("its trained parts alone") == count


@pytest.mark.parametrize(("prevalence", "expected"), [(0.5, 0.99), (0.01, 0.5025), (0.0001, 0.01)])
def test_precision_falls_with_the_prevalence(prevalence, expected):
    ranking = {"fpr": [0.001, 0.01], "tpr": [0.1, 0.3]}
    assert expected_precision(ranking, prevalence) == pytest.approx(expected, abs=0.001)


def test_grades_have_their_chance_beside_them():
    grades = json.loads((project_root() / "benchmarks" / "explanations.json").read_text())
    for tier in ("triage", "refine"):
        rows = grade_rows(grades, tier)
        assert len(rows) == 8
        assert all(row["chance"] and row["value"] for row in rows)


@pytest.mark.parametrize("kind", KINDS)
def test_the_card_of_a_chemprop_network_says_what_is_not_known(tmp_path, kind):
    folder = write_graph_model(tmp_path / "gnn", kind)
    card, record = (folder / "MODEL_CARD.md").read_text(), json.loads((folder / "model_card.json").read_text())
    assert "**What it was trained on is not known**" in card
    for claim in (
        "sparse",
        "4 bits",
        "do not tell them apart",
        "the model had not seen",
        "scaffold",
        "None",
        " 0 molecules",
    ):
        assert claim not in card, claim
    if kind == "uncalibrated":
        assert "No figures are stored with it" in card
        assert "always hold both labels" in card
    else:
        assert "measured molecules given when it was added" in card
        assert "Fitted on gnn.csv, 60 molecules." in card
        assert ("| AUROC |" in card) == ("coverage active" in card) == (kind == "calibrated")
        assert ("| R2 |" in card) == ("mean width of" in card) == (kind == "regression")
    found = record["endpoints"]["gnn"]
    assert found["4_algorithm"]["type"] == "one message-passing neural network (chemprop)"
    assert found["5_domain"]["limit"] is found["6_7_statistics"]["training_molecules"] is None
    assert "held_out" not in found["6_7_statistics"]
