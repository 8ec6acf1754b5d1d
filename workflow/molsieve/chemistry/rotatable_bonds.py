"""Rotatable bonds of a block of molecules, by RDKit's strict definition.

Single bonds outside rings whose ends both carry more than one heavy atom, but not to a triple bond, not to CF3, CCl3,
CBr3 or tert-butyl, and not the C-N or C-O bond of amides, esters and their like.
"""

import numpy as np
from numpy.typing import NDArray

from molsieve.chemistry.neighbourhood import (
    ALIPHATIC_N,
    ALIPHATIC_O,
    ALIPHATIC_S,
    ANY,
    BROMINE,
    CHLORINE,
    FLUORINE,
    Mask,
    Neighbourhood,
)
from molsieve.chemistry.smiles_graph import DOUBLE, SINGLE, TRIPLE

_CARBON, _NITROGEN, _OXYGEN, _SULFUR = 6, 7, 8, 16


def rotatable_bond_counts(near: Neighbourhood) -> NDArray[np.int64]:
    """Rotatable bonds of each molecule."""
    block = near.block
    turns = _may_turn(near)
    amide = _amide_like(near)
    begin_turns, end_turns = turns[block.begins], turns[block.ends]
    # One end of the pattern must not be part of an amide; either end may be that one.
    not_amide = ~amide[block.begins] | ~amide[block.ends]
    chain_bond = ~block.in_ring & (block.kinds != DOUBLE) & (block.kinds != TRIPLE)
    rotatable = chain_bond & begin_turns & end_turns & not_amide
    return np.bincount(block.molecule[block.begins[rotatable]], minlength=block.molecules)


def _may_turn(near: Neighbourhood) -> Mask:
    """Atoms whose turning changes the shape of the molecule."""
    block = near.block
    carbon = (block.element == _CARBON) & ~block.is_aromatic
    methyl = carbon & (block.hydrogens == 3)
    rotor = (
        (near.single(FLUORINE) >= 3)
        | (near.single(CHLORINE) >= 3)
        | (near.single(BROMINE) >= 3)
        | (near.count(near.kind != DOUBLE, methyl) >= 3)
    )
    turns: Mask = (near.triple(ANY) == 0) & (near.degree != 1) & ~(carbon & rotor)
    return turns


def _amide_like(near: Neighbourhood) -> Mask:
    """Both ends of the single bond between a carbonyl, or iminium, carbon and N, O or S."""
    block = near.block
    chain_single = (near.kind == SINGLE) & ~near.in_ring
    planar_carbon = (block.element == _CARBON) & ~block.is_aromatic & (near.degree == 3)
    carbonyl = planar_carbon & (near.double(ALIPHATIC_N + ALIPHATIC_O + ALIPHATIC_S) > 0)
    iminium_nitrogen = (block.element == _NITROGEN) & ~block.is_aromatic & (block.charge == 1)
    iminium = planar_carbon & (near.count(near.kind == DOUBLE, iminium_nitrogen) > 0)
    nitrogen = block.element == _NITROGEN
    aliphatic_oxygen = (block.element == _OXYGEN) & ~block.is_aromatic
    inner_sulfur = (block.element == _SULFUR) & ~block.is_aromatic & (near.degree != 1)
    hetero = nitrogen | aliphatic_oxygen | inner_sulfur
    inner_nitrogen = nitrogen & (near.degree != 1)
    amide_like: Mask = (
        (carbonyl & (near.count(chain_single, hetero) > 0))
        | (hetero & (near.count(chain_single, carbonyl) > 0))
        | (iminium & (near.count(chain_single, inner_nitrogen) > 0))
        | (inner_nitrogen & (near.count(chain_single, iminium) > 0))
    )
    return amide_like
