"""Compare the parents from the short cut of `standardise` with those from the long way, on whole libraries.

    python benchmarks/prepare_short_cut.py LIBRARY[:COLUMN] ...

Reads SMILES, CSV and TSV files (.gz too). COLUMN is a header name; without it the first known structure column, or the
first column. Prints one line a library and ends with exit code 1 if a single parent, list of changes or reason differs.
`--invariance N` also checks, on every Nth molecule, that a parent is its own parent without changes and that five
shuffled SMILES of the molecule have the same parent.
"""

import argparse
import csv
import gzip
import io
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from rdkit import Chem

from molsieve.chemistry import rdkit_log
from molsieve.chemistry.standardise import (
    RejectedStructure,
    Standardised,
    StandardiseOptions,
    parse,
    standardise,
    standardise_the_long_way,
)

STRUCTURE_COLUMNS = ("smiles", "structure", "drug", "canonical_smiles", "pchem_isomeric_smile", "mol")
OPTIONS = StandardiseOptions()
SHUFFLES = 5


class Outcome(NamedTuple):
    """What the prepared table would hold."""

    parent_smiles: str | None
    changes: tuple[str, ...]
    removed: str | None
    reason: str | None


def outcome(function: Callable[[Chem.Mol, StandardiseOptions], Standardised], mol: Chem.Mol) -> Outcome:
    try:
        result = function(mol, OPTIONS)
    except RejectedStructure as rejected:
        return Outcome(None, (), None, f"{rejected.reason_code}: {rejected.detail}")
    return Outcome(result.parent_smiles, result.changes, result.removed_fragments, None)


def structures(argument: str) -> Iterator[str]:
    """Structures of a file, whatever else it holds."""
    name, _, column = argument.partition(":")
    path = Path(name)
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if kind == ".smi":
        yield from (line.split()[0] for line in content.decode().splitlines() if line.strip())
        return
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter="," if kind == ".csv" else "\t")
    header = next(row for row in rows if (column and column in row) or known(row))  # there may be a title above it
    index = header.index(column or known(header)[0])
    yield from (row[index] for row in rows if len(row) > index)


def known(header: list[str]) -> list[str]:
    return [cell for cell in header if cell.strip().lower() in STRUCTURE_COLUMNS]


def shuffled(mol: Chem.Mol, seed: int) -> Iterator[str]:
    generator = random.Random(seed)  # noqa: S311
    for _ in range(SHUFFLES):
        order = list(range(mol.GetNumAtoms()))
        generator.shuffle(order)
        yield Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False)


class Comparison:
    """Counts over one library; prints the first few of each kind of failure."""

    def __init__(self, show: int) -> None:
        self.counts: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.show = show

    def fail(self, kind: str, *details: object) -> None:
        """Count a failure and print the first few."""
        self.counts[kind] += 1
        if self.counts[kind] <= self.show:
            print("   ", kind, *details)

    def compare(self, text: str) -> tuple[Chem.Mol, Outcome] | None:
        """Both ways on one structure; the outcome of the short one."""
        self.counts["rows"] += 1
        try:
            mol = parse(text)
        except RejectedStructure as rejected:
            self.counts[rejected.reason_code] += 1
            return None
        outcomes = []
        for function in (standardise, standardise_the_long_way):
            start = time.perf_counter()
            outcomes.append(outcome(function, mol))
            self.seconds[function.__name__] += time.perf_counter() - start
        short, long = outcomes
        self.counts["compared"] += 1
        if short != long:
            self.fail("DIFFERENT", text, short, long)
        if long.reason:
            self.counts[long.reason.split(":")[0]] += 1
        else:
            self.counts.update([f"+{change}" for change in long.changes] or ["unchanged"])
        return mol, short

    def check_invariance(self, mol: Chem.Mol, found: Outcome, seed: int) -> None:
        """Whether the parent is its own parent, and the same for every order of the atoms."""
        if found.parent_smiles is None:
            return
        self.counts["invariance checked"] += 1
        again = outcome(standardise, parse(found.parent_smiles))
        if again != Outcome(found.parent_smiles, (), None, None):
            self.fail("NOT IDEMPOTENT", found.parent_smiles, again)
        for other in shuffled(mol, seed):
            parent = outcome(standardise, parse(other)).parent_smiles
            if parent != found.parent_smiles:
                self.fail("ORDER-DEPENDENT", other, found.parent_smiles, parent)
                break


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("libraries", nargs="+")
    parser.add_argument("--invariance", type=int, default=0, metavar="N")
    parser.add_argument("--show", type=int, default=5, help="failures of each kind to print")
    arguments = parser.parse_args()
    rdkit_log.capture()
    different = 0
    for library in arguments.libraries:
        comparison = Comparison(arguments.show)
        for row, text in enumerate(structures(library)):
            compared = comparison.compare(text)
            if compared and arguments.invariance and row % arguments.invariance == 0:
                comparison.check_invariance(*compared, seed=row)
        times = {name: f"{s / comparison.counts['compared'] * 1e6:.0f} us" for name, s in comparison.seconds.items()}
        print(f"{Path(library).name}: {dict(comparison.counts)} {times}", flush=True)
        different += comparison.counts["DIFFERENT"]
    print(f"{different} different" if different else "identical")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
