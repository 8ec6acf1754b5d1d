"""The Snakemake profile of a site, made from the commented one that ships."""

import re

import yaml

from molsieve import project_root
from molsieve.cluster.access import qos_to_ask_for
from molsieve.cluster.executor_profile import GPU_RULES, SHIPPED
from molsieve.cluster.finding import of_level
from molsieve.cluster.preflight import admission
from molsieve.cluster.requests import RuleRequest
from molsieve.cluster.site import Site
from molsieve.errors import MolsieveError

STATUS_CHECKS = 3
"""squeue must know ended jobs for as many rounds of Snakemake's looking, as it looks ever less often."""


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
    asked = [RuleRequest(rule, 1, 0, 0, gpus=1, partition=gpu_partition) for rule in GPU_RULES if gpu_partition]
    problems = of_level(admission(site, asked, account, partition, gpu_partition), "problem")
    if problems:
        raise MolsieveError("\n".join(map(str, problems)), where="the cluster; no profile was written")
    text = (project_root() / SHIPPED / "profile.yaml").read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    chosen = site.partitions[partition or site.default_partition or ""]
    values: dict[str, object] = {"slurm_partition": chosen.name}
    qos = qos_to_ask_for(site, chosen, account)
    if qos is not None:
        values["slurm-qos"] = qos
    charged, most = site.charged(account), site.least_right(account, "max_submitted")
    if charged is not None:
        values["slurm_account"] = charged
    if most is not None:
        values["jobs"] = min(settings["jobs"], most)
    every = "slurm-init-seconds-before-status-checks"
    if site.min_job_age_s:
        values[every] = max(1, min(settings[every], site.min_job_age_s // STATUS_CHECKS))
    for key, value in values.items():
        text = _set(text, key, value)
    for rule in GPU_RULES if gpu_partition else ():
        text = _set(_switched_on(text, rule), "slurm_partition", gpu_partition, of_rule=rule)
    return _heading(site) + text


def _heading(site: Site) -> str:
    partitions = "".join(f"#   {partition.described}\n" for partition in site.partitions.values())
    return f"# For the cluster {site.name}, by `molsieve cluster profile`. Its partitions:\n{partitions}#\n"


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
