"""What cannot be screened ends with a message, not with a traceback, and publishes nothing."""

import gzip

import pytest

WITHOUT_CONTROLS = ("--set", "controls.enabled=false")
SMILES = "".join(f"{'C' * (i % 30 + 3)}O mol{i}\n" for i in range(5000))


def write(folder, name):
    path = folder / name
    content = {
        "empty.smi": b"",
        "header.csv": b"smiles,name\n",
        "garbage.smi": bytes(range(256)) * 40,
        "truncated.smi.gz": gzip.compress(SMILES.encode())[:-2000],
        "words.csv": b"smiles,name\n" + b"hello,x\nworld,y\n" * 50,
        "nocolumn.csv": b"alpha,beta\n1,2\n3,4\n",
    }[name]
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("empty.smi", "empty"),
        ("header.csv", "header.csv"),
        ("garbage.smi", "garbage.smi"),
        ("truncated.smi.gz", "truncated.smi.gz"),
        ("nocolumn.csv", "alpha"),
        ("words.csv", "rows were rejected"),
    ],
)
def test_hopeless_libraries(workspace, name, expected):
    write(workspace.folder, name)
    finished = workspace.molsieve("run", name, "--out", "results/bad", *WITHOUT_CONTROLS, check=False)
    said = finished.stdout + finished.stderr
    assert finished.returncode != 0
    assert expected in said
    assert "fix:" in said
    assert "Traceback" not in said
    assert not (workspace.folder / "results" / "bad").exists()


def test_a_column_that_is_not_there_names_the_nearest(workspace):
    finished = workspace.molsieve("run", "library.csv::structure_column=smile", *WITHOUT_CONTROLS, check=False)
    said = finished.stdout + finished.stderr
    assert finished.returncode != 0
    assert "smiles" in said
    assert "Traceback" not in said


def test_a_folder_that_cannot_be_written(workspace):
    (workspace.folder / "results").write_text("a file where the folder should be")
    finished = workspace.molsieve("run", "library.csv", "--out", "results/x", check=False)
    said = finished.stdout + finished.stderr
    assert finished.returncode == 2
    assert "results is not a folder" in said
    assert "Traceback" not in said
    assert (workspace.folder / "results").read_text().startswith("a file")
