"""From trained parts and out-of-fold predictions to the two model directories that ship."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import rdkit
import sklearn
import torch
from pydantic import BaseModel, ConfigDict

from molsieve import __version__
from molsieve.chemistry import standardise
from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.errors import MolsieveError
from molsieve.files import write_text
from molsieve.models.boosters import Boosters
from molsieve.models.endpoints import Endpoint
from molsieve.models.info import Domain, ModelInfo, NetworkFacts, Scale
from molsieve.models.model import NetworkPart
from molsieve.models.read_across import PRIOR
from molsieve.models.record import TrainingRecord
from molsieve.models.rich_features import RICH_DESCRIPTORS
from molsieve.models.store import FORMAT, save_model, weights_bytes
from molsieve.models.trust import Trust
from molsieve.training.card import card_json, render_card
from molsieve.training.components import SPECIALISTS, STACKED, Component, FittedComponent, load_component
from molsieve.training.data import TrainingData
from molsieve.training.datasets import Registry
from molsieve.training.domain import derive_domain, unseen_out_of_fold
from molsieve.training.evaluation import (
    OutOfFold,
    by_similarity,
    endpoint_metrics,
    nearest_out_of_fold,
    ranking,
)
from molsieve.training.stacking import choose_weights, nested
from molsieve.training.stored_predictions import stored_rows, write_stored
from molsieve.training.trusting import calibrated, calibration_quality, conformal_quality, fit_trust, mean_width


class Evaluated(BaseModel):
    """What the out-of-fold predictions say about one model; a JSON file between two steps of the training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metrics: dict[str, Any]
    trust: Trust
    domain: Domain
    stack: dict[str, tuple[float, ...]]
    """Weight of each part for each family."""


def evaluate(
    data: TrainingData,
    scaffold: OutOfFold,
    others: dict[str, tuple[TrainingData, OutOfFold]],
    *,
    date: str,
    stored: Path | None = None,
) -> Evaluated:
    """Metrics, trust, domain and stack of one model.

    Args:
        data: Curated molecules.
        scaffold: Out-of-fold predictions over new scaffolds, of all endpoints; everything is fitted on them.
        others: By scheme, molecules and predictions that only metrics are wanted of; endpoints may be fewer.
        date: UTC, ISO 8601.
        stored: Where to keep the predictions that the metrics are computed from.

    """
    model, sd = nested(data, scaffold)
    trust = fit_trust(data, model, sd, on="out-of-fold predictions over new scaffolds", date=date)
    metrics: dict[str, Any] = {e.name: {} for e in data.endpoints}
    rows = []
    for scheme, (part, oof) in {"scaffold": (data, scaffold), **others}.items():
        output = model if oof is scaffold else nested(part, oof)[0]
        rows.append(stored_rows(part, oof, output, scheme))
        for i, endpoint in enumerate(part.endpoints):
            metrics[endpoint.name][scheme] = endpoint_metrics(part, oof, output, i)
    if stored is not None:
        write_stored(rows, stored)
    predicted = np.empty(model.shape, dtype=np.float64)
    similarity = []
    for i, endpoint in enumerate(data.endpoints):
        measured = np.flatnonzero(~np.isnan(data.targets[:, i]))
        truth, output = data.targets[measured, i].astype(float), model[measured, i].astype(float)
        similarity.append(nearest_out_of_fold(data, measured, scaffold.folds))
        entry = metrics[endpoint.name]
        entry["by_similarity"] = by_similarity(data, similarity[-1], model, scaffold.baselines["forest"], i)
        if endpoint.is_regression:
            predicted[:, i] = model[:, i]
            width = mean_width(trust, endpoint.name, output, sd[measured, i].astype(float))
            entry["interval"] = {"mean_width": width}
        else:
            predicted[:, i] = calibrated(trust.calibrations[endpoint.name], model[:, i].astype(float))
            folds = scaffold.folds[measured]
            method = trust.calibrations[endpoint.name].method
            entry["calibration"] = {"method": method, **calibration_quality(output, truth, folds)}
            entry["conformal"] = conformal_quality(output, truth, folds)
            entry["ranking"] = ranking(truth, output)
    domain = derive_domain(data, predicted, unseen_out_of_fold(data, scaffold.folds), similarity)
    stack = choose_weights(data, scaffold, np.ones(data.molecules, dtype=bool))
    return Evaluated(metrics=metrics, trust=trust, domain=domain, stack=stack)


@dataclass(frozen=True)
class Sources:
    """Files of the training that a model is put together from."""

    registry: Registry
    curation: Path
    frozen: Path
    """Digests of the splits."""
    final: Path
    """Folder of the trained parts."""


def assemble(
    data: TrainingData,
    sources: Sources,
    tier: str,
    evaluated: Evaluated,
    model: Path,
    *,
    extrapolation: dict[str, Any],
    grades: list[dict[str, Any]] | None = None,
) -> ModelInfo:
    """Write the directory of one tier.

    Args:
        data: Curated molecules.
        sources: Where the parts and the facts about the data are.
        tier: ``triage`` (the student) or ``refine`` (the stack).
        evaluated: What ``evaluate`` found.
        model: Directory to write.
        extrapolation: Results that do not belong to one endpoint: classes left out, transfer, published protocols. They
            are the stack's, so only the tier refine has them.
        grades: Grades of the explanations for the card: ``name``, ``value``, ``chance``.

    Raises:
        MolsieveError: Standardisation changed since the curation.

    """
    curated, splits = json.loads(sources.curation.read_text()), json.loads(sources.frozen.read_text())
    digest = standardise.digest(standardise.StandardiseOptions())
    if curated["standardise_digest"] != digest:
        raise MolsieveError(
            "Standardisation has changed since the data were curated.",
            where=str(sources.curation),
            fix="Curate and train again.",
        )
    names = STACKED if tier == "refine" else ("student",)
    fitted = [load_component(name, sources.final / f"{name}.safetensors") for name in names]
    networks = [_in_features(part, tier) for f in fitted if isinstance(f.part, tuple) for part in f.part]
    boosters = next((f.part for f in fitted if isinstance(f.part, Boosters)), None)
    has_read_across = all(len(weights) > len(fitted) for weights in evaluated.stack.values())
    record = TrainingRecord.of(data.connectivity, data.fingerprints(np.arange(data.molecules)), data.targets)
    scaling = fitted[0].scaling
    info = ModelInfo(
        format=FORMAT,
        name=tier,
        tier="refine" if tier == "refine" else "triage",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        endpoints=tuple(_counted(e, sources.registry, curated) for e in data.endpoints),
        features="rich" if tier == "refine" else "morgan",
        descriptors=RICH_DESCRIPTORS if tier == "refine" else tuple(c.name for c in DESCRIPTORS),
        networks=tuple(_facts(kind, part, data.endpoints) for kind, part in zip(_kinds(fitted), networks, strict=True)),
        has_boosters=boosters is not None,
        has_read_across=has_read_across,
        read_across_prior=PRIOR if has_read_across else 0.0,
        stack={e.name: network_weights(evaluated.stack[e.family], fitted, i, e) for i, e in enumerate(data.endpoints)},
        standardise_digest=digest,
        rdkit_version=rdkit.__version__,
        datasets=tuple(
            dataset.model_dump(include={"name", "title", "citation", "doi", "licence", "files", "notes"})
            for dataset in sources.registry.datasets
            if dataset.auxiliary is None
        ),
        curation=curated,
        splits=splits,
        training={
            "molecules": data.molecules,
            "seconds": {f.component: f.seconds for f in fitted},
            "extrapolation": extrapolation if tier == "refine" else {},
            "explanation_grades": grades,
            "versions": {
                "molsieve": __version__,
                "torch": torch.__version__,
                "lightgbm": version("lightgbm"),
                "scikit-learn": sklearn.__version__,
            },
        },
        scales={
            e.name: Scale(mean=float(scaling.mean[i]), sd=float(scaling.sd[i]))
            for i, e in enumerate(data.endpoints)
            if e.is_regression
        },
        domain=evaluated.domain,
        metrics=evaluated.metrics,
    )
    weights = weights_bytes(networks, boosters, record)
    trust = evaluated.trust
    save_model(model, info, trust, weights, render_card(info, trust), card_json(info, trust))
    return info


def _in_features(part: NetworkPart, tier: str) -> NetworkPart:
    """Network that finds its descriptors among those of the tier; the cheap ones come first in both."""
    columns = np.arange(part.network.shape.descriptors if tier == "refine" else len(DESCRIPTORS))
    return replace(part, descriptors=columns)


def _kinds(fitted: Sequence[FittedComponent]) -> list[Component]:
    """Component of each network."""
    return [f.component for f in fitted if isinstance(f.part, tuple) for _ in f.part]


def _facts(component: Component, part: NetworkPart, endpoints: Sequence[Endpoint]) -> NetworkFacts:
    predicted = () if part.predicts is None else tuple(int(i) for i in np.flatnonzero(part.predicts))
    families = {endpoints[i].family for i in predicted}
    learned = next(s.learns for s in SPECIALISTS if families.issubset(s.predicts)) if predicted else ()
    return NetworkFacts(
        shape=part.network.shape,
        fingerprints=("morgan", "feature_morgan") if component == "rich" else ("morgan",),
        descriptors=tuple(int(c) for c in part.descriptors),
        endpoints=predicted,
        learned=learned,
    )


def network_weights(
    weights: Sequence[float], fitted: Sequence[FittedComponent], place: int, endpoint: Endpoint
) -> tuple[float, ...]:
    """Weights of an endpoint's networks, boosters and read-across from those of the parts.

    The networks of a part share its weight alike. Boosters count where there are some for the endpoint, read-across for
    classifications.

    Args:
        weights: Of the parts, then perhaps of read-across.
        fitted: The trained parts.
        place: Of the endpoint among all.
        endpoint: The endpoint.

    """
    found: list[float] = []
    for weight, f in zip(weights, fitted, strict=False):
        if isinstance(f.part, Boosters):
            found.append(weight if endpoint.name in f.part.boosters else 0.0)
        else:
            predicts = [n.predicts is None or bool(n.predicts[place]) for n in f.part]
            found += [weight * does / sum(predicts) for does in predicts]
    if len(weights) > len(fitted):
        found.append(0.0 if endpoint.is_regression else weights[-1])
    total = sum(found) or 1.0
    return tuple(round(w / total, 4) for w in found)


def _counted(endpoint: Endpoint, registry: Registry, curated: dict[str, Any]) -> Endpoint:
    report = curated["endpoints"][endpoint.name]
    names: Sequence[str] = [d.name for d in registry.for_endpoint(endpoint.name)]
    return endpoint.model_copy(
        update={"dataset": " + ".join(names), "n": report["n"], "n_positive": report["n_positive"]}
    )


def read_evaluated(path: Path) -> Evaluated:
    """Evaluation of a model, as written by the step before."""
    return Evaluated.model_validate_json(path.read_bytes())


def write_evaluated(evaluated: Evaluated, path: Path) -> None:
    """Keep an evaluation for the step that assembles the model."""
    write_text(path, evaluated.model_dump_json() + "\n")
