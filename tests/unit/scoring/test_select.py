"""From scores to the hits table: best first, clustered, with what was passed over, and valid when nothing is left."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from molsieve.columns import LOW_CARDINALITY, arrow_schema
from molsieve.models.endpoints import Endpoint
from molsieve.scoring.compounds import read_compounds
from molsieve.scoring.diversity import DiversityOptions
from molsieve.scoring.inspect import INSPECTED
from molsieve.scoring.profile import load_profile
from molsieve.scoring.score import score_table
from molsieve.scoring.select import SelectOptions, select

SMILES = ["CCCCCCCCCCCC(=O)O", "CCCCCCCCCCC(=O)O", "NC(=O)c1ccccc1", "CNC(=O)c1ccccc1", "c1ccc2ncccc2c1"]
ACTIVITY = [0.9, 0.8, 0.7, 0.6, 0.5]


def endpoint(name):
    return Endpoint(
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


@pytest.fixture
def work(library, tmp_path):
    """A work folder of five compounds in two shards, all refined and inspected, none excluded."""
    nothing = [0.0] * 5
    library.shard(0, 0, SMILES[:3], {"a": ACTIVITY[:3], "b": nothing[:3], "tox": nothing[:3]})
    library.shard(1, 3, SMILES[3:], {"a": ACTIVITY[3:], "b": nothing[3:], "tox": nothing[3:]})
    library.refine(0, list(range(5)), {"a": ACTIVITY, "b": nothing, "tox": nothing})
    for number, ids in enumerate(([0, 1, 2], [3, 4])):
        records = {
            "record_id": pa.array(ids, pa.int64()),
            "source": pa.array(["library.smi"] * len(ids), LOW_CARDINALITY),
            "source_row": pa.array([i + 1 for i in ids], pa.int64()),
            "compound_id": [f"compound {i}" for i in ids],
            "properties": pa.nulls(len(ids), pa.string()),
        }
        (library.folder / "records").mkdir(exist_ok=True)
        pq.write_table(pa.table(records), library.folder / "records" / f"{number:05d}.parquet")
        path = library.folder / "prepared" / f"{number:05d}.parquet"
        prepared = pq.read_table(path)
        pq.write_table(prepared.append_column("input_structure", prepared["parent_smiles"]), path)
        path = library.folder / "triage" / f"{number:05d}.parquet"
        predictions = pq.read_table(path).append_column("in_domain", pa.array([True] * len(ids)))
        pq.write_table(predictions.append_column("unseen_fraction", pa.array([0.1] * len(ids), pa.float32())), path)
    blank = {"pains": [], "brenk": [], "antibacterial_class": None, "novelty_tanimoto": 0.1, "nearest_known": "x"}
    rows = [blank | {"record_id": i} for i in range(5)]
    pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(INSPECTED)), tmp_path / "inspected.parquet")
    return tmp_path


def run(work, profile, **options):
    (work / "scores").mkdir(exist_ok=True)
    for shard in sorted((work / "library" / "triage").glob("*.parquet")):
        compounds = read_compounds(work / "library" / "prepared" / shard.name, shard, work / "library" / "refined")
        scores = score_table(load_profile(profile), compounds, pq.read_table(work / "inspected.parquet"), {})
        # Activities fall from one compound to the next, so that ranks follow the record ids.
        ranks = pc.add(scores["record_id"], 1)
        pq.write_table(scores.append_column("rank", ranks), work / "scores" / shard.name)
    report = select(
        work / "library",
        work / "scores",
        profile,
        work / "hits.parquet",
        work / "passed_over.parquet",
        endpoints=[endpoint(name) for name in ("a", "b", "tox")],
        options=SelectOptions(**options),
    )
    tables = (pq.read_table(work / name).to_pandas() for name in ("hits.parquet", "passed_over.parquet"))
    return report, *tables


def test_hits_come_with_their_cluster_and_with_what_they_kept_out(work, profile_file):
    report, hits, passed_over = run(work, profile_file, diversity=DiversityOptions(0.6, 1, 0.4))
    assert hits["compound_id"].tolist() == ["compound 0", "compound 2", "compound 4"]
    assert hits["passed_over"].tolist() == [1, 1, 0]
    assert hits["cluster"].tolist() == hits["cluster_leader"].tolist() == [1, 2, 3]
    assert passed_over[["record_id", "cause", "blocked_by"]].values.tolist() == [
        [1, "too_similar", 0],
        [3, "scaffold_cap", 2],
    ]
    assert (report.eligible, report.hits, report.too_similar, report.over_scaffold_cap) == (5, 3, 1, 1)
    assert (report.not_reached, report.scaffolds, report.clusters) == (0, 2, 3)


def test_the_walk_ends_when_there_are_hits_enough(work, profile_file):
    report, hits, passed_over = run(work, profile_file, hits=2)
    assert hits["record_id"].tolist() == [0, 2]
    assert passed_over["record_id"].tolist() == [1]
    assert report.not_reached == 2


def test_a_profile_that_nothing_meets_leaves_an_empty_table_of_the_same_columns(work, profile_file):
    _, full, _ = run(work, profile_file)
    impossible = work / "impossible.yaml"
    impossible.write_text(
        profile_file.read_text().replace(
            "accept: [null, 300], fade: 100", "accept: [9000, null], fade: 100, required: true"
        )
    )
    report, hits, passed_over = run(work, impossible)
    assert len(hits) == len(passed_over) == report.hits == report.eligible == 0
    assert list(hits.columns) == list(full.columns)
    excluded = pq.read_table(work / "scores", columns=["excluded_by"])["excluded_by"].to_pylist()
    assert excluded == ["hard:size"] * 5
