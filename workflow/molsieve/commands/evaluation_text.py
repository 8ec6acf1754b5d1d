"""The figures of ``molsieve models evaluate`` to read in a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType

from molsieve.commands.terminal import console, interval, number, percent, table

if TYPE_CHECKING:
    from molsieve.scoring.enrichment import Estimate
    from molsieve.training.external import Evaluation
    from molsieve.training.external_metrics import CalibrationFigures, DomainBin

_TITLES = {
    "prevalence": "prevalence",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "bedroc": "BEDROC (alpha 20)",
    "ef1": "enrichment in top 1 %",
    "mcc": "MCC at 0.5",
    "sensitivity": "sensitivity at 0.5",
    "specificity": "specificity at 0.5",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R2",
    "spearman": "Spearman",
}


def show(found: "Evaluation", out: Console | None = None) -> None:
    """Print all figures."""
    out = out or console()
    out.print(f"{found.endpoint}, model {found.model} (tier {found.tier}), on {found.file}")
    out.print(_summary(found), soft_wrap=True)
    out.print()
    out.print(table("Figures", ("", "value", "95 % interval", "to compare"), _figure_rows(found)))
    if found.calibration is not None:
        _show_calibration(out, found.calibration)
    if found.conformal:
        rows = [
            [
                f"{c.error:g}",
                interval(c.coverage_active),
                interval(c.coverage_inactive),
                *(percent(c.shares[name]) for name in ("active", "inactive", "both", "none")),
            ]
            for c in found.conformal
        ]
        headings = ("error", "active covered", "inactive covered", "{active}", "{inactive}", "both", "none")
        out.print()
        out.print(table("Conformal sets; of either class 1 - error should be covered", headings, rows))
    if found.interval is not None:
        out.print()
        out.print(
            f"90 % intervals hold {interval(found.interval.coverage)} of the values; mean width "
            f"{found.interval.mean_width:.3g}{_unit(found)}"
        )
    if found.domain_limit is None:
        return
    for title, bins in (
        ("By Tanimoto similarity to the nearest molecule the endpoint was trained on", found.by_similarity),
        (f"By share of unseen Morgan ids (domain: up to {found.domain_limit:g})", found.by_unseen_fraction),
    ):
        out.print()
        out.print(_domain_table(title, bins, classes=found.positives is not None))


def _summary(found: "Evaluation") -> str:
    parts = [f"{found.molecules:,} molecules"]
    if found.positives is not None:
        parts.append(f"{found.positives:,} active")
    if found.in_domain is None or found.near_training is None:
        parts.append("distance from its training molecules not known")
    else:
        parts.append(f"{found.in_domain:,} within the model's domain")
        parts.append(f"{found.near_training:,} nearly the same as a training molecule")
    if found.excluded_in_training:
        parts.append(f"{found.excluded_in_training:,} left out because the endpoint was trained on them")
    if found.seen_for_other_endpoints_only:
        parts.append(f"{found.seen_for_other_endpoints_only:,} known from other endpoints")
    if found.not_described:
        parts.append(f"{found.not_described:,} could not be described")
    return ", ".join(parts)


def _figure_rows(found: "Evaluation") -> list[list[str]]:
    prevalence = found.figures.get("prevalence")
    compare = {
        "auroc": "chance 0.5",
        "auprc": f"chance {number(prevalence.value if prevalence else None)}",
        "ef1": f"chance 1, best possible {number(found.ef1_max, 1)}",
        "mcc": "chance 0",
        "r2": "0 for always predicting the mean of these labels",
        "spearman": "chance 0",
    }
    unit = _unit(found)
    rows = []
    for name, estimate in found.figures.items():
        title = _TITLES[name] + (unit if name in {"mae", "rmse"} else "")
        digits = 1 if name == "ef1" else 3
        bounds = f"{number(estimate.low, digits)} to {number(estimate.high, digits)}"
        rows.append([title, number(estimate.value, digits), bounds, compare.get(name, "")])
    return rows


def _show_calibration(out: Console, found: "CalibrationFigures") -> None:
    out.print()
    out.print(
        f"Calibration: ECE {found.ece:.3f} ({found.ece_by_chance:.3f} if they were exactly right: chance with so "
        f"few molecules); Brier score {interval(found.brier)}, of always predicting the prevalence "
        f"{found.brier_of_prevalence:.3f}; mean probability {found.mean_probability:.3f}",
        soft_wrap=True,
    )
    rows = [
        [f"{b.n:,}", number(b.predicted), number(b.observed.value), f"{b.observed.low:.3f} to {b.observed.high:.3f}"]
        for b in found.reliability
    ]
    out.print()
    out.print(table("Reliability", ("n", "predicted", "observed", "95 % interval"), rows, text_columns=0))


def _domain_table(title: str, bins: Sequence["DomainBin"], *, classes: bool) -> RenderableType:
    names = ("auroc", "auprc", "brier") if classes else ("mae", "rmse")
    headings = ("from", "to", "n", *(["active"] if classes else []))
    headings += ("AUROC", "AUPRC", "Brier", "set covers (error 0.2)") if classes else ("MAE", "RMSE", "interval covers")
    rows = []
    for b in bins:
        cells = [f"{b.low:g}", f"{b.high:g}", f"{b.n:,}", *([f"{b.n_positive:,}"] if b.n_positive is not None else [])]
        rows.append([*cells, *(_few(b.figures, name, b.n) for name in names), percent(b.coverage)])
    return table(title, headings, rows, text_columns=0)


def _few(figures: "dict[str, Estimate]", name: str, n: int) -> str:
    if figures:
        return interval(figures[name])
    return "too few" if n else "-"


def _unit(found: "Evaluation") -> str:
    return f" {found.unit}" if found.unit else ""
