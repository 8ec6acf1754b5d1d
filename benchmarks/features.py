"""Which features earn their time: boosters on several sets of features, two scaffold folds, and the time of each set.

    python benchmarks/features.py --table training/curated.parquet --splits training/splits.parquet

Trees are used because they take any features and need no tuning; what did nothing for them did nothing for the networks
either. Half an hour on one core.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
import pyarrow.parquet as pq
from rdkit import Chem
from rdkit.Avalon import pyAvalonTools
from rdkit.Chem import Descriptors, rdReducedGraphs
from rdkit.Chem.rdFingerprintGenerator import GetAtomPairGenerator, GetTopologicalTorsionGenerator
from scipy import sparse

from molsieve.chemistry.descriptors import describe
from molsieve.chemistry.fingerprints import morgan_counts
from molsieve.models import rich_features
from molsieve.training.boosting import PARAMETERS, TREES
from molsieve.training.evaluation import scores

ENDPOINTS = ("saureus_growth_inhibition", "ecoli_growth_inhibition", "ames", "herg", "dili")
COLUMNS = 4096
_PAIRS, _TORSIONS = GetAtomPairGenerator(), GetTopologicalTorsionGenerator()


def nonzero(fingerprint: object) -> dict[int, int]:
    return fingerprint.GetNonzeroElements()


# Counts by id, or a list of numbers, of a molecule.
BLOCKS: dict[str, Callable[[Chem.Mol], dict[int, int] | list[float]]] = {
    "morgan": morgan_counts,
    "properties": lambda mol: list(describe(mol)),
    "feature_morgan": lambda mol: dict(zip(*(a.tolist() for a in rich_features.feature_ids(mol)), strict=True)),
    "atom_pairs": lambda mol: nonzero(_PAIRS.GetSparseCountFingerprint(mol)),
    "torsions": lambda mol: nonzero(_TORSIONS.GetSparseCountFingerprint(mol)),
    "avalon": lambda mol: nonzero(pyAvalonTools.GetAvalonCountFP(mol, 1024)),
    "erg": lambda mol: rdReducedGraphs.GetErGFingerprint(mol).tolist(),
    "descriptors": lambda mol: [function(mol) for _, function in rich_features._RDKIT],  # noqa: SLF001
    "costly_descriptors": lambda mol: [
        function(mol)
        for name, function in Descriptors._descList  # noqa: SLF001
        if name.startswith(rich_features._LEFT_OUT)  # noqa: SLF001
    ],
}
SETS = {
    "triage": ("morgan", "properties"),
    "+ feature-class Morgan": ("morgan", "properties", "feature_morgan"),
    "refine": ("morgan", "properties", "feature_morgan", "descriptors"),
    "refine + costly descriptors": ("morgan", "properties", "feature_morgan", "descriptors", "costly_descriptors"),
    "refine + Avalon, ErG": ("morgan", "properties", "feature_morgan", "descriptors", "avalon", "erg"),
    "refine + atom pairs, torsions": (
        "morgan",
        "properties",
        "feature_morgan",
        "descriptors",
        "atom_pairs",
        "torsions",
    ),
}


def block(name: str, mols: list[Chem.Mol]) -> tuple[sparse.csr_matrix, float]:
    """Columns of one block, and the milliseconds a molecule took."""
    started = time.perf_counter()
    found = [BLOCKS[name](mol) for mol in mols]
    milliseconds = (time.perf_counter() - started) / len(mols) * 1e3
    if isinstance(found[0], list):
        values = np.nan_to_num(np.array(found, dtype=np.float64), posinf=0.0, neginf=0.0)
        return sparse.csr_matrix((np.sign(values) * np.log1p(np.abs(values))).astype(np.float32)), milliseconds
    rows = np.repeat(np.arange(len(mols)), [len(counts) for counts in found])
    salt = sum(name.encode())
    places = np.array([(key * 2654435761 + salt) % COLUMNS for counts in found for key in counts])
    values = np.log2(1.0 + np.array([count for counts in found for count in counts.values()], dtype=np.float32))
    return sparse.coo_matrix((values, (rows, places)), shape=(len(mols), COLUMNS)).tocsr(), milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--splits", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    table = pq.read_table(options.table, columns=["parent_smiles", *ENDPOINTS])
    labels = np.stack([table[name].to_numpy() for name in ENDPOINTS], axis=1)
    wanted = np.flatnonzero(~np.isnan(labels).all(axis=1))
    labels = labels[wanted]
    folds = pq.read_table(options.splits, columns=["scaffold"])["scaffold"].to_numpy()[wanted]
    mols = [Chem.MolFromSmiles(s) for s in table["parent_smiles"].take(wanted).to_pylist()]
    blocks = {name: block(name, mols) for name in BLOCKS}
    result = {}
    for name, parts in SETS.items():
        columns = sparse.hstack([blocks[part][0] for part in parts], format="csr")
        row: dict[str, float] = {"milliseconds": round(sum(blocks[part][1] for part in parts), 2)}
        for i, endpoint in enumerate(ENDPOINTS):
            found = []
            for fold in (0, 1):
                known = ~np.isnan(labels[:, i])
                train, test = np.flatnonzero(known & (folds != fold)), np.flatnonzero(known & (folds == fold))
                parameters = PARAMETERS | {"objective": "binary", "seed": 1, "num_threads": 1}
                trees = lightgbm.train(parameters, lightgbm.Dataset(columns[train], labels[train, i]), TREES)
                predicted = trees.predict(columns[test], raw_score=True)
                found.append(scores(labels[test, i].astype(float), predicted, regression=False)["auprc"])
            row[endpoint] = round(float(np.mean(found)), 4)
        result[name] = row
        print(f"{name:32}", row, flush=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
