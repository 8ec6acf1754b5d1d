"""Structural alerts: substructures that interfere with assays or are reactive or toxic.

About 3 ms a molecule, so for survivors of the cascade only. What an alert means for a compound is the profile's
decision: PAINS is a gate, BRENK no more than a penalty, because it names nitro-heterocycles and beta-lactams.

References: PAINS, Baell and Holloway, doi:10.1021/jm901137j; BRENK, Brenk et al., doi:10.1002/cmdc.200700139;
NIH, Jadhav et al., doi:10.1021/jm901070c, and Doveston et al., doi:10.1039/C4OB02287D.
"""

from collections.abc import Iterable
from functools import cache

from rdkit.Chem import Mol
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

# Catalogue -> RDKit's catalogues it consists of.
CATALOGUES: dict[str, tuple[str, ...]] = {
    "pains": ("PAINS_A", "PAINS_B", "PAINS_C"),
    "brenk": ("BRENK",),
    "nih": ("NIH",),
}


def alerts(mol: Mol, catalogues: Iterable[str] = tuple(CATALOGUES)) -> dict[str, tuple[str, ...]]:
    """Names of the matching alerts of each catalogue, sorted; an empty tuple where none matches."""
    return {name: _matches(name, mol) for name in catalogues}


def _matches(name: str, mol: Mol) -> tuple[str, ...]:
    return tuple(sorted({entry.GetDescription() for entry in _catalogue(name).GetMatches(mol)}))


@cache
def _catalogue(name: str) -> FilterCatalog:
    parameters = FilterCatalogParams()
    for part in CATALOGUES[name]:
        parameters.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, part))
    return FilterCatalog(parameters)
