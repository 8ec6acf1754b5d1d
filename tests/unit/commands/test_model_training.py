import json
from pathlib import Path

import numpy as np
import pytest
import typer
from tests.unit.training.base_model import acidic, molecules, write_base
from typer.testing import CliRunner

from molsieve.commands.chemprop import add_chemprop_command
from molsieve.commands.model_training import train_command
from molsieve.errors import MolsieveError
from molsieve.models.chemprop_checkpoint import read_checkpoint
from molsieve.models.chemprop_model import raw_outputs
from molsieve.models.chemprop_network import GraphNetwork

CHECKPOINT = Path(__file__).parents[1] / "models" / "chemprop" / "classification.pt"
KNOWN = molecules(60)


def run(command, *arguments):
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def files(tmp_path):
    path = tmp_path / "assay.csv"
    path.write_text("smiles,y,part\n" + "".join(f"{s},{acidic(s)},{'ab'[i % 2]}\n" for i, s in enumerate(KNOWN)))
    return path, write_base(tmp_path / "base", KNOWN[:30]), tmp_path / "model"


def options(files):
    data, base, out = files
    return "--data", data, "--smiles", "smiles", "--label", "y", "--name", "my_target", "--base", base, "--out", out


def test_own_measurements_become_a_model(files):
    out = files[2]
    rows = out.with_name("rows.parquet")
    result = run(train_command, *options(files), "--split-column", "part", "--rows", rows, "--threads", 1)
    assert result.exit_code == 0, result.exception
    said = result.output
    assert "60 molecules with a label" in said
    assert "Your split: a, b held out in turn" in said
    for words in (
        "New scaffolds",
        "untuned forest",
        "logP and weight only",
        f"models: [{out}]",
        "endpoints: [my_target]",
    ):
        assert words in said
    assert rows.is_file()
    assert json.loads((out / "model.json").read_text())["endpoints"][0]["n"] == 60


def refused(command, *arguments):
    result = run(command, *arguments)
    assert isinstance(result.exception, MolsieveError), result.output
    assert result.exception.fix or result.exception.where
    return str(result.exception)


def test_refusals(files, tmp_path):
    data, _, out = files
    small = tmp_path / "small.csv"
    small.write_text("smiles,y\n" + "".join(f"{s},{acidic(s)}\n" for s in KNOWN[:10]))
    arguments = [small if a == data else a for a in options(files)]
    assert "10 molecules" in refused(train_command, *arguments)
    one = tmp_path / "one.csv"
    one.write_text("smiles,y\n" + "".join(f"{s},1\n" for s in KNOWN))
    assert "same label" in refused(train_command, *[one if a == data else a for a in options(files)])
    assert "no task" in refused(train_command, *options(files), "--task", "ranking")
    out.mkdir()
    (out / "file").touch()
    assert "something already" in refused(train_command, *options(files))


@pytest.mark.parametrize(
    ("name", "words"),
    [("My Target", "column names"), ("herg", "already"), ("kills", "already"), ("profile", "column profile_prob")],
)
def test_the_name_is_checked_before_anything_is_read(small_model, tmp_path, name, words):
    absent = tmp_path / "absent.csv"
    arguments = "--data", absent, "--label", "y", "--base", small_model, "--out", tmp_path / "model"
    assert words in refused(train_command, *arguments, "--name", name)
    if name != "kills":
        assert words in refused(add_chemprop_command, absent, "--name", name)


def test_the_folder_is_checked_before_anything_is_read(tmp_path):
    file = tmp_path / "file"
    file.touch()
    for command, data in (
        (train_command, ("--data", tmp_path / "absent.csv", "--label", "y")),
        (add_chemprop_command, (tmp_path / "absent.pt",)),
    ):
        assert "it is a file" in refused(command, *data, "--name", "my_target", "--out", file / "models" / "mine")
        assert "something already" in refused(command, *data, "--name", "my_target", "--out", tmp_path)


def test_columns_named_for_each_other(files, tmp_path):
    data, base, out = files
    swapped = "--smiles", "y", "--label", "smiles"
    said = refused(train_command, "--data", data, *swapped, "--name", "my_target", "--base", base, "--out", out)
    assert "--smiles smiles --label y" in said
    said = refused(
        add_chemprop_command, CHECKPOINT, "--name", "our_gnn", "--out", out, "--calibration-data", data, *swapped
    )
    assert "--smiles smiles --label y" in said
    assert not out.exists()


def test_leaking_split_is_refused_or_repaired(files):
    data, _, _ = files
    data.write_text(data.read_text() + f"{KNOWN[0]},{acidic(KNOWN[0])},b\n")
    assert "leaks" in refused(train_command, *options(files), "--split-column", "part")
    result = run(train_command, *options(files), "--split-column", "part", "--repair-split", "--threads", 1)
    assert result.exit_code == 0, result.exception


def test_chemprop_network_becomes_a_model(tmp_path):
    data = tmp_path / "held_out.csv"
    data.write_text("smiles,y\n" + "".join(f"{s},{acidic(s)}\n" for s in KNOWN))
    out = tmp_path / "model"
    common = (CHECKPOINT, "--name", "our_gnn", "--out", out)
    result = run(add_chemprop_command, *common, "--calibration-data", data, "--label", "y")
    assert result.exit_code == 0, result.exception
    assert "AUROC".casefold() in result.output
    assert (out / "model.safetensors").is_file()
    assert "something already" in refused(add_chemprop_command, *common)


@pytest.mark.parametrize(
    ("file", "label", "caution"),
    [
        ("classification.pt", lambda own: own > np.median(own), None),
        ("classification.pt", lambda own: own < np.median(own), "not clearly better than chance"),
        ("regression.ckpt", lambda own: own, None),
        ("regression.ckpt", lambda own: 1000 * own, "the mean of these labels. Are they in the unit"),
    ],
)
def test_chemprop_network_that_knows_nothing_of_the_labels_is_named(tmp_path, file, label, caution):
    found = read_checkpoint(CHECKPOINT.with_name(file))
    own = raw_outputs(GraphNetwork(found.facts, found.weights), KNOWN).double().numpy()
    data = tmp_path / "held_out.csv"
    rows = zip(KNOWN, label(own).astype(float), strict=True)
    data.write_text("smiles,y\n" + "".join(f"{s},{y:g}\n" for s, y in rows))
    result = run(
        add_chemprop_command, CHECKPOINT.with_name(file), "--name", "gnn", "--out", tmp_path / "m",
        "--calibration-data", data, "--label", "y", *(["--unit", "characters"] if found.task == "regression" else []),
    )  # fmt: skip
    assert result.exit_code == 0, result.exception
    assert ("CAUTION: that is" in result.output) == (caution is not None)
    assert caution is None or caution in result.output


def test_chemprop_refusals(tmp_path):
    out = tmp_path / "model"
    common = (CHECKPOINT, "--name", "our_gnn", "--out", out)
    assert "classification" in refused(add_chemprop_command, *common, "--task", "regression")
    assert "not named" in refused(add_chemprop_command, *common, "--calibration-data", CHECKPOINT)
    assert not out.exists()
