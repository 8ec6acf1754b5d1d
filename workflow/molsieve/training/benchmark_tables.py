"""The figures of docs/models.md, from the metadata of the shipped models."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from molsieve.errors import MolsieveError
from molsieve.models.info import ModelInfo

BEGIN, END = "<!-- benchmark -->\n", "<!-- /benchmark -->"


def documented(text: str, refine: ModelInfo, triage: ModelInfo) -> str:
    """Text whose part between ``BEGIN`` and ``END`` holds the current tables.

    Raises:
        MolsieveError: The text has no such part.

    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise MolsieveError(f"The text has no part between {BEGIN.strip()} and {END}.")
    return head + begin + benchmark_tables(refine, triage) + end + tail


def benchmark_tables(refine: ModelInfo, triage: ModelInfo) -> str:
    """Endpoints beside the forest, published protocols beside their bars, and what triage keeps of refine."""
    parts = [
        *_classification(refine),
        "",
        *_regression(refine),
        "",
        "Against bars from published work and from the project's aims (mean ± standard deviation over held-out sets or",
        "seeds; the difference from the forest is paired, ± standard error, over folds corrected for the training data",
        "they share, over seeds of one published split as it is):",
        "",
        *_protocols(refine.training["extrapolation"]["protocols"]),
        "",
        "What the triage network keeps of the stack's margin over chance on new scaffolds, summed over the endpoints:",
        "",
        *_margins(refine, triage),
    ]
    return "\n".join(parts) + "\n"


def _classification(info: ModelInfo) -> list[str]:
    """One row an endpoint, the forest in brackets; gut strains as one."""
    lines = ["| endpoint | n | positive | AUROC (forest) | average precision (forest) |", "|---|---|---|---|---|"]
    gut: list[dict[str, Any]] = []
    for e in info.endpoints:
        m = info.metrics[e.name]["scaffold"]
        if e.family == "gut":
            gut.append(m)
        elif not e.is_regression:
            lines.append(
                f"| `{e.name}` | {m['n']:,} | {m['prevalence']:.1%} | {_pair([m], 'auroc')} | {_pair([m], 'auprc')} |"
            )
    if gut:
        share = np.mean([m["prevalence"] for m in gut])
        cells = f"{gut[0]['n']:,} | {share:.1%} | {_pair(gut, 'auroc')} | {_pair(gut, 'auprc')}"
        lines.append(f"| {len(gut)} gut strains, mean | {cells} |")
    return lines


def _regression(info: ModelInfo) -> list[str]:
    lines = ["| endpoint | n | MAE (forest) | R2 (forest) |", "|---|---|---|---|"]
    for e in info.endpoints:
        if e.is_regression:
            m = info.metrics[e.name]["scaffold"]
            lines.append(f"| `{e.name}` ({e.unit}) | {m['n']:,} | {_pair([m], 'mae')} | {_pair([m], 'r2')} |")
    return lines


def _pair(rows: Sequence[dict[str, Any]], metric: str) -> str:
    own, forest = (float(np.mean([row[who][metric]["mean"] for row in rows])) for who in ("model", "forest"))
    return f"{own:.3f} ({forest:.3f})"


def _protocols(rows: Sequence[dict[str, str]]) -> list[str]:
    columns = ("endpoint", "protocol", "metric", "model", "forest", "difference", "bar")
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    return lines + [f"| {' | '.join(row[column] for column in columns)} |" for row in rows]


def _margins(refine: ModelInfo, triage: ModelInfo) -> list[str]:
    """Sums over endpoints of AUROC - 0.5 and of average precision - prevalence, triage relative to refine."""
    margins: dict[str, list[list[float]]] = {}
    for e in refine.endpoints:
        if not e.is_regression:
            rows = [info.metrics[e.name]["scaffold"] for info in (triage, refine)]
            found = [row["model"]["auroc"]["mean"] - 0.5 for row in rows]
            found += [row["model"]["auprc"]["mean"] - row["prevalence"] for row in rows]
            for family in (e.family, "all"):
                margins.setdefault(family, []).append(found)
    lines = ["| family | AUROC | average precision |", "|---|---|---|"]
    for family in (*dict.fromkeys(e.family for e in refine.endpoints), "all"):
        own, reference, own_precision, reference_precision = np.sum(margins[family], axis=0)
        lines.append(f"| {family} | {own / reference:.1%} | {own_precision / reference_precision:.1%} |")
    return lines
