"""Take away every charge that is only a matter of pH, and balance the permanent ones."""

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

# Strongest first; the atom that holds the proton comes first in each pattern. A molecule with permanent cations gives
# up these protons until its net charge is zero.
ACIDS = (
    "[OX2H1]S(=O)(=O)",
    "[OX2H1]P=[O,S]",
    "[OX2H1]S=O",
    "[OX2H1,SX2H1]C=[O,S]",
    "[nX3H1]1nnnc1",
    "[nX3H1]1ncnn1",
)

_CARBON = 6
_ACID_PATTERNS = tuple(Chem.MolFromSmarts(smarts) for smarts in ACIDS)
_UNCHARGER = rdMolStandardize.Uncharger(canonicalOrder=True, force=True)


def neutralise(mol: Chem.Mol) -> Chem.Mol:
    """Remove all charges that protons can remove; then, where permanent cations remain, write the inner salt.

    A betaine and its hydrochloride, or a zwitterion and its neutral form, come out the same, whichever atoms carried
    the charges and in whatever order the atoms were written. An anion that is no acid in the list (a phenolate beside
    a quaternary nitrogen, say) gets its charge back, so a neutral molecule stays neutral.

    Args:
        mol: One fragment, sanitised.

    Returns:
        The same molecule when there is nothing to do, else a new one whose perception is out of date.

    """
    charges = [atom.GetFormalCharge() for atom in mol.GetAtoms()]
    if not any(charges):
        return mol
    neutral = Chem.RWMol(mol)
    is_carbanion = any(atom.GetIsAromatic() and _is_carbanion(atom) for atom in mol.GetAtoms())
    if is_carbanion:
        Chem.Kekulize(neutral, clearAromaticFlags=True)  # a protonated cyclopentadienyl is not aromatic
    _UNCHARGER.unchargeInPlace(neutral)
    surplus = Chem.GetFormalCharge(neutral)
    if surplus > 0:
        protonated = [
            atom.GetIdx() for atom in neutral.GetAtoms() if charges[atom.GetIdx()] < 0 <= atom.GetFormalCharge()
        ]
        for index in _proton_donors(neutral, protonated)[:surplus]:
            _deprotonate(neutral.GetAtomWithIdx(index))
    if is_carbanion:
        Chem.SanitizeMol(neutral)
    return neutral.GetMol()


def _is_carbanion(atom: Chem.Atom) -> bool:
    return bool(atom.GetAtomicNum() == _CARBON and atom.GetFormalCharge() < 0)


def _proton_donors(mol: Chem.Mol, protonated: list[int]) -> list[int]:
    """Atoms to lose a proton, in order: acids by strength, then atoms that were anions; canonical rank within each."""
    mol.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(mol)
    ranks = list(Chem.CanonicalRankAtoms(mol, breakTies=True))
    order: dict[int, None] = {}
    for pattern in _ACID_PATTERNS:
        hits = {match[0] for match in mol.GetSubstructMatches(pattern)}
        order.update(dict.fromkeys(sorted(hits, key=ranks.__getitem__)))
    order.update(dict.fromkeys(sorted(protonated, key=ranks.__getitem__)))
    return list(order)


def _deprotonate(atom: Chem.Atom) -> None:
    hydrogens = atom.GetTotalNumHs()
    atom.SetFormalCharge(atom.GetFormalCharge() - 1)
    atom.SetNoImplicit(True)  # noqa: FBT003 - RDKit's signature
    atom.SetNumExplicitHs(max(hydrogens - 1, 0))
    atom.UpdatePropertyCache(strict=False)
