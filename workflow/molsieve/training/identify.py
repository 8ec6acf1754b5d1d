"""Who is who: structures of any file to the identity and the fingerprint under which training data are compared.

Two structures are the same molecule when the first blocks of their parents' InChIKeys are equal: salts, charges and
stereochemistry make no difference, as in ``curation``. The work is done in watched processes (``chemistry.isolation``),
so a structure on which RDKit hangs or dies costs its own row and not the file.
"""

import pickle
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molsieve.chemistry import rdkit_log
from molsieve.chemistry.fingerprints import FOLDED_BITS, sparse_morgan
from molsieve.chemistry.isolation import Block, Isolated
from molsieve.chemistry.reasons import REASONS, RejectedStructure
from molsieve.chemistry.standardise import StandardiseOptions, parse, standardise
from molsieve.library.records import READ_ERRORS

TIMEOUT_S = 30.0

# The first block of an InChIKey.
_CONNECTIVITY_CHARACTERS = 14

_BLOCK_ROWS = 256
_EXCERPT = 200
_NO_BITS: NDArray[np.uint16] = np.empty(0, dtype=np.uint16)
_NO_INCHIKEY = "The InChI library gives this molecule no key, so it cannot be told from others."


class Given(NamedTuple):
    """One structure as it stands in a file."""

    structure: str
    structure_format: str
    """``smiles`` or ``molblock``."""
    error: tuple[str, str | None] | None = None
    """Code of ``READ_ERRORS`` and details when the reader could not use the row."""


class Identity(NamedTuple):
    """What a structure is, or why it is nothing; ``reason_code`` is empty for a molecule."""

    as_read: str
    """SMILES as given; for a molblock its canonical SMILES, or its first characters when it cannot be read."""
    parent_smiles: str
    connectivity: str
    """First block of the parent's InChIKey."""
    bits: NDArray[np.uint16]
    """Set bits of the folded Morgan fingerprint (``chemistry.fingerprints.morgan_bits``), ascending."""
    reason_code: str
    detail: str


@dataclass(frozen=True)
class IdentifyJob:
    """What a worker process does with a block of structures (an ``isolation.BlockJob``)."""

    options: StandardiseOptions

    def start(self) -> None:
        """RDKit's messages become details."""
        rdkit_log.capture()

    def records(self, block: bytes) -> list[Given]:
        """Structures of a block."""
        return [Given(*row) for row in pickle.loads(block)]  # noqa: S301 - written by ``identify``

    def process(self, record: Given) -> Identity:
        """Standardise one structure, name it and fingerprint it."""
        if record.error is not None:
            return self.failed(record, record.error[0], record.error[1] or "")
        mol = None
        try:
            mol = parse(record.structure, record.structure_format, self.options.max_characters)
            found = standardise(mol, self.options)
            key = Chem.MolToInchiKey(found.parent)  # type: ignore[no-untyped-call]
            ids, _ = sparse_morgan(found.parent)
        except RejectedStructure as rejected:
            return self.failed(record, rejected.reason_code, rejected.detail)
        except (RuntimeError, ValueError) as error:  # RDKit's invariants and sanitisation errors
            return self.failed(record, "rdkit_error", str(error).strip().split("\n", 1)[0][:_EXCERPT])
        if not key:
            return self.failed(record, "no_inchikey", "")
        as_read = record.structure if record.structure_format == "smiles" else Chem.MolToSmiles(mol)
        bits = np.unique(ids % FOLDED_BITS).astype(np.uint16)
        return Identity(as_read, found.parent_smiles, key[:_CONNECTIVITY_CHARACTERS], bits, "", "")

    def failed(self, record: Given, reason_code: str, detail: str) -> Identity:
        """Give the result of a structure that is no molecule, or that ``process`` does not survive."""
        as_read = record.structure if record.structure_format == "smiles" else record.structure[:_EXCERPT]
        return Identity(as_read, "", "", _NO_BITS, reason_code, detail)

    def pack(self, results: list[Identity]) -> bytes:
        """Pickle the results; they come back to the process that started the worker."""
        return pickle.dumps([tuple(result) for result in results], protocol=pickle.HIGHEST_PROTOCOL)


def identify(
    given: Iterable[Given], options: StandardiseOptions, *, workers: int = 1, timeout_s: float = TIMEOUT_S
) -> Iterator[Identity]:
    """Identity of each structure, in order; memory does not grow with their number.

    Args:
        given: Structures.
        options: Standardisation; the models know molecules under the default options.
        workers: Worker processes.
        timeout_s: CPU seconds after which a structure is given up.

    """
    with Isolated(IdentifyJob(options), workers=workers, timeout_s=timeout_s) as isolated:
        for packed in isolated.results(_blocks(given)):
            for piece in packed:
                yield from (Identity(*row) for row in pickle.loads(piece))  # noqa: S301 - from our own workers


def explain(reason_code: str) -> str:
    """What a reason code means, in a sentence."""
    text = REASONS.get(reason_code) or READ_ERRORS.get(reason_code) or _NO_INCHIKEY
    # The message stands behind the sentence here, in result sets in a column.
    return re.sub(r"; [^;]* message is in reason_detail", "", text)


def _blocks(given: Iterable[Given]) -> Iterator[Block]:
    source = iter(given)
    while rows := list(islice(source, _BLOCK_ROWS)):
        yield Block(pickle.dumps([tuple(row) for row in rows], protocol=pickle.HIGHEST_PROTOCOL), len(rows))
