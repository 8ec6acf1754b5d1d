"""The hits as the report shows them: drawing, predictions with their spread, flags and reasons."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup

from molsieve.models.endpoints import Endpoint
from molsieve.results.drawing import structure_svg
from molsieve.results.facts import RunFacts
from molsieve.results.schema import UNIT_TEXT, value_column
from molsieve.scoring.profile import Criterion

WIDTH, HEIGHT = 230, 170
# Two-sided 90 % interval of a normal distribution, in standard deviations.
Z90 = 1.645
_GOOD, _POOR = 0.7, 0.3
_MAX_PROPERTIES = 8
_MAX_TEXT = 200
# Conformal set behind the probability: active, inactive, either, neither.
_SET_SIGNS = {"active": " +", "inactive": " \N{MINUS SIGN}", "both": " \N{PLUS-MINUS SIGN}", "none": " ?"}

Quality = Literal["good", "fair", "poor", "none"]

# Short names and digits of the properties on a card.
_PROPERTIES = (
    ("mw_da", "MW", "Da", 0),
    ("logp_crippen", "logP", "", 1),
    ("tpsa_a2", "TPSA", "Å²", 0),
    ("hbd", "HBD", "", 0),
    ("hba", "HBA", "", 0),
    ("rotatable_bond_count", "rot. bonds", "", 0),
    ("formal_charge", "charge", "", 0),
)


@dataclass(frozen=True)
class Bar:
    """One prediction on a card; positions are per cent of the track."""

    label: str
    explanation: str
    wanted: str
    quality: Quality
    text: str
    at: float | None
    low: float = 0.0
    width: float = 0.0


@dataclass(frozen=True)
class Flag:
    """A short remark on a card."""

    kind: Literal["good", "warn", "info"]
    text: str
    explanation: str


@dataclass(frozen=True)
class Hit:
    """One card."""

    number: int
    identifier: str
    origin: str
    drawing: Markup | None
    rank: int
    profile_prob: float
    score: float
    bars: Sequence[Bar]
    properties: Sequence[tuple[str, str, Quality]]
    flags: Sequence[Flag]
    reasons: str
    smiles: str
    inchikey: str | None
    library_properties: Sequence[tuple[str, str]]
    sort_values: str
    """Numbers for the page's script, in the order of ``sort_titles``."""
    search_text: str
    in_domain: bool
    alerts: int


def sort_titles(facts: RunFacts) -> list[tuple[str, bool]]:
    """Title of each quantity the cards can be sorted by, and whether the largest comes first."""
    fixed = [
        ("rank of the run", False),
        ("probability of meeting the profile", True),
        ("novelty", False),
        ("molecular weight", False),
    ]
    return [*fixed, *((e.title, _criterion_of(e, facts.profile.criteria)[1]) for e in facts.profile_endpoints)]


def hit_cards(rows: Sequence[Mapping[str, Any]], facts: RunFacts) -> list[Hit]:
    """Cards for these hits.

    Args:
        rows: Rows of the hits table; ``scores`` holds the row of the scores table.
        facts: Facts of the run.

    """
    return [_card(row, facts) for row in rows]


def _card(row: Mapping[str, Any], facts: RunFacts) -> Hit:
    svg = structure_svg(row["parent_smiles"], WIDTH, HEIGHT)
    identifier = row["compound_id"] or f"record {row['record_id']}"
    sorting = [row["hit"], row["profile_prob"], row["novelty_tanimoto"], row["mw_da"]]
    sorting += [row[value_column(endpoint)] for endpoint in facts.profile_endpoints]
    searched = (identifier, row["source"], row["parent_smiles"], row["inchikey"], row["nearest_known"], row["reasons"])
    return Hit(
        number=row["hit"],
        identifier=_clip(identifier),
        origin=f"{row['source']}, row {row['source_row']:,}",
        drawing=Markup(svg) if svg else None,  # noqa: S704 - drawn by RDKit, no text of the user in it
        rank=row["rank"],
        profile_prob=row["profile_prob"],
        score=row["score"],
        bars=[_bar(endpoint, row, facts) for endpoint in facts.profile_endpoints],
        properties=_properties(row, facts.profile.criteria),
        flags=_flags(row),
        reasons=row["reasons"] or "",
        smiles=row["parent_smiles"],
        inchikey=row["inchikey"],
        library_properties=_library_properties(row["library_properties"]),
        sort_values=",".join("" if value is None else f"{value:.6g}" for value in sorting),
        search_text=" ".join(text for text in searched if text).lower(),
        in_domain=row["in_domain"] is not False,
        alerts=len(row["brenk"] or ()),
    )


def _bar(endpoint: Endpoint, row: Mapping[str, Any], facts: RunFacts) -> Bar:
    column = value_column(endpoint)
    value, spread = row[column], row[f"{endpoint.name}_sd"]
    criterion, high_is_good = _criterion_of(endpoint, facts.profile.criteria)
    wanted = "high" if high_is_good else "low"
    if value is None:
        return Bar(endpoint.title, endpoint.description, wanted, "none", "not predicted", None)
    if endpoint.task == "regression":
        unit = UNIT_TEXT.get(endpoint.unit or "", endpoint.unit or "")
        text = f"{value:.2f} ({row[f'{column}_lo90']:.2f} to {row[f'{column}_hi90']:.2f}) {unit}"
        return Bar(endpoint.title, endpoint.description, wanted, _criterion_quality(criterion, row), text, None)
    low, high = (max(0.0, value - Z90 * (spread or 0)), min(1.0, value + Z90 * (spread or 0)))
    return Bar(
        label=endpoint.title,
        explanation=endpoint.description,
        wanted=wanted,
        quality=_endpoint_quality(criterion, value if high_is_good else 1 - value),
        text=f"{value:.2f}{_SET_SIGNS.get(row[f'{endpoint.name}_set'], '')}",
        at=round(100 * value, 1),
        low=round(100 * low, 1),
        width=round(100 * (high - low), 1),
    )


def _criterion_of(endpoint: Endpoint, criteria: Sequence[Criterion]) -> tuple[Criterion, bool]:
    """Criterion that asks for the endpoint, and whether a high value is wanted."""
    criterion = next(criterion for criterion in criteria if endpoint.name in criterion.endpoint_names())
    if endpoint.task == "classification":
        return criterion, criterion.want == "active"
    low, high = criterion.accept or (None, None)
    return criterion, high is None and low is not None


def _desirability(criterion: Criterion, wanted_prob: float) -> float:
    worst, best = criterion.desirability or (0.0, 1.0)
    return min(1.0, max(0.0, (wanted_prob - worst) / (best - worst)))


def _endpoint_quality(criterion: Criterion, wanted_prob: float) -> Quality:
    quality = _quality(_desirability(criterion, wanted_prob))
    # Where one endpoint of several is enough, missing another is no fault.
    return "none" if quality == "poor" and criterion.combine == "any" and len(criterion.endpoints) > 1 else quality


def _criterion_quality(criterion: Criterion, row: Mapping[str, Any]) -> Quality:
    value = row["scores"].get(f"{criterion.name}_desirability")
    return "none" if value is None else _quality(value)


def _quality(desirability: float) -> Quality:
    return "good" if desirability >= _GOOD else "poor" if desirability < _POOR else "fair"


def _properties(row: Mapping[str, Any], criteria: Sequence[Criterion]) -> list[tuple[str, str, Quality]]:
    judged = {criterion.descriptor: criterion for criterion in criteria if criterion.descriptor}
    shown = []
    for name, title, unit, digits in _PROPERTIES:
        value = row[name]
        if value is None or (name == "formal_charge" and value == 0):
            continue
        quality: Quality = _criterion_quality(judged[name], row) if name in judged else "none"
        shown.append((title, f"{value:.{digits}f}{' ' + unit if unit else ''}", quality))
    return shown


def _flags(row: Mapping[str, Any]) -> list[Flag]:
    flags = []
    if row["in_domain"] is False:
        text = f"outside the domain ({row['unseen_fraction']:.0%} unseen)"
        flags.append(
            Flag("warn", text, "Too much of its fingerprint was never seen in training: its predictions are guesses.")
        )
    elif row["in_domain"]:
        flags.append(Flag("good", "in domain", "The models were trained on molecules like this one."))
    flags += [
        Flag(
            "warn",
            name.replace("_", " "),
            "BRENK alert: a group that often causes trouble. It weighs, it does not exclude.",
        )
        for name in row["brenk"] or ()
    ]
    if row["antibacterial_class"]:
        flags.append(Flag("info", row["antibacterial_class"], "Has the pattern of this known antibacterial class."))
    if row["nearest_known"] and row["novelty_tanimoto"] is not None:
        text = f"nearest known: {row['nearest_known']} {row['novelty_tanimoto']:.2f}"
        flags.append(Flag("info", text, "Tanimoto similarity to the nearest known antibacterial; 1 is identical."))
    if row["tier"] == "triage":
        flags.append(
            Flag("warn", "fast network only", "The reference models could not describe it; no conformal sets.")
        )
    if row["nn_similarity"] is not None:
        text = f"nearest in training: {row['nn_similarity']:.2f}"
        measured = f" It was {_measured(row['nn_active'])}." if row["nn_active"] else ""
        flags.append(
            Flag(
                "info",
                text,
                f"Tanimoto similarity to the nearest training molecule; under 0.3 is extrapolation.{measured}",
            )
        )
    return flags


def _measured(outcomes: str) -> str:
    """``a_growth_inhibition: active; b: inactive`` in prose."""
    parts = (part.partition(": ") for part in outcomes.split("; "))
    return ", ".join(f"{outcome} for {name.replace('_', ' ')}" for name, _, outcome in parts)


def _library_properties(text: str | None) -> list[tuple[str, str]]:
    if not text:
        return []
    values = json.loads(text)
    shown = [(_clip(str(key)), _clip(str(value))) for key, value in list(values.items())[:_MAX_PROPERTIES]]
    if len(values) > _MAX_PROPERTIES:
        shown.append(("…", f"{len(values) - _MAX_PROPERTIES} more in hits.parquet"))
    return shown


def _clip(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"
