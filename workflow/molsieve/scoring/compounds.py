"""The predicted compounds of a shard: the best predictions there are of each, with its properties."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.columns import LOW_CARDINALITY
from molsieve.errors import MolsieveError

PROPERTY_NAMES = tuple(column.name for column in DESCRIPTORS)
TIERS = pa.array(["triage", "refine"])
_OF_THE_MOLECULE = {"record_id", "unseen_fraction", "nn_similarity", "in_domain"}


def read_compounds(
    prepared: Path,
    triage: Path,
    refined: Path | None = None,
    extra: tuple[str, ...] = (),
    endpoints: Iterable[str] | None = None,
    properties: Sequence[str] = PROPERTY_NAMES,
) -> pa.Table:
    """Predictions of a shard with the properties of the same compounds beside them, in input order.

    Args:
        prepared: Prepared shard, every record of the library.
        triage: Triage predictions of that shard: the compounds with status ok, in the same order.
        refined: Folder of the refined predictions, which replace those of triage; None leaves them out.
        extra: Further columns of the prepared table, e.g. ``parent_smiles``.
        endpoints: Endpoints whose predictions are read, beside what tells of the domain; all columns when not given.
        properties: Properties that are read.

    """
    predictions = read_predictions(triage, refined, endpoints)
    table = pq.read_table(prepared, columns=["record_id", *properties, *extra])
    kept = table.filter(pc.is_in(table["record_id"], value_set=predictions["record_id"].combine_chunks()))
    if not kept["record_id"].equals(predictions["record_id"]):
        msg = f"{triage} and {prepared} do not hold the same compounds"
        raise ValueError(msg)
    for name in (*properties, *extra):
        predictions = predictions.append_column(kept.schema.field(name), kept[name])
    return predictions


def read_predictions(triage: Path, refined: Path | None, endpoints: Iterable[str] | None = None) -> pa.Table:
    """Predictions of a shard, the refined ones where there are any; ``tier`` says which.

    Args:
        triage: Triage predictions of the shard.
        refined: Folder of the refined predictions; None leaves them out.
        endpoints: Endpoints whose predictions are read; all columns when not given.

    """
    names = pq.read_schema(triage).names
    wanted = None if endpoints is None else tuple(endpoints)
    predictions = pq.read_table(triage, columns=_columns(names, wanted))
    if refined is None:
        return predictions
    return overlay(predictions, read_refined(refined, predictions["record_id"], wanted))


def read_refined(folder: Path, record_ids: pa.ChunkedArray, endpoints: Sequence[str] | None = None) -> pa.Table:
    """Refined predictions of compounds between the smallest and the largest of these record ids.

    Chunks follow the order of the input, so that the statistics of the files rule most of them out.

    Raises:
        MolsieveError: The folder holds none.

    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise MolsieveError("there are no refined predictions", where=str(folder), fix="Run the stage refine first.")
    dataset = ds.dataset(files, schema=pq.read_schema(files[0]))
    bounds = pc.min_max(record_ids)
    within = (pc.field("record_id") >= bounds["min"]) & (pc.field("record_id") <= bounds["max"])
    return dataset.to_table(columns=_columns(dataset.schema.names, endpoints), filter=within)


def overlay(predictions: pa.Table, refined: pa.Table) -> pa.Table:
    """Predictions in which the refined values replace those of triage; ``tier`` says which row has which.

    A column that only the refined table has is null for the other compounds; one that only triage has stays as it is.

    Args:
        predictions: Triage predictions.
        refined: Refined predictions of some of these compounds, and maybe of others.

    """
    at = pc.index_in(predictions["record_id"], value_set=refined["record_id"].combine_chunks())
    is_refined = pc.is_valid(at)
    taken = refined.combine_chunks().take(at)
    for field in taken.schema:
        if field.name == "record_id":
            continue
        if field.name in predictions.column_names:
            values = pc.if_else(is_refined, taken[field.name], predictions[field.name])
            predictions = predictions.set_column(predictions.column_names.index(field.name), field, values)
        else:
            predictions = predictions.append_column(field, taken[field.name])
    tiers = TIERS.take(is_refined.cast(pa.int8()).combine_chunks()).cast(LOW_CARDINALITY)
    return predictions.append_column("tier", tiers)


def _columns(names: Sequence[str], endpoints: Sequence[str] | None) -> list[str] | None:
    """Columns to read: a name that begins like another endpoint's brings that one's along, which does no harm."""
    if endpoints is None:
        return None
    whole = {*_OF_THE_MOLECULE, *endpoints}
    beginnings = tuple(f"{endpoint}_" for endpoint in endpoints)
    return [name for name in names if name in whole or name.startswith(beginnings)]
