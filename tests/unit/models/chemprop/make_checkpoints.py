"""Train the three tiny chemprop networks of this folder and write what chemprop itself predicts with them.

Run where chemprop 2.3.1 is installed (its package cuik_molmaker_pin asks for another RDKit release than molsieve):

    python tests/unit/models/chemprop/make_checkpoints.py tests/unit/models/chemprop
"""

import json
import sys
from pathlib import Path

import torch
from chemprop import data, featurizers, models, nn
from chemprop.models.utils import save_model
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
        model.eval()
        predicted = trainer.predict(model, data.build_dataloader(molecules, shuffle=False, num_workers=0))
        expected[kind] = [[round(v, 6) for v in row] for row in torch.cat(predicted).tolist()]
        if kind == "regression":
            trainer.save_checkpoint(folder / "regression.ckpt")
        else:
            names = ["active"] if kind == "classification" else ["acid", "nitrogen"]
            save_model(folder / f"{kind}.pt", model, names)
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
