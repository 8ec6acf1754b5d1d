"""Structure checks of a shortlist, over several chunks and worker processes."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molsieve import project_root
from molsieve.errors import MolsieveError
from molsieve.scoring.inspect import CHUNK_ROWS, inspect

REFERENCE = project_root() / "resources" / "amr" / "antibacterials.csv"
CIPROFLOXACIN = "O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O"


def shortlist(path, smiles):
    pq.write_table(pa.table({"record_id": pa.array(range(len(smiles)), pa.int64()), "parent_smiles": smiles}), path)
    return path


@pytest.mark.parametrize("workers", [1, 2])
def test_every_compound_of_every_chunk_is_inspected(tmp_path, workers):
    smiles = [("C" * (3 + row % 40)) + "O" for row in range(3 * CHUNK_ROWS + 7)]
    smiles[5] = smiles[2 * CHUNK_ROWS + 5] = CIPROFLOXACIN
    table = shortlist(tmp_path / "s.parquet", smiles)
    report = inspect(table, tmp_path / "i.parquet", reference=REFERENCE, scheduler="local", workers=workers)
    rows = pq.read_table(tmp_path / "i.parquet").to_pylist()
    assert [row["record_id"] for row in rows] == list(range(len(smiles)))
    assert report.compounds == len(smiles)
    known = [row["record_id"] for row in rows if row["antibacterial_class"] == "quinolone"]
    assert known == [5, 2 * CHUNK_ROWS + 5]
    assert rows[5]["nearest_known"] == "ciprofloxacin"
    assert rows[5]["novelty_tanimoto"] == 1.0


def test_alerts_are_named(tmp_path):
    rhodanine = "O=C1NC(=S)SC1=Cc1ccccc1"
    table = shortlist(tmp_path / "s.parquet", [rhodanine, "CCO"])
    inspect(table, tmp_path / "i.parquet", reference=REFERENCE, scheduler="local", workers=1)
    rows = pq.read_table(tmp_path / "i.parquet").to_pylist()
    assert rows[0]["pains"]
    assert rows[0]["brenk"]
    assert rows[1]["pains"] == []


def test_a_broken_reference_list_is_explained(tmp_path):
    (tmp_path / "r.csv").write_text("name,smiles\nfine,CCO\nbroken,C1CC\n")
    table = shortlist(tmp_path / "s.parquet", ["CCO"])
    with pytest.raises(MolsieveError, match="broken is not a structure") as error:
        inspect(table, tmp_path / "i.parquet", reference=tmp_path / "r.csv", scheduler="local", workers=1)
    assert "line 3" in (error.value.where or "")
