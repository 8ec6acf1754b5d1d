"""Hydrogen-bond donors and acceptors of a block of molecules, by the definitions of RDKit's CalcNumHBD and CalcNumHBA.

Acceptors after Gillet, Willett and Bradshaw, doi:10.1021/ci970431+.
"""

import numpy as np
from numpy.typing import NDArray

from molsieve.chemistry.neighbourhood import (
    ALIPHATIC_N,
    ALIPHATIC_O,
    ALIPHATIC_P,
    ALIPHATIC_S,
    Mask,
    Neighbourhood,
)
from molsieve.chemistry.smiles_graph import DOUBLE, SINGLE

_NITROGEN, _OXYGEN, _SULFUR = 7, 8, 16
_POLAR = ALIPHATIC_O + ALIPHATIC_N + ALIPHATIC_P + ALIPHATIC_S


def donor_counts(near: Neighbourhood) -> NDArray[np.int64]:
    """Hydrogen-bond donors of each molecule."""
    block = near.block
    nitrogen, chalcogen = _nitrogen(near), _chalcogen(near)
    neutral = block.charge == 0
    donors = (
        (nitrogen & (block.hydrogens > 0) & (near.valence == 3))
        | (nitrogen & (block.hydrogens > 0) & (block.charge == 1) & (near.valence == 4))
        | (chalcogen & (block.hydrogens == 1) & neutral)
        | (block.is_aromatic & (block.element == _NITROGEN) & (block.hydrogens == 1) & neutral)
    )
    return near.molecules_with(donors)


def acceptor_counts(near: Neighbourhood) -> NDArray[np.int64]:
    """Hydrogen-bond acceptors of each molecule."""
    block = near.block
    nitrogen, chalcogen = _nitrogen(near), _chalcogen(near)
    double_to_polar = near.double(_POLAR) > 0
    # Double bonds out of a ring, as in an amide, take the lone pair of the nitrogen next to them.
    polar = np.isin(block.element, (_NITROGEN, _OXYGEN, 15, _SULFUR)) & ~block.is_aromatic
    exocyclic = near.count((near.kind == DOUBLE) & ~near.in_ring, polar) > 0
    amide_like = near.count(near.kind == SINGLE, exocyclic) > 0
    lone_partner = near.count(near.kind == SINGLE, ~double_to_polar) > 0
    aromatic = block.is_aromatic & (block.charge == 0)
    acceptors = (
        (chalcogen & (block.hydrogens == 1) & (near.valence == 2) & lone_partner)
        | (chalcogen & (block.hydrogens == 0) & (near.valence == 2))
        | (chalcogen & (block.charge == -1))
        | (nitrogen & (near.valence == 3) & ~amide_like)
        | (aromatic & (block.element == _NITROGEN) & (block.hydrogens == 0) & (near.degree == 2))
        | (aromatic & ((block.element == _OXYGEN) | (block.element == _SULFUR)))
    )
    return near.molecules_with(acceptors)


def _nitrogen(near: Neighbourhood) -> Mask:
    nitrogen: Mask = (near.block.element == _NITROGEN) & ~near.block.is_aromatic
    return nitrogen


def _chalcogen(near: Neighbourhood) -> Mask:
    is_chalcogen = (near.block.element == _OXYGEN) | (near.block.element == _SULFUR)
    chalcogen: Mask = is_chalcogen & ~near.block.is_aromatic
    return chalcogen
