r"""A large library through the whole workflow on a Slurm cluster: whether all rows are accounted for, and what it took.

The figures kept are of the 1,584,663 training molecules of MOSES (doi:10.3389/fphar.2020.565644) on the two nodes of
the cluster tests, which are two nodes in name: both are the same two cores.

    pip download --no-deps molsets && unzip molsets-*.whl moses/dataset/data/train.csv.gz
    python tests/cluster/local_slurm.py start
    python benchmarks/slurm_run.py moses/dataset/data/train.csv.gz --structures SMILES --set prepare.threads=2 \
        --set triage.threads=2 --set refine.threads=2 --json benchmarks/slurm_run.json
"""

import argparse
import csv
import json
import subprocess
import sys
import time
from pathlib import Path

NAME = "slurm-benchmark"


def main() -> None:
    """Run it and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    parser.add_argument("--structures", default="smiles", help="Column of the structures.")
    parser.add_argument("--folder", type=Path, default=Path(), help="Where to run; all nodes see it.")
    parser.add_argument("--profile", type=Path, help="Snakemake profile of the site.")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="Setting of the run.")
    parser.add_argument("--json", type=Path, help="Where to write the figures.")
    arguments = parser.parse_args()
    command = [
        "run", f"{arguments.library.resolve()}::structure_column={arguments.structures}", "--out", f"results/{NAME}",
        "--slurm", "--shared-folder",
    ]  # fmt: skip
    command += ["--slurm-profile", str(arguments.profile.resolve())] if arguments.profile else []
    for setting in arguments.set:
        command += ["--set", setting]
    started = time.monotonic()
    _molsieve(arguments.folder, *command)
    seconds = time.monotonic() - started
    _molsieve(arguments.folder, "results", "verify", f"results/{NAME}")
    run = json.loads((arguments.folder / "results" / NAME / "run.json").read_text())
    with (arguments.folder / "work" / NAME / "efficiency.csv").open(newline="") as file:
        rules = list(csv.DictReader(file))
    found = {"library": arguments.library.name, "records": run["records"], "seconds": round(seconds), "rules": rules}
    print(json.dumps(found, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


def _molsieve(folder: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "molsieve", *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    main()
