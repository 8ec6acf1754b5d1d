import json

import numpy as np
import pytest
from tests.unit.training.base_model import acidic, features, molecules, write_base

from molsieve.errors import MolsieveError
from molsieve.models.conformal import SETS
from molsieve.models.predict import predict
from molsieve.models.store import WEIGHTS, load_model, verify
from molsieve.training.external import choose
from molsieve.training.labelled import check_split, read_labelled
from molsieve.training.leak_sources import model_set
from molsieve.training.own import Settings, train_own
from molsieve.training.own_assay import Assay
from molsieve.training.own_folds import HeldOut, has_scaffold_folds, random_split, scaffold_split, user_split
from molsieve.training.own_validation import Comparison, compare

KNOWN = molecules(130)
QUICK = Settings(repeats=1)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return load_model(write_base(tmp_path_factory.mktemp("base") / "model", KNOWN[:40]))


@pytest.fixture
def assay_file(tmp_path):
    def _write(rows, name="assay.csv", header="smiles,y"):
        path = tmp_path / name
        path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
        return path

    return _write


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    path = folder / "assay.csv"
    path.write_text("smiles,y\n" + "".join(f"{s},{acidic(s)}\n" for s in KNOWN))
    data = read_labelled(path, "smiles", "y", None)
    found = train_own(data, Assay(name="my_target", organism="E. coli"), base, folder / "model", QUICK)
    return found, folder / "model"


def test_model_loads_and_predicts_with_everything_that_shipped_models_have(trained):
    _, folder = trained
    verify(folder)
    model = load_model(folder)
    assert (model.info.tier, model.info.features, model.info.has_boosters) == ("triage", "morgan", True)
    new = ["OC(=O)c1ccc(Br)cc1", "Brc1ccc(I)cc1"]
    predicted = predict(model, features(new), conformal_error=0.2)
    assert predicted.value.shape == (2, 1)
    assert predicted.value[0, 0] > predicted.value[1, 0]
    assert all(code in range(len(SETS)) for code in predicted.sets[:, 0])
    assert model.record.molecules == 130
    assert model.trust.fitted["my_target"].n_positive == model.info.endpoints[0].n_positive
    card = (folder / "MODEL_CARD.md").read_text()
    assert "my_target" in card
    assert "E. coli" in card
    assert json.loads((folder / "model_card.json").read_text())["endpoints"]["my_target"]


def test_metrics_stand_beside_baselines_in_both_schemes(trained):
    found, _ = trained
    metrics = found.info.metrics["my_target"]
    for scheme in ("scaffold", "random"):
        row = metrics[scheme]
        assert (row["n"], row["repeats"]) == (130, 1)
        for name in ("model", "network", "boosters", "forest", "neighbours", "logp_mw"):
            assert 0 <= row[name]["auroc"]["mean"] <= 1
            assert len(row[name]["auroc"]["folds"]) <= 5
    assert {"calibration", "conformal", "ranking", "by_similarity"} <= metrics.keys()
    assert "AUROC" in found.verdict


def test_what_was_decided_is_kept_and_said(trained):
    found, folder = trained
    kept = json.loads((folder / "model.json").read_text())["curation"]["decisions"]
    codes = [decision["code"] for decision in kept]
    assert codes[0] == "read"
    assert {"folds", "domain_of_base", "known_to_base"} <= set(codes)
    assert found.info.domain.max_unseen_fraction == 0.2


def test_the_same_seed_gives_the_same_model_whatever_the_order_of_the_rows(base, assay_file, tmp_path):
    rows = [(s, acidic(s)) for s in KNOWN[:110]]
    folders = []
    for i, own in enumerate((rows, rows[::-1])):
        data = read_labelled(assay_file(own, f"{i}.csv"), "smiles", "y", None)
        folders.append(tmp_path / str(i))
        train_own(data, Assay(name="my_target"), base, folders[-1], QUICK)
    assert (folders[0] / WEIGHTS).read_bytes() == (folders[1] / WEIGHTS).read_bytes()
    first, second = (load_model(folder).trust for folder in folders)
    assert (first.calibrations, first.conformal) == (second.calibrations, second.conformal)


def test_values_become_a_regression_with_an_interval(base, assay_file, tmp_path):
    data = read_labelled(assay_file([(s, len(s) / 7) for s in KNOWN[:60]]), "smiles", "y", None)
    found = train_own(data, Assay(name="dose", unit="log_um"), base, tmp_path / "model", QUICK)
    model = load_model(tmp_path / "model")
    assert model.endpoints[0].value_column == "dose_log_um"
    assert not model.info.has_boosters
    predicted = predict(model, features(KNOWN[:5]))
    assert (predicted.low < predicted.value).all()
    assert (predicted.value < predicted.high).all()
    assert np.abs(predicted.value[:, 0] - [len(s) / 7 for s in KNOWN[:5]]).max() < 2
    assert "R2" in found.verdict


def test_own_split_is_one_more_scheme(base, assay_file, tmp_path):
    rows = [(s, acidic(s), "test" if i % 4 == 0 else "train") for i, s in enumerate(KNOWN[:60])]
    data = read_labelled(assay_file(rows, header="smiles,y,part"), "smiles", "y", None, split_column="part")
    split = check_split(data)
    found = train_own(data, Assay(name="my_target"), base, tmp_path / "model", QUICK, split=split)
    metrics = found.info.metrics["my_target"]
    assert metrics["split"]["n"] == 15
    assert len(metrics["split"]["model"]["auroc"]["folds"]) == 1
    assert "your split" in found.verdict


def test_labels_that_the_base_has_learned_are_named_and_no_figure_is_praised(assay_file, tmp_path):
    base = load_model(write_base(tmp_path / "base", KNOWN[:80]))
    data = read_labelled(assay_file([(s, acidic(s)) for s in KNOWN[20:100]]), "smiles", "y", None)
    found = train_own(data, Assay(name="my_ames"), base, tmp_path / "model", QUICK)
    said = next(d for d in found.decisions if d.code == "answers_in_base")
    assert said.count == 60
    assert "ames (60 molecules, rank correlation 1.00)" in said.text
    assert "not to be believed" in found.verdict
    assert "**Not independent.**" in (tmp_path / "model" / "MODEL_CARD.md").read_text()

    new = read_labelled(assay_file([(s, acidic(s)) for s in KNOWN[100:]]), "smiles", "y", None)
    chosen = choose(new, load_model(tmp_path / "model"), "my_ames", least=5)
    assert next(d for d in chosen.decisions if d.code == "answers_in_base").text.startswith("CAUTION")
    assert "starts from the model" in model_set(tmp_path / "model").note

    other = [(s, len(s) % 2) for s in KNOWN[:60]]
    data = read_labelled(assay_file(other), "smiles", "y", None)
    found = train_own(data, Assay(name="odd"), base, tmp_path / "odd", QUICK)
    assert all(d.code != "answers_in_base" for d in found.decisions)
    assert "Not independent" not in (tmp_path / "odd" / "MODEL_CARD.md").read_text()


def test_one_series_is_judged_by_random_folds_and_that_is_said(base, assay_file, tmp_path):
    series = [f"c1ccccc1{'C' * n}{end}" for n in range(1, 21) for end in ("O", "N")]
    data = read_labelled(assay_file([(s, int(s.endswith("N"))) for s in series]), "smiles", "y", None)
    found = train_own(data, Assay(name="my_target"), base, tmp_path / "model", QUICK)
    assert "scaffold" not in found.info.metrics["my_target"]
    assert any(d.code == "folds_random" for d in found.decisions)
    assert "random folds" in found.verdict


@pytest.mark.parametrize(
    ("assay", "word"),
    [
        (Assay(name="My Target"), "column names"),
        (Assay(name="ames"), "already"),
        (Assay(name="ours", unit="uM"), "no unit"),
    ],
)
def test_names_and_units_that_cannot_be_used(base, assay_file, tmp_path, assay, word):
    data = read_labelled(assay_file([(s, acidic(s)) for s in KNOWN[:60]]), "smiles", "y", None)
    with pytest.raises(MolsieveError, match=word) as error:
        train_own(data, assay, base, tmp_path / "model", QUICK)
    assert error.value.fix
    assert not (tmp_path / "model").exists()


def test_values_too_large_to_be_kept(base, assay_file, tmp_path):
    data = read_labelled(assay_file([(s, 10.0 ** (i % 9)) for i, s in enumerate(KNOWN[:60])]), "smiles", "y", None)
    with pytest.raises(MolsieveError, match="as large as") as error:
        train_own(data, Assay(name="cfu"), base, tmp_path / "model", QUICK)
    assert "logarithm" in error.value.fix


def test_labels_without_a_pattern_are_not_sold_as_a_model(base, assay_file, tmp_path):
    labels = np.random.default_rng(1).permutation(np.arange(60) % 2)
    data = read_labelled(assay_file(list(zip(KNOWN[:60], labels, strict=True))), "smiles", "y", None)
    found = train_own(data, Assay(name="noise"), base, tmp_path / "model", QUICK)
    assert not found.is_better_than_chance
    assert "not clearly better than chance" in found.verdict


def test_scaffolds_stay_together():
    scaffolds = [f"ring{i % 9}" if i % 3 else "" for i in range(90)]
    labels = (np.arange(90) % 4 == 0).astype(float)
    assert has_scaffold_folds(scaffolds)
    for regression in (False, True):
        folds = scaffold_split(scaffolds, labels, regression=regression, seed=1).folds
        assert set(folds) == set(range(5))
        for ring in {s for s in scaffolds if s}:
            assert len({f for f, s in zip(folds, scaffolds, strict=True) if s == ring}) == 1
    assert not has_scaffold_folds(["ring"] * 60 + ["other"] * 30)


def test_random_folds_share_out_the_actives():
    labels = (np.arange(50) % 10 == 0).astype(float)
    folds = random_split(labels, regression=False, seed=0).folds
    assert [labels[folds == f].sum() for f in range(5)] == [1] * 5
    assert set(random_split((np.arange(50) == 3).astype(float), regression=False, seed=0).folds) == set(range(5))


def test_a_split_of_too_many_parts(assay_file):
    rows = [(s, acidic(s), i) for i, s in enumerate(KNOWN[:60])]
    data = read_labelled(assay_file(rows, header="smiles,y,part"), "smiles", "y", None, split_column="part")
    with pytest.raises(MolsieveError, match="60 parts"):
        user_split(data, check_split(data))


def test_a_split_with_nothing_to_hold_out(assay_file):
    rows = [(s, acidic(s), ("train", "tr")[i % 2]) for i, s in enumerate(KNOWN[:60])]
    data = read_labelled(assay_file(rows, header="smiles,y,part"), "smiles", "y", None, split_column="part")
    with pytest.raises(MolsieveError, match="no part to hold out: tr, train") as error:
        user_split(data, check_split(data))
    assert "test" in error.value.fix


def metrics(model, forest):
    def row(values):
        return {"auroc": {"mean": float(np.mean(values)), "sd": float(np.std(values)), "folds": values}}

    return {"model": row(model), "forest": row(forest)}


def test_a_difference_within_the_noise_is_none():
    close = compare(metrics([0.8, 0.7, 0.9], [0.75, 0.75, 0.85]), 0.25, regression=False)
    assert isinstance(close, Comparison)
    assert close.verdict == "no different"
    assert compare(metrics([0.9, 0.91, 0.9], [0.7, 0.71, 0.7]), 0.25, regression=False).verdict == "better"
    assert compare(metrics([0.7, 0.71, 0.7], [0.9, 0.91, 0.9]), 0.25, regression=False).verdict == "worse"
    # A mean difference of 2.5 standard errors, which five folds (t = 2.78) do not tell from none.
    five = metrics([0.8 + d for d in (0.00, 0.02, 0.04, 0.06, 0.077)], [0.8 - 0.0125] * 5)
    assert compare(five, 0.25, regression=False).verdict == "no different"
    assert compare(five, 0.05, regression=False).verdict == "better"
    assert compare(metrics([0.9], [0.6]), 0.25, regression=False).verdict == "no different"


def test_sizes_of_parts_give_the_ratio_of_test_to_training():
    folds = np.repeat([0, 1, 2], [80, 10, 10])
    assert HeldOut(folds, (1, 2)).test_to_train == pytest.approx(1 / 9)
    assert HeldOut(folds, (0,)).test_to_train == pytest.approx(4.0)


def test_a_single_test_set_without_a_pattern_does_not_beat_chance(base, assay_file, tmp_path):
    labels = np.random.default_rng(7).permutation(np.arange(100) % 2)
    rows = [(s, y, "test" if i % 3 == 0 else "train") for i, (s, y) in enumerate(zip(KNOWN[:100], labels, strict=True))]
    data = read_labelled(assay_file(rows, header="smiles,y,part"), "smiles", "y", None, split_column="part")
    found = train_own(data, Assay(name="noise"), base, tmp_path / "model", QUICK, split=check_split(data))
    assert found.info.metrics["noise"]["split"]["model"]["auroc"]["mean"] > 0.5
    assert not found.is_better_than_chance
