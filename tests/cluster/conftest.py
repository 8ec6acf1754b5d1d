"""A real Slurm for a session, and runs on it that can be disturbed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.local_slurm import NODES, LocalSlurm, SlurmUnavailableError
from tests.cluster.slurm_run import SlurmRun
from tests.workflow.workspace import small_library


@pytest.fixture(scope="session")
def slurm() -> Iterator[LocalSlurm]:
    """The cluster; one that runs already (``local_slurm.py start``) is used and left running."""
    cluster = LocalSlurm()
    was_running = cluster.is_running()
    try:
        cluster.start()
    except SlurmUnavailableError as error:
        pytest.skip(f"no Slurm: {error}")
    yield cluster
    if not was_running:
        cluster.stop()


@pytest.fixture
def healthy(slurm: LocalSlurm) -> Iterator[LocalSlurm]:
    """The cluster for a test that breaks it; mended afterwards."""
    yield slurm
    slurm.start_accounting()
    slurm.start_controller()
    for node in NODES:
        slurm.start_node(node)


@pytest.fixture(scope="session")
def undisturbed(slurm: LocalSlurm, tmp_path_factory: pytest.TempPathFactory) -> SlurmRun:
    """A run that nothing happened to; tests must not change it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    small_library(folder, rows=400)
    run = SlurmRun(folder)
    run.start("--gpu-partition", "gpu")
    run.finish()
    return run


@pytest.fixture
def run(undisturbed: SlurmRun, tmp_path: Path) -> Iterator[SlurmRun]:
    """A copy of the finished run, to be wound back; ended with the test."""
    copy = undisturbed.copied_to(tmp_path / "run")
    yield copy
    copy.kill()
