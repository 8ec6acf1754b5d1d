import importlib.util
import json
import os
import pickle
import sys
from itertools import accumulate
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from molsieve.errors import MolsieveError
from molsieve.models.chemprop_checkpoint import read_checkpoint
from molsieve.models.chemprop_graph import SCHEMES, scheme_of
from molsieve.models.chemprop_model import (
    ChempropModel,
    Parents,
    is_chemprop_model,
    load_chemprop_model,
    raw_outputs,
)
from molsieve.models.chemprop_network import GraphNetwork
from molsieve.models.conformal import SETS
from molsieve.models.predict import predict
from molsieve.models.store import WEIGHTS
from molsieve.training.labelled import read_labelled
from molsieve.training.own_assay import Assay
from molsieve.training.own_chemprop import add_chemprop

# Trained by chemprop 2.3.1 (make_checkpoints.py beside them), with what chemprop itself predicts.
FOLDER = Path(__file__).with_name("chemprop")
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
PARENTS = [s for s in EXPECTED["smiles"] if "." not in s]


@pytest.mark.parametrize(
    ("file", "column", "place"),
    [
        ("classification.pt", None, 0),
        ("attentive.pt", "acid", 0),
        ("attentive.pt", "nitrogen", 1),
        ("regression.ckpt", None, 0),
        ("command_classification.pt", None, 0),
        ("command_regression.pt", None, 0),
    ],
)
def test_predictions_are_chemprops_own(file, column, place):
    found = read_checkpoint(FOLDER / file, column=column)
    outputs = raw_outputs(GraphNetwork(found.facts, found.weights), EXPECTED["smiles"]).numpy()
    if found.task == "classification":
        outputs = 1 / (1 + np.exp(-outputs))
    expected = np.array(EXPECTED[file.partition(".")[0]])[:, place]
    np.testing.assert_allclose(outputs, expected, atol=2e-6 * max(1, np.abs(expected).max()))


def test_which_output_is_meant_must_be_said():
    with pytest.raises(MolsieveError, match="acid, nitrogen") as error:
        read_checkpoint(FOLDER / "attentive.pt")
    assert "--column" in error.value.fix


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


class Sly(Evil):
    def __reduce__(self):
        return eval, (f"open({str(self.path)!r}, 'w')",)


@pytest.fixture
def content(monkeypatch, request):
    """A checkpoint as chemprop's own objects would be, but of empty classes of their names; it can be pickled again."""

    def find(module, name):
        if module in sys.modules and hasattr(sys.modules[module], name):
            return getattr(sys.modules[module], name)
        for parent in accumulate(module.split("."), "{}.{}".format):
            if parent not in sys.modules:
                monkeypatch.setitem(sys.modules, parent, ModuleType(parent))
        base = dict if name == "AttributeDict" else object
        made = type(name, (base,), {"__module__": module})
        monkeypatch.setattr(sys.modules[module], name, made, raising=False)
        return made

    class Unpickler(pickle.Unpickler):
        def find_class(self, module, name):
            is_ours = module.split(".")[0] in {"torch", "collections", "builtins", "__builtin__"}
            return super().find_class(module, name) if is_ours else find(module, name)

    reader = SimpleNamespace(__name__="pickle", Unpickler=Unpickler, load=pickle.load)
    return torch.load(FOLDER / getattr(request, "param", "attentive.pt"), weights_only=False, pickle_module=reader)


@pytest.mark.parametrize("kind", [Evil, Sly])
@pytest.mark.parametrize("trust", [False, True])
def test_a_malicious_pickle_is_never_run(content, tmp_path, kind, trust):
    mark, path = tmp_path / "run", tmp_path / "evil.pt"
    torch.save({"state_dict": content["state_dict"], "hyper_parameters": kind(mark)}, path)
    with pytest.raises(MolsieveError) as error:
        read_checkpoint(path, trust=trust)
    assert error.value.where == str(path)
    if not trust:
        assert "system" in error.value.what or "eval" in error.value.what
        assert "--trust" in error.value.fix
    assert not mark.exists()


def test_trust_leaves_foreign_parts_out_and_still_runs_nothing(content, tmp_path):
    mark, path = tmp_path / "run", tmp_path / "extra.pt"
    torch.save(content | {"extra": Sly(mark)}, path)
    with pytest.raises(MolsieveError, match="eval"):
        read_checkpoint(path, column="acid")
    found = read_checkpoint(path, column="acid", trust=True)
    assert found.ignored == ("builtins.eval",)
    assert not mark.exists()


@pytest.mark.parametrize("written", [b"not a checkpoint", b""])
def test_files_that_are_no_checkpoints(tmp_path, written):
    path = tmp_path / "best.pt"
    path.write_bytes(written)
    with pytest.raises(MolsieveError, match="no checkpoint"):
        read_checkpoint(path)
    with pytest.raises(MolsieveError, match="no such file"):
        read_checkpoint(tmp_path / "none.pt")


def test_checkpoint_of_something_else(tmp_path):
    torch.save({"weights": torch.ones(3)}, tmp_path / "other.pt")
    with pytest.raises(MolsieveError, match="hyper_parameters"):
        read_checkpoint(tmp_path / "other.pt")


@pytest.mark.parametrize("content", ["command_classification.pt"], indirect=True)
def test_scaled_features_are_refused(content, tmp_path):
    torch.save(content, tmp_path / "plain.pt")
    assert read_checkpoint(tmp_path / "plain.pt").outputs == ("y",)
    content["hyper_parameters"]["message_passing"]["graph_transform"]._modules["E_transform"] = torch.nn.ReLU()
    torch.save(content, tmp_path / "scaled.pt")
    with pytest.raises(MolsieveError, match="further features of atoms or bonds"):
        read_checkpoint(tmp_path / "scaled.pt")


def test_features_of_ones_own_are_refused():
    assert scheme_of(72, 14) is SCHEMES["V2"]
    assert scheme_of(133, 14) is SCHEMES["V1"]
    assert scheme_of(44, 14) is SCHEMES["ORGANIC"]
    with pytest.raises(MolsieveError, match="75 features"):
        scheme_of(75, 14)


@pytest.fixture
def measured(tmp_path):
    def _write(value):
        path = tmp_path / "held_out.csv"
        path.write_text("smiles,y\n" + "".join(f"{s},{value(s)}\n" for s in PARENTS if len(s) > 6))
        return path

    return _write


def test_calibrated_model_predicts_as_the_others_do(tmp_path, measured):
    data = read_labelled(measured(lambda s: int("C(=O)O" in s or "S(" in s)), "smiles", "y", "classification")
    found = read_checkpoint(FOLDER / "classification.pt")
    add_chemprop(found, Assay(name="our_gnn"), tmp_path / "model", calibration=data)
    assert is_chemprop_model(tmp_path / "model")
    model = load_chemprop_model(tmp_path / "model")
    assert isinstance(model, ChempropModel)
    assert (model.info.tier, model.info.features) == ("refine", "graph")
    predicted = predict(model, Parents(PARENTS), conformal_error=0.2)
    assert predicted.value.shape == (len(PARENTS), 1)
    assert ((predicted.value > 0) & (predicted.value < 1)).all()
    assert (predicted.sd == 0).all()
    assert all(code in range(len(SETS)) for code in predicted.sets[:, 0])
    assert model.outputs(Parents(PARENTS)).shape == (len(PARENTS), 1, 1)
    assert model.trust.fitted["our_gnn"].n == data.molecules
    assert not any(path.suffix in {".pt", ".ckpt", ".pkl"} for path in (tmp_path / "model").iterdir())


def test_without_measured_molecules_nothing_is_ruled_out(tmp_path):
    found = read_checkpoint(FOLDER / "classification.pt")
    add_chemprop(found, Assay(name="our_gnn"), tmp_path / "model")
    predicted = predict(load_chemprop_model(tmp_path / "model"), Parents(PARENTS), conformal_error=0.2)
    assert set(np.array(SETS)[predicted.sets[:, 0]]) == {"both"}
    place = [EXPECTED["smiles"].index(s) for s in PARENTS]
    np.testing.assert_allclose(predicted.value[:, 0], np.array(EXPECTED["classification"])[place, 0], atol=1e-4)


def test_values_need_measured_ones_for_their_interval(tmp_path, measured):
    found = read_checkpoint(FOLDER / "regression.ckpt")
    with pytest.raises(MolsieveError, match="interval"):
        add_chemprop(found, Assay(name="size"), tmp_path / "model")
    data = read_labelled(measured(len), "smiles", "y", "regression")
    add_chemprop(found, Assay(name="size", unit="characters"), tmp_path / "model", calibration=data)
    predicted = predict(load_chemprop_model(tmp_path / "model"), Parents(PARENTS))
    place = [EXPECTED["smiles"].index(s) for s in PARENTS]
    np.testing.assert_allclose(predicted.value[:, 0], np.array(EXPECTED["regression"])[place, 0], rtol=1e-4)
    assert (predicted.low < predicted.high).all()


def test_a_changed_byte_is_refused(tmp_path):
    found = read_checkpoint(FOLDER / "classification.pt")
    add_chemprop(found, Assay(name="our_gnn"), tmp_path / "model")
    content = bytearray((tmp_path / "model" / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (tmp_path / "model" / WEIGHTS).write_bytes(content)
    with pytest.raises(MolsieveError, match="changed or damaged"):
        load_chemprop_model(tmp_path / "model")


def test_no_molecules_at_all():
    found = read_checkpoint(FOLDER / "classification.pt")
    assert raw_outputs(GraphNetwork(found.facts, found.weights), []).shape == (0,)


@pytest.mark.slow
def test_networks_that_chemprop_trains_now(tmp_path):
    pytest.importorskip("chemprop")
    spec = importlib.util.spec_from_file_location("make_checkpoints", FOLDER / "make_checkpoints.py")
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    maker.main(tmp_path)
    expected = json.loads((tmp_path / "expected.json").read_text())
    columns = {"classification.pt": None, "attentive.pt": "acid", "regression.ckpt": None}
    commands = dict.fromkeys(["command_classification.pt", "command_regression.pt"])
    for file, column in (columns | commands).items():
        found = read_checkpoint(tmp_path / file, column=column)
        outputs = raw_outputs(GraphNetwork(found.facts, found.weights), expected["smiles"]).numpy()
        if found.task == "classification":
            outputs = 1 / (1 + np.exp(-outputs))
        own = np.array(expected[file.partition(".")[0]])[:, 0]
        np.testing.assert_allclose(outputs, own, atol=2e-6 * max(1, np.abs(own).max()))
