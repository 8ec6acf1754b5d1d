"""Why a compound ranks where it does, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from molsieve.scoring.profile import CATALOGUES, Criterion, Profile

_SHOWN = 2
# Smaller differences of a contribution are not worth a word: a factor of 1.05.
_LEAST = 0.05
# From this share of the profile's limit on, the likeness to a known antibacterial is worth a word.
_NEAR = 0.8
_CATALOGUE_TITLES = {"brenk": "BRENK", "nih": "NIH", "reactive": "reactive group", "toxicophores": "toxicophore"}


def typical_contributions(profile: Profile, scores: pa.Table) -> dict[str, float]:
    """Median contribution of each criterion over some compounds, with which a single one is compared.

    Args:
        profile: The target product profile.
        scores: Rows of the scores table, best of all compounds that can be hits.

    """
    found = {}
    for criterion in profile.criteria:
        values = scores[f"{criterion.name}_contribution"].to_numpy()
        known = values[~np.isnan(values)]
        found[criterion.name] = float(np.median(known)) if len(known) else 0.0
    return found


def reasons(profile: Profile, row: Mapping[str, Any], typical: Mapping[str, float]) -> str:
    """What helps a hit most and what costs it most, then the cautions.

    A criterion helps by as much as it costs the hit less than the compounds it competes with.

    Args:
        profile: The target product profile.
        row: Columns of the scores and of the predictions of the hit.
        typical: What the criteria contribute to the compounds it competes with (:func:`typical_contributions`).

    """
    parts: dict[str, float] = {
        criterion.name: row[f"{criterion.name}_contribution"]
        for criterion in profile.criteria
        if row[f"{criterion.name}_contribution"] is not None
    }
    gains = {name: part - typical[name] for name, part in parts.items()}
    helping = sorted((name for name in parts if gains[name] > _LEAST), key=lambda name: -gains[name])[:_SHOWN]
    costs = (name for name in parts if parts[name] < -_LEAST and name not in helping)
    costing = sorted(costs, key=lambda name: parts[name])[:_SHOWN]
    shown = {criterion.name: _shown(criterion, row) for criterion in profile.criteria if criterion.name in parts}
    sentences = []
    if helping:
        named = [f"{shown[name]}, score x {np.exp(gains[name]):.2g} beside the usual candidate" for name in helping]
        sentences.append(f"Helped by {' and '.join(named)}")
    if costing:
        named = [f"{shown[name]}, score x {np.exp(parts[name]):.2f}" for name in costing]
        sentences.append(f"Held back by {' and '.join(named)}")
    cautions = _cautions(profile, row)
    if cautions:
        sentences.append(f"Cautions: {'; '.join(cautions)}")
    return ". ".join(sentences) + "." if sentences else ""


def _shown(criterion: Criterion, row: Mapping[str, Any]) -> str:
    """Name of a criterion with the value the compound has."""
    value = row[f"{criterion.name}_value"]
    if criterion.endpoints:
        return f"“{criterion.title}” ({value:.0%})"
    unit = f" {criterion.unit}" if criterion.unit else ""
    return f"“{criterion.title}” ({value:.3g}{unit})"


def _cautions(profile: Profile, row: Mapping[str, Any]) -> list[str]:
    """What to know before ordering the compound."""
    found = []
    margin = row.get("selectivity_margin")
    if margin is not None and row["selectivity_lo90"] < 0:
        sure = "likelier toxic than active" if row["selectivity_hi90"] < 0 else "selectivity not shown"
        found.append(f"{sure} (margin {margin:+.2f}, {row['selectivity_lo90']:+.2f} to {row['selectivity_hi90']:+.2f})")
    undecided = [
        c.title
        for c in profile.criteria
        if c.combine != "weighted" and any(row.get(f"{name}_set") == "both" for name in c.endpoints)
    ]
    if undecided:
        found.append(f"the models cannot tell: {', '.join(undecided)}")
    for catalogue in CATALOGUES:
        names = row.get(catalogue)
        if names:
            found.append(f"{_CATALOGUE_TITLES[catalogue]} alert{'s' if len(names) > 1 else ''}: {_spelled(names)}")
    if profile.structure.pains == "flag" and row.get("pains"):
        found.append(f"PAINS alerts: {_spelled(row['pains'])}")
    if row.get("antibacterial_class"):
        found.append(f"has the pattern of a known class: {row['antibacterial_class']}")
    # Where known antibacterials are welcome, the nearest one is no caution; nor is a distant one.
    limit, similarity = profile.structure.known_similarity, row.get("novelty_tanimoto")
    if limit is not None and similarity is not None and similarity >= _NEAR * limit:
        found.append(f"nearest known antibacterial {row['nearest_known']} at {row['novelty_tanimoto']:.2f}")
    if row.get("tier") == "triage":
        found.append("predicted by the fast network alone: the reference models could not describe it")
    if row.get("in_domain") is False:
        found.append("outside the models' domain")
    return found


def _spelled(names: Sequence[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)
