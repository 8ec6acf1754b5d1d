"""What each structure check of the stage ``inspect`` costs, and how often it fires.

Milliseconds of one core a molecule, and the share of molecules with a finding, on a sample of a library. Beside them
the share of the inactive controls (approved drugs that are no antibacterials) that each threshold of novelty would call
known: what a threshold costs on compounds that are not.

    python benchmarks/structure.py LIBRARY.smi [--molecules 1000] [--conformers 100] [--json OUT]
"""

import argparse
import csv
import json
import random
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rdkit import Chem, RDLogger

from molsieve import project_root
from molsieve.chemistry.alerts import CATALOGUES, catalogue
from molsieve.chemistry.fingerprints import morgan_bits
from molsieve.chemistry.globularity import globularity
from molsieve.chemistry.standardise import RejectedStructure, standardise_smiles
from molsieve.scoring.classes import known_class
from molsieve.scoring.entry import amine
from molsieve.scoring.novelty import Reference
from molsieve.scoring.training_actives import training_actives

AMR = project_root() / "resources" / "amr"
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


def parents(structures: Iterable[str], wanted: int) -> list[Chem.Mol]:
    """The first so many structures that can be standardised."""
    found: list[Chem.Mol] = []
    for text in structures:
        try:
            found.append(standardise_smiles(text).parent)
        except RejectedStructure:
            continue
        if len(found) == wanted:
            break
    return found


def timed(check: Callable[[Any], Any], molecules: list[Any]) -> tuple[float, list[Any]]:
    """Milliseconds of processor time a molecule, and what the check found."""
    check(molecules[0])
    started = time.process_time()
    found = [check(molecule) for molecule in molecules]
    return round(1000 * (time.process_time() - started) / len(molecules), 3), found


def measure(molecules: list[Chem.Mol], with_conformers: int, known: Reference, actives: Reference) -> dict[str, Any]:
    """Cost and findings of every check."""
    costs: dict[str, Any] = {}
    for name in CATALOGUES:
        milliseconds, found = timed(catalogue(name).HasMatch, molecules)
        costs[name] = {"ms_to_say_whether": milliseconds, "share": round(sum(found) / len(found), 4)}
        costs[name]["ms"] = timed(catalogue(name).GetMatches, molecules)[0]
    milliseconds, found = timed(known_class, molecules)
    costs["known class"] = {"ms": milliseconds, "share": round(sum(f is not None for f in found) / len(found), 4)}
    costs["amine"] = {"ms": timed(amine, molecules)[0]}
    milliseconds, bits = timed(morgan_bits, molecules)
    costs["fingerprint"] = {"ms": milliseconds}
    for name, check in (("tanimoto", known.nearest), ("tversky", known.most_contained), ("actives", actives.nearest)):
        costs[name] = {"ms": timed(check, bits)[0]}
    costs["conformers"] = {"ms": timed(globularity, molecules[:with_conformers])[0]}
    return costs


def known_shares(molecules: list[Chem.Mol], known: Reference) -> dict[str, dict[str, float]]:
    """Share of molecules that each threshold of similarity calls known."""
    bits = [morgan_bits(mol) for mol in molecules]
    values = {
        "tanimoto": [known.nearest(fingerprint)[0] for fingerprint in bits],
        "tversky": [(known.most_contained(fingerprint) or (0.0, ""))[0] for fingerprint in bits],
    }
    return {
        name: {str(limit): round(sum(v >= limit for v in found) / len(found), 4) for limit in THRESHOLDS}
        for name, found in values.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path, help="file of SMILES, one a line")
    parser.add_argument("--molecules", type=int, default=1000)
    parser.add_argument("--conformers", type=int, default=100)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    lines = given.library.read_text(encoding="utf-8").splitlines()
    random.Random(0).shuffle(lines)  # noqa: S311 - a sample
    molecules = parents((line.split()[0] for line in lines if line.strip()), given.molecules)
    known = Reference.load(AMR / "antibacterials.csv")
    actives = training_actives(project_root() / "resources" / "models" / "refine", known)
    with (AMR / "controls.csv").open(encoding="utf-8", newline="") as controls:
        inactive = [row["smiles"] for row in csv.DictReader(controls) if row["kind"] == "inactive"]
    result = {
        "library": given.library.name,
        "molecules": len(molecules),
        "mean_heavy_atoms": round(sum(mol.GetNumHeavyAtoms() for mol in molecules) / len(molecules), 1),
        "checks": measure(molecules, given.conformers, known, actives),
        "called_known": {
            "library": known_shares(molecules, known),
            "inactive controls": known_shares(parents(inactive, len(inactive)), known),
        },
    }
    text = json.dumps(result, indent=1)
    print(text)
    if given.json:
        given.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
