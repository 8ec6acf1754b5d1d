"""What the spiked controls say about the ranking, in figures and in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from markupsafe import Markup

from molsieve.results import charts
from molsieve.results.report_data import Floats, ReportData
from molsieve.scoring.enrichment import Enrichment, enrichment, roc_curve

# Fewer unseen controls than this say little, whatever the figures.
FEW = 20
# Below this lower bound of the AUROC a ranking that separates does so only weakly.
WEAK_AUROC = 0.6
CHANCE = 0.5
MAX_CLASSES = 24

Verdict = Literal["good", "weak", "none", "unknown"]


@dataclass(frozen=True)
class Comparison:
    """One row of the table of figures."""

    title: str
    style: str
    figures: Enrichment


@dataclass(frozen=True)
class ControlsView:
    """The section on the controls, ready to be rendered.

    Attributes:
        verdict: Whether the ranking separates known antibacterials from the library.
        words: The verdict in sentences.
        comparisons: Figures of all actives and of those outside the training data.
        roc: ROC curves.
        early: Enrichment curves.
        strips: Place of each control, by class.
        failed: Controls that could not be scored, with the reason.
        n_active: Active controls that were scored.
        n_unseen: Those of them outside the training data.
        n_inactive: Inactive controls that were scored.

    """

    verdict: Verdict
    words: Sequence[str]
    comparisons: Sequence[Comparison]
    roc: Markup
    early: Markup
    strips: Markup
    failed: Sequence[tuple[str, str]]
    n_active: int
    n_unseen: int
    n_inactive: int


def controls_view(data: ReportData) -> ControlsView:
    """Compare the controls with the library."""
    scored = [row for row in data.controls if row["score"] is not None]
    actives = [row for row in scored if row["kind"] == "active"]
    unseen = [row for row in actives if row["in_training"] is False]
    inactives = [row for row in scored if row["kind"] == "inactive"]
    library = data.library_scores
    candidates = [
        ("Known antibacterials, not in the training data", "unseen", _scores(unseen), library),
        ("All known antibacterials", "all", _scores(actives), library),
        ("Unseen antibacterials against known inactives", "", _scores(unseen), _scores(inactives)),
        ("All known antibacterials against known inactives", "", _scores(actives), _scores(inactives)),
    ]
    comparisons = [
        Comparison(title, style, figures)
        for title, style, active, background in candidates
        if (figures := enrichment(active, background)) is not None
    ]
    curves = [
        charts.Curve(title, style, *roc_curve(active, background))
        for title, style, active, background in reversed(candidates[:2])
        if len(active) and len(background)
    ]
    verdict, words = _judge(comparisons, len(actives), len(inactives), _median_similarity(unseen))
    return ControlsView(
        verdict=verdict,
        words=words,
        comparisons=comparisons,
        roc=charts.roc(curves),
        early=charts.early(curves, len(library)),
        strips=charts.strips(_strips(actives, inactives, len(library)), len(library)),
        failed=[(row["name"], row["reason_code"] or "not scored") for row in data.controls if row["score"] is None],
        n_active=len(actives),
        n_unseen=len(unseen),
        n_inactive=len(inactives),
    )


def _scores(rows: Sequence[Mapping[str, Any]]) -> Floats:
    return np.array([row["score"] for row in rows], dtype=np.float32)


def _median_similarity(rows: Sequence[Mapping[str, Any]]) -> float | None:
    known = [row["nn_similarity"] for row in rows if row["nn_similarity"] is not None]
    return float(np.median(known)) if known else None


def _judge(
    comparisons: Sequence[Comparison], n_active: int, n_inactive: int, near: float | None
) -> tuple[Verdict, list[str]]:
    figures = {comparison.style: comparison.figures for comparison in comparisons if comparison.style}
    if not figures:
        return "unknown", [
            "No known antibacterials went through this run, or nothing was left to compare them with. "
            "So nothing here says whether the ranking finds antibacterials."
        ]
    seen_only = "unseen" not in figures
    judged = figures.get("unseen") or figures["all"]
    who = "known antibacterials" if seen_only else "known antibacterials that the models never saw in training"
    auroc = judged.auroc
    interval = f"{judged.n_active} of them, AUROC {auroc.value:.2f}, 95% interval {auroc.low:.2f} to {auroc.high:.2f}"
    words = []
    if auroc.low > WEAK_AUROC:
        verdict: Verdict = "good"
        words.append(f"The ranking puts {who} ahead of the library ({interval}).")
        if judged.n_active < FEW:
            verdict = "weak"
            words[0] += " They are too few to be sure."
    elif auroc.low > CHANCE:
        verdict = "weak"
        words.append(
            f"The ranking puts {who} only a little ahead of the library ({interval}). Treat the hits as weak leads."
        )
    else:
        verdict = "none"
        words.append(
            f"Warning: this ranking does not separate {who} from the library ({interval}; 0.50 is chance). "
            "Do not order compounds because of this ranking."
        )
    times = judged.top1.value / 0.01
    words.append(
        f"{judged.top1.value:.0%} of them would be in the best 1% of the library, {times:.0f} times what chance gives."
    )
    if seen_only:
        words.append(
            f"All {n_active} were in the training data, so this measures memory: it says nothing about new chemistry."
        )
    elif near is not None:
        words.append(
            f"Their nearest training molecules have a median similarity of {near:.2f}: relatives of them were seen, so "
            "new classes may fare worse."
        )
    if not n_inactive:
        words.append("There were no known inactives to compare with.")
    return verdict, words


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
        charts.Strip(f"{name} ({len(members)})", [_dot(row, n_library) for row in members]) for name, members in rows
    ]


def _median_rank(rows: Sequence[Mapping[str, Any]]) -> float:
    return float(np.median([row["would_rank"] for row in rows]))


def _dot(row: Mapping[str, Any], n_library: int) -> charts.Dot:
    seen = row["in_training"] is not False
    known = "in the training data" if seen else "not in the training data"
    title = f"{row['name']}: would be number {row['would_rank']:,} of {n_library + 1:,}; {known}"
    style = "inactive" if row["kind"] == "inactive" else ""
    return charts.Dot(title, (row["would_rank"] - 1) / max(n_library, 1), f"{style} {'hollow' if seen else ''}".strip())
