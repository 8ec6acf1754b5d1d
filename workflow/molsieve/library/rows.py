"""Delimited text to rows and columns, so that a stray quote or a short row costs itself and nothing else.

Quotes are read as RFC 4180 has them, strictly: a cell is quoted when its first character is a quote, every quote inside
is doubled, and the closing quote is followed by a delimiter or a line end. Any other quote is an ordinary character.
A quoted cell may span lines when all of this holds: it closes within ``MAX_LINE_BYTES`` characters, the row it makes
has no more cells than the table has columns, and the lines it takes in are not rows themselves (as many cells as
columns, with an unmistakable structure in its place; where the first line alone is short and all together make
exactly a row, the last line does not count). So a quote that someone forgot to close damages its own row
only, and well-formed CSV is read exactly.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from molsieve.library.lines import MAX_LINE_BYTES

# How many of the lines a quoted cell takes in are tested for being rows.
_TESTED_LINES = 20


class Cells(NamedTuple):
    """Rows of a table by column."""

    columns: list[Any]
    """One string array a column; null where a short row has no such cell."""
    overflow: dict[int, list[str]]
    """Row -> its cells beyond the last column."""
    short: int
    """Rows with fewer cells than columns."""


class RowSplitter:
    """Splits text into rows of cells.

    Args:
        delimiter: The character between cells; empty for one cell a line.
        quoting: Whether quotes have a meaning (they have none in SMILES files).
        columns: Number of columns of the table; None while that is being found out.
        is_row: Tells whether cells look like a row of this table, by their structure.

    """

    def __init__(
        self,
        delimiter: str,
        *,
        quoting: bool,
        columns: int | None = None,
        is_row: Callable[[list[str]], bool] | None = None,
    ) -> None:
        self.delimiter = delimiter
        self.quoting = quoting
        self.columns = columns
        self.is_row = is_row
        # No possessive quantifiers: before Python 3.11.5 those of groups match what they should not (gh-106052).
        # Nothing here matches in two ways, so a quote that is never closed costs two passes over the text, not its
        # square.
        self._quoted = re.compile('"[^"]*(?:""[^"]*)*"(?!")')
        mark = re.escape(delimiter)
        self._quoted_cell = re.compile(rf'(?:\A|(?<=[{mark}\n]))"[^"\n]*(?:""[^"\n]*)*"(?=[{mark}\n])')
        self._quote_first = re.compile(rf'(?:\A|[{mark}\n])"')

    def cells(self, text: str, *, final: bool) -> tuple[Cells, str]:
        """Columns of the rows in ``text``, and the text of a quoted cell at its end that needs the next piece.

        Blank lines (nothing but spaces) are no rows.

        Args:
            text: Whole lines.
            final: There is no next piece.

        """
        fast = self._uniform_quoted(text) if self.quoting and '"' in text else self._uniform(text)
        if fast is not None:
            return fast, ""
        rows, rest = self.rows(text, final=final)
        return self._by_column(rows), rest

    def rows(self, text: str, *, final: bool) -> tuple[list[list[str]], str]:
        """Rows in ``text``, each a list of cells as it stands there; see :meth:`cells`."""
        found, end = self._walk(text, final=final)
        return [row for row, _ in found], text[end:]

    def numbered_rows(self, text: str) -> list[tuple[int, list[str]]]:
        """Rows in ``text``, each with the number of the line it begins in, counted from 0."""
        numbered = []
        line = position = 0
        for row, start in self._walk(text, final=True)[0]:
            line += text.count("\n", position, start)
            position = start
            numbered.append((line, row))
        return numbered

    def _walk(self, text: str, *, final: bool) -> tuple[list[tuple[list[str], int]], int]:
        """Rows with where they begin, blank lines passed over, and where the text begins that is needed again."""
        found: list[tuple[list[str], int]] = []
        position, end = 0, len(text)
        while position < end:
            line_end = text.index("\n", position)
            if self.quoting and text.find('"', position, line_end) >= 0:
                quoted = self._quoted_row(text, position, line_end, final=final)
                if quoted is None:
                    return found, position
                found.append((quoted[0], position))
                position = quoted[1]
                continue
            line = text[position:line_end].removesuffix("\r")
            if line.strip(" "):
                found.append((self.split_line(line), position))
            position = line_end + 1
        return found, end

    def split_line(self, line: str) -> list[str]:
        """Cells of one line in which quotes have no meaning."""
        return line.split(self.delimiter) if self.delimiter else [line]

    def _uniform(self, text: str) -> Cells | None:
        """Split without a Python object a row; None when the rows have not all the same number of cells."""
        lines = whole_lines(text)
        if not len(lines):
            return Cells([pa.array([], pa.string())] * (self.columns or 0), {}, 0)
        if not self.delimiter:
            return Cells([lines], {}, 0) if self.columns == 1 else None
        rows = pc.split_pattern(lines, self.delimiter)
        counts = pc.min_max(pc.list_value_length(rows)).as_py()
        if counts["min"] != self.columns or counts["max"] != self.columns:
            return None
        return Cells([pc.list_element(rows, index) for index in range(counts["min"])], {}, 0)

    def _uniform_quoted(self, text: str) -> Cells | None:
        """Do the same for text with quotes, when all are as they should be and no quoted cell spans lines."""
        if not self.delimiter or (self.columns or 0) < 2:
            return None
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        # Arrow ends a line at a bare carriage return too, and leaves out a byte order mark.
        if "\r" in text or text.startswith("\ufeff") or self._quote_first.search(self._quoted_cell.sub("", text)):
            return None
        names = [str(index) for index in range(self.columns or 0)]
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(text.encode()),
                arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(text) * 4 + 1),
                arrow_csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=False),
                arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), check_utf8=False),
            )
        except pa.ArrowInvalid:  # rows of different lengths
            return None
        return Cells([column.combine_chunks() for column in table.columns], {}, 0)

    def _by_column(self, rows: list[list[str]]) -> Cells:
        width = self.columns or max(map(len, rows), default=0)
        overflow: dict[int, list[str]] = {}
        short = 0
        padded: list[list[str | None]] = []
        for index, row in enumerate(rows):
            cells: list[str | None] = list(row)
            if len(row) > width:
                if any(row[width:]):  # a delimiter too many at the end of a line is no cell
                    overflow[index] = row[width:]
                cells = cells[:width]
            elif len(row) < width:
                short += 1
                cells += [None] * (width - len(row))
            padded.append(cells)
        columns = list(zip(*padded, strict=True)) if padded else [()] * width
        return Cells([pa.array(column, pa.string()) for column in columns], overflow, short)

    def _quoted_row(self, text: str, start: int, line_end: int, *, final: bool) -> tuple[list[str], int] | None:
        """Row at ``start`` with a quote in its first line, and where it ends; None when that needs more text."""
        row, end, open_quote = self._parse(text, start, line_end)
        if not open_quote:
            return row, end
        limit = start + MAX_LINE_BYTES
        longer, longer_end, still_open = self._parse(text, start, min(len(text) - 1, limit))
        if still_open:
            return None if not final and len(text) < limit else (row, end)
        if self.columns is not None and len(longer) > self.columns:
            return row, end
        swallowed = text[end:longer_end]
        if self.columns is not None and len(row) < self.columns == len(longer):
            # Only together do the lines make a whole row; the last one, which closes the cell, proves nothing alone.
            swallowed = swallowed[: swallowed.rstrip("\n").rfind("\n") + 1]
        return (row, end) if self._are_rows(swallowed) else (longer, longer_end)

    def _are_rows(self, swallowed: str) -> bool:
        """Whether most of the lines that a quoted cell takes in are rows of the table themselves."""
        if self.is_row is None:
            return False
        lines = [line for line in swallowed.split("\n", _TESTED_LINES)[:_TESTED_LINES] if line.strip()]
        rows = sum(
            len(cells) == self.columns and self.is_row(cells)
            for cells in (self._parse(f"{line}\n", 0, len(line))[0] for line in lines)
        )
        return rows * 2 > len(lines)

    def _parse(self, text: str, start: int, quoted_end: int) -> tuple[list[str], int, bool]:
        """One row.

        Args:
            text: Ends with a line feed.
            start: Where the row begins.
            quoted_end: Where the search for a closing quote stops.

        Returns:
            The cells, the position after the row, and whether a cell began with a quote that was not closed before
            ``quoted_end`` and therefore was read as an ordinary character.

        """
        cells: list[str] = []
        position = start
        open_quote = False
        while True:
            if text.startswith('"', position):
                match = self._quoted.match(text, position, quoted_end)
                if match is None:
                    open_quote = True
                else:
                    after = match.end()
                    ends_row = text.startswith(("\n", "\r\n"), after)
                    if ends_row or (self.delimiter and text.startswith(self.delimiter, after)):
                        cells.append(match.group()[1:-1].replace('""', '"'))
                        if ends_row:
                            return cells, text.index("\n", after) + 1, open_quote
                        position = after + 1
                        continue
            line_end = text.index("\n", position)
            cell_end = text.find(self.delimiter, position, line_end) if self.delimiter else -1
            if cell_end < 0:
                cells.append(text[position:line_end].removesuffix("\r"))
                return cells, line_end + 1, open_quote
            cells.append(text[position:cell_end])
            position = cell_end + 1


def whole_lines(text: str) -> Any:  # noqa: ANN401 - a pyarrow array of strings
    """Lines of a text without their ends, blank ones left out, as an Arrow array."""
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    lines = pc.split_pattern(pa.array([text.removesuffix("\n")], pa.string()), "\n").flatten()
    blank = pc.equal(pc.binary_length(pc.utf8_trim(lines, " ")), 0)
    return lines.filter(pc.invert(blank)) if pc.any(blank).as_py() else lines
