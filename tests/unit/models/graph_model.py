"""Models made of chemprop's checkpoints: not calibrated, calibrated, and of a regression."""

from pathlib import Path

from tests.unit.training.base_model import molecules

from molsieve.models.chemprop_checkpoint import read_checkpoint
from molsieve.training.labelled import read_labelled
from molsieve.training.own_assay import Assay
from molsieve.training.own_chemprop import add_chemprop

KINDS = ("uncalibrated", "calibrated", "regression")
MEASURED = molecules(60)


def write_graph_model(folder: Path, kind: str) -> Path:
    """Model of one endpoint, ``gnn``."""
    file = "regression.ckpt" if kind == "regression" else "classification.pt"
    checkpoint = read_checkpoint(Path(__file__).parent / "chemprop" / file)
    data = None
    if kind != "uncalibrated":
        data = read_labelled(write_measured(folder.with_suffix(".csv"), kind), "smiles", "y", checkpoint.task)
    unit = "characters" if kind == "regression" else None
    add_chemprop(checkpoint, Assay(name="gnn", unit=unit), folder, calibration=data)
    return folder


def write_measured(path: Path, kind: str) -> Path:
    """Measured molecules that fit the endpoint."""
    label = len if kind == "regression" else lambda s: int("n" in s.lower())
    path.write_text("smiles,y\n" + "".join(f"{s},{label(s)}\n" for s in MEASURED))
    return path
