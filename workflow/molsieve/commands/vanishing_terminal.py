"""A terminal that may be closed while a run goes on: then nobody reads what it says, and nothing else changes."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast


@contextmanager
def terminal_may_vanish() -> Iterator[None]:
    """Let what the block writes to the standard output and error go nowhere once nobody can read it."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", _MayVanish(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _MayVanish:
    """A stream whose reader may go."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, if anyone is there."""
        try:
            self._stream.write(text)
        except OSError as error:
            self._let_go(error)
        return len(text)

    def flush(self) -> None:
        """Flush, if anyone is there."""
        try:
            self._stream.flush()
        except OSError as error:
            self._let_go(error)

    def _let_go(self, error: OSError) -> None:
        if error.errno not in (errno.EPIPE, errno.EIO):
            return  # a full disk may have room again
        # What is still in the buffer must go somewhere, or Python ends with a failure of its own.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
