"""Running the real workflow in a folder of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from molsieve import project_root

MESSY = """\
smiles,name,note
CC(=O)Oc1ccccc1C(=O)O,aspirin,first
O=C(O)c1ccccc1OC(C)=O,aspirin again,same molecule
[Na+].CC(=O)Oc1ccccc1C(=O)[O-],aspirin sodium,same parent
not a molecule,broken,
,empty,
C1CC,ring left open,
O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O,ciprofloxacin,=cmd()
"""


@dataclass
class Workspace:
    """A folder to run in, with a small library."""

    folder: Path

    def molsieve(self, *arguments: str, check: bool = True, **options) -> subprocess.CompletedProcess[str]:
        finished = subprocess.run(
            [sys.executable, "-m", "molsieve", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=1500,
            **options,
        )
        if check and finished.returncode:
            raise AssertionError(f"exit {finished.returncode}\n{finished.stdout}\n{finished.stderr}")
        return finished

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        finished = subprocess.run(
            [sys.executable, "-m", "snakemake", "--snakefile", str(project_root() / "Snakefile"), *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=1500,
            env=os.environ,
        )
        if check and finished.returncode:
            raise AssertionError(f"exit {finished.returncode}\n{finished.stdout}\n{finished.stderr}")
        return finished

    def planned(self, *arguments: str) -> set[str]:
        """Rules a dry run would start."""
        text = self.snakemake("--dry-run", *arguments).stdout
        if "Nothing to be done" in text:
            return set()
        table = text.split("Job stats:")[-1].splitlines()[3:]
        rules = set()
        for line in table:
            name = line.split()[0] if line.split() else ""
            if not name or name == "total":
                break
            rules.add(name)
        return rules - {"all"}


def small_library(folder: Path, rows: int = 300) -> Path:
    """The messy rows, then the first compounds of the NCI set."""
    from rdkit import RDConfig

    nci = (Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi").read_text().splitlines()[:rows]
    library = folder / "library.csv"
    library.write_text(MESSY + "".join(f"{line.split()[0]},NSC {line.split()[1]},\n" for line in nci))
    return library
