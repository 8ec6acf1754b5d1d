"""Wildman-Crippen logP of a block of molecules (doi:10.1021/ci990307l), equal to RDKit's.

RDKit matches the 110 patterns of its Crippen.txt against every molecule with explicit hydrogens; the first pattern that
matches an atom gives its contribution. Here the same patterns, in the same order, are masks over the atoms of a block.
"""

import numpy as np
from numpy.typing import NDArray

from molsieve.chemistry.neighbourhood import (
    ALIPHATIC,
    ALIPHATIC_C,
    ALIPHATIC_N,
    ALIPHATIC_O,
    ALIPHATIC_P,
    ALIPHATIC_S,
    ANY,
    AROMATIC_ATOM,
    AROMATIC_C,
    BROMINE,
    CARBON,
    CHLORINE,
    FLUORINE,
    IODINE,
    NITROGEN,
    OTHER_ALIPHATIC,
    Mask,
    Neighbourhood,
)
from molsieve.chemistry.smiles_graph import DOUBLE

# Contribution of the atoms a mask selects, for those not selected before.
Rules = list[tuple[Mask, float]]

_HETERO = (*ALIPHATIC_N, *ALIPHATIC_O, *ALIPHATIC_P, *ALIPHATIC_S, *FLUORINE, *CHLORINE, *BROMINE, *IODINE)
_ANY_HETERO = (*ALIPHATIC[1:], *AROMATIC_ATOM[1:])
_CHALCOGEN_OR_PNICTOGEN = (*ALIPHATIC_N, *ALIPHATIC_O, *ALIPHATIC_P, *ALIPHATIC_S)


def crippen_logp(near: Neighbourhood) -> NDArray[np.float64]:
    """Estimated log10 of the octanol-water partition coefficient of each molecule of the block."""
    block = near.block
    values = np.zeros(near.atoms)
    unassigned = np.ones(near.atoms, dtype=bool)
    for element, is_aromatic, rules_of in (
        (6, False, _aliphatic_carbon),
        (6, True, _aromatic_carbon),
        (7, False, _aliphatic_nitrogen),
        (7, True, _aromatic_nitrogen),
        (8, False, _aliphatic_oxygen),
        (16, False, _aliphatic_sulfur),
    ):
        chosen = (block.element == element) & (block.is_aromatic == is_aromatic)
        for mask, value in rules_of(near):
            hit = mask & chosen
            values[hit] = value
            chosen &= ~mask
        unassigned &= (block.element != element) | (block.is_aromatic != is_aromatic)
    values[unassigned] = _SINGLE_VALUE[block.element[unassigned]]
    charged_halogen = unassigned & np.isin(block.element, (9, 17, 35, 53)) & (block.charge != 0)
    # Halides and iodonium have a pattern; perchlorates and the like have none.
    values[charged_halogen] = np.where((block.charge < 0) | (block.element == 53), -2.996, 0.0)[charged_halogen]
    values += block.hydrogens * _hydrogen_values(near)
    return np.bincount(block.molecule, weights=values, minlength=block.molecules).astype(np.float64)


def _single_values() -> NDArray[np.float64]:
    """Contributions of elements that are not told apart further: aromatic O and S, P, halogens, B, Si, Se."""
    values = np.zeros(128)
    for element, value in {
        5: -0.3808,
        8: 0.1552,
        9: 0.4202,
        14: -0.3808,
        15: 0.8612,
        16: 0.6237,
        17: 0.6895,
        34: -0.3808,
        35: 0.8456,
        53: 0.8857,
    }.items():
        values[element] = value
    return values


_SINGLE_VALUE = _single_values()


def _everything(near: Neighbourhood) -> Mask:
    return np.ones(near.atoms, dtype=bool)


def _aliphatic_carbon(near: Neighbourhood) -> Rules:
    h = near.block.hydrogens
    four_bonds = near.degree + h == 4
    carbon = near.single(ALIPHATIC_C)
    hetero = near.single(_HETERO) > 0
    aliphatic = near.single(ALIPHATIC)
    aromatic = near.single(AROMATIC_ATOM)
    double_carbon = near.double(ALIPHATIC_C)
    alkene = double_carbon > 0
    return [
        (h == 4, 0.1441),  # C1
        ((h == 3) & (carbon >= 1), 0.1441),
        ((h == 2) & (carbon >= 2), 0.1441),
        ((h == 1) & (carbon >= 3), 0.0),  # C2
        (carbon >= 4, 0.0),
        ((h == 3) & hetero, -0.2035),  # C3
        ((h == 2) & four_bonds & hetero & (aliphatic >= 2), -0.2035),
        ((h == 1) & four_bonds & hetero & (aliphatic >= 3), -0.2051),  # C4
        ((h == 0) & four_bonds & hetero & (aliphatic >= 4), -0.2051),
        (near.double(ALIPHATIC[1:]) > 0, -0.2783),  # C5
        ((h == 2) & alkene, 0.1551),  # C6
        ((h == 1) & alkene & (aliphatic >= 1), 0.1551),
        ((h == 0) & alkene & (aliphatic >= 2), 0.1551),
        (double_carbon >= 2, 0.1551),
        ((near.degree + h == 2) & (near.triple(ALIPHATIC) > 0), 0.0017),  # C7
        ((h == 3) & (near.single(AROMATIC_C) > 0), 0.08452),  # C8
        ((h == 3) & (aromatic > 0), -0.1444),  # C9
        ((h == 2) & four_bonds & (aromatic > 0), -0.0516),  # C10
        ((h == 1) & four_bonds & (aromatic > 0), 0.1193),  # C11
        ((h == 0) & four_bonds & (aromatic > 0), -0.0967),  # C12
        (alkene & (aromatic >= 1) & (aliphatic >= 1), 0.264),  # C26
        (alkene & (near.single(AROMATIC_C) >= 1) & (aromatic >= 2), 0.264),
        ((h == 1) & alkene & (aromatic >= 1), 0.264),
        (near.double(AROMATIC_C) > 0, 0.264),
        (four_bonds & (near.single(OTHER_ALIPHATIC) > 0), 0.2148),  # C27
        (_everything(near), 0.08129),  # CS
    ]


def _aromatic_carbon(near: Neighbourhood) -> Rules:
    h = near.block.hydrogens
    ring = near.aromatic(AROMATIC_ATOM)
    return [
        ((h == 0) & (near.single_only(OTHER_ALIPHATIC + ALIPHATIC_P) > 0), -0.5443),  # C13
        (near.single(FLUORINE) > 0, 0.0),  # C14
        (near.single(CHLORINE) > 0, 0.245),  # C15
        (near.single(BROMINE) > 0, 0.198),  # C16
        (near.single(IODINE) > 0, 0.0),  # C17
        (h == 1, 0.1581),  # C18
        (ring >= 3, 0.2955),  # C19
        ((ring >= 2) & (near.single_only(AROMATIC_ATOM) > 0), 0.2713),  # C20
        ((ring >= 2) & (near.single_only(ALIPHATIC_C) > 0), 0.136),  # C21
        ((ring >= 2) & (near.single_only(ALIPHATIC_N) > 0), 0.4619),  # C22
        ((ring >= 2) & (near.single_only(ALIPHATIC_O) > 0), 0.5437),  # C23
        ((ring >= 2) & (near.single_only(ALIPHATIC_S) > 0), 0.1893),  # C24
        ((ring >= 2) & (near.double(ALIPHATIC_C + ALIPHATIC_N + ALIPHATIC_O) > 0), -0.8186),  # C25
        (_everything(near), 0.08129),  # CS
    ]


def _aliphatic_nitrogen(near: Neighbourhood) -> Rules:
    block = near.block
    h, neutral, cation = block.hydrogens, block.charge == 0, block.charge > 0
    aliphatic, aromatic, single = near.single(ALIPHATIC), near.single(AROMATIC_ATOM), near.single(ANY)
    double = near.double(ANY)
    nitrogen = (block.element == 7) & ~block.is_aromatic
    double_anion = near.count(near.kind == DOUBLE, nitrogen & (block.charge < 0))
    bare_cation = cation & (h == 0)
    return [
        (neutral & (h == 2) & (aliphatic >= 1), -1.019),  # N1
        (neutral & (h == 1) & (aliphatic >= 2), -0.7096),  # N2
        (neutral & (h == 2) & (aromatic >= 1), -1.027),  # N3
        (neutral & (h == 1) & (aromatic >= 1) & (single >= 2), -0.5188),  # N4
        (neutral & (h == 1) & (double >= 1), 0.08387),  # N5
        (neutral & (double >= 1) & (single >= 1), 0.1836),  # N6
        (neutral & (aliphatic >= 3), -0.3187),  # N7
        (neutral & (aromatic >= 1) & (aliphatic >= 1) & (single >= 3), -0.4458),  # N8
        (neutral & (aromatic >= 3), -0.4458),
        (neutral & (near.triple(ALIPHATIC) > 0), 0.01508),  # N9
        (cation & (h >= 1) & (h <= 3), -1.95),  # N10
        (bare_cation & (aliphatic >= 4), -0.3396),  # N13
        (bare_cation & (near.double(ALIPHATIC) >= 1) & (aliphatic >= 1) & (single >= 2), -0.3396),
        (bare_cation & (near.double(CARBON) >= 1) & (near.double(NITROGEN) >= 1), -0.3396),
        (cation & (near.triple(ALIPHATIC) > 0), 0.2887),  # N14
        (block.charge < 0, 0.2887),
        (cation & (double_anion >= 1) & (near.double(ALIPHATIC_N) >= 2), 0.2887),
        (_everything(near), -0.4806),  # NS
    ]


def _aromatic_nitrogen(near: Neighbourhood) -> Rules:
    charge = near.block.charge
    return [
        (charge == 0, -0.3239),  # N11
        (charge > 0, -1.119),  # N12
        (_everything(near), -0.4806),  # NS
    ]


def _aliphatic_oxygen(near: Neighbourhood) -> Rules:
    block = near.block
    h, anion = block.hydrogens, (block.charge < 0) & (near.degree + block.hydrogens == 1)
    carbon = (block.element == 6) & ~block.is_aromatic
    sulfur = block.element == 16
    any_bond = np.ones(len(near.kind), dtype=bool)
    double_bond = near.kind == DOUBLE

    # What the carbonyl carbon looks like, which the patterns of radius 2 ask for.
    one_h = carbon & (h == 1)
    to_carbon, to_aromatic_carbon = near.single(ALIPHATIC_C), near.single(AROMATIC_C)
    to_aliphatic, to_aromatic = near.single(ALIPHATIC), near.single(AROMATIC_ATOM)
    aliphatic_carbonyl = (
        (one_h & (to_carbon >= 1))
        | (carbon & (to_carbon >= 1) & (to_aliphatic >= 2))
        | (one_h & (near.single(ALIPHATIC_N + ALIPHATIC_O) >= 1))
        | (carbon & (h == 2))
        | (carbon & (near.degree + h == 2) & (near.double(ALIPHATIC_O) >= 2))
    )
    aromatic_carbonyl = (
        (one_h & (to_aromatic_carbon >= 1))
        | (carbon & (to_aromatic >= 1) & (near.single(CARBON) >= 1) & (to_carbon + to_aromatic >= 2))
        | (carbon & (to_aromatic_carbon >= 1) & (to_aliphatic >= 1))
    )
    hetero_carbonyl = carbon & (near.single(_ANY_HETERO) >= 2)
    carboxyl = carbon & (near.double(ALIPHATIC_O) >= 1)
    neutral_sulfur = sulfur & (block.charge == 0)
    return [
        ((h == 1) | (h == 2), -0.2893),  # O2
        (near.single(ALIPHATIC) >= 2, -0.0684),  # O3
        ((near.single(AROMATIC_ATOM) >= 1) & (near.single(ANY) >= 2), -0.4195),  # O4
        (near.count(double_bond, (block.element == 7) | (block.element == 8)) > 0, 0.0335),  # O5
        (anion & (near.single(NITROGEN) > 0), 0.0335),
        (anion & (near.count(any_bond, sulfur) > near.count(double_bond, sulfur)), -0.3339),  # O6
        ((block.charge == 0) & (near.count(double_bond, neutral_sulfur) > 0), -0.3339),
        ((block.charge == -1) & (near.count(~double_bond, carboxyl) > 0), -1.326),  # O12
        (anion & (near.single(ANY) - near.single(ALIPHATIC_N) - near.single(ALIPHATIC_S) > 0), -1.189),  # O7
        (near.double(AROMATIC_C) > 0, 0.1788),  # O8
        (near.count(double_bond, aliphatic_carbonyl) > 0, -0.1526),  # O9
        (near.count(double_bond, aromatic_carbonyl) > 0, 0.1129),  # O10
        (near.count(double_bond, hetero_carbonyl) > 0, 0.4833),  # O11
        (_everything(near), -0.1188),  # OS
    ]


def _aliphatic_sulfur(near: Neighbourhood) -> Rules:
    charge = near.block.charge
    return [
        ((charge < 0) | ((charge > 0) & (charge != 4)), -0.0024),  # S2
        ((charge == 0) & (near.double(_CHALCOGEN_OR_PNICTOGEN) > 0), -0.0024),
        (_everything(near), 0.6482),  # S1
    ]


def _hydrogen_values(near: Neighbourhood) -> NDArray[np.float64]:
    """Contribution of one hydrogen on each atom."""
    block = near.block
    values = np.full(near.atoms, -0.2677)  # H2: on anything but C, N, O
    values[block.element == 6] = 0.123  # H1
    values[block.element == 7] = 0.2142  # H3
    carbon = (block.element == 6) & ~block.is_aromatic
    not_double = near.kind != DOUBLE
    tetrahedral = carbon & (near.degree + block.hydrogens == 4)
    enol = carbon & (near.double(CARBON + NITROGEN + ALIPHATIC_O + ALIPHATIC_S) > 0)
    alcohol = (near.count(not_double, tetrahedral) > 0) | (near.single(AROMATIC_C) > 0)
    unlike = CHLORINE + BROMINE + IODINE + FLUORINE + ALIPHATIC_P + OTHER_ALIPHATIC
    hydroxyl_values = np.select(
        [
            alcohol | (near.single(unlike) > 0) | (block.hydrogens > 1),  # H2
            near.single(NITROGEN) > 0,  # H3
            (near.count(not_double, enol) > 0) | (near.single(ALIPHATIC_O + ALIPHATIC_S) > 0),  # H4
        ],
        [-0.2677, 0.2142, 0.298],
        0.1125,  # HS
    )
    hydroxyl = (block.element == 8) & ~block.is_aromatic
    values[hydroxyl] = hydroxyl_values[hydroxyl]
    return values
