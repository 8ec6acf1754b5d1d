"""The model card: what a person must know before believing a number, generated from ``model.json``."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from molsieve.models.endpoints import Endpoint
from molsieve.models.store import ModelInfo


def render_card(info: ModelInfo) -> str:
    """Model card in Markdown."""
    environment = Environment(
        loader=PackageLoader("molsieve.training", "templates"),
        autoescape=False,  # noqa: S701 - Markdown from our own metadata
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["metric"] = metric
    template = environment.get_template("MODEL_CARD.md.jinja")
    return template.render(
        info=info,
        classification=[e for e in info.endpoints if not e.is_regression],
        regression=[e for e in info.endpoints if e.is_regression],
        activity=[e for e in info.endpoints if e.family == "activity"],
        weak=[e for e in info.endpoints if not e.is_regression and not beats_forest(info, e)],
        unlicensed=[d for d in info.datasets if d["licence"].startswith("none")],
    )


def metric(summary: dict[str, float]) -> str:
    """Mean and standard deviation over the folds."""
    return f"{summary['mean']:.3f} ± {summary['sd']:.3f}"


def beats_forest(info: ModelInfo, endpoint: Endpoint) -> bool:
    """Whether the network has at least the forest's mean average precision in the scaffold folds."""
    scaffold = info.metrics[endpoint.name]["scaffold"]
    return bool(scaffold["network"]["auprc"]["mean"] >= scaffold["forest"]["auprc"]["mean"])
