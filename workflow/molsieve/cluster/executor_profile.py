"""The Snakemake profile of a run on Slurm: the site's, with what belongs to this run filled in."""

import importlib.util
from pathlib import Path
from typing import Any

import yaml

from molsieve import project_root
from molsieve.cluster.requests import DASK_RULES
from molsieve.cluster.slurm import has_slurm, job_prefix
from molsieve.config import load_yaml
from molsieve.errors import MolsieveError

SHIPPED = Path("workflow/profiles/slurm")
PLUGIN = "snakemake_executor_plugin_slurm"
GPU_RULES = ("triage",)
"""The rules that use a GPU where there is one."""
_OF_WORKERS = ("dask", "mpi", "tasks", "nodes", "mem_mb", "mem_mb_per_cpu")
"""What a profile says of Dask rules because the workers are tasks of their jobs."""


def require_slurm() -> None:
    """Find out at once whether jobs can be submitted from here.

    Raises:
        MolsieveError: No Slurm, or no plugin that lets Snakemake use it.

    """
    if not has_slurm():
        raise MolsieveError(
            "there is no sbatch here",
            where="--slurm",
            fix="Log in to a node from which jobs are submitted, or leave --slurm out to run on this machine.",
        )
    if importlib.util.find_spec(PLUGIN) is None:
        raise MolsieveError(
            "Snakemake's plugin for Slurm is not installed", where="--slurm", fix="pip install 'molsieve[slurm]'"
        )


def executor_profile(
    folder: Path | None,
    run: str,
    work: Path,
    account: str | None,
    partition: str | None,
    gpu_partition: str | None,
    *,
    joins_dask: bool = False,
) -> dict[str, Any]:
    """Settings for Snakemake.

    Args:
        folder: Profile of the site (a folder with profile.yaml); None for the shipped one.
        run: Name of the run.
        work: Folder of its intermediate files; the jobs' logs go there.
        account: Slurm account instead of the profile's or the user's default one.
        partition: Partition instead of the profile's or Slurm's default one.
        gpu_partition: Partition for the rules that use a GPU; they ask for one unless the profile names a ``gres``.
        joins_dask: The run joins a Dask cluster that works already, so its jobs start no workers.

    Raises:
        MolsieveError: The folder has no profile.yaml, or it is no mapping.

    """
    file = (folder or project_root() / SHIPPED) / "profile.yaml"
    if not file.is_file():
        raise MolsieveError(
            f"{file} does not exist", where="--slurm-profile", fix="molsieve cluster profile writes one."
        )
    profile = load_yaml(file)
    defaults = profile.setdefault("default-resources", {})
    if partition is not None:
        defaults["slurm_partition"] = partition
    if account is not None:
        defaults["slurm_account"] = account
    if gpu_partition is not None:
        for rule in GPU_RULES:
            asked = profile.setdefault("set-resources", {}).setdefault(rule, {})
            asked["slurm_partition"] = gpu_partition
            asked.setdefault("gres", "gpu:1")
    if joins_dask:
        of_rules = profile.get("set-resources", {})
        for rule in of_rules.keys() & set(DASK_RULES):
            of_rules[rule] = {key: value for key, value in of_rules[rule].items() if key not in _OF_WORKERS}
        # Snakemake does not take an option without a value.
        profile["set-resources"] = {rule: asked for rule, asked in of_rules.items() if asked}
        if not profile["set-resources"]:
            del profile["set-resources"]
    profile |= {
        "slurm-jobname-prefix": job_prefix(run),
        "slurm-logdir": str(work / "logs" / "slurm"),
        "slurm-keep-successful-logs": True,
    }
    return profile


def profile_text(profile: dict[str, Any]) -> str:
    """A profile as YAML."""
    return "# Written by molsieve run --slurm.\n" + yaml.safe_dump(profile, sort_keys=False, width=120)
