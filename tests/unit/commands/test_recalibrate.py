import json

import numpy as np
import pytest
from tests.unit.training.small_model import KNOWN, NEW, active, write_csv
from typer.testing import CliRunner

from molsieve.commands.models import models_app
from molsieve.errors import MolsieveError
from molsieve.models.store import WEIGHTS, load_model, verify

pytest.importorskip("sklearn")


def run(*arguments):
    return CliRunner().invoke(models_app, ["recalibrate", *map(str, arguments)])


def options(assay, out, endpoint="kills"):
    return ["--data", assay, "--smiles", "smiles", "--label", "y", "--endpoint", endpoint, "--out", out]


@pytest.fixture
def assay(tmp_path):
    return write_csv(tmp_path / "assay.csv", [(s, active(s)) for s in NEW])


def test_only_the_trust_of_one_endpoint_changes(small_model, assay, tmp_path):
    out = tmp_path / "ours"
    result = run(small_model, *options(assay, out))
    assert result.exit_code == 0, result.output
    assert "after, 5-fold cross-validated" in result.stdout
    verify(out)
    assert (out / WEIGHTS).read_bytes() == (small_model / WEIGHTS).read_bytes()
    old, new = load_model(small_model), load_model(out)
    unchanged = {name: figures for name, figures in old.info.metrics.items() if name != "kills"}
    assert {name: figures for name, figures in new.info.metrics.items() if name != "kills"} == unchanged
    assert new.info.model_copy(update={"metrics": old.info.metrics}) == old.info
    assert new.trust.calibrations["kills"] != old.trust.calibrations["kills"]
    assert new.trust.calibrations["harms"] == old.trust.calibrations["harms"]
    assert new.trust.fitted["kills"].on.startswith("assay.csv, sha256 ")
    assert new.trust.fitted["kills"].n == 48
    assert json.loads((out / "model_card.json").read_text())


def test_data_may_be_all_files_of_a_pattern(small_model, assay, tmp_path):
    out = tmp_path / "ours"
    result = run(small_model, *options(assay.with_name("ass*.csv"), out))
    assert result.exit_code == 0, result.output
    assert "sha256" not in load_model(out).trust.fitted["kills"].on


def test_card_and_metadata_show_the_new_figures(small_model, assay, tmp_path):
    assert run(small_model, *options(assay, tmp_path / "ours")).exit_code == 0
    old, new = (load_model(folder).info.metrics["kills"] for folder in (small_model, tmp_path / "ours"))
    assert new["scaffold"] == old["scaffold"]
    assert new["calibration"]["ece_cross_fitted"] != old["calibration"]["ece_cross_fitted"]
    assert sum(n for _, _, n in new["calibration"]["reliability"]) == 48
    assert [row["error"] for row in new["conformal"]] == [0.1, 0.2]
    card = (tmp_path / "ours" / "MODEL_CARD.md").read_text()
    assert "kills was recalibrated: its figures in this section are cross-validated on assay.csv, sha256 " in card
    assert f"| kills | platt | {new['calibration']['ece_cross_fitted']:.3f} |" in card


def test_interval(small_model, tmp_path):
    random = np.random.default_rng(0)
    assay = write_csv(tmp_path / "assay.csv", [(s, 2 + random.normal()) for s in NEW])
    result = run(small_model, *options(assay, tmp_path / "ours", "dose"))
    assert "90 % intervals cover" in result.stdout, result.output
    stored = load_model(tmp_path / "ours").info.metrics["dose"]["interval"]
    assert stored["coverage"] == pytest.approx(0.9, abs=0.06)
    assert f"mean width {stored['mean_width']}" in (tmp_path / "ours" / "MODEL_CARD.md").read_text()


def test_training_molecules_are_refused(small_model, tmp_path):
    assay = write_csv(tmp_path / "assay.csv", [(s, active(s)) for s in [*NEW, KNOWN[0]]])
    result = run(small_model, *options(assay, tmp_path / "ours"))
    assert isinstance(result.exception, MolsieveError)
    assert "row 49" in str(result.exception)
    assert not (tmp_path / "ours").exists()
    assert run(small_model, *options(assay, tmp_path / "ours"), "--exclude-training").exit_code == 0


def test_nothing_is_overwritten(small_model, assay, tmp_path):
    out = tmp_path / "ours"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    result = run(small_model, *options(assay, out))
    assert isinstance(result.exception, MolsieveError)
    assert "something already" in str(result.exception)


def test_labels_and_columns_that_do_not_fit(small_model, assay, tmp_path):
    result = run(small_model, *options(assay, tmp_path / "ours", "dose"))
    assert "dose predicts values" in str(result.exception)
    swapped = ["--data", assay, "--smiles", "y", "--label", "smiles", "--endpoint", "kills", "--out", tmp_path / "ours"]
    assert "--smiles smiles --label y" in str(run(small_model, *swapped).exception)
    assert not (tmp_path / "ours").exists()
