"""Dask inside one Slurm job: the scheduler in this process, the workers as tasks that srun starts over the job's nodes.

One wait in the queue, the resources that were asked for and no others, nothing submitted from a compute node; the
workers end with the job. Connections are encrypted and authenticated by a key made for the job: whoever reaches a Dask
port without it could run code as the user.
"""

import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distributed import Client, LocalCluster
from distributed.security import Security

from molsieve.errors import MolsieveError

WORKER_SECONDS = 180
"""Until the first worker must be there: importing Python from a busy parallel file system takes its time."""
OTHERS_SECONDS = 30
"""After the first one, for the others: what is spread over several workers is not lost with one."""


@contextmanager
def srun_cluster(workers: int, interface: str | None = None) -> Iterator[Client]:
    """Yield a client whose workers are tasks of the Slurm job this process runs in.

    A worker that dies is started again by its nanny, and what it had is computed again.

    Args:
        workers: Tasks of the job, of one thread each.
        interface: Network interface, e.g. ``ib0``; when None the one that the host's name stands for.

    Raises:
        MolsieveError: This process is no Slurm job, or no worker came up.

    """
    if "SLURM_JOB_ID" not in os.environ:
        raise MolsieveError(
            "Dask workers can be started by srun inside a Slurm job only",
            where="dask.scheduler",
            fix="Run with --slurm, or set dask.scheduler to local.",
        )
    security = _own_security()
    with (
        # The working folder is the run's, which all nodes share.
        tempfile.TemporaryDirectory(prefix=".dask-", dir=Path.cwd()) as shared,
        LocalCluster(
            n_workers=0,
            interface=interface,
            host=None if interface else _host(),
            protocol="tls",
            security=security,
            dashboard_address=None,
            silence_logs=logging.ERROR,
        ) as cluster,
        _started(workers, cluster.scheduler_address, interface, security, Path(shared)) as tasks,
        Client(cluster, security=security) as client,
    ):
        _wait_for_workers(client, workers, tasks, Path(shared) / "srun.log")
        yield client


def _own_security() -> Security:
    try:
        return Security.temporary()
    except ImportError:
        raise MolsieveError(
            "the package cryptography is missing, without which Dask's connections would be open to anyone",
            where="dask.scheduler",
            fix="pip install 'molsieve[slurm]'",
        ) from None


def _host() -> str:
    """Address of this node that the job's other nodes reach."""
    from distributed.utils import get_ip

    return str(get_ip())


@contextmanager
def _started(
    workers: int, address: str, interface: str | None, security: Security, shared: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The worker processes, ended at the latest when the block is left."""
    keys = security.get_tls_config_for_role("worker")
    options = []
    for option, kind in (("--tls-ca-file", "ca_file"), ("--tls-cert", "cert"), ("--tls-key", "key")):
        file = shared / f"{kind}.pem"
        file.touch(mode=0o600)
        file.write_text(keys[kind])
        options += [option, str(file)]
    command = [
        # One task that dies must not end the others.
        "srun", f"--ntasks={workers}", "--cpus-per-task=1", "--kill-on-bad-exit=0", "--wait=0", "--cpu-bind=none",
        sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads=1", "--nworkers=1",
        "--no-dashboard", "--memory-limit=0", "--death-timeout=120", *options,
    ]  # fmt: skip
    if interface:
        command.append(f"--interface={interface}")
    with (shared / "srun.log").open("wb") as log:
        tasks = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield tasks
    finally:
        tasks.terminate()
        try:
            tasks.wait(20)
        except subprocess.TimeoutExpired:
            tasks.kill()
            tasks.wait()


def _wait_for_workers(client: Client, wanted: int, tasks: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + WORKER_SECONDS
    while not client.nthreads():
        if tasks.poll() is not None or time.monotonic() > end:
            said = log.read_text(errors="replace").strip()[-500:]
            raise MolsieveError(
                f"no Dask worker came up; srun said: {said or 'nothing'}",
                where="dask.scheduler",
                fix="If the nodes cannot reach each other by their names, name the network: srun:ib0.",
            )
        time.sleep(0.2)
    end = time.monotonic() + OTHERS_SECONDS
    while len(client.nthreads()) < wanted and time.monotonic() < end:
        time.sleep(0.2)
