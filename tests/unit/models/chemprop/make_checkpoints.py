"""Train the tiny chemprop networks of this folder and write what chemprop itself predicts with them.

Three are put together from chemprop's parts, two are what its command makes.

Run where chemprop 2.3.1 is installed (its package cuik_molmaker_pin asks for another RDKit release than molsieve):

    python tests/unit/models/chemprop/make_checkpoints.py tests/unit/models/chemprop
"""

import csv
import json
import sys
import tempfile
from pathlib import Path
from unittest import mock

import torch
from chemprop import data, featurizers, models, nn
from chemprop.cli.main import main as chemprop
from chemprop.models.utils import load_model, save_model
from lightning import pytorch as pl

RINGS = ["c1ccccc1", "c1ccncc1", "C1CCCCC1", "c1ccsc1", "C1CCNCC1", "c1ccc2ccccc2c1"]
TAILS = [
    "O",
    "N",
    "C(=O)O",
    "CC",
    "Cl",
    "OC",
    "C(=O)N",
    "S(=O)(=O)N",
    "C#N",
    "F",
    "CCCO",
    "C(C)C",
    "NC(C)=O",
    "I",
    "Br",
]
ODD = ["C", "[Na+].CC(=O)[O-]", "C[C@H](N)C(=O)O", "C/C=C/Br", "C[N+](C)(C)C", "OB(O)c1ccccc1", "C[Se]C", "[He]"]
SMILES = [ring + tail for ring in RINGS for tail in TAILS] + ODD

NETWORKS = {
    "classification": lambda: (
        nn.BondMessagePassing(d_h=8),
        nn.MeanAggregation(),
        nn.BinaryClassificationFFN(input_dim=8, hidden_dim=6),
        {"batch_norm": True, "metrics": [nn.metrics.BinaryAUROC()]},
    ),
    "attentive": lambda: (
        nn.BondMessagePassing(d_h=8, bias=True, activation=torch.nn.ReLU()),
        nn.AttentiveAggregation(output_size=8),
        nn.BinaryClassificationFFN(n_tasks=2, input_dim=8, hidden_dim=6, n_layers=2),
        {},
    ),
    "regression": lambda: (
        nn.AtomMessagePassing(d_h=8, depth=4, undirected=True, activation="tanh"),
        nn.NormAggregation(),
        None,
        {},
    ),
}


def labels(kind: str, smiles: str) -> list[float]:
    acidic = float("C(=O)O" in smiles or "S(" in smiles)
    return {"classification": [acidic], "attentive": [acidic, float("N" in smiles)]}.get(kind, [float(len(smiles))])


def predictions(model: models.MPNN) -> list[list[float]]:
    """What chemprop itself predicts for the molecules."""
    points = [data.MoleculeDatapoint.from_smi(s) for s in SMILES]
    molecules = data.MoleculeDataset(points, featurizers.SimpleMoleculeMolGraphFeaturizer())
    trainer = pl.Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    model.eval()
    predicted = trainer.predict(model, data.build_dataloader(molecules, shuffle=False, num_workers=0))
    return [[round(v, 6) for v in row] for row in torch.cat(predicted).tolist()]


def trained_by_command(out: Path, kind: str) -> models.MPNN:
    """Run ``chemprop train`` and keep the checkpoint that it calls best."""
    with tempfile.TemporaryDirectory() as made:
        table = Path(made) / "train.csv"
        with table.open("w", newline="") as file:
            csv.writer(file).writerows([("smiles", "y"), *((s, *labels(kind, s)) for s in SMILES)])
        line = ["train", "-i", str(table), "-o", made, "-t", kind, "--epochs", "4", "-n", "0", "--pytorch-seed", "1"]
        line += ["--message-hidden-dim", "8", "--ffn-hidden-dim", "6", "--accelerator", "cpu"]
        with mock.patch.object(sys, "argv", ["chemprop", *line]):
            chemprop()
        out.write_bytes((Path(made) / "model_0" / "best.pt").read_bytes())
    return load_model(out)


def main(folder: Path) -> None:
    expected: dict[str, object] = {"smiles": SMILES}
    for kind, parts in NETWORKS.items():
        torch.manual_seed(1)
        message_passing, aggregation, predictor, others = parts()
        points = [data.MoleculeDatapoint.from_smi(s, labels(kind, s)) for s in SMILES]
        molecules = data.MoleculeDataset(points, featurizers.SimpleMoleculeMolGraphFeaturizer())
        if predictor is None:
            scaler = molecules.normalize_targets()
            unscale = nn.UnscaleTransform.from_standard_scaler(scaler)
            predictor = nn.RegressionFFN(input_dim=8, hidden_dim=6, output_transform=unscale, activation="leakyrelu")
        model = models.MPNN(message_passing, aggregation, predictor, **others)
        trainer = pl.Trainer(max_epochs=2, logger=False, enable_checkpointing=False, accelerator="cpu")
        trainer.fit(model, data.build_dataloader(molecules, batch_size=32, num_workers=0))
        expected[kind] = predictions(model)
        if kind == "regression":
            trainer.save_checkpoint(folder / "regression.ckpt")
        else:
            names = ["active"] if kind == "classification" else ["acid", "nitrogen"]
            save_model(folder / f"{kind}.pt", model, names)
    for kind in ("classification", "regression"):
        model = trained_by_command(folder / f"command_{kind}.pt", kind)
        expected[f"command_{kind}"] = predictions(model)
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
