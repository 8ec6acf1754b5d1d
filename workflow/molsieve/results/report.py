"""The report: one HTML file that explains a run to a chemist, without a server, a network or anything installed."""

import base64
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from molsieve import SCHEMA_VERSION, __version__
from molsieve.files import write_text
from molsieve.models.conformal import DEFAULT_ERROR
from molsieve.normal import Z90
from molsieve.results import charts, templates
from molsieve.results.assemble import WorkFolder
from molsieve.results.dictionary import change_texts, reason_texts
from molsieve.results.facts import RunFacts
from molsieve.results.provenance import versions
from molsieve.results.report_cascade import cascade_view
from molsieve.results.report_controls import ControlsView, controls_view
from molsieve.results.report_data import Distribution, LibraryFacts, ReportData, gather
from molsieve.results.report_funnel import empty_sentences, funnel_view
from molsieve.results.report_hits import hit_cards, overview_columns, sort_titles
from molsieve.results.report_models import model_table
from molsieve.scoring.diversity import DiversityOptions
from molsieve.scoring.profile import Criterion

_SHOWN_TEXT = 70


@dataclass(frozen=True)
class ReportReport:
    """What was rendered."""

    hits: int
    controls: int
    size_bytes: int
    seconds: float


def report(work: Path, out: Path, *, facts: RunFacts) -> ReportReport:
    """Render the report of a run.

    Reads the work folder shard by shard; draws at most the first hundred hits, so the page stays small and quick
    whatever the size of the library.

    Args:
        work: Work folder of the run, scored and selected.
        out: File to write.
        facts: Facts of the run.

    """
    begun = time.monotonic()
    data = gather(WorkFolder(work), facts)
    html = render(data, facts)
    write_text(out, html)
    return ReportReport(
        hits=len(data.hits),
        controls=len(data.controls),
        size_bytes=len(html.encode()),
        seconds=time.monotonic() - begun,
    )


def render(data: ReportData, facts: RunFacts) -> str:
    """HTML of the report."""
    folder = Path(templates.__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clip": _clip, "percent": _percent}
    script = (folder / "report.js").read_text(encoding="utf-8")
    controls = controls_view(data)
    hits = hit_cards(data.hits, facts)
    html = environment.get_template("report.html.j2").render(
        facts=facts,
        data=data,
        library=data.library,
        summary=_summary(data, facts, controls),
        # Both are our own files; nothing of the user's is in them.
        style=Markup((folder / "report.css").read_text(encoding="utf-8")),  # noqa: S704
        script=Markup(script),  # noqa: S704
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        funnel=funnel_view(data.selection.funnel, data.selection.hits),
        cascade=cascade_view(data),
        reasons=_reason_rows(data.library),
        changes=_change_rows(data.library),
        controls=controls,
        criteria=[_criterion_row(c, {e.name: e.title for e in facts.endpoints}) for c in facts.profile.criteria],
        hits=hits,
        overview=overview_columns(hits),
        survivors=_survivors(data.on_survivors),
        sort_titles=sort_titles(facts),
        ranking=data.selection.ranking,
        endpoint_charts=_charts(data.distributions, facts),
        property_charts=_charts([*data.property_distributions, *data.domain_distributions], facts),
        models=model_table(facts),
        versions=versions(),
        molsieve_version=__version__,
        schema_version=SCHEMA_VERSION,
        z90=Z90,
        cluster_similarity=facts.config.get("select", {}).get(
            "cluster_similarity", DiversityOptions.cluster_similarity
        ),
        conformal_error=facts.config.get("refine", {}).get("conformal_error", DEFAULT_ERROR),
    )
    return html + "\n"


def _survivors(counts: Mapping[str, int]) -> str:
    """On how many compounds the costly checks were made."""
    return "; ".join(f"{what} on {count:,}" for what, count in counts.items())


@dataclass(frozen=True)
class _Summary:
    """The first lines of the report."""

    tiles: Sequence[tuple[str, str, str]]
    sentences: Sequence[str]


def _summary(data: ReportData, facts: RunFacts, controls: ControlsView) -> _Summary:
    library = data.library
    judged = controls.judgement.judged.figures if controls.judgement.judged else None
    domain = library.in_domain / library.predicted if library.predicted else 0.0
    tiles = [
        ("Records read", f"{library.read:,}", ", ".join(file.name for file in facts.inputs)),
        (
            "Compounds predicted",
            f"{library.predicted:,}",
            f"{library.refined:,} of them by the reference models; {domain:.0%} within the models' domain",
        ),
        ("Rejected", f"{library.rejected:,}", f"{library.duplicates:,} more are duplicates"),
        (
            "Hits",
            f"{data.hits_total:,}",
            f"{data.scaffolds:,} scaffold{'' if data.scaffolds == 1 else 's'} in {data.selection.clusters:,} "
            f"cluster{'' if data.selection.clusters == 1 else 's'}",
        ),
        (
            "Controls, AUROC",
            f"{judged.auroc.value:.2f}" if judged else "\N{EN DASH}",
            f"{judged.auroc.low:.2f} to {judged.auroc.high:.2f}; 0.5 is chance" if judged else "no controls to compare",
        ),
    ]
    return _Summary(tiles, _sentences(data))


def _sentences(data: ReportData) -> list[str]:
    library = data.library
    if not library.read:
        return ["The library holds no records, so there is nothing to report."]
    if not library.predicted:
        return [
            f"None of the {library.read:,} records could be predicted: {library.rejected:,} were rejected. "
            "The table of reasons below says why; often the structures were read from the wrong column."
        ]
    if not data.hits_total:
        return empty_sentences(data.selection.funnel, library.predicted)
    return [
        f"{data.hits_total:,} of {library.predicted:,} compounds are proposed for a closer look. "
        "They are ranked by computed probabilities; none of them has been measured."
    ]


@dataclass(frozen=True)
class _ReasonRow:
    code: str
    meaning: str
    count: int
    share: float
    examples: Sequence[Any]


def _reason_rows(library: LibraryFacts) -> list[_ReasonRow]:
    meanings = reason_texts()
    return [
        _ReasonRow(code, meanings.get(code, ""), count, count / library.read, library.examples.get(code, ()))
        for code, count in library.reasons.items()
    ]


def _change_rows(library: LibraryFacts) -> list[tuple[str, int, str]]:
    meanings = change_texts()
    return [(step, count, meanings.get(step, "").replace("`", "")) for step, count in library.changes.items()]


def _criterion_row(criterion: Criterion, titles: Mapping[str, str]) -> Mapping[str, Any]:
    if criterion.endpoints:
        worst, best = criterion.desirability or (0.0, 1.0)
        scale = f"0 at a probability of {worst:g}, 1 from {best:g}"
        joiner = " or " if criterion.combine == "any" else " and "
        named = [titles[name] for name in criterion.endpoints]
        if criterion.combine == "weighted":
            weights = criterion.weight_of_endpoints()
            named = [f"{titles[name]} (weight {weights[name]:g})" for name in criterion.endpoints]
            joiner, scale = ", ", f"0 at a weighted share of {worst:g}, 1 from {best:g}"
        asked = f"{criterion.want}: {joiner.join(named)}"
    else:
        unit = f" {criterion.unit}" if criterion.unit else ""
        # The title names a property already.
        named_by = f"{titles[criterion.endpoint]} " if criterion.endpoint else ""
        asked = f"{named_by}{_range(criterion)}{unit}"
        scale = f"1 inside, {_fading(criterion)}{unit} outside"
    return {
        "title": criterion.title,
        "asked": asked,
        "scale": scale,
        "required": criterion.required,
        "weight": criterion.weight,
        "source": criterion.source,
    }


def _fading(criterion: Criterion) -> str:
    low, high = criterion.accept or (None, None)
    below, above = criterion.fade
    if below == above or low is None or high is None:
        return f"falling to 0 over {below if high is None else above:g}"
    return f"falling to 0 over {below:g} below and {above:g} above,"


def _range(criterion: Criterion) -> str:
    low, high = criterion.accept or (None, None)
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"at most {high:g}" if low is None else f"at least {low:g}"


def _charts(distributions: Sequence[Distribution], facts: RunFacts) -> list[Mapping[str, Any]]:
    accepted = {c.descriptor: c.accept for c in facts.profile.criteria if c.descriptor}
    return [
        {
            "title": distribution.title,
            "unit": distribution.unit,
            "logarithmic": distribution.logarithmic,
            "n": distribution.library.total,
            "medians": _medians(distribution),
            "chart": charts.histogram(distribution, accepted.get(distribution.column)),
        }
        for distribution in distributions
    ]


def _medians(distribution: Distribution) -> str:
    medians = [("library", distribution.library.median)]
    for name, values in (("antibacterials", distribution.active), ("hits", distribution.hits)):
        known = values[~np.isnan(values)]
        medians.append((name, float(np.median(known)) if len(known) else None))
    return ", ".join(
        f"{name} {value:.2g}" if value < 100 else f"{name} {value:,.0f}" for name, value in medians if value is not None
    )


def _clip(text: str | None, limit: int = _SHOWN_TEXT) -> str:
    text = "" if text is None else str(text)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 or share == 0 else "< 0.1%"
