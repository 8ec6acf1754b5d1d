"""A chemprop network of the user's becomes a model directory: converted, and calibrated on measured molecules."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from molsieve import __version__
from molsieve.errors import MolsieveError
from molsieve.models.calibration import Calibration
from molsieve.models.chemprop_checkpoint import Checkpoint
from molsieve.models.chemprop_graph import scheme_of
from molsieve.models.chemprop_model import GraphModelInfo, chemprop_weights, facts_entry, raw_outputs
from molsieve.models.chemprop_network import GraphNetwork
from molsieve.models.conformal import ConformalScores
from molsieve.models.endpoints import Endpoint
from molsieve.models.info import Domain, Scale
from molsieve.models.record import TrainingRecord
from molsieve.models.store import save_model
from molsieve.models.trust import Fitted, Trust
from molsieve.scoring.enrichment import Estimate
from molsieve.training.calibrating import fit_calibration, fit_interval
from molsieve.training.card import card_json, render_card
from molsieve.training.evaluation import scores, summary
from molsieve.training.external_metrics import RESAMPLES, Array, Labelled, bootstrap, ranking
from molsieve.training.labelled import LabelledData, refuse_classes
from molsieve.training.own_assay import Assay, check_name, endpoint_of, model_facts
from molsieve.training.significance import beats_chance
from molsieve.training.splits import FOLDS
from molsieve.training.trusting import calibration_quality, conformal_quality, mean_width

# Any molecule the graph network can read; where it errs is not known without its training data.
_NO_LIMIT = 1.0


def add_chemprop(
    checkpoint: Checkpoint, assay: Assay, out: Path, *, calibration: LabelledData | None = None
) -> tuple[GraphModelInfo, dict[str, Estimate]]:
    """Write the model directory.

    Args:
        checkpoint: As read by ``read_checkpoint``.
        assay: What the network predicts.
        out: Directory to write.
        calibration: Measured molecules that the network was not trained on.

    Returns:
        The metadata, and how good the network is on the calibration molecules.

    Raises:
        MolsieveError: The name is not usable, a regression has no measured molecules, or the task is another one.

    """
    regression = checkpoint.task == "regression"
    check_name(assay.name, ())
    if regression and calibration is None:
        raise MolsieveError(
            "The interval of a predicted value is not known without measured values.",
            fix="Give --calibration-data: molecules that the network was not trained on, with their values.",
        )
    if calibration is not None and calibration.task != checkpoint.task:
        raise MolsieveError(
            f"The network is for {checkpoint.task}, the labels are for {calibration.task}.", where=calibration.name
        )
    endpoint = endpoint_of(assay, checkpoint.task, None)
    if calibration is not None:
        refuse_classes(calibration, endpoint)
    scheme_of(checkpoint.facts.atom_features, checkpoint.facts.bond_features)
    network = GraphNetwork(checkpoint.facts, checkpoint.weights)
    trust, metrics, found = _judged(endpoint, network, calibration)
    info = GraphModelInfo(
        **model_facts(assay, endpoint, citation=f"not known: a chemprop network, {assay.source}", files=[]),
        tier="refine",
        features="graph",
        descriptors=(),
        networks=(),
        has_boosters=False,
        stack={endpoint.name: (1.0,)},
        curation={},
        splits={},
        training={
            "checkpoint": assay.source,
            "versions": {"molsieve": __version__, "torch": torch.__version__},
            **facts_entry(checkpoint.facts),
        },
        scales={endpoint.name: Scale(mean=0.0, sd=1.0)} if regression else {},
        domain=Domain(
            max_unseen_fraction=_NO_LIMIT,
            statistics={"measure": "not known: the training molecules are not"},
        ),
        metrics={endpoint.name: metrics},
    )
    record = TrainingRecord.of([], [], np.empty((0, 1), dtype=np.float32))
    weights = chemprop_weights(checkpoint, record)
    save_model(out, info, trust, weights, render_card(info, trust), card_json(info, trust))
    return info, found


def _figures(truth: Array, value: Array) -> dict[str, float]:
    """AUROC and average precision."""
    return {name: figure for name, figure in ranking(truth, value).items() if name in ("auroc", "auprc")}


def _errors(truth: Array, value: Array) -> dict[str, float]:
    return scores(truth, value, regression=True)


def _judged(
    endpoint: Endpoint, network: GraphNetwork, calibration: LabelledData | None
) -> tuple[Trust, dict[str, Any], dict[str, Estimate]]:
    """Trust fitted on the measured molecules, and metrics on them; without any, nothing can be ruled out."""
    name = endpoint.name
    if calibration is None:
        nothing = ConformalScores(active=(), inactive=())
        trust = Trust(calibrations={name: Calibration.identity()}, conformal={name: nothing}, intervals={}, fitted={})
        return trust, {}, {}
    parents = [str(smiles) for smiles in calibration.parent_smiles]
    outputs: NDArray[np.float64] = raw_outputs(network, parents).numpy().astype(float)
    truth = calibration.label
    regression = endpoint.is_regression
    measure = _errors if regression else _figures
    found = bootstrap(measure, truth, outputs, classes=not regression, resamples=RESAMPLES, seed=0)
    fitted = Fitted(
        on=f"{calibration.name}, {calibration.molecules:,} molecules",
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        n=len(truth),
        n_positive=0 if endpoint.is_regression else int(truth.sum()),
    )
    metrics: dict[str, Any] = {
        "calibration_set": {
            "n": len(truth),
            "model": summary([{metric: estimate.value for metric, estimate in found.items()}]),
            "beats_chance": beats_chance([Labelled(truth, outputs)], regression=regression),
        }
    }
    if endpoint.is_regression:
        interval = fit_interval(outputs, np.zeros_like(outputs), truth)
        trust = Trust(calibrations={}, conformal={}, intervals={name: interval}, fitted={name: fitted})
        metrics["interval"] = {"mean_width": mean_width(trust, name, outputs, np.zeros_like(outputs))}
        return trust, metrics, found
    curve = fit_calibration(outputs, truth)
    trust = Trust(
        calibrations={name: curve},
        conformal={name: ConformalScores.of(outputs, truth)},
        intervals={},
        fitted={name: fitted},
    )
    folds = (np.random.default_rng(0).permutation(len(truth)) % FOLDS).astype(np.int8)
    metrics["calibration"] = {"method": curve.method, **calibration_quality(outputs, truth, folds)}
    metrics["conformal"] = [
        {name: value for name, value in row.items() if not name.startswith("exchangeable")}
        for row in conformal_quality(outputs, truth, folds)
    ]
    return trust, metrics, found
