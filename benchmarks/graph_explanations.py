"""Whether explanations of chemprop networks name the right atoms.

chemprop pins an older RDKit than molsieve's, so it runs in an environment of its own:

    python -m venv x; x/bin/pip install chemprop
    python benchmarks/graph_explanations.py --python x/bin/python --json benchmarks/graph_explanations.json

Two networks (chemprop's defaults) learn endpoints made up from substructures; molecules they have not seen are
explained and graded as those of the other models are (``training/explanation_grades.py``). The way in use is compared
with its two halves: blanking each atom, and putting each alone into a blank graph. Ten minutes on one core.
"""

import argparse
import csv
import json
import os
import subprocess
from pathlib import Path

import torch
from rdkit import Chem
from sklearn.metrics import roc_auc_score

from molsieve.files import write_text
from molsieve.models.attribution import Output
from molsieve.models.chemprop_checkpoint import read_checkpoint
from molsieve.models.chemprop_environments import GraphEnvironments
from molsieve.models.chemprop_graph import graphs_of, scheme_of
from molsieve.models.chemprop_model import raw_outputs
from molsieve.models.chemprop_network import GraphNetwork
from molsieve.training.curation import read_table
from molsieve.training.data import read_rich, training_data
from molsieve.training.datasets import load_registry
from molsieve.training.explanation_benchmark import SEEDS, SyntheticMolecules, synthetic_molecules
from molsieve.training.explanation_grades import SYNTHETIC, Case, grade
from molsieve.training.explanation_methods import METHODS

COMPARED = ("features_both_ways", "leave_atom_out", "put_atom_in")


def train(python: Path, folder: Path, smiles: list[str], drawn: SyntheticMolecules, seed: int, epochs: int) -> Path:
    """Train one network of all patterns, unless it is there; its checkpoint."""
    made = folder / f"seed-{seed}" / "model_0" / "best.pt"
    if made.exists():
        return made
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "train.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["smiles", *names()])
        for row, labels in zip(drawn.rows[~drawn.held_out], drawn.labels[~drawn.held_out], strict=True):
            writer.writerow([smiles[row], *labels.astype(int)])
    command = [python, "-c", "from chemprop.cli.main import main; main()", "train", "-q", "-i", table]
    command += ["-o", made.parents[1], "-s", "smiles", "--target-columns", *names(), "-t", "classification", "-n", "0"]
    command += ["--epochs", epochs, "--pytorch-seed", seed, "--data-seed", seed, "--accelerator", "cpu"]
    command += ["--split-sizes", "0.9", "0.1", "0"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": ""}
    subprocess.run([str(part) for part in command], check=True, env=environment, stdout=subprocess.DEVNULL)
    return made


def names() -> list[str]:
    """Columns of the patterns."""
    return [pattern.name.replace(" ", "_") for pattern in SYNTHETIC]


def read_network(checkpoint: Path, column: str) -> GraphNetwork:
    """One output of a trained network."""
    found = read_checkpoint(checkpoint, column=column)
    return GraphNetwork(found.facts, found.weights)


def output_of(network: GraphNetwork) -> Output:
    """Logits of graphs."""
    return lambda graphs: network.outputs(graphs).double().numpy()


def main() -> None:
    """Train, grade and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, required=True, help="of an environment with chemprop 2")
    parser.add_argument("--training", type=Path, default=Path("training"))
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--json", type=Path, help="file for the grades")
    given = parser.parse_args()
    torch.set_num_threads(1)
    endpoints = load_registry(Path("config/datasets.yaml")).endpoints
    rich = read_rich(given.training / "rich.safetensors")
    data = training_data(read_table(given.training / "curated.parquet", endpoints), endpoints, rich)
    drawn = synthetic_molecules(data)
    work = given.training / "graph_explanations"
    made = [train(given.python, work, data.parent_smiles, drawn, seed, given.epochs) for seed in SEEDS]
    found: dict[str, dict[str, object]] = {}
    asked = drawn.rows[drawn.held_out]
    for place, (pattern, column) in enumerate(zip(SYNTHETIC, names(), strict=True)):
        networks = [read_network(checkpoint, column) for checkpoint in made]
        scheme = scheme_of(networks[0].facts.atom_features, networks[0].facts.bond_features)
        scores = raw_outputs(networks[0], [data.parent_smiles[i] for i in asked]).numpy()
        entry: dict[str, object] = {
            "model_roc_auc": round(float(roc_auc_score(drawn.labels[drawn.held_out, place], scores)), 4)
        }
        cases = []
        for row in drawn.positives(place):
            mol = Chem.MolFromSmiles(data.parent_smiles[row])
            cases.append(Case(mol, GraphEnvironments(graphs_of([data.parent_smiles[row]], scheme)), pattern.atoms(mol)))
        for name in COMPARED:
            entry[name] = grade(cases, output_of(networks[0]), METHODS[name], output_of(networks[1]))
            print(pattern.name, name, entry[name], flush=True)
        found[pattern.name] = entry
    if given.json:
        write_text(given.json, json.dumps({"epochs": given.epochs, "synthetic": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
