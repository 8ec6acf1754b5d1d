"""The real files: every table a human understands is understood without options, and no row is lost."""

import csv
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem
from rdkit.rdBase import BlockLogs

from molsieve.errors import MolsieveError
from molsieve.library.check import check
from molsieve.library.ingest import ingest
from molsieve.library.source import LibrarySource

TDC = ("tsv", "Drug", "Drug_ID")

# file -> rows, format, structure column, identifier column
FILES = {
    "activity/saureus_wong2023.csv": (39_312, "csv", "SMILES", None),
    "activity/wong2023_hits.csv": (3_646, "csv", "SMILES", None),
    "activity/ecoli_stokes2020.csv": (2_335, "csv", "SMILES", None),
    "activity/ecoli_stokes2020_scaffold_split/train.csv": (1_868, "csv", "smiles", None),
    "activity/abaumannii_liu2023.csv": (7_684, "csv", "SMILES", "Name"),
    "activity/gut_maier2018/compounds.tsv": (1_077, "tsv", "pchem_isomeric_smile", "prestwick_ID"),
    "toxicity/tox21.csv": (7_831, "csv", "smiles", "mol_id"),
    "toxicity/clintox.csv": (1_484, "csv", "smiles", None),
    "toxicity/toxcast_data.csv.gz": (8_615, "csv", "smiles", None),
    "toxicity/ld50_zhu.csv": (7_385, "csv", "smiles", None),
    "toxicity/herg.tab": (655, *TDC),
    "toxicity/ames.tab": (7_278, *TDC),
    "toxicity/dili.tab": (475, *TDC),
    "toxicity/skin_reaction.tab": (404, *TDC),
    "toxicity/carcinogens_lagunin.tab": (280, *TDC),
    "toxicity/herg_cai2019/train.tsv": (10_422, "tsv", "smiles", "no"),
    "toxicity/herg_cai2019/validation.tsv": (1_302, "tsv", "smiles", "no"),
    "toxicity/herg_cai2019/test.tsv": (1_303, "tsv", "smiles", "no"),
    "toxicity/Tetrahymena_pyriformis_Work_set_OCHEM.sdf": (1_424, "sdf", None, "Name"),
    "toxicity/Tetrahymena_pyriformis_Test_set_OCHEM.sdf": (356, "sdf", None, "Name"),
    "libraries/pubchem_100k.tsv.gz": (100_004, "tsv", "smiles", "chem_id"),
    "libraries/vendor_medchemexpress.tsv.gz": (3_286, "tsv", "pchem_isomeric_smile", "Catalog Number"),
    "libraries/enamine_881.sdf": (881, "sdf", None, "Catalog ID"),
    "libraries/membrane_permeability_201.sdf": (201, "sdf", None, "title"),
    "adme/bbb_martins.tab": (2_039, *TDC),
    "adme/bioavailability_ma.tab": (640, *TDC),
    "adme/hia_hou.tab": (578, *TDC),
    "adme/pgp_broccatelli.tab": (1_218, *TDC),
    "adme/cyp1a2_veith.tab": (12_579, *TDC),
    "adme/cyp2c9_substrate_carbonmangels.tab": (669, *TDC),
    "adme/ppbr_az.csv": (2_790, "csv", "smiles", None),
    "adme/clearance_hepatocyte_az.csv": (1_213, "csv", "smiles", None),
}
RDKIT_FILES = {
    "rdkit:NCI/first_5K.smi": (4_999, "smiles", "column_1", "column_2"),
    "rdkit:NCI/first_5k.tpsa.csv": (4_999, "csv", "column_1", None),
    "rdkit:NCI/first_200.props.sdf": (200, "sdf", None, None),
}


def read(path: str, folder: Path):
    report = ingest([LibrarySource(path=path)], folder, shard_size=1_000_000)
    (entry,) = json.loads((folder / "manifest.json").read_text())["files"]
    return report, entry, pa.concat_tables(pq.read_table(shard) for shard in sorted(folder.glob("*.parquet")))


def confirm(path: str, expected: tuple, folder: Path) -> None:
    rows, *understood = expected
    report, entry, table = read(path, folder)
    assert [entry["format"], entry["structure_column"], entry["id_column"]] == understood
    assert report.rows == table.num_rows == rows
    assert table["source_row"].to_pylist() == list(range(1, rows + 1))
    (found,) = check([LibrarySource(path=path)])
    assert found.parsed >= 0.98 * found.rows


@pytest.mark.parametrize(("path", "expected"), RDKIT_FILES.items(), ids=RDKIT_FILES.keys())
def test_files_of_the_rdkit_package(path, expected, tmp_path):
    confirm(path, expected, tmp_path / "records")


@pytest.mark.mirror
@pytest.mark.parametrize(("path", "expected"), FILES.items(), ids=FILES.keys())
def test_files_of_the_mirror(mirror, path, expected, tmp_path):
    confirm(str(mirror / path), expected, tmp_path / "records")


@pytest.mark.mirror
@pytest.mark.parametrize("path", ["activity/gut_maier2018/labels.tsv", "activity/gut_maier2018/split.tsv"])
def test_tables_without_structures_are_refused(mirror, path):
    with pytest.raises(MolsieveError, match="no structure column") as caught:
        check([LibrarySource(path=str(mirror / path))])
    assert "prestwick_ID" in caught.value.fix


@pytest.mark.mirror
def test_tables_are_read_as_csv_reads_them(mirror, tmp_path):
    """Cell by cell, against Python's own reader, on files whose quoting is known to be sound."""
    for path, encoding, skip, delimiter in [
        ("activity/abaumannii_liu2023.csv", "utf-8-sig", 1, ","),
        ("toxicity/tox21.csv", "utf-8", 0, ","),
        ("toxicity/dili.tab", "utf-8", 0, "\t"),
        ("libraries/vendor_medchemexpress.tsv.gz", "utf-8", 0, "\t"),
    ]:
        opened = gzip.open if path.endswith(".gz") else open
        with opened(mirror / path, "rt", encoding=encoding, newline="") as file:
            header, *rows = list(csv.reader(file, delimiter=delimiter))[skip:]
        _, entry, table = read(str(mirror / path), tmp_path / Path(path).name)
        names = [name or f"column_{position}" for position, name in enumerate(header, 1)]
        structure, identifier = names.index(entry["structure_column"]), names.index(entry["id_column"])
        others = [position for position in range(len(names)) if position not in (structure, identifier)]
        found = table.to_pylist()
        assert [row["structure"] for row in found] == [row[structure] for row in rows]
        assert [row["compound_id"] or "" for row in found] == [row[identifier] for row in rows]
        assert [json.loads(row["properties"] or "{}") for row in found] == [
            {names[position]: row[position] for position in others if row[position]} for row in rows
        ]


@pytest.mark.mirror
def test_sd_records_are_what_rdkit_reads(mirror, tmp_path):
    for name in ["libraries/enamine_881.sdf", "toxicity/Tetrahymena_pyriformis_Test_set_OCHEM.sdf"]:
        _, entry, table = read(str(mirror / name), tmp_path / Path(name).name)
        with BlockLogs():
            for row, expected in zip(table.to_pylist(), Chem.SDMolSupplier(str(mirror / name)), strict=True):
                mol = Chem.MolFromMolBlock(row["structure"])
                assert Chem.MolToSmiles(mol) == Chem.MolToSmiles(expected)
                fields = json.loads(row["properties"])
                fields.pop("title", None)
                fields[entry["id_column"]] = row["compound_id"]
                assert fields == expected.GetPropsAsDict(includePrivate=False, autoConvertStrings=False)


@pytest.mark.mirror
def test_unparsable_structures_are_records(mirror):
    """The 8 molecules of Tox21 and the one of Wong that RDKit cannot read reach the next stage with their row."""
    for path, broken in [("toxicity/tox21.csv", 8), ("activity/saureus_wong2023.csv", 1)]:
        (found,) = check([LibrarySource(path=str(mirror / path))], rows=100_000)
        assert found.rows - found.parsed == broken
        assert all(failure.structure and failure.detail for failure in found.failures)


@pytest.mark.mirror
def test_one_run_over_everything(mirror, tmp_path):
    libraries = [mirror / "libraries", *(mirror / path for path in list(FILES)[:1]), mirror / "toxicity" / "*.tab"]
    report = ingest([LibrarySource(path=str(path)) for path in libraries], tmp_path / "records", shard_size=50_000)
    assert report.rows == 100_004 + 3_286 + 881 + 201 + 39_312 + 655 + 7_278 + 475 + 404 + 280
    tables = [pq.read_table(shard) for shard in sorted((tmp_path / "records").glob("*.parquet"))]
    assert pa.concat_tables(tables)["record_id"].to_pylist() == list(range(report.rows))
    assert [table.num_rows for table in tables[:-1]] == [50_000] * (len(tables) - 1)
