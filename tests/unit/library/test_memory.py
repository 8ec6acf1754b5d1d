"""Memory does not grow with the library."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import resource, sys
from pathlib import Path
from molsieve.library.ingest import ingest
from molsieve.library.source import LibrarySource

def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

small, large, folder = sys.argv[1:]
ingest([LibrarySource(path=small)], Path(folder) / "small", shard_size=122_880)
before = peak_mb()
report = ingest([LibrarySource(path=large)], Path(folder) / "large", shard_size=122_880)
print(report.rows, round(peak_mb() - before))
"""

MAX_GROWTH_MB = 150


def measured(small: Path, large: Path, folder: Path) -> tuple[int, int]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(small), str(large), str(folder)], capture_output=True, text=True, check=True
    )
    rows, growth = map(int, done.stdout.split())
    return rows, growth


@pytest.mark.slow
@pytest.mark.parametrize("quoted", [False, True])
def test_two_million_rows(tmp_path, quoted):
    def write(name: str, rows: int) -> Path:
        path = tmp_path / name
        with path.open("w") as file:
            file.write("smiles,id,note\n")
            for i in range(rows):
                note = f'"note, {i}"' if quoted else f"note {i}"
                file.write(f"CC(=O)Nc1ccc({'C' * (i % 20)})cc1C(=O)N{'C' * (i % 7)}O,CMP-{i},{note}\n")
        return path

    rows, growth = measured(write("small.csv", 150_000), write("large.csv", 2_000_000), tmp_path)
    assert rows == 2_000_000
    assert growth < MAX_GROWTH_MB


@pytest.mark.slow
def test_a_hundred_thousand_records_of_molblocks(tmp_path):
    record = "name\n  prog\n\n" + "    0.0000    0.0000    0.0000 C   0  0\n" * 80 + "M  END\n>  <note>\nx\n\n$$$$\n"

    def write(name: str, records: int) -> Path:
        path = tmp_path / name
        with path.open("w") as file:
            for _ in range(records // 1000):
                file.write(record * 1000)
        return path

    rows, growth = measured(write("small.sdf", 20_000), write("large.sdf", 100_000), tmp_path)
    assert rows == 100_000
    assert growth < MAX_GROWTH_MB
