"""InChIKeys of parents, for joining the result set with other databases."""

from typing import Any

from rdkit import Chem, rdBase

# Seconds after which the InChI library gives a molecule up, so that no molecule holds up a publication.
_TIMEOUT = "-W30"


# Untyped in RDKit's stubs.
to_inchikey: Any = Chem.MolToInchiKey


def inchikey(smiles: str | None) -> str | None:
    """Return the standard InChIKey of a parent; None where there is no parent or the InChI library cannot name it."""
    if smiles is None:
        return None
    with rdBase.BlockLogs():
        mol: Any = Chem.MolFromSmiles(smiles)
        if mol is None:
            return None
        try:
            return to_inchikey(mol, _TIMEOUT) or None
        except (RuntimeError, ValueError):
            return None
