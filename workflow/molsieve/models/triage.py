"""The stage ``triage``: every endpoint for every compound, with spread and domain."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.columns import Column, arrow_schema
from molsieve.errors import MolsieveError
from molsieve.files import TableWriter
from molsieve.models.domain import unseen_fraction
from molsieve.models.endpoints import Endpoint
from molsieve.models.features import SparseFeatures, features_of
from molsieve.models.network import network_outputs
from molsieve.models.store import TriageModel, load_triage_model
from molsieve.results.schema import RECORD_ID, endpoint_columns, predictions_columns

# Rows of the prepared table read at a time; memory stays flat, whatever the shard.
_READ_ROWS = 65_536
_READ_COLUMNS = ["record_id", "status", "morgan_ids", "morgan_counts", *(column.name for column in DESCRIPTORS)]


@dataclass(frozen=True)
class TriageReport:
    """How many compounds were predicted, where and how fast."""

    rows: int
    device: str
    seconds: float
    molecules_per_second: float
    in_domain: int


class TriagePredictions(NamedTuple):
    """Predictions as they are written; endpoints in the order of the model."""

    value: NDArray[np.float32]
    """Calibrated probability or value, [n, endpoints]."""
    sd: NDArray[np.float32]
    """Standard deviation over the members, [n, endpoints]."""
    low: NDArray[np.float32]
    """Lower 90 % bound, [n, endpoints]; NaN for classification."""
    high: NDArray[np.float32]
    unseen_fraction: NDArray[np.float32]
    in_domain: NDArray[np.bool_]


def triage_columns(endpoints: Iterable[Endpoint]) -> tuple[Column, ...]:
    """Columns of the triage table."""
    domain = [c for c in predictions_columns(()) if c.name in {"unseen_fraction", "in_domain"}]
    return (RECORD_ID, *(c for e in endpoints for c in endpoint_columns(e, conformal=False)), *domain)


def choose_device(device: str) -> str:
    """Device to predict on.

    Args:
        device: ``auto`` (CUDA when there is one), ``cpu`` or ``cuda``.

    Raises:
        MolsieveError: CUDA is asked for and absent; nothing slower is used silently.

    """
    if device not in {"auto", "cpu", "cuda"}:
        raise MolsieveError(f"There is no device '{device}'.", where="device", fix="Give auto, cpu or cuda.")
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise MolsieveError(
            "A GPU was asked for (device: cuda), but torch finds none.",
            where="device",
            fix="Use device: auto or cpu, or run where nvidia-smi shows a GPU and torch is built with CUDA.",
        )
    return "cuda" if device != "cpu" and available else "cpu"


def predict(model: TriageModel, features: SparseFeatures, batch_size: int = 8192) -> TriagePredictions:
    """Predict all endpoints; the result does not depend on the batch size.

    Everything is done batch by batch, calibration included, so memory is bounded by the batch.
    """
    starts = range(0, max(features.molecules, 1), batch_size)
    parts = [_predict_batch(model, features.slice(s, min(s + batch_size, features.molecules))) for s in starts]
    return TriagePredictions(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _predict_batch(model: TriageModel, features: SparseFeatures) -> TriagePredictions:
    n, endpoints = features.molecules, model.endpoints
    rows, is_known = model.record.vocabulary.rows_of(features.ids)
    outputs = network_outputs(model.network, features, rows, batch_size=max(n, 1), device=model.device)
    is_regression = torch.tensor(model.info.is_regression)
    value, sd = torch.empty(n, len(endpoints)), torch.empty(n, len(endpoints))
    logits = outputs[:, :, ~is_regression].to(model.device)
    value[:, ~is_regression] = model.calibration.probabilities(logits.mean(dim=1)).cpu()
    sd[:, ~is_regression] = model.calibration.probabilities(logits).std(dim=1).cpu()
    low, high = torch.full_like(value, torch.nan), torch.full_like(value, torch.nan)
    for i, endpoint in enumerate(endpoints):
        if endpoint.is_regression:
            scale = model.info.scales[endpoint.name]
            members = outputs[:, :, i] * scale.sd + scale.mean
            value[:, i], sd[:, i] = members.mean(dim=1), members.std(dim=1)
            low[:, i], high[:, i] = model.info.intervals[endpoint.name].bounds(value[:, i], sd[:, i])
    unseen = unseen_fraction(features, is_known)
    in_domain = unseen <= np.float32(model.info.domain.max_unseen_fraction)
    return TriagePredictions(value.numpy(), sd.numpy(), low.numpy(), high.numpy(), unseen, in_domain)


def predictions_table(
    record_ids: pa.ChunkedArray, predictions: TriagePredictions, endpoints: Iterable[Endpoint]
) -> pa.Table:
    """Predictions in the schema of ``triage_columns``."""
    endpoints = tuple(endpoints)
    arrays: list[pa.ChunkedArray | NDArray[np.generic]] = [record_ids]
    for i, endpoint in enumerate(endpoints):
        arrays.append(predictions.value[:, i])
        if endpoint.is_regression:
            arrays += [predictions.low[:, i], predictions.high[:, i]]
        arrays.append(predictions.sd[:, i])
    arrays += [predictions.unseen_fraction, predictions.in_domain]
    return pa.table(arrays, schema=arrow_schema(triage_columns(endpoints)))


def triage(
    prepared: Path, duplicates: Path, model_dir: Path, out: Path, *, device: str, batch_size: int, threads: int
) -> TriageReport:
    """Predict the compounds of one shard that have a parent and are not duplicates.

    Args:
        prepared: Shard written by the stage ``prepare``.
        duplicates: Table whose ``record_id`` are left out.
        model_dir: Model directory.
        out: Table to write (``triage_columns``), in input order.
        device: ``auto``, ``cpu`` or ``cuda``.
        batch_size: Molecules a forward pass.
        threads: CPU threads.

    """
    torch.set_num_threads(threads)
    model = load_triage_model(model_dir, choose_device(device))
    skipped = pq.read_table(duplicates, columns=["record_id"])["record_id"].combine_chunks()
    in_domain, started = 0, time.perf_counter()
    with pq.ParquetFile(prepared) as file, TableWriter(out, arrow_schema(triage_columns(model.endpoints))) as writer:
        for batch in file.iter_batches(_READ_ROWS, columns=_READ_COLUMNS):
            table = pa.Table.from_batches([batch])
            wanted = pc.and_(
                pc.equal(table["status"].cast(pa.string()), "ok"),
                pc.invert(pc.is_in(table["record_id"], value_set=skipped)),
            )
            table = table.filter(wanted)
            if table.num_rows:
                predictions = predict(model, features_of(table), batch_size)
                in_domain += int(predictions.in_domain.sum())
                writer.write(predictions_table(table["record_id"], predictions, model.endpoints))
    seconds = time.perf_counter() - started
    return TriageReport(
        rows=writer.rows,
        device=_device_name(model.device),
        seconds=seconds,
        molecules_per_second=writer.rows / max(seconds, 1e-9),
        in_domain=in_domain,
    )


def _device_name(device: str) -> str:
    return f"cuda ({torch.cuda.get_device_name()})" if device == "cuda" else f"cpu ({torch.get_num_threads()} threads)"
