"""Compute control_shapes.csv again: the globularity of every shipped control, as the stage `inspect` would.

    python resources/amr/control_shapes.py

Minutes on one core. Needed when the controls, the standardisation or RDKit change; a test compares a sample.
"""

import csv
from pathlib import Path

from molsieve.chemistry.globularity import globularities
from molsieve.chemistry.standardise import parse, standardise

HERE = Path(__file__).parent
SIGNIFICANT = 9


def main() -> None:
    """Read controls.csv, write control_shapes.csv in its order."""
    with (HERE / "controls.csv").open(encoding="utf-8", newline="") as lines:
        controls = [row["smiles"] for row in csv.DictReader(lines)]
    parents = [standardise(parse(smiles, "smiles")).parent_smiles for smiles in controls]
    found = globularities(parents, timeout_s=30.0)
    with (HERE / "control_shapes.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["parent_smiles", "globularity"])
        for parent, value in zip(parents, found, strict=True):
            writer.writerow([parent, "" if value is None else f"{value:.{SIGNIFICANT}g}"])


if __name__ == "__main__":
    main()
