"""Columns as data: name, type, unit and description in one place.

Every table molsieve writes is declared with these, and the Arrow schema, its field metadata, the data dictionary and
``datapackage.json`` are all derived from the declaration.
"""

from collections.abc import Iterable
from typing import NamedTuple

import pyarrow as pa

LOW_CARDINALITY = pa.dictionary(pa.int32(), pa.string())


class Column(NamedTuple):
    """One column of a published or intermediate table."""

    name: str
    type: pa.DataType
    description: str
    unit: str | None = None
    nullable: bool = True

    def field(self) -> pa.Field:
        """Arrow field whose metadata carries the description and, where there is one, the unit."""
        metadata = {"description": self.description}
        if self.unit:
            metadata["unit"] = self.unit
        return pa.field(self.name, self.type, nullable=self.nullable, metadata=metadata)


def arrow_schema(columns: Iterable[Column], metadata: dict[str, str] | None = None) -> pa.Schema:
    """Arrow schema of a table with these columns, in this order."""
    return pa.schema([column.field() for column in columns], metadata=metadata)
