"""What the report says about the models: what they were trained on and how well they did on molecules held out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from molsieve.models.endpoints import Endpoint
from molsieve.results.facts import RunFacts

NONE = "\N{EN DASH}"


@dataclass(frozen=True)
class ModelRow:
    """One endpoint in the table of models."""

    title: str
    description: str
    in_profile: bool
    dataset: str
    n: int
    prevalence: float | None
    figures: Sequence[tuple[str, str]]
    """Metric as text and that of the forest, in the order of the table's ``columns``; a dash where there is none."""


@dataclass(frozen=True)
class ModelTable:
    """Endpoints with their metrics."""

    columns: Sequence[str]
    rows: Sequence[ModelRow]
    max_unseen_fraction: float | None
    """Largest unseen share that still counts as within the domain."""


# Heading; where the figure stands below the endpoint in ``metrics`` of model.json, {} being the model; the metric for a
# classification and for a regression.
_FIGURES: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("AUROC, new scaffolds", ("scaffold", "{}"), "auroc", "r2"),
    ("Average precision, new scaffolds", ("scaffold", "{}"), "auprc", "mae"),
    ("AUROC, random folds", ("random", "{}"), "auroc", "r2"),
    ("AUROC, unlike training", ("by_similarity", "{}"), "auroc", "r2"),
    ("Calibration error", ("calibration",), "ece_cross_fitted", ""),
)
_MODELS = ("model", "forest")
_REGRESSION = {"r2": "R² {}", "mae": "MAE {}"}


def model_table(facts: RunFacts) -> ModelTable:
    """Every endpoint of the models, those of the profile first."""
    wanted = {endpoint.name for endpoint in facts.profile_endpoints}
    ordered = sorted(facts.endpoints, key=lambda endpoint: endpoint.name not in wanted)
    figures = [_figures(endpoint, _metrics(endpoint, facts)) for endpoint in ordered]
    shown = [at for at in range(len(_FIGURES)) if any(row[at][0] != NONE for row in figures)]
    return ModelTable(
        columns=[_FIGURES[at][0] for at in shown],
        rows=[
            ModelRow(
                title=endpoint.title,
                description=endpoint.description,
                in_profile=endpoint.name in wanted,
                dataset=endpoint.dataset,
                n=endpoint.n,
                prevalence=endpoint.n_positive / endpoint.n if endpoint.n and not endpoint.is_regression else None,
                figures=[row[at] for at in shown],
            )
            for endpoint, row in zip(ordered, figures, strict=True)
        ],
        max_unseen_fraction=facts.infos[0].get("domain", {}).get("max_unseen_fraction") if facts.infos else None,
    )


def _metrics(endpoint: Endpoint, facts: RunFacts) -> Mapping[str, Any]:
    """Metrics of the best model that predicts the endpoint."""
    found = (info.get("metrics", {}).get(endpoint.name) for info in facts.infos)
    return next((metrics for metrics in found if metrics), {})


def _figures(endpoint: Endpoint, metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    # The bin of the molecules least like the training data stands first.
    metrics = {**metrics, "by_similarity": next(iter(metrics.get("by_similarity", [])), {})}
    figures = []
    for _, path, of_classification, of_regression in _FIGURES:
        name = of_regression if endpoint.is_regression else of_classification
        model, forest = (_figure(metrics, [*(part.format(model) for part in path), name]) for model in _MODELS)
        compared = "{}" in path and forest != NONE
        figures.append((model, f"forest {forest}" if compared else ""))
    return figures


def _figure(metrics: Any, path: Sequence[str]) -> str:  # noqa: ANN401 - JSON
    for key in path:
        if not isinstance(metrics, Mapping) or key not in metrics:
            return NONE
        metrics = metrics[key]
    if isinstance(metrics, Mapping) and {"mean", "sd"} <= metrics.keys():
        text = f"{metrics['mean']:.2f} ± {metrics['sd']:.2f}"
    elif isinstance(metrics, int | float):
        text = f"{metrics:.3f}" if path[-1].startswith("ece") else f"{metrics:.2f}"
    else:
        return NONE
    return _REGRESSION.get(path[-1], "{}").format(text)
