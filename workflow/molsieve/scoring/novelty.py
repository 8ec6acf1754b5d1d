"""Similarity to known antibacterials: a hit that resembles one is no discovery."""

import csv
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rdkit import Chem, DataStructs

from molsieve.chemistry.fingerprints import morgan_bits
from molsieve.chemistry.standardise import RejectedStructure, parse, standardise
from molsieve.errors import MolsieveError


@dataclass(frozen=True)
class Reference:
    """Known antibacterials with their fingerprints (Morgan radius 2, 2048 bits)."""

    names: tuple[str, ...]
    fingerprints: tuple[DataStructs.ExplicitBitVect, ...]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a CSV with columns ``name`` and ``smiles``; structures are standardised as the library is.

        Raises:
            MolsieveError: The file cannot be read, a column is missing, or a structure does not parse.

        """
        try:
            with path.open(encoding="utf-8", newline="") as lines:
                rows = list(csv.DictReader(lines))
        except OSError as error:
            raise MolsieveError(f"cannot read the reference list: {error.strerror}", where=str(path)) from None
        if not rows or not {"name", "smiles"} <= rows[0].keys():
            raise MolsieveError(
                "a reference list needs the columns name and smiles, and at least one row", where=str(path)
            )
        fingerprints = []
        for number, row in enumerate(rows, start=2):
            try:
                mol = parse(row["smiles"], "smiles")
            except RejectedStructure as rejected:
                raise MolsieveError(
                    f"{row['name']} is not a structure: {rejected.detail}",
                    where=f"{path}, line {number}",
                    fix="Correct or remove that row.",
                ) from None
            # Reference compounds that a library could not hold (thiomersal) are compared as they are.
            with suppress(RejectedStructure):
                mol = standardise(mol).parent
            fingerprints.append(morgan_bits(mol))
        return cls(tuple(row["name"] for row in rows), tuple(fingerprints))

    def nearest(self, mol: Chem.Mol) -> tuple[float, str]:
        """Largest Tanimoto similarity to a reference compound, and that compound's name (the first of equals)."""
        similarities: Sequence[float] = DataStructs.BulkTanimotoSimilarity(morgan_bits(mol), list(self.fingerprints))
        best = max(range(len(similarities)), key=similarities.__getitem__)
        return similarities[best], self.names[best]
