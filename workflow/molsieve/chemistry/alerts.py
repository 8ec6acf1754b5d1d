"""Structural alerts: substructures that interfere with assays, react with proteins, or are known to be toxic.

A few ms a molecule, so for survivors of the cascade only. What an alert means for a compound is the profile's
decision: PAINS is a gate, the others are no more than penalties, because BRENK names nitro-heterocycles and
beta-lactams, and half of all antibiotics react with their target.
"""

import csv
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

from rdkit.Chem import Mol
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogEntry, FilterCatalogParams, SmartsMatcher

from molsieve import project_root

# Of Glaxo's filters in RDKit, R1 to R31 are the reactive groups; I are unsuitable leads, N natural products.
_REACTIVE = re.compile(r"R\d+ ")


class Catalogue(NamedTuple):
    """A published set of alerts."""

    title: str
    """What kind of alert it holds, in a few words."""
    source: str
    """Who published it, with DOI."""
    build: Callable[[], FilterCatalog]


def _shipped(*parts: str) -> Callable[[], FilterCatalog]:
    def build() -> FilterCatalog:
        parameters = FilterCatalogParams()
        for part in parts:
            parameters.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, part))
        return FilterCatalog(parameters)

    return build


def _reactive_groups() -> FilterCatalog:
    """The reactive functional groups of Glaxo's filters, without their numbers."""
    filters = _shipped("CHEMBL_Glaxo")()
    reactive = FilterCatalog()
    for index in range(filters.GetNumEntries()):
        entry = filters.GetEntryWithIdx(index)
        if _REACTIVE.match(entry.GetDescription()):
            entry.SetDescription(_REACTIVE.sub("", entry.GetDescription()))
            reactive.AddEntry(entry)
    return reactive


def _toxicophores() -> FilterCatalog:
    catalogue = FilterCatalog()
    with (project_root() / "resources" / "toxicophores.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            matcher = SmartsMatcher(row["name"], row["smarts"], 1)
            catalogue.AddEntry(FilterCatalogEntry(row["name"], matcher))
    return catalogue


CATALOGUES: dict[str, Catalogue] = {
    "pains": Catalogue(
        "pan-assay interference",
        "Baell and Holloway 2010, doi:10.1021/jm901137j",
        _shipped("PAINS_A", "PAINS_B", "PAINS_C"),
    ),
    "brenk": Catalogue(
        "unwanted in a screening library",
        "Brenk et al. 2008, doi:10.1002/cmdc.200700139",
        _shipped("BRENK"),
    ),
    "nih": Catalogue(
        "problematic functional groups",
        "Jadhav et al. 2010, doi:10.1021/jm901070c; Doveston et al. 2015, doi:10.1039/C4OB02287D",
        _shipped("NIH"),
    ),
    "reactive": Catalogue(
        "reactive functional groups",
        "Hann et al. 1999, doi:10.1021/ci990423o; SMARTS of ChEMBL 23",
        _reactive_groups,
    ),
    "toxicophores": Catalogue(
        "mutagenicity toxicophores",
        "Kazius, McGuire and Bursi 2005, doi:10.1021/jm040835a",
        _toxicophores,
    ),
}


def alerts(mol: Mol, catalogues: Iterable[str] = tuple(CATALOGUES)) -> dict[str, tuple[str, ...]]:
    """Names of the matching alerts of each catalogue, sorted; an empty tuple where none matches."""
    return {name: _matches(name, mol) for name in catalogues}


def _matches(name: str, mol: Mol) -> tuple[str, ...]:
    return tuple(sorted({entry.GetDescription() for entry in catalogue(name).GetMatches(mol)}))


@cache
def catalogue(name: str) -> FilterCatalog:
    """The alerts of one of ``CATALOGUES``, ready to match."""
    return CATALOGUES[name].build()
