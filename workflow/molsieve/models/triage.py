"""The stage ``triage``: every endpoint for every compound, with spread and domain."""

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

from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.columns import Column, arrow_schema
from molsieve.errors import MolsieveError
from molsieve.files import TableWriter
from molsieve.models.device import choose_device, device_name
from molsieve.models.domain import is_inside, unseen_fraction
from molsieve.models.endpoints import Endpoint
from molsieve.models.features import features_of
from molsieve.models.gut_spectrum import spectrum_arrays
from molsieve.models.predict import predict
from molsieve.models.prediction_arrays import endpoint_arrays
from molsieve.models.store import load_model
from molsieve.results.schema import RECORD_ID, endpoint_columns, gut_spectrum_columns, predictions_columns

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


def triage_columns(endpoints: Iterable[Endpoint]) -> tuple[Column, ...]:
    """Columns of the triage table."""
    domain = [c for c in predictions_columns(()) if c.name in {"unseen_fraction", "in_domain"}]
    predicted = (c for e in endpoints for c in endpoint_columns(e, conformal=False))
    return (RECORD_ID, *predicted, *gut_spectrum_columns(), *domain)


def triage(
    prepared: Path,
    duplicates: Path,
    models: Sequence[Path],
    out: Path,
    *,
    device: str,
    batch_size: int,
    threads: int,
) -> TriageReport:
    """Predict the compounds of one shard that have a parent and are not duplicates.

    Args:
        prepared: Shard written by the stage ``prepare``.
        duplicates: Table whose ``record_id`` are left out.
        models: Model directories of tier triage; the domain is that of the first.
        out: Table to write (``triage_columns``), in input order, the models' endpoints side by side.
        device: ``auto``, ``cpu`` or ``cuda``.
        batch_size: Molecules a forward pass.
        threads: CPU threads.

    Raises:
        MolsieveError: A model was changed, or takes features that the prepared table does not hold.

    """
    torch.set_num_threads(threads)
    chosen = choose_device(device)
    loaded = [load_model(folder, chosen) for folder in models]
    for model, folder in zip(loaded, models, strict=True):
        if model.info.features != "morgan":
            raise MolsieveError(
                f"The model {model.info.name} needs features that are too slow for a whole library.",
                where=str(folder),
                fix="Use it as refine.model.",
            )
    main = loaded[0]
    schema = arrow_schema(triage_columns(endpoint for model in loaded for endpoint in model.endpoints))
    skipped = duplicates_of(prepared, duplicates)
    in_domain, started = 0, time.perf_counter()
    with pq.ParquetFile(prepared) as file, TableWriter(out, schema) as writer:
        for batch in file.iter_batches(_READ_ROWS, columns=_READ_COLUMNS):
            table = pa.Table.from_batches([batch])
            wanted = pc.and_(
                pc.equal(table["status"].cast(pa.string()), "ok"),
                pc.invert(pc.is_in(table["record_id"], value_set=skipped)),
            )
            table = table.filter(wanted)
            if table.num_rows:
                features = features_of(table)
                unseen = unseen_fraction(features, main.record.morgan_ids)
                inside = is_inside(unseen, main.info.domain.max_unseen_fraction)
                in_domain += int(inside.sum())
                arrays: list[pa.ChunkedArray | NDArray[np.generic]] = [table["record_id"]]
                predicted = [predict(model, features, batch_size) for model in loaded]
                for model, predictions in zip(loaded, predicted, strict=True):
                    arrays += endpoint_arrays(predictions, model.endpoints)
                arrays += spectrum_arrays(predicted[0].value, main.endpoints)
                writer.write(pa.table([*arrays, unseen, inside], schema=schema))
    seconds = time.perf_counter() - started
    return TriageReport(
        rows=writer.rows,
        device=device_name(chosen),
        seconds=seconds,
        molecules_per_second=writer.rows / max(seconds, 1e-9),
        in_domain=in_domain,
    )


def duplicates_of(prepared: Path, duplicates: Path) -> pa.Array:
    """Duplicates among the records of a shard; of the whole library they may be hundreds of millions."""
    bounds = pc.min_max(pq.read_table(prepared, columns=["record_id"])["record_id"])
    within = (pc.field("record_id") >= bounds["min"]) & (pc.field("record_id") <= bounds["max"])
    return pq.read_table(duplicates, columns=["record_id"], filters=within)["record_id"].combine_chunks()
