from dataclasses import replace

import pytest

from molsieve.results.report_models import NONE, model_table


def fold(mean, sd=0.02):
    return {"mean": mean, "sd": sd, "folds": [mean] * 5}


# As molsieve.training.assemble.evaluate writes it into model.json.
METRICS = {
    "ecoli_growth_inhibition": {
        "scaffold": {
            "n": 2300,
            "model": {"auroc": fold(0.851), "auprc": fold(0.412)},
            "forest": {"auroc": fold(0.85), "auprc": fold(0.39)},
        },
        "random": {"model": {"auroc": fold(0.9), "auprc": fold(0.5)}, "forest": {}},
        "calibration": {"method": "platt", "ece_raw": 0.1, "ece_cross_fitted": 0.0123},
        "by_similarity": [
            {"from": 0.0, "to": 0.3, "n": 100, "model": {"auroc": 0.66, "auprc": 0.1}},
            {"from": 0.3, "to": 0.4, "n": 100, "model": {"auroc": 0.8, "auprc": 0.1}},
        ],
    },
    "ld50": {"scaffold": {"model": {"mae": fold(0.5), "rmse": fold(0.7), "r2": fold(0.45)}}},
}


@pytest.fixture
def facts(shared_run):
    return replace(shared_run[1], infos=({"metrics": METRICS, "domain": {"max_unseen_fraction": 0.35}},))


def row(table, title):
    found = next(row for row in table.rows if row.title.startswith(title))
    return dict(zip(table.columns, found.figures, strict=True))


def test_figures_are_those_of_the_model(facts):
    table = model_table(facts)
    assert row(table, "E. coli") == {
        "AUROC, new scaffolds": ("0.85 ± 0.02", "forest 0.85 ± 0.02"),
        "Average precision, new scaffolds": ("0.41 ± 0.02", "forest 0.39 ± 0.02"),
        "AUROC, random folds": ("0.90 ± 0.02", ""),
        "AUROC, unlike training": ("0.66", ""),
        "Calibration error": ("0.012", ""),
    }
    assert table.max_unseen_fraction == 0.35


def test_regressions_name_their_metric(facts):
    shown = list(row(model_table(facts), "Acute oral").values())
    assert shown == [("R² 0.45 ± 0.02", ""), ("MAE 0.50 ± 0.02", ""), (NONE, ""), (NONE, ""), (NONE, "")]


def test_figures_are_those_of_the_first_model_that_has_any(facts):
    worse = {
        "metrics": {"ecoli_growth_inhibition": {"scaffold": {"model": {"auroc": fold(0.5)}}}, "herg": METRICS["ld50"]}
    }
    table = model_table(replace(facts, infos=(*facts.infos, worse)))
    assert row(table, "E. coli")["AUROC, new scaffolds"][0] == "0.85 ± 0.02"


def test_what_is_missing_is_a_dash(facts):
    assert set(row(model_table(facts), "hERG").values()) == {(NONE, "")}


def test_the_profile_comes_first(facts):
    wanted = [found.in_profile for found in model_table(facts).rows]
    assert wanted == sorted(wanted, reverse=True)
    assert sum(wanted) == len(facts.profile_endpoints)


def test_without_metrics_the_table_has_no_such_columns(shared_run):
    table = model_table(shared_run[1])
    assert table.columns == []
    assert table.max_unseen_fraction is None
    assert table.rows[0].prevalence == pytest.approx(0.04)
