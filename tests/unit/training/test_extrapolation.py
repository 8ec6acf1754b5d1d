import numpy as np
import pytest

from molsieve.training.cases import tables
from molsieve.training.extrapolation import moleculenet_split, share_on_top


def test_the_split_of_moleculenet_by_hand():
    scaffolds = ["a"] * 5 + ["b"] * 3 + ["c", "d"]
    assert moleculenet_split(scaffolds).tolist() == [0] * 5 + [0] * 3 + [2, 1]


def test_large_scaffolds_are_trained_on_and_rare_ones_tested():
    random = np.random.default_rng(0)
    scaffolds = [f"s{int(i)}" for i in random.geometric(0.01, 2000)]
    parts = moleculenet_split(scaffolds)
    sizes = np.array([scaffolds.count(s) for s in scaffolds])
    assert (parts == 0).mean() == pytest.approx(0.8, abs=0.01)
    assert (parts == 1).mean() == pytest.approx(0.1, abs=0.01)
    assert sizes[parts == 0].mean() > sizes[parts == 2].mean()
    for scaffold in set(scaffolds):
        assert len({p for p, s in zip(parts, scaffolds, strict=True) if s == scaffold}) == 1


def test_the_share_of_a_class_on_top():
    values = np.arange(1000, dtype=np.float32)
    is_class = np.zeros(1000, dtype=bool)
    is_class[[10, 500, 960, 999]] = True
    assert share_on_top(values, is_class) == 0.5
    assert share_on_top(np.zeros(1000, np.float32), is_class) == 0.5


def scored(**values):
    return {name: {"auroc": {"mean": 0.0, "sd": 0.0, "folds": v}} for name, v in values.items()}


def test_repeated_folds_are_pooled_beside_their_bar():
    metrics = {
        "ecoli_growth_inhibition": {
            "random": scored(model=[0.9, 0.94], forest=[0.8, 0.84]),
            "random1": scored(model=[0.92, 0.96], forest=[0.82, 0.82]),
        }
    }
    cases = [
        {"case": "gut", "model": {"auroc": 0.91, "auprc": 0.8}, "forest": {"auroc": 0.85, "auprc": 0.7}},
        {"case": "class:quinolone", "class": "quinolone", "members": 20, "model": 0.1, "forest": 0.0},
        {"case": "transfer:x", "trained_on": "x"},
    ]
    found = tables(cases, metrics)
    row = found["protocols"][0]
    assert (row["endpoint"], row["bar"]) == ("ecoli_growth_inhibition", "0.92")
    assert row["protocol"] == "random folds (4 held-out sets)"
    assert row["model"].startswith("0.930 ± 0.026")
    # Folds share training data: 0.010 for independent sets, times the root of 1 + 4/4.
    assert row["difference"] == "+0.110 ± 0.014, better in 4 of 4"
    assert [r["metric"] for r in found["protocols"][1:]] == ["auroc", "auprc"]
    assert found["protocols"][1]["protocol"].endswith("(1 seed, trained parts alone)")
    again = {**cases[0], "model": {"auroc": 0.93, "auprc": 0.8}}
    assert tables([cases[0], again], metrics)["protocols"][1]["difference"] == "+0.070 ± 0.010, better in 2 of 2"
    whole = tables([{**cases[0], "neighbours": {"auroc": 0.8, "auprc": 0.6}}], metrics)["protocols"][1]
    assert whole["protocol"].endswith("(1 seed)")
    assert [len(found[k]) for k in ("classes", "transfer")] == [1, 1]
