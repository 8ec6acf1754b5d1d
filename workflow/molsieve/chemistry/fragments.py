"""Which fragment of a record is the compound, and which are counter-ions, solvent or a second compound."""

from typing import NamedTuple

from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcNumHeavyAtoms

from molsieve.chemistry.neutralise import neutralise
from molsieve.chemistry.reasons import RejectedStructure
from molsieve.chemistry.salt_formers import INORGANIC_CARBON, SALT_FORMERS

# A listed counter-ion gives way to an unlisted organic fragment only if that one is at least this large.
_LEAST_PARENT_ATOMS = 4

_CARBON = 6


def _without_stereo(smiles: str) -> str:
    return str(Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False))


_SALT_FORMERS = frozenset(map(_without_stereo, SALT_FORMERS.values()))
_INORGANIC = frozenset(map(_without_stereo, INORGANIC_CARBON.values()))


class ParentFragment(NamedTuple):
    """The compound of a record with several fragments."""

    mol: Chem.Mol
    removed: str
    """Canonical SMILES of the other fragments, sorted, joined by dots."""
    is_mixture: bool
    """Another fragment is a different organic compound of comparable size and no known counter-ion or solvent."""


class _Candidate(NamedTuple):
    mol: Chem.Mol
    smiles: str
    """As written, charges included."""
    neutral: str
    """Neutralised: equal for a base and its conjugate acid."""
    heavy_atoms: int
    is_organic: bool
    is_salt_former: bool

    def order(self) -> tuple[bool, bool, int, str, str]:
        """Sort key, best parent first; SMILES decide ties, so the order of writing never matters."""
        is_compound = self.is_organic and not self.is_salt_former and self.heavy_atoms >= _LEAST_PARENT_ATOMS
        return not is_compound, not self.is_organic, -self.heavy_atoms, self.neutral, self.smiles


def parent_fragment(mol: Chem.Mol, mixture_fraction: float) -> ParentFragment:
    """Choose the largest organic fragment, preferring any that is not a known counter-ion or solvent.

    Raises:
        RejectedStructure: No fragment is organic.

    """
    fragments = Chem.GetMolFrags(mol, asMols=True, sanitizeFrags=False)
    candidates = sorted((_candidate(fragment) for fragment in fragments), key=_Candidate.order)
    parent, *others = candidates
    if not parent.is_organic:
        raise RejectedStructure("no_organic_fragment", ".".join(sorted(c.smiles for c in candidates))[:200])
    is_mixture = any(
        other.is_organic
        and not other.is_salt_former
        and other.neutral != parent.neutral
        and other.heavy_atoms >= mixture_fraction * parent.heavy_atoms
        for other in others
    )
    return ParentFragment(parent.mol, ".".join(sorted(other.smiles for other in others)), is_mixture)


def is_organic(mol: Chem.Mol) -> bool:
    """Whether a single neutralised fragment has carbon and is not carbon dioxide, cyanide and the like."""
    return has_carbon(mol) and Chem.MolToSmiles(mol, isomericSmiles=False) not in _INORGANIC


def has_carbon(mol: Chem.Mol) -> bool:
    """Whether there is a carbon atom in the molecule."""
    return any(atom.GetAtomicNum() == _CARBON for atom in mol.GetAtoms())


def _candidate(fragment: Chem.Mol) -> _Candidate:
    smiles = Chem.MolToSmiles(fragment)
    neutral_mol = neutralise(fragment) if has_carbon(fragment) else fragment
    flat = Chem.MolToSmiles(neutral_mol, isomericSmiles=False)
    return _Candidate(
        mol=fragment,
        smiles=smiles,
        neutral=Chem.MolToSmiles(neutral_mol),
        heavy_atoms=CalcNumHeavyAtoms(fragment),
        is_organic=has_carbon(fragment) and flat not in _INORGANIC,
        is_salt_former=flat in _SALT_FORMERS,
    )
