"""The stage ``refine``: the reference models on the shortlist, with conformal sets and nearest training molecules."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from rdkit import Chem

from molsieve.columns import Column, arrow_schema
from molsieve.files import write_table
from molsieve.models.device import choose_device, device_name
from molsieve.models.domain import is_inside, unseen_fraction
from molsieve.models.endpoints import Endpoint
from molsieve.models.features import SparseFeatures
from molsieve.models.fingerprint_set import FoldedBits, nearest
from molsieve.models.gut_spectrum import spectrum_arrays
from molsieve.models.kinds import inputs_of, load_any_model
from molsieve.models.model import Model
from molsieve.models.predict import predict
from molsieve.models.prediction_arrays import endpoint_arrays
from molsieve.models.record import connectivity_hash
from molsieve.models.rich_features import RichFeatures, rich_features
from molsieve.results.schema import RECORD_ID, endpoint_columns, gut_spectrum_columns, predictions_columns

IN_TRAINING = Column(
    "in_training", pa.bool_(), "Whether a training molecule of any endpoint of any model has the same connectivity"
)
_SHARED = ("unseen_fraction", "nn_similarity", "nn_active", "in_domain")

# The first block of an InChIKey.
CONNECTIVITY_CHARACTERS = 14
# From here on the nearest training molecule counts as near.
_NEAR = 0.4
_BATCH_ROWS = 2048


@dataclass(frozen=True)
class RefineReport:
    """How many compounds were predicted, where and how fast."""

    rows: int
    not_described: int
    """Compounds left out because RDKit could not compute their features; they keep their triage predictions."""
    device: str
    seconds: float
    molecules_per_second: float
    in_domain: int
    near: int
    """Compounds with a training molecule of the activity endpoints at Tanimoto 0.4 or more."""


def refined_columns(endpoints: Iterable[Endpoint]) -> tuple[Column, ...]:
    """Columns of the refined table."""
    shared = {column.name: column for column in predictions_columns(())}
    predicted = (column for endpoint in endpoints for column in endpoint_columns(endpoint, conformal=True))
    return (RECORD_ID, *predicted, *gut_spectrum_columns(), *(shared[name] for name in _SHARED), IN_TRAINING)


def chunk_slice(rows: int, chunk: int, chunks: int) -> tuple[int, int]:
    """First row and number of rows of one chunk: consecutive rows, sizes that differ by one at most, maybe none."""
    first, end = rows * chunk // chunks, rows * (chunk + 1) // chunks
    return first, end - first


def refine(
    shortlist: Path,
    models: Sequence[Path],
    out: Path,
    *,
    chunk: int,
    chunks: int,
    device: str,
    threads: int,
    conformal_error: float,
) -> RefineReport:
    """Predict one chunk of the shortlist.

    Molecules are described in worker processes that they may hang or kill; those that cannot be described are left out
    of the table and counted.

    Args:
        shortlist: Table with ``record_id`` and ``parent_smiles``.
        models: Model directories; domain and nearest training molecule are those of the first.
        out: Table to write (``refined_columns``), in the order of the shortlist.
        chunk: Number of the chunk, from 0.
        chunks: Chunks in all.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: CPU threads, and worker processes that compute features.
        conformal_error: Largest share of either class that may lie outside its conformal set.

    Raises:
        MolsieveError: A model was changed, or there is no such device.

    """
    torch.set_num_threads(threads)
    chosen = choose_device(device)
    for other in out.parent.glob("*.parquet"):
        # Left by a run with more chunks; the stages after this one read the folder.
        if other.stem.isdigit() and int(other.stem) >= chunks:
            other.unlink(missing_ok=True)
    loaded = [load_any_model(folder, chosen) for folder in models]
    schema = arrow_schema(refined_columns(endpoint for model in loaded for endpoint in model.endpoints))
    table = pq.read_table(shortlist, columns=["record_id", "parent_smiles"])
    table = table.slice(*chunk_slice(table.num_rows, chunk, chunks))
    started = time.perf_counter()
    refined = schema.empty_table()
    if table.num_rows:
        described = rich_features(table["parent_smiles"].to_pylist(), workers=threads)
        kept = table.take(pa.array(described.rows))
        if kept.num_rows:
            refined = _predicted(kept, described, loaded, conformal_error, schema)
    write_table(out, refined, schema)
    seconds = time.perf_counter() - started
    return RefineReport(
        rows=refined.num_rows,
        not_described=table.num_rows - refined.num_rows,
        device=device_name(chosen),
        seconds=seconds,
        molecules_per_second=table.num_rows / max(seconds, 1e-9),
        in_domain=pc.sum(refined["in_domain"]).as_py() or 0,
        near=pc.sum(pc.greater_equal(refined["nn_similarity"], _NEAR)).as_py() or 0,
    )


def _predicted(
    compounds: pa.Table, described: RichFeatures, models: Sequence[Model], conformal_error: float, schema: pa.Schema
) -> pa.Table:
    """Refined table of compounds that could be described."""
    parents = compounds["parent_smiles"].to_pylist()
    arrays: list[pa.ChunkedArray | pa.Array | NDArray[np.generic]] = [compounds["record_id"]]
    predicted = [
        predict(
            model,
            inputs_of(model, described, parents),
            _BATCH_ROWS,
            conformal_error,
            model.neighbours(described.morgan),
        )
        for model in models
    ]
    for model, predictions in zip(models, predicted, strict=True):
        arrays += endpoint_arrays(predictions, model.endpoints, conformal=True)
    main = models[0]
    arrays += spectrum_arrays(predicted[0].value, main.endpoints)
    unseen = unseen_fraction(described.morgan, main.record.morgan_ids)
    inside = is_inside(unseen, main.info.domain.max_unseen_fraction)
    similarity, labels = nearest_labelled(main, described.morgan)
    labels = labels.cast(schema.field("nn_active").type)
    return pa.table([*arrays, unseen, similarity, labels, inside, in_training(parents, models)], schema=schema)


def nearest_labelled(model: Model, morgan: SparseFeatures) -> tuple[NDArray[np.float32], pa.Array]:
    """Similarity of each molecule to the nearest training molecule of the activity endpoints, and what that one did.

    Args:
        model: A model with a training record.
        morgan: Molecules with Morgan ids only.

    Returns:
        Tanimoto similarities [n], 0 where the model has no activity endpoint; the labels of the nearest molecule as
        text, e.g. ``saureus_growth_inhibition: active; ecoli_growth_inhibition: inactive``, without the endpoints it
        was not measured for; null where there is no such molecule.

    """
    record = model.record
    activity = [
        (i, endpoint.name)
        for i, endpoint in enumerate(model.endpoints)
        if endpoint.family == "activity" and not endpoint.is_regression
    ]
    outcome = np.full((record.molecules, len(activity)), -1, dtype=np.int8)
    for column, (i, _) in enumerate(activity):
        rows, values = record.labelled(i)
        outcome[rows, column] = values > 0
    labelled = np.flatnonzero((outcome >= 0).any(axis=1))
    similarity, place = nearest(FoldedBits.of_features(morgan), record.bits.take(labelled))
    texts = [None if at < 0 else _outcome_text(outcome[labelled[at]], activity) for at in place]
    return similarity, pa.array(texts, pa.string())


def in_training(parents: Sequence[str], models: Sequence[Model]) -> NDArray[np.bool_]:
    """Whether each molecule, stereochemistry aside, is a training molecule of any of the models."""
    hashes = np.array([connectivity_hash(_connectivity(parent)) for parent in parents], dtype=np.uint64)
    found = np.zeros(len(hashes), dtype=bool)
    for model in models:
        found |= np.isin(hashes, model.record.hashes)
    return found


def _connectivity(parent: str) -> str:
    key: str = Chem.MolToInchiKey(Chem.MolFromSmiles(parent))  # type: ignore[no-untyped-call]
    return key[:CONNECTIVITY_CHARACTERS]


def _outcome_text(outcomes: NDArray[np.int8], endpoints: Sequence[tuple[int, str]]) -> str:
    words = ("inactive", "active")
    return "; ".join(
        f"{name}: {words[outcome]}" for outcome, (_, name) in zip(outcomes, endpoints, strict=True) if outcome >= 0
    )
