"""A molecule in the words of a chemist: rings and functional groups with their names, every atom in exactly one."""

from functools import cache
from typing import NamedTuple

from rdkit import Chem

# In the order in which they claim atoms, special before general; only atoms outside rings are claimed.
_GROUPS = (
    ("nitro group", "[N+](=O)[O-]"),
    ("azide group", "N=[N+]=[N-]"),
    ("N-nitroso group", "[NX3][NX2]=O"),
    ("nitroso group", "[NX2]=O"),
    ("trifluoromethyl group", "C(F)(F)F"),
    ("trifluoromethyl group", "[CX4](F)(F)F"),
    ("sulfonamide group", "S(=O)(=O)[NX3]"),
    ("sulfonic acid group", "S(=O)(=O)[OX2H]"),
    ("sulfonate ester group", "S(=O)(=O)[OX2]"),
    ("sulfonyl group", "S(=O)(=O)"),
    ("sulfoxide group", "[SX3]=O"),
    ("phosphate or phosphonate group", "P(=O)([OX2])[OX2]"),
    ("boronic acid group", "B(O)O"),
    ("carboxylic acid group", "C(=O)[OX2H]"),
    ("acid halide group", "C(=O)[F,Cl,Br,I]"),
    ("hydroxamic acid group", "C(=O)[NX3][OX2H]"),
    ("semicarbazone group", "C=N[NX3]C(=O)[NX3]"),
    ("hydrazone group", "C=N[NX3]"),
    ("guanidine group", "NC(=N)N"),
    ("urea group", "[NX3]C(=O)[NX3]"),
    ("thiourea group", "[NX3]C(=S)[NX3]"),
    ("carbamate group", "[NX3]C(=O)[OX2]"),
    ("amidine group", "[NX3]C=[NX2]"),
    ("amide group", "C(=O)[NX3]"),
    ("methyl ester group", "C(=O)[OX2][CH3]"),
    ("ester group", "C(=O)[OX2]"),
    ("azo group", "[NX2]=[NX2]"),
    ("oxime group", "C=N[OX2]"),
    ("oxime group", "[NX2][OX2H]"),
    ("imine group", "C=[NX2]"),
    ("nitrile group", "C#N"),
    ("isothiocyanate group", "N=C=S"),
    ("isocyanate group", "N=C=O"),
    ("aldehyde group", "[CX3H1]=O"),
    ("keto group", "[CX3]=O"),
    ("thiocarbonyl group", "[CX3]=S"),
    ("hydrazine group", "[NX3][NX3]"),
    ("hydroxylamine group", "[NX3][OX2]"),
    ("methoxy group", "[OX2][CH3]"),
    ("peroxide group", "[OX2][OX2]"),
    ("disulfide group", "[SX2][SX2]"),
    ("hydroxyl group", "[OX2H]"),
    ("thiol group", "[SX2H]"),
    ("ether oxygen", "[OX2]"),
    ("thioether sulfur", "[SX2]"),
    ("primary amino group", "[NX3H2]"),
    ("secondary amino group", "[NX3H1]"),
    ("tertiary amino group", "[NX3H0]"),
    ("quaternary ammonium", "[NX4+]"),
    ("fluorine", "F"),
    ("chlorine", "Cl"),
    ("bromine", "Br"),
    ("iodine", "I"),
    ("alkyne", "C#C"),
    ("carbon-carbon double bond", "C=C"),
    ("tert-butyl group", "[CX4]([CH3])([CH3])[CH3]"),
    ("isopropyl group", "[CX4H1]([CH3])[CH3]"),
)

# A ring system has a name when all its atoms match.
_RINGS = (
    ("benzene ring", "c1ccccc1"),
    ("pyridine ring", "n1ccccc1"),
    ("pyrimidine ring", "n1cnccc1"),
    ("pyrazine ring", "n1ccncc1"),
    ("pyridazine ring", "n1ncccc1"),
    ("triazine ring", "n1cncnc1"),
    ("furan ring", "o1cccc1"),
    ("thiophene ring", "s1cccc1"),
    ("pyrrole ring", "n1cccc1"),
    ("imidazole ring", "n1cncc1"),
    ("pyrazole ring", "n1nccc1"),
    ("oxazole ring", "o1cncc1"),
    ("isoxazole ring", "o1nccc1"),
    ("thiazole ring", "s1cncc1"),
    ("isothiazole ring", "s1nccc1"),
    ("1,2,3-triazole ring", "n1nncc1"),
    ("1,2,4-triazole ring", "n1ncnc1"),
    ("tetrazole ring", "n1nnnc1"),
    ("oxadiazole ring", "o1cnnc1"),
    ("oxadiazole ring", "o1ncnc1"),
    ("thiadiazole ring", "s1cnnc1"),
    ("thiadiazole ring", "s1ncnc1"),
    ("epoxide ring", "C1CO1"),
    ("aziridine ring", "C1CN1"),
    ("cyclopropane ring", "C1CC1"),
    ("cyclobutane ring", "C1CCC1"),
    ("cyclopentane ring", "C1CCCC1"),
    ("cyclohexane ring", "C1CCCCC1"),
    ("beta-lactam ring", "C1C(=O)NC1"),
    ("azetidine ring", "C1CNC1"),
    ("pyrrolidine ring", "C1CCNC1"),
    ("piperidine ring", "C1CCNCC1"),
    ("piperazine ring", "C1CNCCN1"),
    ("morpholine ring", "C1COCCN1"),
    ("thiomorpholine ring", "C1CSCCN1"),
    ("tetrahydrofuran ring", "C1CCOC1"),
    ("tetrahydropyran ring", "C1CCOCC1"),
    ("hydantoin ring", "C1C(=O)NC(=O)N1"),
    ("succinimide ring", "C1CC(=O)NC1=O"),
    ("oxazolidinone ring", "C1COC(=O)N1"),
    ("rhodanine ring", "C1C(=O)NC(=S)S1"),
    ("naphthalene ring system", "c1ccc2ccccc2c1"),
    ("indole ring system", "c1ccc2nccc2c1"),
    ("benzimidazole ring system", "c1ccc2ncnc2c1"),
    ("indazole ring system", "c1ccc2nncc2c1"),
    ("benzofuran ring system", "c1ccc2occc2c1"),
    ("benzothiophene ring system", "c1ccc2sccc2c1"),
    ("benzothiazole ring system", "c1ccc2scnc2c1"),
    ("benzoxazole ring system", "c1ccc2ocnc2c1"),
    ("quinolone ring system", "O=c1ccnc2ccccc12"),
    ("quinoline ring system", "c1ccc2ncccc2c1"),
    ("isoquinoline ring system", "c1ccc2cnccc2c1"),
    ("quinazoline ring system", "c1ccc2ncncc2c1"),
    ("quinoxaline ring system", "c1ccc2nccnc2c1"),
    ("coumarin ring system", "O=c1ccc2ccccc2o1"),
    ("chromone ring system", "O=c1ccoc2ccccc12"),
    ("purine ring system", "c1ncc2ncnc2n1"),
    ("penam ring system", "C1C(=O)N2C1SCC2"),
    ("cephem ring system", "C1C(=O)N2C1SCC=C2"),
    ("anthracene ring system", "c1ccc2cc3ccccc3cc2c1"),
    ("phenanthrene ring system", "c1ccc2c(c1)ccc1ccccc12"),
    ("acridine ring system", "c1ccc2nc3ccccc3cc2c1"),
    ("carbazole ring system", "c1ccc2c(c1)nc1ccccc12"),
    ("fluorene ring system", "c1ccc2c(c1)Cc1ccccc12"),
    ("phenothiazine ring system", "c1ccc2c(c1)Nc1ccccc1S2"),
)

_CHAINS = {1: "methyl group", 2: "ethyl group"}


class NamedFragment(NamedTuple):
    """A ring system, functional group or chain."""

    name: str
    """E.g. ``nitro group on the furan ring``."""
    atoms: tuple[int, ...]


def named_fragments(mol: Chem.Mol) -> tuple[NamedFragment, ...]:
    """Divide a molecule into rings, functional groups and carbon chains; every atom is in exactly one."""
    rings = [(_ring_name(mol, atoms), atoms) for atoms in _ring_systems(mol)]
    taken = {atom for _, atoms in rings for atom in atoms}
    others: list[tuple[str, frozenset[int]]] = []
    for name, pattern in _patterns():
        for match in mol.GetSubstructMatches(pattern):
            atoms = frozenset(match)
            if not atoms & taken:
                others.append((name, atoms))
                taken |= atoms
    others += [(_chain_name(mol, atoms), atoms) for atoms in _parts(mol, set(range(mol.GetNumAtoms())) - taken)]
    named = [NamedFragment(name, tuple(sorted(atoms))) for name, atoms in rings]
    for name, atoms in others:
        named.append(NamedFragment(name + _place(mol, atoms, rings), tuple(sorted(atoms))))
    return tuple(sorted(named, key=lambda fragment: fragment.atoms))


@cache
def _patterns() -> tuple[tuple[str, Chem.Mol], ...]:
    return tuple((name, Chem.MolFromSmarts(smarts)) for name, smarts in _GROUPS)


@cache
def _ring_patterns() -> tuple[tuple[str, Chem.Mol], ...]:
    return tuple((name, Chem.MolFromSmarts(smarts)) for name, smarts in _RINGS)


def _ring_systems(mol: Chem.Mol) -> list[frozenset[int]]:
    """Fused rings together, with the oxygens or sulfurs double-bonded to them."""
    systems: list[set[int]] = []
    for ring in mol.GetRingInfo().AtomRings():
        atoms = set(ring)
        for other in [system for system in systems if system & atoms]:
            systems.remove(other)
            atoms |= other
        systems.append(atoms)
    for system in systems:
        for bond in mol.GetBonds():
            inner, outer = bond.GetBeginAtom(), bond.GetEndAtom()
            if outer.GetIdx() in system:
                inner, outer = outer, inner
            is_oxo = outer.GetDegree() == 1 and outer.GetAtomicNum() in (8, 16)
            if inner.GetIdx() in system and is_oxo and bond.GetBondTypeAsDouble() == 2:
                system.add(outer.GetIdx())
    return [frozenset(system) for system in systems]


def _ring_name(mol: Chem.Mol, atoms: frozenset[int]) -> str:
    bare = frozenset(atom for atom in atoms if mol.GetAtomWithIdx(atom).IsInRing())
    for name, pattern in _ring_patterns():
        size = pattern.GetNumAtoms()
        if size in (len(atoms), len(bare)):
            for match in mol.GetSubstructMatches(pattern, maxMatches=10_000):
                if frozenset(match) in (atoms, bare):
                    return name
    rings = sum(atoms.issuperset(ring) for ring in mol.GetRingInfo().AtomRings())
    kind = "aromatic " if all(mol.GetAtomWithIdx(atom).GetIsAromatic() for atom in bare) else ""
    return f"{len(bare)}-membered {kind}ring" if rings == 1 else f"{kind}system of {rings} fused rings"


def _parts(mol: Chem.Mol, atoms: set[int]) -> list[frozenset[int]]:
    """Connected parts of some atoms."""
    parts = []
    left = set(atoms)
    while left:
        part, edge = set(), [min(left)]
        while edge:
            atom = edge.pop()
            part.add(atom)
            edge += [n.GetIdx() for n in mol.GetAtomWithIdx(atom).GetNeighbors() if n.GetIdx() in left - part]
        left -= part
        parts.append(frozenset(part))
    return parts


def _chain_name(mol: Chem.Mol, atoms: frozenset[int]) -> str:
    members = [mol.GetAtomWithIdx(atom) for atom in atoms]
    if any(atom.GetAtomicNum() != 6 for atom in members):
        return f"{members[0].GetSymbol()} atom" if len(members) == 1 else f"group of {len(members)} atoms"
    ends = sum(any(n.GetIdx() not in atoms for n in atom.GetNeighbors()) for atom in members)
    is_terminal = ends <= 1 and sum(n.GetIdx() not in atoms for atom in members for n in atom.GetNeighbors()) <= 1
    if is_terminal and len(atoms) in _CHAINS:
        return _CHAINS[len(atoms)]
    return "carbon atom" if len(atoms) == 1 else f"carbon chain of {len(atoms)} atoms"


def _place(mol: Chem.Mol, atoms: frozenset[int], rings: list[tuple[str, frozenset[int]]]) -> str:
    beside = {n.GetIdx() for atom in atoms for n in mol.GetAtomWithIdx(atom).GetNeighbors()} - atoms
    names = list(dict.fromkeys(name for name, ring in rings if ring & beside))
    if not names:
        return ""
    return f" on the {names[0]}" if len(names) == 1 else f" between the {names[0]} and the {names[1]}"
