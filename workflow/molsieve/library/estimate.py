"""How many rows a library has, before anyone waits for it to be read."""

from collections.abc import Iterable
from dataclasses import dataclass

from molsieve.library.compression import read_head
from molsieve.library.parquet import open_parquet
from molsieve.library.source import LibrarySource, resolve
from molsieve.library.understanding import Understanding, understand

# Of a compressed file the reader runs a little ahead, which a sample of this size does not notice.
_SAMPLE_BYTES = 32 << 20
_RECORD_END = b"$$$$"


@dataclass(frozen=True)
class RowEstimate:
    """About how many rows some files have; exactly so many where all of them are Parquet."""

    rows: int
    is_exact: bool


def estimate_rows(sources: Iterable[LibrarySource]) -> RowEstimate:
    """Rows of Parquet files from their footers, of others from their size and the lines at their beginning.

    Raises:
        MolsieveError: A file cannot be fetched or read, or is no library.

    """
    files = [understand(file) for file in resolve(sources)]
    return RowEstimate(sum(map(_rows, files)), all(file.format == "parquet" for file in files))


def _rows(file: Understanding) -> int:
    if file.format == "parquet":
        with open_parquet(file.path, file.where) as parquet:
            return int(parquet.metadata.num_rows)
    head, share = read_head(file.path, _SAMPLE_BYTES)
    if file.format == "sdf":
        return round(head.count(_RECORD_END) / share)
    unfinished = not head.endswith(b"\n") and share == 1
    lines = head.count(b"\n") + unfinished - file.title_lines - bool(file.header)
    return max(0, round(lines / share))
