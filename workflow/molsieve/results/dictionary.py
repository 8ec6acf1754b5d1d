"""``schema.json`` and ``DATA_DICTIONARY.md``: what every column means, for programs and for readers."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.types as pat

from molsieve import SCHEMA_VERSION, __version__
from molsieve.chemistry import standardise
from molsieve.chemistry.reasons import REASONS
from molsieve.columns import Column
from molsieve.library.records import READ_ERRORS
from molsieve.results.schema import Table

_DOCUMENTED_STEP = re.compile(r"^(\w+) {2,}([^\s=].*)$", re.MULTILINE)
DUPLICATE_REASON = (
    "The parent is the same as that of an earlier record, named in duplicate_of; only that one is predicted."
)


def type_name(kind: pa.DataType) -> str:
    """Type of a column in a reader's words; dictionary encoding is a matter of storage."""
    if pat.is_dictionary(kind):
        return type_name(kind.value_type)
    if pat.is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    return {"float": "float32", "double": "float64", "halffloat": "float16"}.get(str(kind), str(kind))


def schema_json(tables: Iterable[Table], rows: Mapping[str, int], metadata: Mapping[str, str]) -> str:
    """Describe all tables as JSON.

    Args:
        tables: The tables.
        rows: Number of rows of each, by name.
        metadata: Metadata that every Parquet file carries.

    """
    described = {
        table.name: {
            "path": table.path,
            "row": table.row,
            "key": table.key,
            "rows": rows[table.name],
            "columns": [_column_json(column) for column in table.columns],
        }
        for table in tables
    }
    return json.dumps({**metadata, "tables": described}, indent=1, ensure_ascii=False) + "\n"


def _column_json(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": type_name(column.type),
        "dictionary": pat.is_dictionary(column.type),
        "nullable": column.nullable,
        "unit": column.unit,
        "description": column.description,
    }


def data_dictionary(tables: Iterable[Table], rows: Mapping[str, int], run_id: str) -> str:
    """Text of ``DATA_DICTIONARY.md``."""
    lines = [
        "# Data dictionary",
        "",
        f"Result set `{run_id}`, schema version {SCHEMA_VERSION}, written by molsieve {__version__}.",
        "",
        "All tables are Parquet and join on `record_id`. Probabilities and fractions run from 0 to 1. Columns",
        "ending in `_prob` hold calibrated probabilities, `_sd` the spread over the models of the ensemble, `_lo90`",
        "and `_hi90` the bounds of a 90 % interval, `_set` the conformal set. In `hits.csv` lists are joined with",
        '"; ", and text that a spreadsheet would run as a formula begins with an apostrophe.',
        "",
        "The same run gives the same bytes in every table; times and host are in `run.json` alone. `sha256sum -c",
        "checksums.sha256` says whether a copy is complete and unchanged.",
    ]
    for table in tables:
        lines += [
            "",
            f"## {table.name}",
            "",
            f"`{table.path}`: one row for {table.row}; {rows[table.name]:,} rows.",
            "",
        ]
        lines += ["| column | type | unit | null | description |", "|---|---|---|---|---|"]
        for column in table.columns:
            cells = (
                f"`{column.name}`",
                type_name(column.type),
                column.unit or "",
                "yes" if column.nullable else "no",
                column.description,
            )
            lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    lines += ["", "## Reason codes", "", "Values of `reason_code`.", "", "| code | meaning |", "|---|---|"]
    lines += [f"| `{code}` | {_cell(meaning)} |" for code, meaning in reason_texts().items()]
    changes = change_texts()
    if changes:
        lines += ["", "## Standardisation steps", "", "Values of `changes`, in the order in which they are tried.", ""]
        lines += ["| step | what was done |", "|---|---|"]
        lines += [f"| `{step}` | {_cell(text)} |" for step, text in changes.items()]
    return "\n".join(lines) + "\n"


def reason_texts() -> dict[str, str]:
    """Every reason code with its meaning."""
    return {**READ_ERRORS, **REASONS, "duplicate": DUPLICATE_REASON}


def change_texts() -> dict[str, str]:
    """Every standardisation step with its meaning, from the table that documents the module of that name."""
    return {
        step: text.replace("``", "`")
        for step, text in _DOCUMENTED_STEP.findall(standardise.__doc__ or "")
        if step != "change"
    }


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
