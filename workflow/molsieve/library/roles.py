"""Which column holds the structure and which the identifier.

**Structure.** Columns that hold structures are found by reading them; names decide between several, and are believed
alone only when they say SMILES. Of columns with (nearly) as many structures as the best, the order is: isomeric SMILES,
CXSMILES, SMILES, other names with SMILES in them, canonical SMILES (in several databases without stereochemistry),
molblocks, general names (structure, mol, drug), any other name, and last what says scaffold or fragment. Isomeric
comes first because it has the stereochemistry; salts are taken off later by ourselves.

**Identifier.** By name: catalogue and compound identifiers, then anything that ends in id, then names, titles and CAS
numbers. Without a known name: a column of codes or, in a file without a header, of values that do not repeat. It is
never a column that is mostly empty, nor one that names a target, an assay or a batch.
"""

import difflib
import re
from collections.abc import Sequence
from typing import NamedTuple

from molsieve.errors import MolsieveError
from molsieve.library.structures import StructureShare, structure_share

MIN_STRUCTURE_SHARE = 0.5

# A column with nearly as many structures as the best is as good a choice; the name may decide.
_NEARLY = 0.9
_MIN_CERTAIN_SHARE = 0.3

# Ranks of structure_rank up to which a name is believed without reading the column.
_SURE = 5
_UNNAMED = 7
_PARTIAL = 8
_GENERAL_NAMES = {
    "structure", "structures", "mol", "mols", "molecule", "molecules", "drug", "compound", "ligand",
    "rdkit_no_salt", "smi", "input", "can", "reactant", "product",
}  # fmt: skip

# Columns of these names are identifiers even when their values repeat.
_ID_NAMES = (
    (
        "compound_id", "catalog_id", "catalogue_id", "catalog_number", "catalogue_number", "catalog_no",
        "catalogue_no", "catalog", "cat_no", "cat_number", "catalog_num", "cat_id", "idnumber", "id_number",
        "mol_id", "molecule_id", "molid", "cmpd_id", "compoundid", "drug_id", "chem_id", "chembl_id",
        "molecule_chembl_id", "zinc_id", "zincid", "zinc_code", "enamine_id", "molport_id", "vendor_id",
        "supplier_id", "product_id", "library_id", "structure_id", "substance_id", "sample_id", "ligand_id",
        "broad_id", "pubchem_cid", "cid", "sid", "sku", "registry_number", "reg_id",
    ),
    (
        "id", "identifier", "ids", "code", "key", "ref", "reference", "compound_code", "vendor_code", "item",
    ),
    (
        "name", "names", "compound_name", "molecule_name", "mol_name", "drug_name", "product_name",
        "productname", "chemical_name", "common_name", "preferred_name", "pref_name", "generic_name",
        "substance_name", "compound", "title", "mol_title", "molecule", "drug", "chemical", "ligand", "label",
    ),
    (
        "cas", "cas_number", "cas_no", "cas_rn", "casrn", "inchikey", "inchi_key", "no", "nr", "number",
        "entry", "index", "#",
    ),
)  # fmt: skip
_NOT_IDS = re.compile(
    r"target|assay|batch|plate|well|cluster|scaffold|parent|species|organism|cell|fold|split|library|class"
)
_FLOAT = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?\d+[eE][-+]?\d+|nan|NaN|NA")
_CODE = re.compile(r"[A-Za-z]{1,12}[-_ ]?[A-Za-z]{0,3}\d+[-_A-Za-z0-9.]*")


class Roles(NamedTuple):
    """Positions of the two columns that have a part to play."""

    structure: int | None
    identifier: int | None
    shares: list[StructureShare]
    """For each column, how far it looks like structures."""


def normal_name(name: str) -> str:
    """Reduce a column name to what matters for comparing: ``Catalog Number`` and ``catalog-number`` are the same."""
    return re.sub(r"[^a-z0-9#]+", "_", name.lower()).strip("_").removeprefix("#").strip("_") or name.strip()


def structure_rank(name: str) -> int | None:
    """Place of a column name in the order of preference, 0 the best; None when the name says nothing."""
    plain = normal_name(name)
    if re.search(r"scaffold|murcko|fragment|core|building_block|synthon", plain):
        return _PARTIAL if "smile" in plain else None
    if "smile" in plain:
        if "isomeric" in plain:
            return 0
        if plain.startswith("cx"):
            return 1
        if plain in {"smiles", "smile"}:
            return 2
        return 4 if "canonical" in plain else 3
    if plain in {"molblock", "mol_block", "molfile", "mol_file", "ctab"}:
        return 5
    return 6 if plain in _GENERAL_NAMES else None


def says_structure(name: str) -> bool:
    """Whether a column name alone says that it holds structures."""
    rank = structure_rank(name)
    return rank is not None and rank <= _SURE


def find_roles(names: Sequence[str], columns: Sequence[Sequence[str]], *, named: bool) -> Roles:
    """Find the structure and the identifier column.

    Args:
        names: Name of each column.
        columns: The first values of each column as text, empty where there is none.
        named: Whether the names come from the file; otherwise only the values count.

    """
    shares = [structure_share(column) for column in columns]
    structure = _structure_column(names, shares, named=named)
    return Roles(structure, _identifier_column(names, columns, shares, structure, named=named), shares)


def column_named(wanted: str, names: Sequence[str], option: str, where: str) -> int:
    """Position of the column a user named: exactly, or else but for case, spaces and signs, if only one fits.

    Raises:
        MolsieveError: There is no such column; the message lists those there are.

    """
    if wanted in names:
        return list(names).index(wanted)
    alike = [index for index, name in enumerate(names) if normal_name(name) == normal_name(wanted)]
    if len(alike) == 1:
        return alike[0]
    plain = {normal_name(name): name for name in reversed(names)}
    nearest = difflib.get_close_matches(normal_name(wanted), list(plain), n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(repr(plain[name]) for name in nearest)}? " if nearest else ""
    raise MolsieveError(
        f"{option} is {wanted!r}, but there is no such column", where=where, fix=f"{hint}Columns: {listed(names)}."
    )


def listed(names: Sequence[str], most: int = 30) -> str:
    """Column names for a message, the first ones of very many."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _structure_column(names: Sequence[str], shares: Sequence[StructureShare], *, named: bool) -> int | None:
    best = max((share.structures for share in shares), default=0)
    choices = []
    for index, (name, share) in enumerate(zip(names, shares, strict=True)):
        rank = structure_rank(name) if named else None
        enough = best and share.structures >= _NEARLY * best and share.structures >= MIN_STRUCTURE_SHARE * share.filled
        if enough and (rank is not None or share.certain >= _MIN_CERTAIN_SHARE * share.structures):
            choices.append((_UNNAMED if rank is None else rank, index))
    if not choices and named:
        # A library in which every structure is broken still has a structure column: its rows are rejected one by one.
        ranks = [structure_rank(name) for name in names]
        choices = [(rank, index) for index, rank in enumerate(ranks) if rank is not None and rank <= _SURE]
    return min(choices)[1] if choices else None


def _identifier_column(
    names: Sequence[str],
    columns: Sequence[Sequence[str]],
    shares: Sequence[StructureShare],
    structure: int | None,
    *,
    named: bool,
) -> int | None:
    choices: list[tuple[int, int, int]] = []
    for index, (name, column) in enumerate(zip(names, columns, strict=True)):
        values = [value for value in column if value.strip()]
        if index == structure or not values or len(values) < 0.5 * len(column):
            continue
        if shares[index].certain > MIN_STRUCTURE_SHARE * len(values):
            continue  # a second structure column
        distinct = len(set(values)) / len(values)
        rank = _id_rank(name, values, distinct) if named else _nameless_id_rank(values, distinct)
        if rank is not None:
            # Headless files put the identifier behind the structure.
            choices.append((rank, int(not named and structure is not None and index < structure), index))
    return min(choices)[2] if choices else None


def _id_rank(name: str, values: Sequence[str], distinct: float) -> int | None:
    plain = normal_name(name)
    for rank, known in enumerate(_ID_NAMES):
        if plain in known:
            return rank * 2
    if _NOT_IDS.search(plain):
        return None
    if re.search(r"(^|_)id(_|$)|(?<=[a-z])ID$", plain) or re.search(r"[a-z]ID$", name):
        return 3 if distinct > 0.2 else None
    if re.search(r"(^|_)names?$", plain):
        return 5 if distinct > 0.2 else None
    codes = sum(_CODE.fullmatch(value) is not None for value in values)
    return 9 if distinct > 0.95 and codes > 0.9 * len(values) and len(values) > 1 else None


def _nameless_id_rank(values: Sequence[str], distinct: float) -> int | None:
    if any(len(value) > 200 for value in values) or sum(
        _FLOAT.fullmatch(value) is not None for value in values
    ) > 0.5 * len(values):
        return None
    return 0 if distinct > 0.95 or (len(values) < 20 and distinct > 0.5) else None
