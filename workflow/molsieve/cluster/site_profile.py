"""The Snakemake profile of a site: reading one, and writing one from the commented template."""

import re
from pathlib import Path
from typing import Any

import yaml

from molsieve import project_root
from molsieve.cluster.finding import of_level
from molsieve.cluster.preflight import admission
from molsieve.cluster.requests import RuleRequest
from molsieve.cluster.site import Site
from molsieve.config import load_yaml
from molsieve.errors import MolsieveError

TEMPLATE = Path("workflow/profiles/slurm")
GPU_RULE = "triage"
STATUS_CHECKS = 3
"""squeue must know ended jobs for as many rounds of Snakemake's looking, as it looks ever less often."""


def read_profile(folder: Path | None) -> dict[str, Any]:
    """Keys of a profile; of the shipped one where no folder is given.

    Raises:
        MolsieveError: There is none, or it is not YAML.

    """
    file = (folder or project_root() / TEMPLATE) / "profile.yaml"
    if not file.is_file():
        raise MolsieveError(
            f"{file} does not exist", where="--profile", fix="`molsieve cluster profile DIR` writes one into DIR."
        )
    return load_yaml(file)


def profile_for(site: Site, account: str | None, partition: str | None, gpu_partition: str | None) -> str:
    """The template with what Slurm says filled in, and its comments.

    Args:
        site: What Slurm says.
        account: Slurm account; None: the user's default one, where accounting knows one.
        partition: Partition; None: the site's default one.
        gpu_partition: Partition for the rules that use a GPU; None: they use CPUs.

    Raises:
        MolsieveError: Account or partition cannot be used, with the fix.

    """
    asked = [RuleRequest(GPU_RULE, 1, 0, 0, gpus=1, partition=gpu_partition)] if gpu_partition else []
    problems = of_level(admission(site, asked, account, partition, gpu_partition), "problem")
    if problems:
        raise MolsieveError("\n".join(map(str, problems)), where="the cluster; no profile was written")
    text = (project_root() / TEMPLATE / "profile.yaml").read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    values: dict[str, object] = {"slurm_partition": partition or site.default_partition}
    charged, most = site.charged(account), site.least_right(account, "max_submitted")
    if charged is not None:
        values |= {"slurm_account": charged, "slurm-no-account": False}
    if most is not None:
        values["jobs"] = min(settings["jobs"], most)
    every = "slurm-init-seconds-before-status-checks"
    if site.min_job_age_s:
        values[every] = max(1, min(settings[every], site.min_job_age_s // STATUS_CHECKS))
    for key, value in values.items():
        text = _set(text, key, value)
    if gpu_partition:
        text = _set(_switched_on(text, GPU_RULE), "slurm_partition", gpu_partition, of_rule=GPU_RULE)
    return _heading(site) + text


def _heading(site: Site) -> str:
    partitions = "".join(f"#   {partition.described}\n" for partition in site.partitions.values())
    return f"# For the cluster {site.name}, by `molsieve cluster profile`. Its partitions, as Slurm tells:\n{partitions}#\n"


def _set(text: str, key: str, value: object, of_rule: str = "") -> str:
    """Give a key of the template its value, also where the template has it in a comment; what surrounds it stays."""
    start = re.search(rf"^ +{of_rule}:\s*$", text, flags=re.MULTILINE) if of_rule else None
    written = yaml.safe_dump({key: value}).strip()
    line = re.compile(rf"^( *)(?:# )?{re.escape(key)}:[^#\n]*(?=\s#|$)", flags=re.MULTILINE)
    place = line.search(text, start.end() if start else 0)
    if place is None:
        raise ValueError(f"the template of profiles has no line for {key}")
    return text[: place.start()] + place[1] + written + text[place.end() :]


def _switched_on(text: str, rule: str) -> str:
    """Take the settings of a rule out of their comment."""
    block = re.search(rf"^ *# {rule}:\n(?: *#   .*\n)+", text, flags=re.MULTILINE)
    return text if block is None else text.replace(block[0], re.sub(r"^( *)# ", r"\1", block[0], flags=re.MULTILINE))
