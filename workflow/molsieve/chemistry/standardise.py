"""From a molecule as drawn to its parent: the one form under which it is compared, predicted and counted.

The same function runs at training and at screening; ``digest`` names its configuration, and a model refuses to score
molecules standardised with another one.

Steps, in this order (``changes`` names those that altered the molecule):

======================== ==============================================================================================
change                   what was done
======================== ==============================================================================================
extension_ignored        the CXSMILES extension could not be read; the SMILES in front of it was used
stereo_groups_dropped    "and"/"or" enhanced stereochemistry was dropped: the parent is the stereoisomer as drawn
atom_maps_removed        atom map numbers were cleared
metals_disconnected      covalent metal-heteroatom bonds were split into ions
normalised               functional groups were rewritten to one form (module ``normalise``)
fragments_removed        counter-ions, solvent or further copies of the parent were removed (``removed_fragments``)
mixture                  one of the removed fragments is another organic molecule of comparable size
neutralised              protons were moved or added until no removable charge was left
isotopes_removed         isotope labels were cleared: models and identity know only the unlabelled molecule
hydrogens_removed        explicit hydrogens were made implicit
======================== ==============================================================================================

Permanent charges stay: quaternary nitrogen, N-oxides, nitro groups, betaines. A molecule that carries permanent cations
and acids is written as the inner salt (betaine hydrochloride and betaine are the same parent); an amino acid is written
uncharged. Sulfoxides and phosphine oxides are written S=O and P=O, the form the logP and TPSA contributions were fitted
to. Stereochemistry is kept as drawn. Tautomers are not unified: that is 30 to 50 times dearer and can erase
stereochemistry.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import NamedTuple

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

from molsieve.chemistry.fragments import has_carbon, is_organic, parent_fragment
from molsieve.chemistry.neutralise import ACIDS, neutralise
from molsieve.chemistry.normalise import NORMALISATIONS, normalise
from molsieve.chemistry.parse import EXTENSION_IGNORED, MAX_CHARACTERS, parse
from molsieve.chemistry.reasons import RejectedStructure
from molsieve.chemistry.salt_formers import INORGANIC_CARBON, SALT_FORMERS
from molsieve.chemistry.short_cut import LEAST_ATOMS, is_plain, neutral_form

__all__ = [
    "RejectedStructure",
    "StandardiseOptions",
    "Standardised",
    "digest",
    "parse",
    "standardise",
    "standardise_smiles",
    "standardise_the_long_way",
]

# Raised whenever the same options give another parent for some molecule; part of the digest.
VERSION = 1

_ORGANIC_SET = ("H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br", "I")

_CARBON = 6
# Dummy atom, non-metals and metalloids; a bond to any other element is a bond to a metal.
_NON_METALS = frozenset([0, 1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 32, 33, 34, 35, 36, 51, 52, 53, 54, 85, 86])

_ALKALI_AND_ALKALINE_EARTH = frozenset([3, 4, 11, 12, 19, 20, 37, 38, 55, 56])
# All fragments together may have this many times the atoms of the largest parent.
_MAX_TOTAL_FACTOR = 4
# Each step settles after one or two rounds; the bound is for cycles nobody has seen.
_MAX_ROUNDS = 5

_DISCONNECTOR = rdMolStandardize.MetalDisconnector()


@dataclass(frozen=True)
class StandardiseOptions:
    """What is accepted as a small organic molecule, and when a record is called a mixture.

    Args:
        min_heavy_atoms: A parent with fewer heavy atoms is rejected.
        max_heavy_atoms: A largest fragment with more heavy atoms is rejected before any costly step.
        mixture_fraction: A second, different organic fragment with at least this share of the parent's heavy atoms
            makes the record a mixture, unless it is a known counter-ion or solvent.
        max_characters: Longer SMILES are rejected unread (a molblock may have 25 times as many).
        allowed_elements: Element symbols a parent may contain.

    """

    min_heavy_atoms: int = 3
    max_heavy_atoms: int = 150
    mixture_fraction: float = 0.3
    max_characters: int = MAX_CHARACTERS
    allowed_elements: tuple[str, ...] = _ORGANIC_SET


DEFAULTS = StandardiseOptions()


class Standardised(NamedTuple):
    """A parent molecule and how it came about."""

    parent: Chem.Mol
    parent_smiles: str
    """Canonical isomeric SMILES."""
    changes: tuple[str, ...]
    """Steps that altered the molecule, in order."""
    removed_fragments: str | None
    """Canonical SMILES of what was removed, joined by dots."""


def digest(options: StandardiseOptions) -> str:
    """Digest of everything that decides the parent; equal digests give equal parents under one RDKit version."""
    decides = [VERSION, asdict(options), NORMALISATIONS, ACIDS, SALT_FORMERS, INORGANIC_CARBON]
    text = json.dumps(decides, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def standardise_smiles(smiles: str, options: StandardiseOptions = DEFAULTS) -> Standardised:
    """Parse and standardise one SMILES.

    Raises:
        RejectedStructure: It is not a structure, or has no acceptable parent.

    """
    return standardise(parse(smiles, "smiles", options.max_characters), options)


def standardise(mol: Chem.Mol, options: StandardiseOptions = DEFAULTS) -> Standardised:
    """Parent of a molecule; see the module for the steps.

    Most molecules of a library need no step: when the canonical SMILES shows that, it is the result
    (benchmarks/prepare_short_cut.py compares with the long way on whole libraries).

    Raises:
        RejectedStructure: The molecule has no acceptable parent.

    """
    least = max(options.min_heavy_atoms, LEAST_ATOMS)
    if least <= mol.GetNumAtoms() <= options.max_heavy_atoms and options.allowed_elements == _ORGANIC_SET:
        smiles = Chem.MolToSmiles(mol)
        if mol.HasProp(EXTENSION_IGNORED) or mol.GetStereoGroups() or ("[Si" in smiles and _has_radical(mol)):
            pass
        elif is_plain(smiles):
            return Standardised(mol, smiles, (), None)
        elif (neutral := neutral_form(smiles)) is not None:
            parent = Chem.MolFromSmiles(neutral)
            if (
                parent is not None
                and is_plain(parent_smiles := Chem.MolToSmiles(parent))
                and _gave_protons(mol, parent)
            ):
                return Standardised(parent, parent_smiles, ("neutralised",), None)
    return standardise_the_long_way(mol, options)


def standardise_the_long_way(mol: Chem.Mol, options: StandardiseOptions = DEFAULTS) -> Standardised:
    """``standardise`` with every step, for the molecules that may need them and to prove the short cut right.

    The steps are repeated on their own result until nothing changes, so a parent is its own parent.

    Raises:
        RejectedStructure: The molecule has no acceptable parent.

    """
    _refuse_giants(mol, options.max_heavy_atoms)
    changes: dict[str, None] = {}
    if mol.HasProp(EXTENSION_IGNORED):
        changes["extension_ignored"] = None
    if any(group.GetGroupType() != Chem.StereoGroupType.STEREO_ABSOLUTE for group in mol.GetStereoGroups()):
        changes["stereo_groups_dropped"] = None
    mol = _clear_atom_maps(mol, changes)
    mol = _disconnect_metals(mol, changes)
    removed = None
    smiles = Chem.MolToSmiles(mol)
    for _ in range(_MAX_ROUNDS):
        before = smiles
        mol, smiles = _applied("normalised", normalise(mol), smiles, changes)
        if "." in smiles:
            fragment = parent_fragment(mol, options.mixture_fraction)
            mol, smiles = _applied("fragments_removed", fragment.mol, smiles, changes)
            removed = fragment.removed
            if fragment.is_mixture:
                changes["mixture"] = None
        if not has_carbon(mol):
            raise RejectedStructure("no_organic_fragment", smiles[:200])
        mol, smiles = _applied("neutralised", neutralise(mol), smiles, changes)
        mol, smiles = _applied("isotopes_removed", _without_isotopes(mol), smiles, changes)
        mol, smiles = _applied("hydrogens_removed", _without_hydrogens(mol), smiles, changes)
        if smiles == before:
            break
        mol, smiles = _reread(smiles)
    _refuse_unacceptable(mol, smiles, options)
    return Standardised(mol, smiles, tuple(changes), removed)


def _applied(name: str, result: Chem.Mol, smiles: str, changes: dict[str, None]) -> tuple[Chem.Mol, str]:
    """Return the result of a step and its SMILES; note the step when it altered the molecule."""
    after = Chem.MolToSmiles(result)
    if after != smiles:
        changes[name] = None
    return result, after


def _reread(smiles: str) -> tuple[Chem.Mol, str]:
    """Parse the SMILES of an altered molecule: its properties then depend on the parent SMILES alone."""
    for _ in range(_MAX_ROUNDS):
        mol = Chem.MolFromSmiles(smiles)
        if mol is None:
            raise RejectedStructure("rdkit_error", f"the standardised form {smiles[:200]} is not a valid molecule")
        again = Chem.MolToSmiles(mol)
        if again == smiles:
            break
        smiles = again
    return mol, smiles


def _gave_protons(mol: Chem.Mol, parent: Chem.Mol) -> bool:
    """Whether the parent has exactly the hydrogens the charges account for: radicals would have been filled up."""
    atoms, parent_atoms = mol.GetNumAtoms(onlyExplicit=False), parent.GetNumAtoms(onlyExplicit=False)
    return bool(parent_atoms == atoms - Chem.GetFormalCharge(mol))


def _has_radical(mol: Chem.Mol) -> bool:
    return any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms())


def _refuse_giants(mol: Chem.Mol, max_heavy_atoms: int) -> None:
    """Before any costly step."""
    if mol.GetNumAtoms() <= max_heavy_atoms:
        return
    atomic_numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    largest = max(sum(atomic_numbers[i] > 1 for i in fragment) for fragment in Chem.GetMolFrags(mol))
    total = len(atomic_numbers)
    if largest > max_heavy_atoms:
        raise RejectedStructure("too_many_atoms", f"{largest} heavy atoms; the limit is {max_heavy_atoms}")
    if total > _MAX_TOTAL_FACTOR * max_heavy_atoms:
        limit = _MAX_TOTAL_FACTOR * max_heavy_atoms
        raise RejectedStructure("too_many_atoms", f"{total} atoms in all fragments; the limit is {limit}")


def _clear_atom_maps(mol: Chem.Mol, changes: dict[str, None]) -> Chem.Mol:
    if not any(atom.GetAtomMapNum() for atom in mol.GetAtoms()):
        return mol
    mol = Chem.Mol(mol)
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(0)
    changes["atom_maps_removed"] = None
    return mol


def _disconnect_metals(mol: Chem.Mol, changes: dict[str, None]) -> Chem.Mol:
    """Split covalent metal salts into ions; refuse metal-carbon bonds, also those drawn as ions (ferrocene)."""
    metals = [atom for atom in mol.GetAtoms() if atom.GetAtomicNum() not in _NON_METALS]
    if not metals:
        return mol
    carbanion = any(
        a.GetAtomicNum() == _CARBON and a.GetFormalCharge() < 0 and a.GetIsAromatic() for a in mol.GetAtoms()
    )
    for metal in metals:
        if any(neighbour.GetAtomicNum() == _CARBON for neighbour in metal.GetNeighbors()):
            raise RejectedStructure("organometallic", f"{metal.GetSymbol()} bonded to carbon")
        if carbanion and metal.GetAtomicNum() not in _ALKALI_AND_ALKALINE_EARTH:
            raise RejectedStructure("organometallic", f"{metal.GetSymbol()} with cyclopentadienyl")
    if not any(metal.GetDegree() for metal in metals):
        return mol
    changes["metals_disconnected"] = None
    mol = _DISCONNECTOR.Disconnect(mol)
    Chem.SanitizeMol(mol)
    return mol


def _without_isotopes(mol: Chem.Mol) -> Chem.Mol:
    if not any(atom.GetIsotope() for atom in mol.GetAtoms()):
        return mol
    mol = Chem.Mol(mol)
    for atom in mol.GetAtoms():
        atom.SetIsotope(0)
    return Chem.RemoveHs(mol)


def _without_hydrogens(mol: Chem.Mol) -> Chem.Mol:
    """Also those RDKit keeps to show the geometry of an imine or because they bridge."""
    if not any(atom.GetAtomicNum() == 1 for atom in mol.GetAtoms()):
        return mol
    return Chem.RemoveAllHs(mol)


def _refuse_unacceptable(mol: Chem.Mol, smiles: str, options: StandardiseOptions) -> None:
    if not is_organic(mol):
        raise RejectedStructure("no_organic_fragment", smiles)
    symbols = {atom.GetSymbol() for atom in mol.GetAtoms()}
    if foreign := symbols.difference(options.allowed_elements):
        names = ["dummy atom (*)" if symbol == "*" else symbol for symbol in sorted(foreign)]
        raise RejectedStructure("disallowed_element", ", ".join(names))
    if _has_radical(mol):
        raise RejectedStructure("radical", smiles)
    heavy = mol.GetNumHeavyAtoms()
    if heavy < options.min_heavy_atoms:
        raise RejectedStructure("too_few_atoms", f"{heavy} heavy atoms; the least is {options.min_heavy_atoms}")
    if heavy > options.max_heavy_atoms:
        raise RejectedStructure("too_many_atoms", f"{heavy} heavy atoms; the limit is {options.max_heavy_atoms}")
