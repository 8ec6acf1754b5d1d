"""What the report says about the two tiers: who was predicted by which, and what the fast look has lost."""

from collections.abc import Sequence
from dataclasses import dataclass

from molsieve.results.report_data import ReportData
from molsieve.scoring.cascade import Cascade, Kept
from molsieve.scoring.enrichment import Estimate

# A loss that rests on fewer compounds is a guess.
_FEW_MISSED = 5


@dataclass(frozen=True)
class CascadeView:
    """Sentences, and rows of figures: what, estimate, 95 % interval, what it rests on."""

    words: Sequence[str]
    rows: Sequence[tuple[str, str, str, str]]


def cascade_view(data: ReportData) -> CascadeView:
    """Describe the cascade in words and figures."""
    library, found = data.library, data.cascade
    words = [
        f"The fast network (tier triage) predicted all {library.predicted:,} compounds, the reference models (tier "
        f"refine) {library.refined:,} of them; scores rest on the reference models where these have a prediction."
    ]
    if library.not_described:
        words.append(
            f"{library.not_described:,} shortlisted compounds could not be described for the reference models and keep "
            "the predictions of the fast network."
        )
    if found.kept:
        words.append(
            f"Beside the {found.top:,} best, {found.audit:,} of the other {found.compounds - found.top:,} compounds "
            "were drawn at random and given to the reference models as well: each stands for "
            f"{(found.compounds - found.top) / found.audit:,.1f} compounds, which tells what share of the best by the "
            "reference models the fast network had put on top."
        )
    elif library.predicted and found.top == library.predicted:
        words.append("The whole library was small enough for the reference models, so the cascade has lost nothing.")
    elif library.predicted:
        words.append("Without a random sample (shortlist.audit) nothing is known of what the fast network has lost.")
    if data.controls_shortlisted:
        passed, of = data.controls_shortlisted
        words.append(
            f"{passed} of {of} known antibacterials score high enough with the fast network to be among those best; "
            "their ranks below are by the reference models, whether or not they would have come so far."
        )
    rows = [_kept_row(kept, found) for kept in found.kept]
    if found.spearman:
        rows.append(
            (
                "Rank correlation (Spearman) between the scores of the tiers, within the random sample",
                f"{found.spearman.value:.2f}",
                _interval(found.spearman, "{:.2f}"),
                f"{found.audit:,} compounds",
            )
        )
    return CascadeView(words, rows)


def _kept_row(kept: Kept, found: Cascade) -> tuple[str, str, str, str]:
    missed = kept.missed_in_sample
    rests = f"{missed:,} compounds of the sample were missed" if missed else "no compound of the sample was missed"
    if found.audit >= found.compounds - found.top:
        rests = f"every compound was refined; {missed:,} were missed"
    elif 0 < missed < _FEW_MISSED:
        rests += ", too few to be sure"
    return (
        f"Best {kept.best:,} by the reference models that the fast network had among its best {found.top:,}",
        f"{kept.share.value:.1%}",
        _interval(kept.share, "{:.1%}"),
        rests,
    )


def _interval(estimate: Estimate, form: str) -> str:
    return f"{form.format(estimate.low)} to {form.format(estimate.high)}"
