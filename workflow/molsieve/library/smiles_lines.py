"""Lines of SMILES files: a structure, perhaps its CXSMILES extension, white space, and a name that may have spaces."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from molsieve.library.rows import Cells, whole_lines

_BLANKS = " \t\r"
_LINE = re.compile(r"[ \t\r]*([^ \t\r]+(?:[ \t\r]+\|[^|]*\|(?=[ \t\r]|$))?)(?:[ \t\r]+(.*?))?[ \t\r]*", re.DOTALL)


def split_line(line: str) -> list[str]:
    """Structure with its extension, and the name where there is one; nothing for a blank line."""
    match = _LINE.fullmatch(line)
    if match is None:
        return []
    structure, name = match.groups()
    return [structure, name] if name else [structure]


def cells(text: str) -> Cells:
    """Structures and names of the lines in ``text``; a line without a name has null there, a blank line is no row."""
    text = text.replace("\r\n", "\n")
    lines = pc.utf8_trim(whole_lines(text), _BLANKS)
    lines = lines.filter(pc.greater(pc.binary_length(lines), 0))
    fast = None if "|" in text or "\r" in text else _split_at_first_blank(lines, text)
    if fast is None:
        rows = [split_line(line) for line in lines.to_pylist()]
        structures = pa.array([row[0] for row in rows], pa.string())
        names = pa.array([row[1] if len(row) > 1 else None for row in rows], pa.string())
        fast = structures, names
    return Cells(list(fast), {}, 0)


def _split_at_first_blank(lines: pa.StringArray, text: str) -> tuple[pa.Array, pa.Array] | None:
    """Split without a Python object a line; None when tabs and spaces both separate."""
    blank = "\t" if "\t" in text else " "
    parts = pc.split_pattern(lines, blank, max_splits=1)
    starts = parts.offsets.slice(0, len(parts))
    values = parts.values
    structures = values.take(starts)
    if blank == "\t" and pc.any(pc.match_substring(structures, " ")).as_py():
        return None
    has_name = pc.greater(pc.list_value_length(parts), 1)
    names = values.take(pc.if_else(has_name, pc.add(starts, pa.scalar(1, starts.type)), pa.scalar(None, starts.type)))
    return structures, pc.utf8_trim(names, _BLANKS)
