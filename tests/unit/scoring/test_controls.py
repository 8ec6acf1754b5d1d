"""The stage on a small library of real molecules with given predictions."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molsieve.columns import arrow_schema
from molsieve.errors import MolsieveError
from molsieve.models.endpoints import Endpoint
from molsieve.scoring.controls import read_controls, score_controls
from molsieve.scoring.inspect import INSPECTED
from molsieve.scoring.score import score

SULFADIAZINE = "Nc1ccc(S(=O)(=O)Nc2ncccn2)cc1"
CONTROLS = (
    ("sulfadiazine", SULFADIAZINE, "active", False, 0.9),
    ("sulfapyridine", "Nc1ccc(S(=O)(=O)Nc2ccccn2)cc1", "active", True, 0.8),
    ("paracetamol", "CC(=O)Nc1ccc(O)cc1", "inactive", True, 0.1),
)
LIBRARY = (
    "CC(=O)Nc1ccc(O)c(C(=O)NC2CC2)c1",
    "O=C(NCc1ccco1)c1ccc2[nH]ncc2c1",
    "Nc1nc2ccccc2n1CC(=O)NCC1CC1",
    "O=C(Nc1cccnc1)c1cc2ccccc2[nH]1",
    "CCCCCCCCCC",
    "CCO",
)
ENDPOINTS = tuple(
    Endpoint(
        name=name,
        task="classification",
        family="activity",
        title=name,
        description="",
        organism="",
        positive_means="",
        dataset="",
        n=1,
        n_positive=1,
    )
    for name in ("a", "b", "tox")
)


def inspected(path, n):
    blank = {"pains": [], "brenk": [], "antibacterial_class": None, "novelty_tanimoto": 0.1, "nearest_known": "x"}
    rows = [blank | {"record_id": i} for i in range(n)]
    pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(INSPECTED)), path)
    return path


@pytest.fixture
def run_stage(library, profile_file, tmp_path):
    """Score a library and the controls, and run the stage; returns its report and its files."""

    def run(*, profile_text="", smiles=LIBRARY):
        profile_file.write_text(profile_file.read_text() + profile_text)
        n = len(smiles)
        low = [0.2] * n
        library.shard(0, 0, list(smiles), {"a": low, "b": [0.0] * n, "tox": [0.0] * n})
        library.refine(0, [], {"a": [], "b": [], "tox": []})
        folders = [library.folder / name for name in ("prepared", "triage", "refined")]
        scores = tmp_path / "scores"
        checked = inspected(tmp_path / "library.parquet", n)
        score(*folders, checked, profile_file, scores, reliabilities={}, hits=1, scheduler="local", workers=1)
        beside = type(library)(tmp_path / "controls")
        predictions = {"a": [c[4] for c in CONTROLS], "b": [0.0] * 3, "tox": [0.0] * 3}
        beside.shard(0, 0, [c[1] for c in CONTROLS], predictions)
        prepared = beside.folder / "prepared" / "00000.parquet"
        table = pq.read_table(prepared).append_column("status", pa.array(["ok"] * 3))
        pq.write_table(table, prepared)
        chunk = beside.refine(0, [0, 1, 2], predictions) / "00000.parquet"
        table = pq.read_table(chunk).append_column("in_training", pa.array([c[3] for c in CONTROLS]))
        pq.write_table(table, chunk)
        inspected(beside.folder / "inspected.parquet", 3)
        csv = tmp_path / "controls.csv"
        lines = [
            f"{name},{text},{kind},{'sulfonamide' if kind == 'active' else ''}" for name, text, kind, *_ in CONTROLS
        ]
        csv.write_text("\n".join(["name,smiles,kind,antibacterial_class", *lines]) + "\n")
        out, decoys, judgement = (tmp_path / name for name in ("controls.parquet", "decoys.parquet", "judgement.json"))
        report = score_controls(
            beside.folder,
            library.folder,
            scores,
            csv,
            profile_file,
            out,
            decoys=decoys,
            judgement=judgement,
            endpoints=ENDPOINTS,
            reliabilities={},
        )
        return report, pq.read_table(out), pq.read_table(decoys), json.loads(judgement.read_text())

    return run


def test_controls_get_decoys_and_a_verdict(run_stage):
    report, controls, decoys, judgement = run_stage()
    assert controls["would_rank"].to_pylist()[0] == 1
    assert report.scored == 3
    assert report.decoys == decoys.num_rows > 0
    assert set(decoys["record_id"].to_pylist()) <= {0, 1, 2, 3}
    assert set(decoys["matched_to"].cast(pa.string()).to_pylist()) <= {"sulfadiazine", "sulfapyridine"}
    assert judgement["verdict"] == report.verdict == "weak"
    assert judgement["is_warning"]
    assert judgement["own_decoys"]["value"] == 1
    assert judgement["own_decoys_of"] == "all"
    # Two actives are too few for a baseline, and it is left out, not made up.
    assert judgement["own_decoys_by_properties"] is None
    facts = judgement["decoys"]
    assert facts["refined"] == 0
    assert facts["imbalance_after"] < facts["imbalance_before"]
    figures = [c["figures"] for c in judgement["comparisons"] if (c["who"], c["against"]) == ("unseen", "inactives")]
    assert figures[0]["auroc"]["value"] == 1


def test_unseen_actives_choose_first(run_stage):
    # One compound of the library is like both sulfonamides.
    _, _, decoys, _ = run_stage(smiles=(LIBRARY[1], "CCO"))
    assert decoys["matched_to"].cast(pa.string()).to_pylist() == ["sulfadiazine"]


def test_a_library_without_a_like_is_said(run_stage):
    _, _, decoys, judgement = run_stage(smiles=("CCO", "CCCCCCCCCC"))
    assert decoys.num_rows == 0
    assert any("No compound of the library matches" in sentence for sentence in judgement["words"])
    assert judgement["decoys"]["imbalance_after"] is None


def test_a_profile_without_antibacterial_activity_is_not_judged(run_stage):
    report, controls, decoys, judgement = run_stage(profile_text="controls: none\n")
    assert np.isfinite(controls["score"].to_numpy()).all()
    assert decoys.num_rows == 0
    assert report.verdict == judgement["verdict"] == "not_asked"
    assert not judgement["is_warning"]


HEADER = "name,smiles,kind,antibacterial_class\n"


def test_a_controls_file_of_excel_is_read(tmp_path):
    path = tmp_path / "controls.csv"
    path.write_bytes((HEADER + "ampicillin,CCO,active,\n").encode("utf-8-sig"))
    assert read_controls(path).to_pylist() == [
        {"name": "ampicillin", "smiles": "CCO", "kind": "active", "antibacterial_class": None}
    ]


@pytest.mark.parametrize(("text", "message"), [
    ("name,smiles\na,CCO\n", "needs the columns"),
    (HEADER, "at least one row"),
    (HEADER + "a,CCO,maybe,\n", "it must be active or inactive"),
    (HEADER + ",CCO,active,\n", "a control has no name"),
    (HEADER + "a,CCO,active,\na,CCCO,inactive,\n", "a is in line 2 already"),
    (HEADER + "caf\xe9,CCO,active,\n", "is not a text file"),
])  # fmt: skip
def test_a_controls_file_that_cannot_be_used_is_explained(tmp_path, text, message):
    path = tmp_path / "controls.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(MolsieveError, match=message):
        read_controls(path)
