import subprocess
import sys
import time

import pytest

from molsieve.results import provenance
from molsieve.results.provenance import (
    digest_of,
    git_commit,
    package_digest,
    sha256_of_file,
    stage_code_digest,
    versions,
)

SOURCES = {
    "__init__.py": "",
    "errors.py": "class E(Exception): ...\n",
    "stage/__init__.py": "",
    "stage/run.py": "from molsieve.stage import (\n    inner,  # a bracket ) in a comment\n)\n",
    "stage/inner.py": "def f():\n    from molsieve.deep.leaf import x\n    return x\n",
    "deep/__init__.py": "",
    "deep/leaf.py": "import molsieve.errors as errors\nx = 1\n",
    "deep/lonely.py": "from . import leaf\n",
    "page/__init__.py": "",
    "page/view.py": "from molsieve.page import sheets\n",
    "page/sheets/__init__.py": "'''from molsieve import nothing that exists'''\n",
    "page/sheets/a.html": "<p>",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    root = tmp_path / "molsieve"
    for name, text in SOURCES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setattr(provenance, "_SOURCES", root)

    def digest(module, changed=None):
        provenance._imports.cache_clear()
        provenance._contents.cache_clear()
        if changed:
            before = (root / changed).read_text()
            (root / changed).write_text(before + "\n# changed\n")
        return stage_code_digest(module)

    yield digest
    provenance._imports.cache_clear()
    provenance._contents.cache_clear()


@pytest.mark.parametrize(
    "changed", ["stage/run.py", "stage/inner.py", "deep/leaf.py", "errors.py", "stage/__init__.py", "__init__.py"]
)
def test_a_change_of_what_a_stage_imports_changes_its_digest(package, changed):
    assert package("molsieve.stage.run") != package("molsieve.stage.run", changed)


@pytest.mark.parametrize("changed", ["deep/lonely.py", "page/view.py", "page/sheets/a.html"])
def test_a_change_elsewhere_does_not(package, changed):
    assert package("molsieve.stage.run") == package("molsieve.stage.run", changed)


def test_templates_count_with_their_package(package):
    assert package("molsieve.page.view") != package("molsieve.page.view", "page/sheets/a.html")


def test_relative_imports_are_followed(package):
    assert package("molsieve.deep.lonely") != package("molsieve.deep.lonely", "deep/leaf.py")


def test_an_unknown_stage_is_refused(package):
    with pytest.raises(ModuleNotFoundError, match=r"stage\.nothing"):
        package("molsieve.stage.nothing")


def test_static_imports_are_those_of_a_real_import():
    # What Python really loads for a stage at import has to be among what the digest covers.
    code = "import sys, molsieve.results.report; print(*[m for m in sys.modules if m.split('.')[0] == 'molsieve'])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    covered, pending = set(), ["molsieve.results.report"]
    while pending:
        name = pending.pop()
        if name not in covered:
            covered.add(name)
            pending += provenance._imports(name)
    assert set(loaded) <= covered


def test_all_stages_are_digested_fast_and_the_same_every_time():
    modules = [
        "molsieve.results.publish",
        "molsieve.results.report",
        "molsieve.scoring.score",
        "molsieve.chemistry.standardise",
    ]
    first = [stage_code_digest(m) for m in modules]
    provenance._imports.cache_clear()
    provenance._contents.cache_clear()
    started = time.perf_counter()
    again = [stage_code_digest(m) for m in modules]
    assert time.perf_counter() - started < 0.5  # 50 ms alone on a core; this machine is shared
    assert again == first
    assert len(set(first)) == len(first)


def test_provenance_loads_nothing_heavy():
    code = "import sys, molsieve.results.provenance; print({'pyarrow', 'rdkit', 'torch', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_digests():
    assert digest_of({"a": 1, "b": [2.5, None]}) == digest_of({"b": [2.5, None], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
    assert len(package_digest()) == 64


def test_sha256_of_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert sha256_of_file(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_versions_name_what_computes():
    assert {"molsieve", "python", "rdkit", "numpy", "pyarrow", "torch"} <= versions().keys()
    assert "no-such-package" not in versions(["no-such-package"])


def test_git_commit_of_a_working_copy_and_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "project_root", lambda: tmp_path)
    assert git_commit() is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert git_commit() is None
    (tmp_path / "a").write_text("x")
    subprocess.run([*git, "add", "a"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "a"], check=True)
    commit = git_commit()
    assert len(commit) == 40
    (tmp_path / "a").write_text("y")
    assert git_commit() == f"{commit}-dirty"
