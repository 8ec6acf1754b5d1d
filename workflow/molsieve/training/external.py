"""A model against somebody's own measurements: what it may be tested on, what it predicts, and how good that is.

    data = read_labelled("assay.csv", "SMILES", "active", "classification")
    model = load_model(Path("resources/models/refine"))
    chosen = choose(data, model, "herg", exclude_training=True)
    predicted = endpoint_predictions.predict_endpoint(model, "herg", data.parent_smiles, data.bits)
    result = evaluate(model, "herg", data, chosen, predicted)

The numbers are those of molecules the endpoint was not trained on; a test set that overlaps is refused, or the
overlapping molecules are left out.
"""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molsieve.errors import MolsieveError
from molsieve.models.domain import is_inside
from molsieve.models.model import Model
from molsieve.scoring.enrichment import Estimate
from molsieve.training.endpoint_predictions import EndpointPredictions, conformal_sets, endpoint_training_set
from molsieve.training.external_metrics import (
    RESAMPLES,
    SIMILARITY_EDGES,
    UNSEEN_EDGES,
    CalibrationFigures,
    ConformalFigures,
    DomainBin,
    IntervalFigures,
    Labelled,
    best_ef1,
    by_domain,
    calibration_figures,
    classification_figures,
    conformal_figures,
    interval_figures,
    regression_figures,
    set_covers,
)
from molsieve.training.labelled import LEAST_MOLECULES, LabelledData, refuse_classes
from molsieve.training.leak_sources import labelled_set
from molsieve.training.leaks import SIMILAR, overlap, refuse_overlap, without_overlap
from molsieve.training.phrases import counted
from molsieve.training.row_account import ANSWERS_IN_BASE, Decision

CONFORMAL_ERRORS = (0.1, 0.2)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Chosen:
    """Which molecules of a labelled file a model is tested on, and why not the others."""

    keep: NDArray[np.bool_]
    """[molecules]."""
    in_training: NDArray[np.bool_]
    """Whether the endpoint was trained on the molecule, [molecules]."""
    decisions: tuple[Decision, ...]
    excluded: int
    """Molecules left out because the endpoint was trained on them."""
    other_endpoints_only: int
    """Molecules tested on that the model has seen, but no label of this endpoint."""
    near: int | None
    """Molecules tested on that are more similar than ``leaks.SIMILAR`` to one the endpoint was trained on; None when
    what it was trained on is not known."""


@dataclass(frozen=True)
class Evaluation:
    """Numbers of one endpoint on one labelled file; ``as_json`` gives its JSON form."""

    model: str
    tier: str
    model_created: str
    endpoint: str
    task: str
    unit: str | None
    file: str
    evaluated: str
    """UTC, ISO 8601."""
    rows: int
    """Input rows."""
    molecules_labelled: int
    """Distinct molecules with a label."""
    molecules: int
    """Those the figures are of."""
    positives: int | None
    excluded_in_training: int
    seen_for_other_endpoints_only: int
    near_training: int | None
    """None, as all that is said of the domain, when the training molecules of the model are not known."""
    not_described: int
    decisions: tuple[Decision, ...]
    resamples: int
    seed: int
    figures: dict[str, Estimate]
    ef1_max: float | None
    calibration: CalibrationFigures | None
    conformal: tuple[ConformalFigures, ...]
    interval: IntervalFigures | None
    domain_limit: float | None
    """Largest unseen fraction within the model's domain."""
    in_domain: int | None
    by_similarity: tuple[DomainBin, ...]
    by_unseen_fraction: tuple[DomainBin, ...]


def choose(
    data: LabelledData,
    model: Model,
    endpoint: str,
    *,
    exclude_training: bool = False,
    among: NDArray[np.bool_] | None = None,
    least: int = LEAST_MOLECULES,
) -> Chosen:
    """Decide which molecules an endpoint may be tested on, or calibrated with.

    A molecule that only other endpoints were trained on is no leak, but it is counted.

    Args:
        data: Labelled molecules.
        model: The model.
        endpoint: Its endpoint.
        exclude_training: Leave out the molecules the endpoint was trained on instead of refusing them.
        among: Only these molecules (a part of the user's split), [molecules]; None for all.
        least: Molecules that must be left.

    Raises:
        MolsieveError: Labels are classes where the endpoint predicts values, molecules were trained on, too few are
            left, or all have the same label.

    """
    decisions = [*_on_another_scale(data, model, endpoint), *_learned_before(data, model)]
    among = np.ones(data.molecules, dtype=bool) if among is None else among
    if not model.info.training_is_known:
        _refuse_unusable(data, among, endpoint, least)
        text = (
            f"CAUTION: the molecules that {model.info.name} was trained on are not known, so none of them can be left "
            "out. If any is among these, the model looks better than it is."
        )
        decisions.append(Decision("training_not_known", int(among.sum()), text))
        return Chosen(among, np.zeros_like(among), tuple(decisions), 0, 0, None)
    whole = labelled_set(data)
    trained = endpoint_training_set(model, endpoint)
    in_training = np.isin(whole.hashes, trained.hashes)
    test = whole.part(data.name, among)
    keep = among & ~in_training
    if exclude_training:
        text = without_overlap(test, trained).text
        decisions.append(Decision("excluded_training", int((among & in_training).sum()), text))
    else:
        refuse_overlap(test, trained)
    _refuse_unusable(data, keep, endpoint, least)
    kept = whole.part(data.name, keep)
    near = overlap(kept, trained, SIMILAR).a_near or 0
    if near:
        text = (
            f"{counted(near, 'molecule')} not trained on, but more similar than {SIMILAR:g} to one that was: kept; "
            "the figures by similarity show what they do."
        )
        decisions.append(Decision("near_training", near, text))
    other = int(np.isin(kept.hashes, model.record.hashes).sum())
    if other:
        text = f"{counted(other, 'molecule')} known to the model from other endpoints, not from {endpoint}: kept."
        decisions.append(Decision("other_endpoints_only", other, text))
    excluded = int((among & in_training).sum())
    return Chosen(keep, in_training, tuple(decisions), excluded, other, near)


def _on_another_scale(data: LabelledData, model: Model, endpoint: str) -> list[Decision]:
    """Refuse classes given for values, and tell of values far from those the endpoint was trained on."""
    index = model.info.endpoint_index(endpoint)
    facts = model.info.endpoints[index]
    known = model.record.labelled(index)[1].astype(np.float64)
    refuse_classes(data, facts, known)
    middle = float(np.median(data.label))
    if not facts.is_regression or not len(known) or known.min() <= middle <= known.max():
        return []
    text = (
        f"CAUTION: most labels ({data.label.min():.4g} to {data.label.max():.4g}, median {middle:.4g}) lie outside of "
        f"what {endpoint} was trained on ({known.min():.4g} to {known.max():.4g} {facts.unit}). Another unit, or no "
        "logarithm taken?"
    )
    return [Decision("other_scale", data.molecules, text)]


def _learned_before(data: LabelledData, model: Model) -> list[Decision]:
    """Tell when the network that the model started from had learned nearly the same labels (``own``)."""
    known = [d["text"] for d in model.info.curation.get("decisions", []) if d["code"] == ANSWERS_IN_BASE]
    if not known:
        return []
    base = model.info.training["starts_from"]["name"]
    text = (
        f"CAUTION: molecules that {base} was trained on are not left out, and it had learned nearly these labels: the "
        f"figures say how good this model is only if {base} knows none of the molecules ('molsieve models leaks'). "
        f"{known[0]}"
    )
    return [Decision(ANSWERS_IN_BASE, data.molecules, text)]


def _refuse_unusable(data: LabelledData, keep: NDArray[np.bool_], endpoint: str, least: int) -> None:
    labels = data.label[keep]
    if len(labels) < least:
        raise MolsieveError(
            f"{counted(len(labels), 'molecule')} of {data.molecules:,} are left for {endpoint}; at least {least} are "
            "needed.",
            where=data.name,
            fix="Measure or collect molecules the model has not seen.",
        )
    if data.task == "classification" and len(np.unique(labels)) == 1:
        only = "active" if labels[0] else "inactive"
        raise MolsieveError(
            f"All {len(labels):,} molecules left for {endpoint} are {only}.",
            where=data.name,
            fix="Add molecules of the other class that the model has not seen.",
        )


def evaluate(
    model: Model,
    endpoint: str,
    data: LabelledData,
    chosen: Chosen,
    predicted: EndpointPredictions,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """Compare predictions with labels.

    Args:
        model: The model.
        endpoint: Its endpoint.
        data: Labelled molecules.
        chosen: Which of them count (``choose``).
        predicted: Predictions for all molecules of the data (``predict_endpoint``).
        resamples: Bootstrap resamples.
        seed: Of the bootstrap.

    Raises:
        MolsieveError: RDKit can describe none of the molecules, or only those of one class.

    """
    facts = model.info.endpoints[model.info.endpoint_index(endpoint)]
    rows = np.flatnonzero(chosen.keep & predicted.described)
    _refuse_unusable(data, chosen.keep & predicted.described, endpoint, 1)
    truth, found = data.label[rows], predicted.take(rows)
    classes = not facts.is_regression
    labelled = Labelled(truth, found.value)
    if classes:
        covered = set_covers(truth, conformal_sets(model, endpoint, found.output))
    else:
        covered = (truth >= found.low) & (truth <= found.high)

    known = model.info.training_is_known

    def binned(measure: str, distance: Array, edges: tuple[float, ...]) -> tuple[DomainBin, ...]:
        if not known:
            return ()
        bins = by_domain(
            labelled, distance, covered, measure=measure, edges=edges, classes=classes, resamples=resamples, seed=seed
        )
        return tuple(bins)

    summary = classification_figures if classes else regression_figures
    limit = model.info.domain.max_unseen_fraction
    return Evaluation(
        model=model.info.name,
        tier=model.info.tier,
        model_created=model.info.created,
        endpoint=endpoint,
        task=facts.task,
        unit=facts.unit,
        file=data.name,
        evaluated=datetime.now(UTC).isoformat(timespec="seconds"),
        rows=data.rows.num_rows,
        molecules_labelled=data.molecules,
        molecules=len(rows),
        positives=int(truth.sum()) if classes else None,
        excluded_in_training=chosen.excluded,
        seen_for_other_endpoints_only=chosen.other_endpoints_only,
        near_training=chosen.near,
        not_described=int((chosen.keep & ~predicted.described).sum()),
        decisions=(*data.decisions, *chosen.decisions),
        resamples=resamples,
        seed=seed,
        figures=summary(truth, found.value, resamples=resamples, seed=seed),
        ef1_max=best_ef1(truth) if classes else None,
        calibration=calibration_figures(truth, found.value, resamples=resamples, seed=seed) if classes else None,
        conformal=tuple(
            conformal_figures(truth, conformal_sets(model, endpoint, found.output, error), error)
            for error in CONFORMAL_ERRORS
            if classes
        ),
        interval=None if classes else interval_figures(truth, found.low, found.high),
        domain_limit=limit if known else None,
        in_domain=int(is_inside(found.unseen_fraction, limit).sum()) if known else None,
        by_similarity=binned("nn_similarity", found.nn_similarity, SIMILARITY_EDGES),
        by_unseen_fraction=binned("unseen_fraction", found.unseen_fraction, UNSEEN_EDGES),
    )


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Evaluation as plain numbers and texts, those that are not numbers null."""
    found: dict[str, Any] = _plain({f.name: getattr(evaluation, f.name) for f in fields(evaluation)})
    return found


def _plain(value: Any) -> Any:  # noqa: ANN401 - any tree of dataclasses
    if hasattr(value, "__dataclass_fields__"):
        value = asdict(value)
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value
