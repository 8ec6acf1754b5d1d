"""One run over every library of the mirror, and over training tables as libraries: every row accounted for."""

import duckdb
import pytest
from tests.workflow.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.mirror]

EXPECTED_ROWS = {
    "pubchem_100k.tsv.gz": 100_004,
    "vendor_medchemexpress.tsv.gz": 3286,
    "enamine_881.sdf": 881,
    "membrane_permeability_201.sdf": 201,
    "saureus_wong2023.csv": 39_312,
    "abaumannii_liu2023.csv": 7684,
    "tox21.csv": 7831,
}


@pytest.fixture(scope="module")
def results(mirror, tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("real"))
    libraries = [str(mirror / "libraries")]
    libraries += [str(mirror / "activity" / name) for name in ("saureus_wong2023.csv", "abaumannii_liu2023.csv")]
    workspace.molsieve("run", *libraries, str(mirror / "toxicity" / "tox21.csv"), "--out", "results/real")
    return workspace.folder / "results" / "real"


def test_every_row_of_every_file_is_accounted_for(results):
    rows = duckdb.sql(f"SELECT source, count(*), max(source_row) FROM '{results}/compounds/*.parquet' GROUP BY source")
    found = {source: (count, last) for source, count, last in rows.fetchall()}
    assert found == {name: (count, count) for name, count in EXPECTED_ROWS.items()}
    statuses = dict(
        duckdb.sql(f"SELECT status, count(*) FROM '{results}/compounds/*.parquet' GROUP BY status").fetchall()
    )
    assert sum(statuses.values()) == sum(EXPECTED_ROWS.values())
    for table in ("predictions", "scores"):
        assert duckdb.sql(f"SELECT count(*) FROM '{results}/{table}/*.parquet'").fetchall() == [(statuses["ok"],)]


def test_molecules_known_to_be_broken_are_in_rejects_with_source_and_row(results):
    """RDKit refuses 8 molecules of Tox21 and 1 of Wong's; all for valences or aromaticity that cannot be."""
    rows = duckdb.sql(
        f"""SELECT source, source_row, reason_code FROM '{results}/rejects.parquet'
        WHERE source IN ('tox21.csv', 'saureus_wong2023.csv')
        AND reason_code IN ('valence', 'kekulization', 'unparsable')"""
    ).fetchall()
    assert sum(source == "tox21.csv" for source, _, _ in rows) == 8
    assert sum(source == "saureus_wong2023.csv" for source, _, _ in rows) == 1
    assert all(row >= 1 for _, row, _ in rows)


def test_duplicates_point_at_an_earlier_ok_row_with_the_same_parent(results):
    wrong = duckdb.sql(
        f"""SELECT count(*) FROM '{results}/compounds/*.parquet' d
        LEFT JOIN '{results}/compounds/*.parquet' f ON d.duplicate_of = f.record_id
        WHERE d.status = 'duplicate'
        AND (f.status IS DISTINCT FROM 'ok' OR f.parent_smiles <> d.parent_smiles OR f.record_id >= d.record_id)"""
    ).fetchall()
    assert wrong == [(0,)]
