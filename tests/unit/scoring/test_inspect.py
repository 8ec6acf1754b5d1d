"""Structure checks of a shortlist, over several chunks and worker processes."""

import csv
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from molsieve import project_root
from molsieve.chemistry.descriptors import DESCRIPTORS, describe
from molsieve.chemistry.globularity import globularities
from molsieve.chemistry.standardise import parse, standardise
from molsieve.errors import MolsieveError
from molsieve.scoring.compounds import overlay
from molsieve.scoring.inspect import CHUNK_ROWS, ConformerOptions, chunks_of, inspect, read_globularities
from molsieve.scoring.profile import load_profile
from molsieve.scoring.score import score_table

PROJECT = project_root()
REFERENCE = PROJECT / "resources" / "amr" / "antibacterials.csv"
MODEL = PROJECT / "resources" / "models" / "refine"
PROFILE = PROJECT / "config" / "profiles" / "amr-gram-negative.yaml"
CIPROFLOXACIN = "O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O"
RHODANINE = "O=C1NC(=S)SC1=Cc1ccccc1"
INDOLE_AMINE = "NCCc1c[nH]c2ccccc12"
ACTIVITY = "ecoli_growth_inhibition_prob"


def shortlist(path, smiles, active=None):
    """A shortlist with a triage prediction, and the properties of each compound."""
    properties = zip(DESCRIPTORS, zip(*(describe(parse(text, "smiles")) for text in smiles), strict=True), strict=False)
    table = {
        "record_id": pa.array(range(len(smiles)), pa.int64()),
        "parent_smiles": pa.array(smiles, pa.string()),
        ACTIVITY: pa.array(active or [0.5] * len(smiles), pa.float32()),
    }
    pq.write_table(pa.table(table | {c.name: pa.array(values, c.type) for c, values in properties}), path)
    return path


def refined(folder, active):
    """Refined predictions of some compounds, by record."""
    folder.mkdir(exist_ok=True)
    columns = {"record_id": pa.array(active, pa.int64()), ACTIVITY: pa.array(active.values(), pa.float32())}
    pq.write_table(pa.table(columns), folder / "00000.parquet")
    return folder


def inspected(folder, smiles, *, triage=None, refine=None, workers=1, profile=PROFILE, **conformers):
    """The rows and the report of an inspection, after predictions of one endpoint."""
    options = ConformerOptions(**{"compounds": 0} | conformers)
    report = inspect(
        shortlist(folder / "s.parquet", smiles, triage),
        refined(folder / "refined", refine or {}),
        folder / "i.parquet",
        reference=REFERENCE,
        model=MODEL,
        profile=profile,
        reliabilities={},
        conformers=options,
        scheduler="local",
        workers=workers,
    )
    return pq.read_table(folder / "i.parquet").to_pylist(), report


@pytest.mark.parametrize("workers", [1, 2])
def test_every_compound_of_every_chunk_is_inspected(tmp_path, workers):
    smiles = [("C" * (3 + row % 40)) + "O" for row in range(2 * CHUNK_ROWS + 7)]
    smiles[5] = smiles[CHUNK_ROWS + 5] = CIPROFLOXACIN
    rows, report = inspected(tmp_path, smiles, workers=workers)
    assert [row["record_id"] for row in rows] == list(range(len(smiles)))
    assert report.compounds == len(smiles)
    assert report.of_known_class == 2
    known = [row["record_id"] for row in rows if row["antibacterial_class"] == "quinolone"]
    assert known == [5, CHUNK_ROWS + 5]
    assert rows[5]["nearest_known"] == rows[5]["nearest_known_tversky"] == "ciprofloxacin"
    assert rows[5]["novelty_tanimoto"] == rows[5]["novelty_tversky"] == 1.0
    assert "gyrase" in rows[5]["antibacterial_target"]
    assert "gyrA" in rows[5]["resistance_mechanism"]
    assert rows[5]["training_active_similarity"] == 1.0
    assert rows[5]["nearest_training_active"].startswith("ciprofloxacin (active: ecoli_growth_inhibition")


def test_alerts_are_named(tmp_path):
    rows, report = inspected(tmp_path, [RHODANINE, "CCO", "O=[N+]([O-])c1ccc(C(=O)Cl)cc1"])
    assert rows[0]["pains"]
    assert rows[0]["brenk"]
    assert rows[1]["pains"] == rows[1]["reactive"] == rows[1]["toxicophores"] == []
    assert rows[2]["reactive"] == ["Acid halides"]
    assert rows[2]["toxicophores"] == ["aromatic nitro", "carboxylic acid halide"]
    assert "carbonyl_halide" in rows[2]["nih"]
    assert report.with_pains == 1


def test_the_best_survivors_get_conformers(tmp_path):
    smiles = [INDOLE_AMINE, CIPROFLOXACIN, RHODANINE, "CCCCCCCCCC", "c1ccc2ccccc2c1"]
    rows, report = inspected(tmp_path, smiles, triage=[0.2, 0.9, 0.9, 0.01, 0.3], compounds=2)
    assert [row["entry_score"] is not None for row in rows] == [True, False, False, False, True]
    assert [row["globularity"] is not None for row in rows] == [True, False, False, False, True]
    assert report.with_conformers == 2
    assert (rows[0]["entry_amine"], rows[0]["entry_rules_met"], rows[0]["entry_score"]) == ("primary", 3, 1.0)
    # The amine needs no conformers.
    assert rows[1]["entry_amine"] == "secondary"
    everyone, _ = inspected(tmp_path, smiles, compounds=5, known_too=True)
    assert all(row["entry_score"] is not None for row in everyone)


def test_conformers_are_made_for_the_best_of_the_ranking(tmp_path):
    """By refined predictions, where there are any, with properties and alerts: as the compounds will be scored."""
    smiles = [
        "CCCCCCCCCCCCCCCCCCCCO",
        "NCCc1ccc(O)cc1",
        "OCC(O)CO",
        "O=[N+]([O-])c1ccccc1N",
        RHODANINE,
        "CCOC(=O)CN",
    ]
    predicted = {"triage": [0.9, 0.9, 0.1, 0.2, 0.9, 0.3], "refine": {0: 0.4, 1: 0.02, 2: 0.33, 3: 0.35, 4: 0.9}}
    inspected(tmp_path, smiles, **predicted)
    compounds = overlay(pq.read_table(tmp_path / "s.parquet"), pq.read_table(tmp_path / "refined" / "00000.parquet"))
    scores = score_table(load_profile(PROFILE), compounds, pq.read_table(tmp_path / "i.parquet"), {})
    assert scores["excluded_by"].to_pylist() == ["not_inspected_3d"] * 4 + ["pains", "not_inspected_3d"]
    order = np.argsort(-scores["score"].to_numpy())
    # Neither the order of the first look nor that of the refined activity alone.
    assert order.tolist() == [2, 5, 3, 0, 1, 4]
    for compounds in (1, 3):
        rows, _ = inspected(tmp_path, smiles, **predicted, compounds=compounds)
        assert [row["record_id"] for row in rows if row["entry_score"] is not None] == sorted(order[:compounds])


def test_a_profile_that_does_not_ask_for_shape_gets_none(tmp_path):
    profile = PROFILE.with_name("amr-gram-positive.yaml")
    rows, report = inspected(tmp_path, [INDOLE_AMINE], compounds=1, profile=profile)
    assert (rows[0]["entry_amine"], rows[0]["entry_score"]) == ("primary", None)
    assert report.with_conformers == report.without_conformers == 0


def test_nothing_was_refined(tmp_path):
    with pytest.raises(MolsieveError, match="no refined predictions"):
        inspect(
            shortlist(tmp_path / "s.parquet", ["CCO"]),
            tmp_path / "refined",
            tmp_path / "i.parquet",
            reference=REFERENCE,
            model=MODEL,
            profile=PROFILE,
            reliabilities={},
            conformers=ConformerOptions(1),
            scheduler="local",
            workers=1,
        )


def test_a_molecule_without_conformers_costs_itself_only(tmp_path):
    impossible = "[C@H]12CC[C@@H](CC1)C2"  # opposite bridgeheads that no norbornane can have
    endless = "N1" + "CC(=O)N" * 40 + "CC1=O"
    smiles = [INDOLE_AMINE, impossible, endless, "c1ccc2ccccc2c1"]
    rows, report = inspected(tmp_path, smiles, compounds=4, known_too=True, timeout_s=3)
    assert [row["globularity"] is not None for row in rows] == [True, False, False, True]
    # Without a shape the other two rules judge: neither has an ionisable nitrogen.
    assert [row["entry_rules_met"] for row in rows[1:3]] == [1, 1]
    assert all(row["entry_score"] is not None for row in rows)
    assert (report.with_conformers, report.without_conformers) == (2, 2)


def test_the_table_does_not_depend_on_workers_or_runs(tmp_path):
    smiles = [INDOLE_AMINE, "CCCCCCN", "OC(c1ccccc1)c1ccncc1", "CC(N)Cc1ccccc1", "c1ccc2ccccc2c1"] * 12
    first, _ = inspected(tmp_path, smiles, compounds=60)
    again, _ = inspected(tmp_path, smiles, compounds=60, workers=2)
    assert first == again
    assert len({row["globularity"] for row in first}) == 5


def test_an_empty_shortlist_gives_an_empty_table(tmp_path):
    rows, report = inspected(tmp_path, [])
    assert rows == []
    assert report.compounds == report.with_conformers == 0


def test_columns_carry_their_descriptions(tmp_path):
    inspected(tmp_path, ["CCO"])
    schema = pq.read_schema(tmp_path / "i.parquet")
    assert all(field.metadata[b"description"] for field in schema)
    assert schema.field("entry_rules_met").type == pa.int8()
    assert pc.all(
        pa.array([schema.field(name).type == pa.float32() for name in ("globularity", "entry_score")])
    ).as_py()


def test_the_shipped_shapes_are_those_that_would_be_computed():
    known = read_globularities(PROJECT / "resources" / "amr" / "control_shapes.csv")
    with (PROJECT / "resources" / "amr" / "controls.csv").open(newline="") as lines:
        parents = [standardise(parse(row["smiles"], "smiles")).parent_smiles for row in csv.DictReader(lines)]
    assert set(parents) == set(known)
    sample = sorted(parents, key=len)[:60:4]
    for parent, value in zip(sample, globularities(sample, timeout_s=30.0), strict=True):
        assert value == pytest.approx(known[parent], abs=1e-5)


def test_shapes_computed_before_are_taken_as_they_are(tmp_path):
    file = tmp_path / "shapes.csv"
    file.write_text(f"parent_smiles,globularity\n{INDOLE_AMINE},0.125\n{CIPROFLOXACIN},\n")
    rows, report = inspected(
        tmp_path, [INDOLE_AMINE, CIPROFLOXACIN, "CCCCN"], compounds=3, known_too=True, computed=file
    )
    assert [row["globularity"] for row in rows][:2] == [0.125, None]
    assert rows[2]["globularity"] > 0
    assert (report.with_conformers, report.without_conformers) == (2, 1)


def test_a_chunk_travels_without_the_rest_of_the_shortlist():
    compounds = pa.table({"record_id": range(20 * CHUNK_ROWS + 1), "parent_smiles": ["C" * 60] * (20 * CHUNK_ROWS + 1)})
    chunks = chunks_of(compounds)
    assert pa.concat_tables(chunks).equals(compounds)
    assert max(len(pickle.dumps(chunk)) for chunk in chunks) < len(pickle.dumps(compounds)) / 10
