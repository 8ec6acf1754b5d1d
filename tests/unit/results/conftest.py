import importlib.util
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from molsieve import project_root


def _load_builder():
    name = "molsieve_test_work_folder"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("work_folder.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


PROFILE = yaml.safe_load((project_root() / "config/profiles/amr-gram-negative.yaml").read_text())

# Names that break careless writers: a formula, markup, quotes, right-to-left text, an SDF delimiter, a line break.
WEIRD = (
    '=HYPERLINK("http://example.org","x")',
    "<script>alert('x')</script>",
    "quote\" apostrophe' & ampersand",
    "مركب-17",
    "two\nlines\n\n$$$$\nend",
    "@SUM(A1)",
    "+1-2",
    "日本語 \N{MATHEMATICAL BOLD SMALL A}-lactam",
    "-42",
    "x" * 300,
)
SMILES = (
    "O=C(O)C1=CN(C2CC2)c2cc(N3CCNCC3)c(F)cc2C1=O",
    "OC(=O)c1ccccc1O",
    "[Na+].[O-]C(=O)c1ccccc1O",
    "not a structure",
    "C1CC1(",
    "CCO",
    "OCC",
    "[Na+].[Cl-]",
    "[O-][N+](=O)c1ccc(C=NN2CC(=O)NC2=O)o1",
    "Nc1ccc(S(=O)(=O)Nc2ncccn2)cc1",
    "",
    "CN1CCN(c2cc3c(cc2F)c(=O)c(C(=O)O)cn3CC)CC1",
)
CONTROLS = (
    ("Ciprofloxacin", "active", "quinolone", SMILES[0], True),
    ("Sulfadiazine", "active", "sulfonamide", SMILES[9], False),
    ("Nitrofurantoin", "active", "nitrofuran", SMILES[8], False),
    ("Broken <b>control</b>", "active", "quinolone", "C1CC", False),
    ("Glucose", "inactive", None, "OCC1OC(O)C(O)C(O)C1O", False),
    ("Caffeine", "inactive", None, "Cn1cnc2c1c(=O)n(C)c(=O)n2C", True),
    ("Paracetamol", "inactive", None, "CC(=O)Nc1ccc(O)cc1", False),
)


def library_rows():
    rows = []
    for i in range(50):
        smiles = SMILES[i % len(SMILES)]
        if i >= len(SMILES) and smiles and "(" not in smiles[-1] and " " not in smiles and "." not in smiles:
            smiles = f"{'C' * (i % 5)}{smiles}" if smiles[0] in "CN" else smiles
        other = {"batch": i, "note": WEIRD[i % len(WEIRD)]} if i % 3 == 0 else None
        rows.append((smiles, WEIRD[i % len(WEIRD)] if i % 2 else None, other))
    return rows


@pytest.fixture(scope="session")
def builder():
    return _load_builder()


@pytest.fixture
def profile():
    return PROFILE


@pytest.fixture(scope="session")
def build_small(builder):
    """Build the small run, 50 records, in a folder."""

    def build(work, **changes):
        options = {"shard_size": 20, "controls": CONTROLS, "shortlist": 9, "hits": 8, "source": "lib <1>.smi"}
        return builder.build(work, library_rows(), PROFILE, **{**options, **changes})

    return build


@pytest.fixture(scope="session")
def shared_run(tmp_path_factory, build_small):
    """A work folder with three shards, duplicates, rejects and hostile text; not to be changed."""
    work = tmp_path_factory.mktemp("work") / "small"
    facts = build_small(work)
    (work / "report.html").write_text(f"<!doctype html><title>report of {facts.run_id}</title>")
    return work, facts


@pytest.fixture(scope="session")
def shared_results(tmp_path_factory, shared_run):
    """The published result set of ``shared_run``; not to be changed."""
    from molsieve.results.publish import publish

    work, facts = shared_run
    folder = tmp_path_factory.mktemp("results") / "small"
    publish(work, folder, facts=facts)
    return folder


@pytest.fixture
def results(tmp_path, shared_results):
    """A copy of the published result set, to be broken."""
    return Path(shutil.copytree(shared_results, tmp_path / "small"))


@pytest.fixture
def run(tmp_path, shared_run):
    """A copy of the work folder, to be changed, with its facts."""
    work, facts = shared_run
    return Path(shutil.copytree(work, tmp_path / "work" / "small")), facts
