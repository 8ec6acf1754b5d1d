"""The process that does the work ``isolation`` watches over: killable at any time, silent, bounded, never orphaned."""

import ctypes
import gc
import os
import pickle
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from mmap import mmap
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Protocol

READY = b"ready"

# Shared memory: the serial number of the piece in work, and the index of the record in work or IDLE.
CELL_BYTES = 16
IDLE = -1

# A fixed stack makes the same molecules die on every machine, whatever `ulimit -s` says there.
STACK_BYTES = 64 * 2**20

_PR_SET_PDEATHSIG = 1


class BlockJob(Protocol):
    """Work on blocks of records, one record at a time. Pickled to the worker processes."""

    def start(self) -> None:
        """Prepare a fresh worker process."""

    def records(self, block: bytes) -> Sequence[Any]:
        """Unpack the records of a block."""

    def process(self, record: Any) -> Any:  # noqa: ANN401 - the job's own types
        """Work on one record; may hang or kill the process."""

    def failed(self, record: Any, reason_code: str, detail: str) -> Any:  # noqa: ANN401
        """Give the result for a record that ``process`` does not survive."""

    def pack(self, results: list[Any]) -> bytes:
        """Pack the results of consecutive records for the way back."""


class Piece(NamedTuple):
    """Consecutive records of one block, the unit sent to a worker."""

    serial: int
    block: bytes
    start: int
    stop: int
    verdict: tuple[str, str] | None
    """Reason code and detail when the records are already known to fail."""


def main(connection_fd: int, cell_fd: int, parent: int, memory_bytes: int) -> None:
    """Serve pieces until the other end closes."""
    _die_with(parent)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the supervisor decides, and we die with it
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the life of the process
    os.dup2(sys.stdout.fileno(), 1)
    connection = Connection(connection_fd)
    job: BlockJob = pickle.loads(connection.recv_bytes())  # noqa: S301 - from the process that started this one
    job.start()
    _bound(memory_bytes)
    gc.freeze()
    gc.disable()  # walking the results of a block over and over costs more than collecting once a piece
    with mmap(cell_fd, CELL_BYTES) as shared, memoryview(shared).cast("q") as cell, suppress(EOFError):
        cell[1] = IDLE
        connection.send_bytes(READY)
        while True:
            piece = Piece(*pickle.loads(connection.recv_bytes()))  # noqa: S301
            connection.send_bytes(_serve(job, piece, cell))
            gc.collect()


def _serve(job: BlockJob, piece: Piece, cell: "memoryview[int]") -> bytes:
    records = job.records(piece.block)
    results = []
    if piece.verdict is not None:
        results = [job.failed(record, *piece.verdict) for record in records[piece.start : piece.stop]]
        return job.pack(results)
    cell[0] = piece.serial
    process = job.process
    for index in range(piece.start, piece.stop):
        cell[1] = index
        try:
            result = process(records[index])
        except MemoryError:
            result = job.failed(records[index], "out_of_memory", "")
        results.append(result)
    cell[1] = IDLE
    return job.pack(results)


def _die_with(parent: int) -> None:
    """Be killed when the supervisor ends in any way, even in the middle of a call into RDKit."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)


def _bound(memory_bytes: int) -> None:
    """Limit what one molecule can take: memory beyond what the worker has now, stack, core dumps."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_STACK, STACK_BYTES)
    with suppress(OSError), open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123
        in_use = int(statm.read().split()[0]) * resource.getpagesize()
        _lower(resource.RLIMIT_AS, in_use + memory_bytes)


def _lower(what: int, soft: int) -> None:
    hard = resource.getrlimit(what)[1]
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(what, (soft, hard))
