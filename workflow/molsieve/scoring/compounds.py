"""The predicted compounds of a shard, with their properties."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from molsieve.chemistry.descriptors import DESCRIPTORS

PROPERTY_NAMES = tuple(column.name for column in DESCRIPTORS)


def read_compounds(prepared: Path, triage: Path, extra: tuple[str, ...] = ()) -> pa.Table:
    """Predictions of a shard with the properties of the same compounds beside them, in input order.

    Args:
        prepared: Prepared shard, every record of the library.
        triage: Triage predictions of that shard: the compounds with status ok, in the same order.
        extra: Further columns of the prepared table, e.g. ``parent_smiles``.

    """
    predictions = pq.read_table(triage)
    properties = pq.read_table(prepared, columns=["record_id", *PROPERTY_NAMES, *extra])
    kept = properties.filter(pc.is_in(properties["record_id"], value_set=predictions["record_id"].combine_chunks()))
    if not kept["record_id"].equals(predictions["record_id"]):
        msg = f"{triage} and {prepared} do not hold the same compounds"
        raise ValueError(msg)
    for name in (*PROPERTY_NAMES, *extra):
        predictions = predictions.append_column(kept.schema.field(name), kept[name])
    return predictions
