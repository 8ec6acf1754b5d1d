"""Similarity to known antibacterials: a hit that resembles or contains one is no discovery.

Tanimoto asks how alike two molecules are, and misses an antibiotic embedded in a larger molecule; Tversky with weights
0 and 1 asks what share of the antibiotic's features the molecule has, and gives 1 there. References: Tversky,
doi:10.1037/0033-295X.84.4.327; as a novelty filter for antibiotics, Swanson et al., doi:10.1038/s42256-024-00809-7.
"""

import csv
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rdkit import Chem
from rdkit.DataStructs import BulkTanimotoSimilarity, BulkTverskySimilarity, ExplicitBitVect

from molsieve.chemistry.fingerprints import morgan_bits
from molsieve.chemistry.standardise import RejectedStructure, parse, standardise
from molsieve.errors import MolsieveError

# The features of smaller molecules (benzoyl peroxide, isoniazid) are in too many others to say that one holds them.
MIN_FEATURES = 25


@dataclass(frozen=True)
class Reference:
    """Named molecules with their fingerprints (Morgan radius 2, 2048 bits)."""

    names: tuple[str, ...]
    fingerprints: tuple[ExplicitBitVect, ...]
    connectivity: tuple[str, ...] = ()
    """First InChIKey block of each, where the structures are known."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a CSV with columns ``name`` and ``smiles``; structures are standardised as the library is.

        Raises:
            MolsieveError: The file cannot be read, a column is missing, or a structure does not parse.

        """
        fingerprints, connectivity = [], []
        rows = _rows(path)
        for number, row in enumerate(rows, start=2):
            mol = _structure(row, f"{path}, line {number}")
            fingerprints.append(morgan_bits(mol))
            connectivity.append(Chem.MolToInchiKey(mol)[:14])  # type: ignore[no-untyped-call]
        return cls(tuple(row["name"] for row in rows), tuple(fingerprints), tuple(connectivity))

    def nearest(self, bits: ExplicitBitVect) -> tuple[float, str]:
        """Largest Tanimoto similarity to any of the molecules, and the name of that one (the first of equals)."""
        similarities = BulkTanimotoSimilarity(bits, self.fingerprints)
        best = max(range(len(similarities)), key=similarities.__getitem__)
        return similarities[best], self.names[best]

    def most_contained(self, bits: ExplicitBitVect) -> tuple[float, str] | None:
        """Largest share of one of the molecules' features that ``bits`` has, and the name of that one.

        Of equals the one with most features. Molecules with fewer than ``MIN_FEATURES`` features are passed over; None
        where none has more.
        """
        shares = BulkTverskySimilarity(bits, self.fingerprints, 0.0, 1.0)
        sizes = [fingerprint.GetNumOnBits() for fingerprint in self.fingerprints]
        large = [row for row, size in enumerate(sizes) if size >= MIN_FEATURES]
        if not large:
            return None
        best = max(large, key=lambda row: (shares[row], sizes[row]))
        return shares[best], self.names[best]


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise MolsieveError(f"cannot read the reference list: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise MolsieveError("is not a text file", where=str(path), fix="Save the list as CSV in UTF-8.") from None
    if not rows or not {"name", "smiles"} <= rows[0].keys():
        raise MolsieveError("a reference list needs the columns name and smiles, and at least one row", where=str(path))
    return rows


def _structure(row: dict[str, str], where: str) -> Chem.Mol:
    try:
        mol = parse(row["smiles"] or "", "smiles")
    except RejectedStructure as rejected:
        raise MolsieveError(
            f"{row['name']} is not a structure: {rejected.detail or rejected.reason_code}",
            where=where,
            fix="Correct or remove that row.",
        ) from None
    # Reference compounds that a library could not hold (thiomersal) are compared as they are.
    with suppress(RejectedStructure):
        mol = standardise(mol).parent
    return mol
