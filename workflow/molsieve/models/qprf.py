"""The record of one prediction, after the QSAR Prediction Reporting Format of the OECD (ENV/CBC/MONO(2023)32).

Who reads it should be able to do without the program: what was asked, what was predicted with which model, whether the
model knows such molecules, how far to trust it, and why it says so.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rdkit import Chem

from molsieve import __version__
from molsieve.chemistry.fingerprints import sparse_morgan
from molsieve.chemistry.reasons import REASONS, RejectedStructure
from molsieve.chemistry.standardise import standardise_smiles
from molsieve.errors import MolsieveError
from molsieve.models.conformal import DEFAULT_ERROR, SETS
from molsieve.models.domain import unseen_fraction
from molsieve.models.endpoints import Endpoint
from molsieve.models.explain import Explanation, explain_all, features_for, morgan_features
from molsieve.models.features import SparseFeatures
from molsieve.models.fingerprint_set import FoldedBits, nearest
from molsieve.models.kinds import load_any_model
from molsieve.models.model import Model
from molsieve.models.predict import NO_SET, predict
from molsieve.models.record import connectivity_hash
from molsieve.models.store import models_sha256

METHOD = (
    "Each fingerprint entry and counted group is taken away from the molecule, and put alone into an empty one; the "
    "mean change of the model's output is divided among its atoms. Other descriptors are held at their values, and so "
    "are the neighbours that a model reads across from."
)
GRAPH_METHOD = (
    "Each atom is blanked out of the molecule's graph with its bonds, and put alone into a graph of blank atoms; its "
    "weight is the mean change of the network's output."
)

# Below this Tanimoto similarity to any training molecule a prediction is extrapolation.
NEAR = 0.3

# The first block of an InChIKey.
_CONNECTIVITY_CHARACTERS = 14


@dataclass(frozen=True)
class Substance:
    """What was asked about."""

    input_structure: str
    parent_smiles: str
    """The standardised parent that was predicted."""
    changes: tuple[str, ...]
    """Standardisation steps that altered the molecule (``chemistry.standardise``)."""
    removed_fragments: str | None
    inchikey: str


@dataclass(frozen=True)
class Prediction:
    """The result, without any threshold applied."""

    endpoint: str
    value: float
    """Calibrated probability of the positive class, or value."""
    unit: str | None
    """None for a probability."""
    sd: float
    """Standard deviation over the members of the ensemble."""
    interval_90: tuple[float, float] | None
    """Regression only."""
    conformal_set: str | None
    """Labels that cannot be ruled out: ``inactive``, ``active``, ``both`` or ``none``; classification only."""
    conformal_error: float | None
    """Share of either class whose label may be missing from its set."""


@dataclass(frozen=True)
class UsedModel:
    """The model, and what it predicts."""

    name: str
    tier: str
    created: str
    digest: str
    """SHA-256 over the checksums of all its files."""
    program: str
    endpoint_title: str
    endpoint_definition: str
    organism: str
    positive_means: str
    dataset: str
    training_molecules: int
    training_positives: int | None
    calibrated_on: str


@dataclass(frozen=True)
class ApplicabilityDomain:
    """Whether the model knows such molecules."""

    in_domain: bool
    unseen_fraction: float
    """Share of the molecule's circular substructures that no training molecule has."""
    max_unseen_fraction: float
    nearest_similarity: float
    """Tanimoto similarity to the nearest other molecule with a label of this endpoint; 0 when there is none."""
    nearest_label: str | None
    """Its measured label or value."""
    is_training_molecule: bool
    """Whether the molecule itself, stereochemistry aside, is training data of any endpoint of the model."""
    measured_label: str | None
    """Its own label or value in the training data of this endpoint."""


@dataclass(frozen=True)
class Adequacy:
    """How far the prediction can be relied on."""

    level: Literal["reliable", "use with care", "not reliable"]
    statement: str


@dataclass(frozen=True)
class Fragment:
    """One part of the molecule and what it does."""

    name: str
    atoms: tuple[int, ...]
    contribution: float
    value_without: float


@dataclass(frozen=True)
class Reasons:
    """Why the model predicts this."""

    words: tuple[str, ...]
    fragments: tuple[Fragment, ...]
    atom_weights: tuple[float, ...]
    """In the order of the atoms of the parent's SMILES."""
    weight_unit: str
    value_without_substructures: float
    """Prediction from the properties of the whole molecule, and the neighbours read across from, alone; of a graph
    network, for blank atoms."""
    method: str


@dataclass(frozen=True)
class PredictionRecord:
    """One prediction of one endpoint, with everything needed to judge it."""

    substance: Substance
    prediction: Prediction
    model: UsedModel
    applicability_domain: ApplicabilityDomain | None
    """None for a chemprop network, whose training molecules are not known."""
    adequacy: Adequacy
    explanation: Reasons
    date: str
    """UTC, ISO 8601."""

    def as_dict(self) -> dict[str, Any]:
        """Values that JSON knows."""
        return asdict(self)


def substance_of(smiles: str) -> Substance:
    """Standardise the structure a user asks about.

    Raises:
        MolsieveError: It is not a structure, or has no acceptable parent.

    """
    try:
        found = standardise_smiles(smiles)
    except RejectedStructure as rejected:
        raise MolsieveError(
            f"The structure cannot be predicted: {_why(rejected)}",
            where=smiles[:200],
            fix="Give the SMILES of one organic molecule, in quotes.",
        ) from rejected
    inchikey: str = Chem.MolToInchiKey(found.parent)  # type: ignore[no-untyped-call]
    return Substance(smiles, found.parent_smiles, found.changes, found.removed_fragments, inchikey)


def _why(rejected: RejectedStructure) -> str:
    """The reason in words; for what RDKit cannot read, RDKit's own."""
    meaning = REASONS.get(rejected.reason_code, rejected.reason_code)
    if "reason_detail" in meaning and rejected.detail:
        return f"{rejected.detail.rstrip('.')}."
    return f"{meaning.rstrip('.')} ({rejected.detail})." if rejected.detail else meaning


def prediction_records(
    folder: Path, substance: Substance, endpoints: Sequence[str], *, date: datetime | None = None
) -> list[tuple[PredictionRecord, Explanation]]:
    """Predict and explain some endpoints of a model for one molecule.

    Args:
        folder: Model directory.
        substance: The molecule.
        endpoints: Names; all of the model when empty.
        date: Of the record; now when None.

    Raises:
        MolsieveError: The folder is no sound model, lacks an endpoint, or the molecule cannot be described.

    """
    model = load_any_model(folder)
    names = list(endpoints) or [endpoint.name for endpoint in model.endpoints]
    explanations = explain_all(model, substance.parent_smiles, names)
    predictions = predict(
        model,
        features_for(model, [substance.parent_smiles]),
        conformal_error=DEFAULT_ERROR,
        neighbours=model.neighbours(morgan_features([substance.parent_smiles])),
    )
    digest, when = models_sha256(folder), (date or datetime.now(UTC)).isoformat(timespec="seconds")
    records = []
    for explanation in explanations:
        endpoint = explanation.endpoint
        place = model.info.endpoint_index(endpoint.name)
        is_set = predictions.sets[0, place] != NO_SET
        prediction = Prediction(
            endpoint=endpoint.name,
            value=_rounded(predictions.value[0, place]),
            unit=endpoint.unit,
            sd=_rounded(predictions.sd[0, place]),
            interval_90=(_rounded(predictions.low[0, place]), _rounded(predictions.high[0, place]))
            if endpoint.is_regression
            else None,
            conformal_set=SETS[predictions.sets[0, place]] if is_set else None,
            conformal_error=DEFAULT_ERROR if is_set else None,
        )
        domain = _domain(model, place, substance)
        record = PredictionRecord(
            substance=substance,
            prediction=prediction,
            model=_used(model, endpoint, digest),
            applicability_domain=domain,
            adequacy=adequacy(prediction, domain),
            explanation=_reasons(explanation, GRAPH_METHOD if model.info.features == "graph" else METHOD),
            date=when,
        )
        records.append((record, explanation))
    return records


def adequacy(prediction: Prediction, domain: ApplicabilityDomain | None) -> Adequacy:
    """Judge one prediction by its domain, its neighbours and its conformal set."""
    doubts = []
    if domain is None:
        doubts.append(
            "The molecules the network was trained on are not known: whether it knows such molecules cannot be told."
        )
    elif not domain.in_domain:
        doubts.append(
            f"{domain.unseen_fraction:.0%} of its substructures are unknown to the training data (limit "
            f"{domain.max_unseen_fraction:.0%}): the molecule is outside the applicability domain."
        )
    if domain is not None and domain.nearest_similarity < NEAR:
        doubts.append(
            f"No labelled training molecule is similar (nearest {domain.nearest_similarity:.2f}): it is extrapolation."
        )
    if prediction.conformal_set == "both":
        doubts.append("Neither label can be ruled out at the stated error: the model cannot tell.")
    if prediction.conformal_set == "none":
        doubts.append("The output lies between those typical of the two labels: the model cannot tell.")
    statement = " ".join(doubts) or "The molecule is inside the domain, with labelled molecules like it."
    if domain is None:
        return Adequacy("use with care", statement)
    if domain.measured_label is not None:
        statement += f" It is training data itself ({domain.measured_label}), so this is no independent evidence."
    elif domain.is_training_molecule:
        statement += " The molecule itself is training data of other endpoints."
    if not domain.in_domain:
        return Adequacy("not reliable", statement)
    return Adequacy("use with care" if doubts else "reliable", statement)


def _used(model: Model, endpoint: Endpoint, digest: str) -> UsedModel:
    return UsedModel(
        name=model.info.name,
        tier=model.info.tier,
        created=model.info.created,
        digest=digest,
        program=f"molsieve {__version__}",
        endpoint_title=endpoint.title,
        endpoint_definition=endpoint.description,
        organism=endpoint.organism,
        positive_means=endpoint.positive_means,
        dataset=endpoint.dataset,
        training_molecules=endpoint.n,
        training_positives=None if endpoint.is_regression else endpoint.n_positive,
        calibrated_on=model.trust.fitted[endpoint.name].on if endpoint.name in model.trust.fitted else "",
    )


def _domain(model: Model, place: int, substance: Substance) -> ApplicabilityDomain | None:
    if model.info.features == "graph":
        return None
    endpoint, record = model.endpoints[place], model.record
    ids, counts = sparse_morgan(Chem.MolFromSmiles(substance.parent_smiles))
    own = SparseFeatures(ids, counts, np.array([0, len(ids)], dtype=np.int64), np.empty((1, 0), dtype=np.float32))
    unseen = float(unseen_fraction(own, record.morgan_ids)[0])
    hashed = np.uint64(connectivity_hash(substance.inchikey[:_CONNECTIVITY_CHARACTERS]))
    self_rows = np.flatnonzero(record.hashes == hashed)
    rows, labels = record.labelled(place)
    is_self = np.isin(rows, self_rows)
    others, other_labels = rows[~is_self], labels[~is_self]
    similarity, neighbour = nearest(FoldedBits.of([ids]), record.bits.take(others))
    limit = model.info.domain.max_unseen_fraction
    return ApplicabilityDomain(
        in_domain=unseen <= limit,
        unseen_fraction=_rounded(unseen),
        max_unseen_fraction=limit,
        nearest_similarity=_rounded(similarity[0]),
        nearest_label=_label(endpoint, other_labels[neighbour[0]]) if neighbour[0] >= 0 else None,
        is_training_molecule=bool(len(self_rows)),
        measured_label=_label(endpoint, labels[is_self][0]) if is_self.any() else None,
    )


def _label(endpoint: Endpoint, label: np.floating) -> str:
    if endpoint.is_regression:
        return f"{float(label):.2f} {endpoint.unit}"
    return "active" if label == 1 else "inactive"


def _reasons(explanation: Explanation, method: str) -> Reasons:
    return Reasons(
        words=explanation.words(),
        fragments=tuple(
            Fragment(f.name, f.atoms, _rounded(f.contribution), _rounded(f.value_without))
            for f in explanation.fragments
        ),
        atom_weights=tuple(_rounded(weight) for weight in explanation.weights),
        weight_unit=explanation.weight_unit,
        value_without_substructures=_rounded(explanation.base_value),
        method=method,
    )


def _rounded(value: float | np.floating) -> float:
    return round(float(value), 4)
