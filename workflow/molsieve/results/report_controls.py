"""What the spiked controls say about the ranking, in figures and in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from molsieve.results import charts
from molsieve.results.report_data import Floats, ReportData
from molsieve.scoring.enrichment import roc_curve
from molsieve.scoring.judgement import AGAINST, POORLY_MATCHED, WHO, Comparison, Judgement, Who

MAX_CLASSES = 24
# A similarity above this, of a molecule that is in the training data, is to itself.
_ITSELF = 0.999


@dataclass(frozen=True)
class ControlsView:
    """The section on the controls, ready to be rendered.

    Attributes:
        judgement: Verdict and figures.
        rows: The table of figures.
        roc: ROC curves.
        has_decoy_curve: Whether one of them is against the decoys.
        early: Enrichment curves.
        strips: Place of each control, by class.
        failed: Controls that could not be scored, with the reason.
        n_active: Active controls that were scored.
        n_unseen: Those of them outside the training data.
        n_inactive: Inactive controls that were scored.
        decoys: How the decoys were chosen and how well they match, in sentences.
        gated: Names of the active controls that the PAINS gate stops, so that they score 0.
        measured_inactive: Active controls that the training data hold and found active in no activity endpoint.

    """

    judgement: Judgement
    rows: Sequence[Comparison]
    roc: Markup
    has_decoy_curve: bool
    early: Markup
    strips: Markup
    failed: Sequence[tuple[str, str]]
    n_active: int
    n_unseen: int
    n_inactive: int
    decoys: Sequence[str]
    gated: Sequence[str]
    measured_inactive: int


def controls_view(data: ReportData) -> ControlsView:
    """Lay out what the controls say."""
    scored = [row for row in data.controls if row["score"] is not None]
    actives = [row for row in scored if row["kind"] == "active"]
    unseen = [row for row in actives if row["in_training"] is False]
    inactives = [row for row in scored if row["kind"] == "inactive"]
    library = data.library_scores
    groups: list[tuple[Who, list[Mapping[str, Any]]]] = [("all", actives), ("unseen", unseen)]
    curves = [
        charts.Curve(WHO[who], who, *roc_curve(_scores(rows), library)) for who, rows in groups if rows and len(library)
    ]
    matched = [row for row in actives if row["name"] in data.decoy_scores]
    decoys = np.concatenate([np.zeros(0, np.float32), *(data.decoy_scores[row["name"]] for row in matched)])
    against_decoys = [charts.Curve("decoys", "decoys", *roc_curve(_scores(matched), decoys))] if matched else []
    return ControlsView(
        judgement=data.judgement,
        rows=sorted(data.judgement.comparisons, key=_place),
        roc=charts.roc([*against_decoys, *curves]),
        has_decoy_curve=bool(against_decoys),
        early=charts.early(curves, len(library)),
        strips=charts.strips(_strips(actives, inactives, len(library)), len(library)),
        failed=[(row["name"], row["reason_code"] or "not scored") for row in data.controls if row["score"] is None],
        n_active=len(actives),
        n_unseen=len(unseen),
        n_inactive=len(inactives),
        decoys=_decoy_sentences(data.judgement),
        gated=[row["name"] for row in actives if row["score"] == 0 and row.get("excluded_by") == "pains"],
        measured_inactive=sum(map(_was_inactive, actives)),
    )


def _was_inactive(row: Mapping[str, Any]) -> bool:
    """Whether the nearest training molecule is the control itself, and was active nowhere."""
    measured = row.get("nn_active")
    is_itself = row["in_training"] and (row["nn_similarity"] or 0) > _ITSELF
    return bool(is_itself and measured and not any(part.endswith(": active") for part in measured.split("; ")))


def _place(comparison: Comparison) -> tuple[int, int, bool]:
    """Place in the table: properties alone right below what they are to be compared with."""
    return list(AGAINST).index(comparison.against), list(WHO).index(comparison.who), comparison.by == "properties"


def _scores(rows: Sequence[Mapping[str, Any]]) -> Floats:
    return np.array([row["score"] for row in rows], dtype=np.float32)


def _decoy_sentences(judgement: Judgement) -> list[str]:
    found = judgement.decoys
    if found is None:
        return []
    words = [
        f"For each known antibacterial up to {found.wanted} compounds of the library were sought that agree with it in "
        "molecular weight, logP, rotatable bonds, donors, acceptors and permanent charge and are similar to no known "
        f"antibacterial of the controls (Tanimoto under {found.max_similarity:g}): {found.decoys:,} for "
        f"{found.matched} of {found.actives}. They are taken as inactive; nobody measured them."
    ]
    if found.imbalance_after is not None:
        words.append(
            f"The mean difference in these properties is {found.imbalance_before:.2f} standard deviations between "
            f"antibacterials and library and {found.imbalance_after:.2f} between the matched ones and their decoys"
            + (
                ": the library has few compounds like them, so the match is rough and size or polarity may still tell "
                "them apart."
                if found.imbalance_after > POORLY_MATCHED
                else "."
            )
        )
    left_out = found.actives - found.matched
    if left_out:
        words.append(f"{left_out} have no like in this library and are left out of that comparison.")
    if found.refined < found.decoys:
        words.append(
            f"{found.decoys - found.refined:,} of the decoys were predicted by the fast network alone, while all "
            "controls were predicted by the reference models."
        )
    return words


def _strips(
    actives: Sequence[Mapping[str, Any]], inactives: Sequence[Mapping[str, Any]], n_library: int
) -> list[charts.Strip]:
    by_class: dict[str, list[Mapping[str, Any]]] = {}
    for row in actives:
        by_class.setdefault(row["antibacterial_class"] or "other antibacterials", []).append(row)
    # The largest classes, then those on top first.
    kept = sorted(by_class, key=lambda name: (-len(by_class[name]), name))[:MAX_CLASSES]
    rest = [row for name in by_class if name not in kept for row in by_class[name]]
    rows = sorted(((name, by_class[name]) for name in kept), key=lambda item: _median_rank(item[1]))
    if rest:
        rows.append((f"{len(by_class) - len(kept)} smaller classes", rest))
    if inactives:
        rows.append(("known inactives", list(inactives)))
    return [
        charts.Strip(f"{name} ({len(members)})", [_dot(row, n_library) for row in _unseen_on_top(members)])
        for name, members in rows
    ]


def _unseen_on_top(members: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that the models had not seen come last, so that no other dot covers them."""
    return sorted(members, key=lambda row: row["in_training"] is False)


def _median_rank(rows: Sequence[Mapping[str, Any]]) -> float:
    return float(np.median([row["would_rank"] for row in rows]))


def _dot(row: Mapping[str, Any], n_library: int) -> charts.Dot:
    seen = row["in_training"] is not False
    known = "in the training data" if seen else "not in the training data"
    title = f"{row['name']}: would be number {row['would_rank']:,} of {n_library + 1:,}; {known}"
    style = "inactive" if row["kind"] == "inactive" else ""
    return charts.Dot(title, (row["would_rank"] - 1) / max(n_library, 1), f"{style} {'hollow' if seen else ''}".strip())
