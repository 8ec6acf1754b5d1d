"""From stored weights and out-of-fold predictions to a model directory."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import rdkit
import sklearn
import torch

from molsieve import __version__
from molsieve.chemistry import standardise
from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.chemistry.fingerprints import RADIUS
from molsieve.errors import MolsieveError
from molsieve.files import write_text
from molsieve.models.calibration import Calibration, Interval
from molsieve.models.endpoints import Endpoint
from molsieve.models.store import FORMAT, Domain, ModelInfo, Scale, save_triage_model
from molsieve.training.calibrating import fit_calibration, fit_interval
from molsieve.training.card import render_card
from molsieve.training.datasets import Registry
from molsieve.training.domain import derive_domain
from molsieve.training.evaluation import (
    OutOfFold,
    by_similarity,
    calibration_quality,
    endpoint_metrics,
)
from molsieve.training.fit import TrainingData
from molsieve.training.splits import SCHEMES, Scheme


def evaluate(data: TrainingData, predictions: dict[Scheme, OutOfFold], out: Path) -> dict[str, Any]:
    """Metrics, calibrations, intervals and domain from the out-of-fold predictions; written as JSON."""
    scaffold = predictions["scaffold"]
    metrics: dict[str, Any] = {}
    calibrations: dict[str, Calibration] = {}
    intervals: dict[str, Interval] = {}
    for i, endpoint in enumerate(data.endpoints):
        entry: dict[str, Any] = {scheme: endpoint_metrics(data, predictions[scheme], i) for scheme in SCHEMES}
        measured = ~np.isnan(data.targets[:, i])
        truth = data.targets[measured, i].astype(float)
        outputs = scaffold.outputs[measured][:, :, i].astype(float)
        if endpoint.is_regression:
            value, sd = outputs.mean(axis=1), outputs.std(axis=1, ddof=1)
            intervals[endpoint.name] = fit_interval(value, sd, truth)
            entry["interval"] = {"mean_width": round(_mean_width(intervals[endpoint.name], value, sd), 3)}
        else:
            logits = outputs.mean(axis=1)
            calibrations[endpoint.name] = fit_calibration(logits, truth)
            quality = calibration_quality(logits, truth, scaffold.folds[measured])
            entry["calibration"] = {"method": calibrations[endpoint.name].method, **quality}
        if endpoint.family == "activity":
            entry["by_similarity"] = by_similarity(data, scaffold, i)
        metrics[endpoint.name] = entry
    domain = derive_domain(data, scaffold, calibrations)
    document = {
        "metrics": metrics,
        "calibrations": {name: c.model_dump() for name, c in calibrations.items()},
        "intervals": {name: i.model_dump() for name, i in intervals.items()},
        "domain": domain.model_dump(),
    }
    write_text(out, json.dumps(document) + "\n")
    return document


def _mean_width(interval: Interval, value: Any, sd: Any) -> float:  # noqa: ANN401 - numpy arrays of any width
    low, high = interval.bounds(torch.from_numpy(value), torch.from_numpy(sd))
    return float((high - low).mean())


def assemble(
    registry: Registry, curation: Path, frozen: Path, weights: Path, facts: Path, evaluation: Path, model: Path
) -> ModelInfo:
    """Write the model directory.

    Args:
        registry: Data sets and endpoints.
        curation: Report of the curation.
        frozen: Digests of the splits.
        weights: Weights as they ship (``fit_final``).
        facts: Facts about the training (``fit_final``).
        evaluation: Result of ``evaluate``.
        model: Directory to write.

    Raises:
        MolsieveError: Standardisation changed since the curation.

    """
    curated, trained, evaluated, splits = (json.loads(p.read_text()) for p in (curation, facts, evaluation, frozen))
    digest = standardise.digest(standardise.StandardiseOptions())
    if curated["standardise_digest"] != digest:
        raise MolsieveError(
            "Standardisation has changed since the data were curated.",
            where=str(curation),
            fix="Curate and train again.",
        )
    content = weights.read_bytes()
    info = ModelInfo(
        format=FORMAT,
        name="triage",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        endpoints=tuple(_counted(e, registry, curated) for e in registry.endpoints),
        shape=trained["shape"],
        features={
            "fingerprint": f"Morgan counts, radius {RADIUS}, unfolded 32-bit ids, without stereochemistry",
            "count_transform": "log2(1 + count), counts clipped at 255",
            "vocabulary": f"ids in at least {trained['options']['min_molecules']} training molecules have a vector",
            "descriptors": [column.name for column in DESCRIPTORS],
        },
        standardise_digest=digest,
        rdkit_version=rdkit.__version__,
        weights_sha256=hashlib.sha256(content).hexdigest(),
        datasets=tuple(
            dataset.model_dump(include={"name", "title", "citation", "doi", "licence", "files", "notes"})
            for dataset in registry.datasets
        ),
        curation=curated,
        splits=splits,
        training={
            "options": trained["options"],
            "seed": trained["seed"],
            "molecules": trained["molecules"],
            "seconds": trained["seconds"],
            "versions": {"molsieve": __version__, "torch": torch.__version__, "scikit-learn": sklearn.__version__},
        },
        scales={name: Scale(**scale) for name, scale in trained["scales"].items()},
        calibrations={name: Calibration(**c) for name, c in evaluated["calibrations"].items()},
        intervals={name: Interval(**i) for name, i in evaluated["intervals"].items()},
        domain=Domain(**evaluated["domain"]),
        metrics=evaluated["metrics"],
    )
    save_triage_model(model, info, content, render_card(info))
    return info


def _counted(endpoint: Endpoint, registry: Registry, curated: dict[str, Any]) -> Endpoint:
    report = curated["endpoints"][endpoint.name]
    names: Sequence[str] = [d.name for d in registry.for_endpoint(endpoint.name)]
    return endpoint.model_copy(
        update={"dataset": " + ".join(names), "n": report["n"], "n_positive": report["n_positive"]}
    )
