"""Work on records in processes that a single record may hang or kill, at the cost of that record only.

Blocks of records go to worker processes. Before each record a worker writes its index into shared memory, which costs
50 ns. When a worker dies, the index names the suspect: the records before and after it are worked on again by a fresh
worker, the suspect alone once more, and if it kills again it fails with the reason ``crashed``. When an index stays for
longer than the time limit, the worker is killed and the record fails with ``timeout``. Each record is worked on at most
twice, so many killers in a row cost no more than their restarts.

Workers are fresh interpreters, not forks: the caller may have threads (pyarrow, torch), and a forked child of a process
with threads can deadlock. Time is the worker's CPU time, so that a loaded machine does not make healthy molecules
look hung; a record that waits without computing is given up after ten times the limit by the clock.
"""

import json
import logging
import math
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from mmap import mmap
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import IO, NamedTuple

from molsieve.chemistry.isolation_worker import CELL_BYTES, IDLE, READY, BlockJob, Piece
from molsieve.errors import MolsieveError

DEFAULT_MEMORY_BYTES = 2 * 2**30

_WALL_FACTOR = 10
# Blocks taken from the source but not yet handed out, for each worker: work for the others while one hangs.
_BLOCKS_AHEAD = 16
# Deaths outside any record (out of memory while packing, a kill from outside) before it is called a defect.
_UNEXPLAINED_DEATHS = 3
_LOOK_EVERY_S = 0.5

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from molsieve.chemistry.isolation_worker import main; main(*map(int, sys.argv[2:]))"
)
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

logger = logging.getLogger(__name__)


class Block(NamedTuple):
    """Records as the job's ``records`` understands them, and how many there are."""

    payload: bytes
    rows: int


@dataclass
class _Task:
    """A piece of a block with its place and its history."""

    block_number: int
    piece: Piece
    is_suspect: bool = False
    unexplained_deaths: int = 0


@dataclass
class _Pending:
    """A block on its way: the packed results so far, by first record."""

    rows: int
    done_rows: int = 0
    packed: dict[int, bytes] = field(default_factory=dict)


class _Worker:
    """One worker process, its pipe, its cell, and what it is seen doing."""

    def __init__(self, job_pickle: bytes, memory_bytes: int) -> None:
        self.connection, far_end = Pipe()
        self.stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        cell_file = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, the mapping stays
        cell_file.truncate(CELL_BYTES)
        self._shared = mmap(cell_file.fileno(), CELL_BYTES)
        self._cell = memoryview(self._shared).cast("q")
        self._cell[1] = IDLE
        arguments = [json.dumps(sys.path), *map(str, (far_end.fileno(), cell_file.fileno(), os.getpid(), memory_bytes))]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, *arguments],
            stdin=subprocess.DEVNULL,
            stderr=self.stderr,
            pass_fds=(far_end.fileno(), cell_file.fileno()),
            env=os.environ | _ONE_THREAD,
        )
        far_end.close()
        cell_file.close()
        self.connection.send_bytes(job_pickle)
        self.is_ready = False
        self.task: _Task | None = None
        self._seen = (-1, IDLE)
        self._seen_wall = self._seen_cpu = 0.0

    def give(self, task: _Task) -> None:
        """Send a piece; the worker must be waiting for one."""
        self.task = task
        self.connection.send_bytes(pickle.dumps(tuple(task.piece), protocol=pickle.HIGHEST_PROTOCOL))

    def record_in_work(self) -> int | None:
        """Index of the record the worker is, or died, in; None between records."""
        serial, index = self._cell[0], self._cell[1]
        return index if self.task and serial == self.task.piece.serial and index != IDLE else None

    def is_stuck(self, timeout_s: float) -> bool:
        """Whether the same record has been in work for longer than the limit since it was first seen."""
        now, cpu = time.monotonic(), _cpu_seconds(self.process.pid)
        place = (self._cell[0], self._cell[1])
        if place != self._seen or self.record_in_work() is None:
            self._seen, self._seen_wall, self._seen_cpu = place, now, cpu
            return False
        wall = now - self._seen_wall
        return cpu - self._seen_cpu > timeout_s or wall > _WALL_FACTOR * timeout_s

    def end(self) -> str:
        """Kill the process if it lives and say how it ended."""
        self.process.kill()
        status = self.process.wait()
        self.connection.close()
        self._cell.release()
        self._shared.close()
        self.stderr.seek(0)
        said = self.stderr.read().decode(errors="replace").strip().splitlines()
        self.stderr.close()
        how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return f"{how}: {said[-1][:200]}" if said else how


def _cpu_seconds(pid: int) -> float:
    """CPU time of another process (Linux: the clock clock_getcpuclockid(3) names); NaN where there is none."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return math.nan


class Isolated:
    """Run a job over blocks in ``workers`` watched processes; iterate to get the packed results of each block in order.

    Use as a context manager: leaving it kills the workers. They also die with this process, however it ends.

    Args:
        job: What to do; pickled, so its class must be importable.
        workers: Number of worker processes.
        timeout_s: CPU seconds after which a record is given up.
        memory_bytes: What a worker may allocate beyond what it needs to start; the record that wants more fails with
            ``out_of_memory`` or, where RDKit does not survive that, ``crashed``.

    """

    def __init__(
        self, job: BlockJob, *, workers: int, timeout_s: float, memory_bytes: int = DEFAULT_MEMORY_BYTES
    ) -> None:
        self._job = pickle.dumps(job)
        self._memory_bytes = memory_bytes
        self._timeout_s = timeout_s
        self._workers: list[_Worker] = [self._new_worker() for _ in range(max(workers, 1))]
        self._tasks: deque[_Task] = deque()
        self._pending: dict[int, _Pending] = {}
        self._serial = 0

    def __enter__(self) -> "Isolated":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def results(self, blocks: Iterable[Block]) -> Iterator[list[bytes]]:
        """Packed results of each block, in order: one item, or several in record order where records were lost.

        Raises:
            MolsieveError: Workers cannot start, or keep dying for no record's sake.

        """
        source = enumerate(blocks)
        window = _BLOCKS_AHEAD * len(self._workers)
        exhausted = False
        handed_out = 0
        while True:
            while not exhausted and len(self._pending) < window and len(self._tasks) < 2 * len(self._workers):
                number, block = next(source, (-1, None))
                if block is None:
                    exhausted = True
                else:
                    self._pending[number] = _Pending(block.rows)
                    if block.rows:
                        self._tasks.append(self._task(number, block.payload, 0, block.rows))
            self._dispatch()
            while handed_out in self._pending and self._pending[handed_out].done_rows == self._pending[handed_out].rows:
                packed = self._pending.pop(handed_out).packed
                handed_out += 1
                yield [packed[first] for first in sorted(packed)]
            if exhausted and not self._pending:
                return
            self._attend()

    def _new_worker(self) -> _Worker:
        return _Worker(self._job, self._memory_bytes)

    def _task(
        self, number: int, payload: bytes, start: int, stop: int, verdict: tuple[str, str] | None = None
    ) -> _Task:
        self._serial += 1
        return _Task(number, Piece(self._serial, payload, start, stop, verdict))

    def _dispatch(self) -> None:
        for index, worker in enumerate(self._workers):
            if not (worker.is_ready and worker.task is None and self._tasks):
                continue
            task = self._tasks.popleft()
            try:
                worker.give(task)
            except OSError:  # it died while waiting
                self._bury(index)

    def _attend(self) -> None:
        """Wait for a result, a death or the next look at the clock."""
        look_every = min(_LOOK_EVERY_S, self._timeout_s / 4)
        by_connection: dict[Connection, int] = {w.connection: i for i, w in enumerate(self._workers)}
        for connection in wait(list(by_connection), timeout=look_every):
            index = by_connection[connection]  # type: ignore[index]
            worker = self._workers[index]
            try:
                answer = worker.connection.recv_bytes()
            except (EOFError, OSError):
                self._bury(index)
                continue
            if not worker.is_ready:
                if answer != READY:
                    raise AssertionError(answer)
                worker.is_ready = True
            else:
                self._accept(worker, answer)
        for index, worker in enumerate(self._workers):
            if worker.is_stuck(self._timeout_s):
                self._bury(index, is_stuck=True)

    def _accept(self, worker: _Worker, packed: bytes) -> None:
        task = worker.task
        worker.task = None
        if task is None:
            raise AssertionError(packed)
        pending = self._pending[task.block_number]
        pending.packed[task.piece.start] = packed
        pending.done_rows += task.piece.stop - task.piece.start

    def _bury(self, index: int, *, is_stuck: bool = False) -> None:
        """Replace a worker that died or must die, and decide about the records it held."""
        worker = self._workers[index]
        record, task, was_ready = worker.record_in_work(), worker.task, worker.is_ready
        how = worker.end()
        if not was_ready:
            del self._workers[index]
            raise MolsieveError(
                f"A worker process did not start: {how}", where="prepare", fix="Check the installation of RDKit."
            )
        self._workers[index] = self._new_worker()
        if task is None:
            return
        if record is None:
            task.unexplained_deaths += 1
            if task.unexplained_deaths >= _UNEXPLAINED_DEATHS:
                raise MolsieveError(
                    f"Worker processes keep dying outside of any molecule ({how})",
                    where="prepare",
                    fix="Most often the machine is out of memory: use fewer workers or ask for more.",
                )
            self._tasks.appendleft(task)
            return
        self._split(task, record, how, is_stuck=is_stuck)

    def _split(self, task: _Task, record: int, how: str, *, is_stuck: bool) -> None:
        number, piece = task.block_number, task.piece
        verdict: tuple[str, str] | None = None
        if is_stuck:
            verdict = ("timeout", f"no result after {self._timeout_s:g} s of computing")
        elif task.is_suspect:
            verdict = ("crashed", how)
        logger.info("block %d, record %d: worker %s", number, record, "stuck" if is_stuck else how)
        suspect = self._task(number, piece.block, record, record + 1, verdict)
        suspect.is_suspect = True
        after = self._task(number, piece.block, record + 1, piece.stop)
        before = self._task(number, piece.block, piece.start, record)
        self._tasks.extendleft(t for t in (after, suspect, before) if t.piece.stop > t.piece.start)
