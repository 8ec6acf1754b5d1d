"""Speed of the library tier (ingest to triage, the whole workflow) beside bare RDKit on the same molecules.

The floor is what nobody can go below without another toolkit: MolFromSmiles, MolToSmiles and a sparse Morgan count
fingerprint in a process pool on the same cores. Both sides read the same file and use all cores; they run one after the
other, several times, and the ratio of the medians is what counts, because absolute times drift with the machine.

    python benchmarks/library_tier.py library.tsv.gz [--repeats 3] [--at-least 0.25] [--json OUT]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing import get_context
from pathlib import Path

import psutil
import pyarrow.parquet as pq

from molsieve.library.ingest import ingest
from molsieve.library.source import LibrarySource

CHUNK = 512


def floor_chunk(smiles: list[str]) -> int:
    """Parse, write canonical SMILES and fingerprint; returns how many parsed."""
    from rdkit import Chem, RDLogger
    from rdkit.Chem import rdFingerprintGenerator

    RDLogger.DisableLog("rdApp.*")
    morgan = rdFingerprintGenerator.GetMorganGenerator(radius=2)
    parsed = 0
    for text in smiles:
        mol = Chem.MolFromSmiles(text)
        if mol is not None:
            Chem.MolToSmiles(mol)
            morgan.GetSparseCountFingerprint(mol).GetNonzeroElements()
            parsed += 1
    return parsed


def run_floor(smiles: list[str], cores: int) -> float:
    """Seconds of the floor."""
    chunks = [smiles[start : start + CHUNK] for start in range(0, len(smiles), CHUNK)]
    started = time.perf_counter()
    with get_context("fork").Pool(cores) as pool:
        sum(pool.imap_unordered(floor_chunk, chunks))
    return time.perf_counter() - started


class PeakMemory(threading.Thread):
    """Largest resident memory of one process of a tree, and of the whole tree, sampled every 0.2 s."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.largest = self.total = 0
        self.start()

    def run(self) -> None:
        """Sample until the process is gone."""
        while True:
            try:
                sizes = []
                for process in [self.process, *self.process.children(recursive=True)]:
                    try:
                        sizes.append(process.memory_info().rss)
                    except psutil.NoSuchProcess:
                        continue
                self.largest = max(self.largest, *sizes)
                self.total = max(self.total, sum(sizes))
            except (psutil.NoSuchProcess, ValueError, TypeError):
                return
            time.sleep(0.2)


def run_workflow(library: Path, folder: Path, cores: int) -> tuple[float, PeakMemory]:
    """Seconds of the workflow from the file to the predictions, and its memory."""
    command = [
        sys.executable,
        "-m",
        "molsieve",
        "run",
        str(library.resolve()),
        "--out",
        "results/speed",
        "--cores",
        str(cores),
    ]
    command += ["--set", "controls.enabled=false", "--snakemake=predict_library", "--snakemake=--quiet"]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    memory = PeakMemory(process.pid)
    _, errors = process.communicate()
    seconds = time.perf_counter() - started
    predictions = sorted((folder / "work" / "speed" / "library" / "triage").glob("*.parquet"))
    if process.returncode or not predictions:
        sys.exit(errors.decode() or "nothing was predicted")
    return seconds, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--at-least", type=float, default=0.0, help="fail below this share of the floor's rate")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    floors, runs, memories = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ingest([LibrarySource(path=str(arguments.library.resolve()))], folder / "records", shard_size=1_000_000)
        smiles = pq.read_table(folder / "records" / "00000.parquet", columns=["structure"])["structure"].to_pylist()
        for repeat in range(arguments.repeats):
            floors.append(run_floor(smiles, cores))
            (folder / str(repeat)).mkdir()
            seconds, memory = run_workflow(arguments.library, folder / str(repeat), cores)
            runs.append(seconds)
            memories.append(memory)
            print(
                f"floor {floors[-1]:.1f} s   molsieve {runs[-1]:.1f} s   share {floors[-1] / runs[-1]:.2f}", flush=True
            )
    floor, run = statistics.median(floors), statistics.median(runs)
    facts = {
        "library": arguments.library.name,
        "molecules": len(smiles),
        "cores": cores,
        "floor_seconds": [round(value, 2) for value in floors],
        "molsieve_seconds": [round(value, 2) for value in runs],
        "share_of_floor_rate": round(floor / run, 3),
        "molecules_per_core_second": round(len(smiles) / run / cores),
        "largest_process_mb": round(max(memory.largest for memory in memories) / 1e6),
        "all_processes_mb": round(max(memory.total for memory in memories) / 1e6),
    }
    print(json.dumps(facts, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(facts, indent=1) + "\n")
    if facts["share_of_floor_rate"] < arguments.at_least:
        sys.exit(f"below {arguments.at_least:g} of the floor")


if __name__ == "__main__":
    main()
