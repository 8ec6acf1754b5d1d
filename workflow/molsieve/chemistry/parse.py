"""One structure as text to one RDKit molecule, or the reason why not."""

from rdkit import Chem

from molsieve.chemistry import rdkit_log
from molsieve.chemistry.reasons import RejectedStructure

MAX_CHARACTERS = 20_000

# Set on a molecule whose CXSMILES extension was not understood.
EXTENSION_IGNORED = "_molsieve_extension_ignored"

# A molblock has a line of up to about 70 characters for each atom and 21 for each bond.
_MOLBLOCK_FACTOR = 25

# Substance groups that stand for a repeating or mixed material (MDL STY codes).
_POLYMER_GROUPS = frozenset(["SRU", "MON", "COP", "CRO", "GRA", "MER", "ANY", "FOR", "MIX"])


def parse(structure: str, structure_format: str = "smiles", max_characters: int = MAX_CHARACTERS) -> Chem.Mol:
    """Read one structure, once.

    Args:
        structure: SMILES, which may be followed by a CXSMILES extension or a name, or a V2000 or V3000 molblock.
        structure_format: ``smiles`` or ``molblock``.
        max_characters: Longer SMILES are refused unread; a molblock may have 25 times as many characters.

    Raises:
        RejectedStructure: The text is empty, too long, not a structure, or a polymer.

    """
    is_molblock = structure_format == "molblock"
    limit = max_characters * _MOLBLOCK_FACTOR if is_molblock else max_characters
    if len(structure) > limit:
        raise RejectedStructure("too_long", f"{len(structure):,} characters; the limit is {limit:,}")
    mol = _parse_molblock(structure) if is_molblock else _parse_smiles(structure)
    if not mol.GetNumAtoms():
        raise RejectedStructure("empty_structure")
    return mol


def _parse_smiles(structure: str) -> Chem.Mol:
    words = structure.split(None, 1)
    if not words:
        raise RejectedStructure("empty_structure")
    smiles, *rest = words
    if rest and rest[0].startswith("|"):
        mol = _read_smiles(f"{smiles} {rest[0]}")
        if mol is not None:
            _refuse_polymer(mol)
            return mol
        rdkit_log.take_error()
        mol = _read_smiles(smiles)
        if mol is not None:
            mol.SetBoolProp(EXTENSION_IGNORED, True)  # noqa: FBT003 - RDKit's signature
    else:
        mol = _read_smiles(smiles)
    if mol is not None:
        return mol
    detail = rdkit_log.take_error()
    raise _why(Chem.MolFromSmiles(smiles, sanitize=False), detail or "RDKit cannot read this as SMILES")


def _read_smiles(smiles: str) -> Chem.Mol | None:
    return Chem.MolFromSmiles(smiles)


def _parse_molblock(structure: str) -> Chem.Mol:
    if not structure.strip():
        raise RejectedStructure("empty_structure")
    mol: Chem.Mol | None = Chem.MolFromMolBlock(structure)
    if mol is not None:
        _refuse_polymer(mol)
        return mol
    detail = rdkit_log.take_error()
    raise _why(Chem.MolFromMolBlock(structure, sanitize=False), detail or "RDKit cannot read this molblock")


def _why(unsanitised: Chem.Mol | None, detail: str) -> RejectedStructure:
    """Tell a syntax error from chemistry that cannot be, and both from RDKit giving up."""
    if unsanitised is None:
        rdkit_log.take_error()  # the second look repeats the messages, which the next structure must not inherit
        return RejectedStructure("unparsable", detail)
    problems = Chem.DetectChemistryProblems(unsanitised)
    rdkit_log.take_error()
    for problem in problems:
        code = "valence" if "Valence" in problem.GetType() else "kekulization"
        return RejectedStructure(code, problem.Message())
    # Seen for ring systems with millions of equivalent rings, where std::bad_alloc is swallowed.
    return RejectedStructure("rdkit_error", "RDKit gave up on a structure without fault, most often for lack of memory")


def _refuse_polymer(mol: Chem.Mol) -> None:
    for group in Chem.GetMolSubstanceGroups(mol):
        kind = group.GetProp("TYPE")
        if kind in _POLYMER_GROUPS:
            raise RejectedStructure("polymer", f"substance group of type {kind}")
