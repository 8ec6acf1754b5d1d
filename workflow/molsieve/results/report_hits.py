"""The hits as the report shows them: drawing, predictions with their spread, reasons, alerts, novelty.

A result of an earlier version lacks some columns; what they would say is left out then.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup

from molsieve.models.endpoints import Endpoint
from molsieve.normal import Z90
from molsieve.results.drawing import structure_svg
from molsieve.results.facts import RunFacts
from molsieve.results.report_reasons import Contributions, contributions
from molsieve.results.schema import UNIT_TEXT, value_column
from molsieve.scoring.profile import Criterion, Structure

WIDTH, HEIGHT = 230, 170
_GOOD, _POOR = 0.7, 0.3
_MAX_PROPERTIES = 8
_MAX_TEXT = 200
# Conformal set behind the probability: active, inactive, either, neither.
_SET_SIGNS = {"active": " +", "inactive": " \N{MINUS SIGN}", "both": " \N{PLUS-MINUS SIGN}", "none": " ?"}

Quality = Literal["good", "fair", "poor", "none"]

# Alert catalogues: column, title, and what an alert of it means.
_CATALOGUES = (
    ("pains", "PAINS", "often interferes with assays (doi 10.1021/jm901137j)"),
    ("brenk", "BRENK", "unwanted in a screening library: reactive, toxic or unstable (doi 10.1002/cmdc.200700139)"),
    ("nih", "NIH", "reactive or problematic by the NIH lists (doi 10.1021/jm901070c)"),
    ("reactive", "Reactive", "may react with proteins unspecifically (doi 10.1021/ci990423o)"),
    ("toxicophores", "Toxicophore", "occurs often in mutagens (doi 10.1021/jm040835a)"),
)

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
class Overview:
    """A hit in the table of all hits; empty text where nothing is known."""

    prob: str
    interval: str
    top_share: str
    selectivity: str
    novelty: str
    kin: str
    alerts: str
    entry: str
    cluster: str


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
    overview: Overview
    contributions: Contributions | None
    facts: Sequence[tuple[str, str]]
    """Title and text of what is known of its structure."""
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


def overview_columns(hits: Sequence[Hit]) -> list[tuple[str, str]]:
    """Name and title of the columns of the table of all hits; those that no hit has anything for are left out."""
    titles = {
        "interval": "90% interval",
        "top_share": "stays on top",
        "selectivity": "selectivity margin",
        "novelty": "nearest known antibacterial",
        "kin": "known class",
        "alerts": "alerts",
        "entry": "Gram-negative entry",
        "cluster": "cluster",
    }
    return [(name, title) for name, title in titles.items() if any(getattr(hit.overview, name) for hit in hits)]


def _card(hit: Mapping[str, Any], facts: RunFacts) -> Hit:
    # Of a column that both tables have, the hits table's.
    row = {**dict.fromkeys(hit), **hit["scores"], **{name: value for name, value in hit.items() if value is not None}}
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
        overview=_overview(row),
        contributions=contributions(facts.profile, row["scores"], row["score"]),
        facts=_structure_facts(row),
        bars=[_bar(endpoint, row, facts) for endpoint in facts.profile_endpoints],
        properties=_properties(row, facts.profile.criteria),
        flags=_flags(row, facts.profile.structure),
        reasons=row["reasons"] or "",
        smiles=row["parent_smiles"],
        inchikey=row["inchikey"],
        library_properties=_library_properties(row["library_properties"]),
        sort_values=",".join("" if value is None else f"{value:.6g}" for value in sorting),
        search_text=" ".join(text for text in searched if text).lower(),
        in_domain=row["in_domain"] is not False,
        alerts=sum(len(row.get(name) or ()) for name, *_ in _CATALOGUES),
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


def _flags(row: Mapping[str, Any], structure: Structure) -> list[Flag]:
    flags = []
    if row["in_domain"] is False:
        text = f"outside the domain ({row['unseen_fraction']:.0%} unseen)"
        flags.append(
            Flag("warn", text, "Too much of its fingerprint was never seen in training: its predictions are guesses.")
        )
    elif row["in_domain"]:
        flags.append(Flag("good", "in domain", "The models were trained on molecules like this one."))
    flags += [
        Flag("warn", _clip(f"{title}: {names}"), f"{title} alert: {meaning}. {_effect(column, structure)}")
        for column, title, meaning in _CATALOGUES
        if (names := _alert_names(row, column))
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


def _effect(catalogue: str, structure: Structure) -> str:
    """What an alert did to a compound that is a hit all the same."""
    return "It lowers the score." if catalogue in structure.alert_penalties else "The profile only shows it."


def _overview(row: Mapping[str, Any]) -> Overview:
    low, high = row.get("profile_prob_lo90"), row.get("profile_prob_hi90")
    margin, least = row.get("selectivity_margin"), row.get("selectivity_lo90")
    most = row.get("selectivity_hi90")
    share, entry = row.get("top_share"), row.get("entry_score")
    alerts = [f"{title} {len(row[column])}" for column, title, _ in _CATALOGUES if row.get(column)]
    nearest, similarity = row.get("nearest_known"), row.get("novelty_tanimoto")
    return Overview(
        prob=f"{row['profile_prob']:.2f}",
        interval="" if low is None or high is None else f"{low:.2f} to {high:.2f}",
        top_share="" if share is None else f"{share:.0%}",
        selectivity="" if margin is None else f"{margin:+.2f}{_interval(least, most)}",
        novelty="" if nearest is None or similarity is None else f"{nearest} {similarity:.2f}",
        kin=row.get("antibacterial_class") or "",
        alerts=", ".join(alerts),
        entry="" if entry is None else f"{entry:.2f}",
        cluster="" if row.get("cluster") is None else str(row["cluster"]),
    )


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" ({low:+.2f} to {high:+.2f})"


def _structure_facts(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is known of the structure, each with a title; only what is known."""
    shown = [("selectivity", _selectivity_text(row)), ("stability of its rank", _stability_text(row))]
    shown += [("novelty", _novelty_text(row)), ("nearest training active", _training_text(row))]
    shown += [
        ("class", row.get("antibacterial_class") or ""),
        ("target of the class", _text(row, "antibacterial_target")),
    ]
    shown += [("resistance", _text(row, "resistance_mechanism")), ("Gram-negative entry", _entry_text(row))]
    shown += [(f"{title} alerts", _alert_names(row, column)) for column, title, _ in _CATALOGUES]
    shown += [("cluster", _cluster_text(row))]
    return [(title, text) for title, text in shown if text]


def _text(row: Mapping[str, Any], name: str) -> str:
    return _clip(str(row.get(name) or ""))


def _selectivity_text(row: Mapping[str, Any]) -> str:
    margin = row.get("selectivity_margin")
    if margin is None:
        return ""
    low, high = row.get("selectivity_lo90"), row.get("selectivity_hi90")
    if high is not None and high < 0:
        verdict = "likelier toxic than active"
    elif low is not None and low < 0:
        verdict = "selectivity not shown"
    else:
        verdict = "activity exceeds toxicity"
    return f"margin {margin:+.2f}{_interval(low, high)}: {verdict}"


def _stability_text(row: Mapping[str, Any]) -> str:
    share = row.get("top_share")
    return "" if share is None else f"among the best under {share:.0%} of random changes of the profile's weights"


def _novelty_text(row: Mapping[str, Any]) -> str:
    parts = []
    if row.get("nearest_known") and row.get("novelty_tanimoto") is not None:
        parts.append(f"Tanimoto {row['novelty_tanimoto']:.2f} to {row['nearest_known']}")
    if row.get("nearest_known_tversky") and row.get("novelty_tversky") is not None:
        parts.append(f"has {row['novelty_tversky']:.0%} of the features of {row['nearest_known_tversky']} (Tversky)")
    return "; ".join(parts)


def _training_text(row: Mapping[str, Any]) -> str:
    similarity, name = row.get("training_active_similarity"), row.get("nearest_training_active")
    return "" if similarity is None or not name else _clip(f"Tanimoto {similarity:.2f} to {name}")


def _entry_text(row: Mapping[str, Any]) -> str:
    amine, score = row.get("entry_amine"), row.get("entry_score")
    parts = [] if not amine else ["no ionisable amine" if amine == "none" else f"amine: {amine}"]
    if score is None:
        return "; ".join([*parts, "no conformers computed"]) if parts else ""
    if row.get("globularity") is not None:
        parts.append(f"globularity {row['globularity']:.2f}")
    if row.get("entry_rules_met") is not None:
        parts.append(f"{row['entry_rules_met']} of 3 eNTRy rules met")
    return "; ".join([*parts, f"score {score:.2f}"])


def _cluster_text(row: Mapping[str, Any]) -> str:
    if row.get("cluster") is None:
        return ""
    text, leader = str(row["cluster"]), row.get("cluster_leader")
    if leader is not None and leader != row["hit"]:
        near = row.get("cluster_similarity")
        text += f", led by hit {leader}" + ("" if near is None else f" (Tanimoto {near:.2f})")
    if row.get("passed_over"):
        left_out = row["passed_over"]
        text += "; 1 analogue was left out for it" if left_out == 1 else f"; {left_out} analogues were left out for it"
    return text


def _alert_names(row: Mapping[str, Any], column: str) -> str:
    return ", ".join(name.replace("_", " ") for name in row.get(column) or ())


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
