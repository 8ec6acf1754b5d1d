"""How many identifiers occur more than once, counted exactly enough in bounded memory for any number of rows."""

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow.compute as pc

_CHUNK = 1 << 20
# Every pass reads the whole file, so that the passes must stay few: 120 of them for 10^9 identifiers, of 70 MB each.
_AT_ONCE = 1 << 23


class DuplicateCounter:
    """Counts repeated identifiers through their 64-bit hashes, kept in a temporary file; use as a context manager.

    Eight bytes an identifier lie on disk. That any two different identifiers share a hash has a probability of 3e-4 in
    a library of 100 million.

    Args:
        folder: Where the temporary file lies.

    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed in __exit__
        self._hashes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, identifiers: Any) -> None:  # noqa: ANN401 - pyarrow array
        """Take identifiers; nulls do not count."""
        texts = pc.drop_null(identifiers).to_pylist()
        hashes = np.fromiter(map(hash, texts), dtype=np.int64, count=len(texts))
        self._file.write(hashes.tobytes())
        self._hashes += len(texts)

    def repeated(self) -> int:
        """Count the identifiers that occurred before: all of them less the different ones."""
        if not self._hashes:
            return 0
        passes = 1 << (max(0, self._hashes - 1) // _AT_ONCE).bit_length()
        different = 0
        for part in range(passes):
            # Each pass takes the hashes that end in the same bits, so that one pass fits in memory.
            taken = [chunk[chunk & (passes - 1) == part] for chunk in self._chunks()]
            hashes = np.concatenate(taken)
            del taken
            hashes.sort()
            different += bool(len(hashes)) + int(np.count_nonzero(np.diff(hashes)))
        return self._hashes - different

    def _chunks(self) -> Any:  # noqa: ANN401 - iterator of numpy arrays
        self._file.seek(0)
        while content := self._file.read(_CHUNK * 8):
            yield np.frombuffer(content, dtype=np.int64)
