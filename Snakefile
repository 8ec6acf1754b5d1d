"""molsieve: compound libraries in, a published and accounted-for result set out.

`snakemake --cores all` screens the library of config/config.yaml; `snakemake train` rebuilds the shipped models.
"""

import sys
from pathlib import Path

from snakemake.utils import min_version

from molsieve.cluster.requests import job_rows
from molsieve.costs import memory_mb, runtime_min
from molsieve.errors import MolsieveError
from molsieve.plan import Plan, as_options, command_prefix

min_version("9.27")


configfile: Path(workflow.basedir) / "config" / "config.yaml"


try:
    PLAN = Plan.from_config(config, files=workflow.configfiles)
except MolsieveError as error:
    raise WorkflowError(str(error)) from None

# Jobs find the package of this clone and the interpreter that runs Snakemake, also when no environment is active.
shell.prefix(
    command_prefix(
        Path(workflow.basedir), Path(sys.executable), workflow.deployment_settings
    )
)


pathvars:
    work=PLAN.work,
    results=PLAN.results,


wildcard_constraints:
    set="library|controls",
    shard=r"\d+",
    chunk=r"\d+",


rule all:
    default_target: True
    input:
        "<results>/checksums.sha256",


include: "workflow/rules/shards.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/library.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/scoring.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/train.smk"
