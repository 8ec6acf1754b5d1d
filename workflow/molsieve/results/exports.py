"""The hits in the forms chemists open: CSV, SDF and Excel."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pat
import xlsxwriter
from rdkit import Chem, rdBase

from molsieve.columns import Column
from molsieve.results.drawing import mol_for_drawing, structure_png

# More drawings make the workbook slow to open.
MAX_DRAWN = 200
LIST_SEPARATOR = "; "

# What a spreadsheet takes for the start of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CELL_LIMIT = 32_767
_IMAGE_WIDTH, _IMAGE_HEIGHT = 220, 140
_HEADER_ROWS = 2


def write_csv(path: Path, hits: pa.Table) -> None:
    """Write the hits as UTF-8 CSV without byte order mark.

    Lists are joined with "; ". Text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        texts = [[_quoted(_harmless(_as_text(value))) for value in _values(column)] for column in hits.columns]
        for row in (hits.column_names, *zip(*texts, strict=True)):
            file.write(",".join(row) + "\n")


def write_sdf(path: Path, hits: pa.Table) -> None:
    """Write the hits as SDF (V2000) with 2D coordinates; every column but the structure is a property."""
    columns = {name: _values(hits[name]) for name in hits.column_names}
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in range(hits.num_rows):
            smiles = columns["parent_smiles"][row]
            mol = mol_for_drawing(smiles) or Chem.Mol()
            title = columns["compound_id"][row] or columns["inchikey"][row] or f"record {columns['record_id'][row]}"
            mol.SetProp("_Name", _one_line(title)[:80])
            with rdBase.BlockLogs():
                file.write(Chem.MolToMolBlock(mol))
            for name, values in columns.items():
                if values[row] is not None:
                    file.write(f">  <{name}>  ({row + 1})\n{_one_line(_as_text(values[row]))}\n\n")
            file.write("$$$$\n")


def write_xlsx(path: Path, hits: pa.Table, columns: Sequence[Column], about: Mapping[str, str]) -> None:
    """Write the hits as an Excel workbook: units, names and descriptions on top, drawings beside the first hits.

    Args:
        path: Workbook to write.
        hits: The hits.
        columns: Their columns, in order.
        about: Facts about the run for the second sheet.

    """
    # In memory: xlsxwriter would hide a full disk behind an error of its own, and use the system's temporary folder.
    content = BytesIO()
    book = xlsxwriter.Workbook(
        content,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": True,
        },
    )
    # A workbook holds the time it was made; the same run is to give the same bytes.
    book.set_properties({"title": f"Hits of {about.get('run', 'a run')}", "created": datetime(1980, 1, 1, tzinfo=UTC)})
    _write_hits_sheet(book, hits, columns)
    _write_about_sheet(book, columns, about)
    book.close()
    path.write_bytes(content.getvalue())


def _write_hits_sheet(book: xlsxwriter.Workbook, hits: pa.Table, columns: Sequence[Column]) -> None:
    sheet = book.add_worksheet("hits")
    unit = book.add_format({"italic": True, "font_color": "#5b6b7b", "align": "center", "font_size": 9})
    header = book.add_format({"bold": True, "bg_color": "#e8eef4", "bottom": 1, "text_wrap": True, "valign": "top"})
    cell = book.add_format({"valign": "vcenter"})
    words = book.add_format({"valign": "vcenter", "text_wrap": True})
    number = book.add_format({"valign": "vcenter", "num_format": "0.000"})
    drawn = hits.num_rows <= MAX_DRAWN
    first = 1 if drawn else 0
    if drawn:
        sheet.write_string(1, 0, "structure", header)
        sheet.set_column_pixels(0, 0, _IMAGE_WIDTH + 4)
        _insert_drawings(sheet, hits["parent_smiles"].to_pylist())
    for at, column in enumerate(columns, start=first):
        sheet.write_string(0, at, column.unit or "", unit)
        sheet.write_string(1, at, column.name, header)
        sheet.write_comment(1, at, column.description, {"x_scale": 2})
        is_words = column.name in {"reasons", "library_properties"}
        sheet.set_column(at, at, 60 if is_words else _width(column), words if is_words else cell)
        write = _cell_writer(sheet, column, number if pat.is_floating(column.type) else None)
        for row, value in enumerate(_values(hits[column.name]), start=_HEADER_ROWS):
            if value is not None:
                write(row, at, value)
        if column.name.endswith("_prob") and hits.num_rows:
            sheet.conditional_format(
                _HEADER_ROWS,
                at,
                hits.num_rows + 1,
                at,
                {"type": "data_bar", "min_type": "num", "max_type": "num", "min_value": 0, "max_value": 1,
                 "bar_color": "#9cc3e0", "bar_solid": True},
            )  # fmt: skip
    sheet.freeze_panes(_HEADER_ROWS, first + 1)
    sheet.autofilter(1, 0 if not drawn else 1, max(hits.num_rows + 1, 2), first + len(columns) - 1)


def _insert_drawings(sheet: Any, smiles: Sequence[str]) -> None:  # noqa: ANN401 - xlsxwriter has no types
    for row, parent in enumerate(smiles, start=_HEADER_ROWS):
        sheet.set_row_pixels(row, _IMAGE_HEIGHT + 4)
        # Drawn at twice the size, so that it is sharp when printed.
        png = structure_png(parent, 2 * _IMAGE_WIDTH, 2 * _IMAGE_HEIGHT)
        if png:
            options = {
                "image_data": BytesIO(png),
                "x_scale": 0.5,
                "y_scale": 0.5,
                "x_offset": 2,
                "y_offset": 2,
                "object_position": 1,  # moves and hides with its row, so that sorting and filtering keep them together
                "description": parent,
            }
            sheet.insert_image(row, 0, f"hit-{row - 1}.png", options)


def _cell_writer(sheet: Any, column: Column, number: Any) -> Callable[[int, int, Any], object]:  # noqa: ANN401
    if pat.is_boolean(column.type):
        return lambda row, at, value: sheet.write_boolean(row, at, value)
    if pat.is_floating(column.type) or pat.is_integer(column.type):
        return lambda row, at, value: sheet.write_number(row, at, float(value), number)
    return lambda row, at, value: sheet.write_string(row, at, _CONTROL.sub(" ", _as_text(value))[:_CELL_LIMIT])


def _width(column: Column) -> int:
    if column.name in {"input_structure", "parent_smiles", "scaffold"}:
        return 32
    return 28 if column.name in {"inchikey", "brenk"} else max(11, min(len(column.name), 22))


def _write_about_sheet(book: xlsxwriter.Workbook, columns: Sequence[Column], about: Mapping[str, str]) -> None:
    sheet = book.add_worksheet("about")
    bold = book.add_format({"bold": True, "valign": "top"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 38, bold)
    sheet.set_column(1, 1, 110, wrapped)
    sheet.set_column(2, 2, 16)
    row = 0
    for key, value in about.items():
        sheet.write_string(row, 0, key)
        sheet.write_string(row, 1, value)
        row += 1
    row += 1
    for at, title in enumerate(("column", "description", "unit")):
        sheet.write_string(row, at, title, bold)
    for column in columns:
        row += 1
        sheet.write_string(row, 0, column.name)
        sheet.write_string(row, 1, column.description)
        sheet.write_string(row, 2, column.unit or "")


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Python values; single-precision numbers keep their type, so that they are written with the digits they have."""
    if pat.is_float32(column.type):
        numbers = column.to_numpy()
        valid = column.is_valid().to_numpy()
        return [np.float32(value) if ok else None for value, ok in zip(numbers, valid, strict=True)]
    values: list[Any] = column.to_pylist()
    return values


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return LIST_SEPARATOR.join(str(entry) for entry in value)
    return str(value)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _quoted(text: str) -> str:
    # The csv module leaves a carriage return unquoted when lines end otherwise, and readers then see two rows.
    return '"' + text.replace('"', '""') + '"' if any(character in text for character in ',"\r\n') else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _one_line(text: str) -> str:
    # A line break would end the property, and a line of $$$$ the record.
    return " ".join(text.split()) or " "
