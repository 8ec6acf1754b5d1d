"""The funnel as the report shows it: bars, examples of what each step removed, and how different the hits are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from molsieve.results import charts
from molsieve.results.drawing import structure_svg
from molsieve.scoring.funnel import Funnel, Step

_WIDTH, _HEIGHT = 150, 96
# Clusters with members of their own are listed; more would only lengthen the page.
_MAX_CLUSTERS = 12


@dataclass(frozen=True)
class DrawnExample:
    """A compound that a step removed, with its drawing."""

    identifier: str
    drawing: Markup | None
    smiles: str | None
    why: str


@dataclass(frozen=True)
class FunnelRow:
    """One step of the table."""

    title: str
    removed: int
    remaining: int
    examples: Sequence[DrawnExample]


@dataclass(frozen=True)
class ClusterRow:
    """A cluster of more than one hit."""

    number: int
    leader: int
    members: Sequence[tuple[int, float]]
    """The other hits, each with its similarity to the leader."""


@dataclass(frozen=True)
class FunnelView:
    """What the section shows."""

    chart: Markup
    logarithmic: bool
    rows: Sequence[FunnelRow]
    """Steps that removed something."""
    diversity: str
    clusters: Sequence[ClusterRow]


def funnel_view(funnel: Funnel, hits: Sequence[Mapping[str, Any]]) -> FunnelView:
    """Put the funnel of a run in the form of the page.

    Args:
        funnel: The funnel.
        hits: Rows of the hits table.

    """
    bars = [charts.FunnelStep(funnel.title, funnel.start, "")]
    bars += [charts.FunnelStep(step.title, step.remaining, _lost(step)) for step in funnel.steps]
    clusters = _clusters(hits)
    return FunnelView(
        chart=charts.funnel(bars),
        logarithmic=charts.is_logarithmic(bars),
        rows=[_row(step) for step in funnel.steps if step.removed],
        diversity=_diversity(hits),
        clusters=[cluster for cluster in clusters if cluster.members][:_MAX_CLUSTERS],
    )


def empty_sentences(funnel: Funnel, predicted: int) -> list[str]:
    """Say at which step the compounds of a run without hits went.

    Args:
        funnel: The funnel, with nothing left.
        predicted: Compounds that were predicted.

    """
    told = f"No compound of the {predicted:,} that were predicted became a hit"
    if emptied := funnel.emptied_at():
        told += f": the last {emptied.removed:,} went at the step '{emptied.title}'"
    removals = "; ".join(f"{step.title}, {step.removed:,}" for step in funnel.steps if step.removed)
    return [
        f"{told}. This is a valid result.",
        f"What each step removed: {removals}. The funnel below has examples.",
    ]


def _lost(step: Step) -> str:
    return f"\N{MINUS SIGN} {step.removed:,}" if step.removed else ""


def _row(step: Step) -> FunnelRow:
    examples = []
    for example in step.examples:
        svg = structure_svg(example.smiles, _WIDTH, _HEIGHT) if example.smiles else None
        drawing = Markup(svg) if svg else None  # noqa: S704 - drawn by RDKit, no text of the user in it
        examples.append(DrawnExample(example.identifier, drawing, example.smiles, example.why))
    return FunnelRow(step.title, step.removed, step.remaining, examples)


def _diversity(hits: Sequence[Mapping[str, Any]]) -> str:
    if not hits:
        return ""
    scaffolds = len({row["scaffold"] for row in hits if row["scaffold"]})
    acyclic = sum(not row["scaffold"] for row in hits)
    clusters = len({row["cluster"] for row in hits})
    passed = sum(row["passed_over"] or 0 for row in hits)
    told = f"{_count(len(hits), 'hit')} with {_count(scaffolds, 'distinct Murcko scaffold')}"
    told += f" ({acyclic:,} acyclic)" if acyclic else ""
    told += f", in {_count(clusters, 'cluster')} of similar structures."
    if passed:
        told += f" {_count(passed, 'lower-ranked compound')} made way for a better one like it."
    return told


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _clusters(hits: Sequence[Mapping[str, Any]]) -> list[ClusterRow]:
    """Clusters, the largest first."""
    sizes = Counter(row["cluster"] for row in hits)
    rows = []
    for number, _ in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        members = [row for row in hits if row["cluster"] == number]
        leader = members[0]["cluster_leader"] or members[0]["hit"]
        others = [(row["hit"], row["cluster_similarity"] or 0.0) for row in members if row["hit"] != leader]
        rows.append(ClusterRow(number, leader, others))
    return rows
