"""The model card after the five OECD principles, for people (Markdown) and programs (JSON with QMRF fields).

OECD principles for the validation of (Q)SAR models: a defined endpoint, an unambiguous algorithm, a defined domain of
applicability, measures of goodness of fit, robustness and predictivity, a mechanistic interpretation if possible
(doi:10.1787/9789264085442-en). QMRF: the JRC's QSAR model reporting format. Every number comes from ``model.json``.
"""

import json
from typing import Any

import numpy as np
from jinja2 import ChainableUndefined, Environment, PackageLoader

from molsieve.models.endpoints import Endpoint
from molsieve.models.info import ModelInfo
from molsieve.models.part_names import part_weights
from molsieve.models.prior_shift import precision_at
from molsieve.models.trust import Trust

PREVALENCES = (0.01, 0.001, 0.0001)
"""Shares of actives in a library for which the card states the precision to expect."""
TOP_FALSE_POSITIVE_RATE = 0.001


def render_card(info: ModelInfo, trust: Trust) -> str:
    """Model card in Markdown."""
    environment = Environment(
        loader=PackageLoader("molsieve.training", "templates"),
        autoescape=False,  # noqa: S701 - Markdown from our own metadata
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=ChainableUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {"metric": metric, "percent": lambda v: f"{v:.0%}", "precision": precision_text}
    if info.features == "graph":
        return environment.get_template("CHEMPROP_CARD.md.jinja").render(info=info, trust=trust)
    template = environment.get_template("MODEL_CARD.md.jinja")
    classification = [e for e in info.endpoints if not e.is_regression]
    return template.render(
        info=info,
        trust=trust,
        weights=_endpoints_by_weights(info),
        schemes=schemes(info),
        classification=classification,
        regression=[e for e in info.endpoints if e.is_regression],
        weak=[e for e in info.endpoints if not beats_forest(info, e)],
        prevalences=PREVALENCES,
        precision=expected_precision,
        unlicensed=[d for d in info.datasets if d.get("licence", "").startswith("none")],
    )


def _endpoints_by_weights(info: ModelInfo) -> list[tuple[str, list[str]]]:
    """What the output is made of, in words, and the endpoints it is so for."""
    found: dict[str, list[str]] = {}
    for e in info.endpoints:
        shares = ", ".join(f"{weight:.1%} {name}" for name, weight in part_weights(info, e.name).items())
        found.setdefault(shares, []).append(e.name)
    return list(found.items())


def schemes(info: ModelInfo) -> list[tuple[str, str]]:
    """Schemes of splitting that the metrics cover, with their titles."""
    titles = {
        "scaffold": "New scaffolds (five folds by Murcko scaffold)",
        "random": "Random folds (five, stratified; activity endpoints)",
        "cluster": "New clusters (five folds of sphere-exclusion clusters at Tanimoto 0.4; activity endpoints)",
        "random1": "Random folds, second seed",
        "random2": "Random folds, third seed",
        "random3": "Random folds, fourth seed",
    }
    return [(s, title) for s, title in titles.items() if any(s in m for m in info.metrics.values())]


def metric(summary: dict[str, float] | None) -> str:
    """Mean and standard deviation over the folds; a dash where there is none."""
    return "-" if not summary else f"{summary['mean']:.3f} ± {summary['sd']:.3f}"


def precision_text(value: float) -> str:
    """Precision as a percentage with sensible digits."""
    return f"{value:.1%}" if value < 0.1 else f"{value:.0%}"


def expected_precision(ranking: dict[str, list[float]], prevalence: float) -> float:
    """Share of actives among what is picked when one inactive in a thousand is picked with it."""
    rate = np.array([TOP_FALSE_POSITIVE_RATE])
    found = np.interp(rate, ranking["fpr"], ranking["tpr"])
    return float(precision_at(rate, found, prevalence)[0])


def grade_rows(grades: dict[str, Any], tier: str) -> list[dict[str, str]]:
    """Grades of the explanations as the card's table (``benchmarks/explanations.py``).

    Args:
        grades: Content of ``explanations.json``.
        tier: ``triage`` or ``refine``.

    """
    network = {"triage": "morgan", "refine": "rich"}[tier]
    found = grades["mutagenicity"][tier]
    rows = [
        {
            "name": f"synthetic endpoint '{name}': AUROC of the atoms",
            "value": f"{methods['features_both_ways']['atom_auroc']:.3f}",
            "chance": "0.5",
        }
        for name, methods in grades["synthetic"][network].items()
    ]
    per_atom = f"{found['atom_auroc']:.3f} ± {found['atom_auroc_se']:.3f}"
    random = f"{found['top_atom_random']:.2f}"
    return [
        *rows,
        {
            "name": f"AMES, {found['molecules']} held-out mutagens with one toxicophore: AUROC of its atoms (± SE)",
            "value": per_atom,
            "chance": "0.5",
        },
        {"name": "same, highest atom lies in the toxicophore", "value": f"{found['top_atom']:.2f}", "chance": random},
        {
            "name": "same, fall in log odds when the 10 to 30 % highest atoms are taken away",
            "value": f"{found['deletion']:.2f}",
            "chance": f"{found['deletion_random']:.2f}",
        },
        {
            "name": "same, rank correlation of the attributions between two seeds",
            "value": f"{found['stability']:.2f}",
            "chance": "0",
        },
    ]


def beats_forest(info: ModelInfo, endpoint: Endpoint) -> bool:
    """Whether the model is at least as good as the forest over new scaffolds, by average precision or R2."""
    scaffold = info.metrics.get(endpoint.name, {}).get("scaffold", {})
    name = "r2" if endpoint.is_regression else "auprc"
    own, forest = (scaffold.get(model, {}).get(name) for model in ("model", "forest"))
    return not own or not forest or bool(own["mean"] >= forest["mean"])


def card_json(info: ModelInfo, trust: Trust) -> str:
    """Model card as JSON; the keys of each endpoint follow the sections of the QMRF."""
    document = {
        "model": info.name,
        "tier": info.tier,
        "created": info.created,
        "software": info.training.get("versions", {}) | {"rdkit": info.rdkit_version},
        "endpoints": {e.name: _qmrf(info, trust, e) for e in info.endpoints},
    }
    return json.dumps(document, indent=1) + "\n"


def _qmrf(info: ModelInfo, trust: Trust, endpoint: Endpoint) -> dict[str, Any]:
    metrics = info.metrics.get(endpoint.name, {})
    statistics, known = info.domain.statistics, info.training_is_known
    return {
        "1_identifier": {"title": endpoint.title, "name": endpoint.name, "version": info.created},
        "3_endpoint": {  # OECD principle 1
            "species": endpoint.organism,
            "endpoint": endpoint.description,
            "dependent_variable": endpoint.positive_means,
            "unit": endpoint.unit,
            "task": endpoint.task,
            "data": endpoint.dataset,
        },
        "4_algorithm": {  # OECD principle 2
            "type": _algorithm(info),
            "weights_of_parts": part_weights(info, endpoint.name),
            "descriptors": "the molecule's graph"
            if info.features == "graph"
            else f"{info.features} features, {len(info.descriptors)} descriptors",
            "standardisation_digest": info.standardise_digest,
        },
        "5_domain": {  # OECD principle 3
            "measure": statistics.get("measure"),
            "limit": info.domain.max_unseen_fraction if known else None,
            "error_by_bin": statistics.get("by_endpoint", {}).get(endpoint.name),
            "error_by_similarity": statistics.get("similarity", {}).get("by_endpoint", {}).get(endpoint.name),
        },
        "6_7_statistics": {  # OECD principle 4
            "training_molecules": endpoint.n if known else None,
            "positives": endpoint.n_positive if known and endpoint.task == "classification" else None,
            "held_out" if known else "on_calibration_molecules": metrics,
            "calibration": trust.fitted[endpoint.name].model_dump() if endpoint.name in trust.fitted else None,
        },
        "8_mechanism": {  # OECD principle 5
            "interpretation": "atom attributions for any prediction: molsieve models explain",
            "grades": info.training.get("explanation_grades"),
        },
        "9_references": [
            {key: d.get(key) for key in ("citation", "doi", "licence")}
            for d in info.datasets
            if d.get("name") in endpoint.dataset.split(" + ")
        ],
    }


def _algorithm(info: ModelInfo) -> str:
    if info.features == "graph":
        return "one message-passing neural network (chemprop)"
    return (
        "ensemble of sparse neural networks"
        + (" and gradient-boosted trees" if info.has_boosters else "")
        + (", with read-across from the five nearest measured molecules" if info.has_read_across else "")
    )
