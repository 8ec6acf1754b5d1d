"""Opening the Dask client a stage runs on."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dask
from distributed import Client, LocalCluster

from molsieve.errors import MolsieveError

CONNECT_SECONDS = 60


@contextmanager
def open_client(scheduler: str, workers: int, *, processes: bool = False) -> Iterator[Client]:
    """Yield a client for the configured scheduler and close what was opened.

    Args:
        scheduler: ``local`` starts workers on this machine; ``srun`` starts them as tasks of the Slurm job this process
            runs in, over all its nodes (``srun:ib0`` lets them talk through that network interface);
            ``tcp://host:port`` or ``file:/path`` (a Dask scheduler file) joins a running cluster, and the other
            arguments are then not used.
        workers: Workers of one thread each; of a local cluster never more than there are cores.
        processes: Whether local workers are processes. They take seconds to start and pay where Python code holds the
            interpreter lock (RDKit); Arrow and NumPy release it.

    Raises:
        MolsieveError: The scheduler does not answer, or no worker comes up.

    """
    # Workers are watched by the operating system's own limits; Dask's would spill or pause at fractions of the
    # machine's memory that belong to other jobs on a shared node.
    dask.config.set({"distributed.worker.memory.pause": False, "distributed.worker.memory.terminate": False})
    if scheduler == "local":
        with _open_local(workers, processes=processes) as client:
            yield client
    elif scheduler.partition(":")[0] == "srun":
        from molsieve.scoring.srun_workers import srun_cluster

        with srun_cluster(workers, scheduler.partition(":")[2] or None) as client:
            yield client
    else:
        with _join(scheduler) as client:
            yield client


@contextmanager
def _open_local(workers: int, *, processes: bool) -> Iterator[Client]:
    count = max(1, min(workers, len(os.sched_getaffinity(0))))
    separate = processes and count > 1
    with (
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=separate,
            dashboard_address=None,
            silence_logs=logging.ERROR,
            host="127.0.0.1" if separate else None,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def _join(scheduler: str) -> Client:
    try:
        if scheduler.startswith("file:"):
            return Client(scheduler_file=str(Path(scheduler.removeprefix("file:"))), timeout=CONNECT_SECONDS)
        return Client(scheduler, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise MolsieveError(
            f"no Dask scheduler answers at {scheduler}: {error}",
            where="dask.scheduler",
            fix="Start it first (dask scheduler), or set dask.scheduler to local.",
        ) from None
