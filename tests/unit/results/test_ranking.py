"""The top of the ranking with the known antibacterials in it."""

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from molsieve.cli import app
from molsieve.errors import MolsieveError
from molsieve.results.assemble import WorkFolder
from molsieve.results.ranking import RankingFiles, read_known_similarity, top_of_ranking


def test_known_and_other_compounds_share_out_what_was_inspected(shared_run):
    work, facts = shared_run
    limit = facts.profile.structure.known_similarity
    found = top_of_ranking(RankingFiles.of_work(WorkFolder(work)), limit, length=100)
    scores = pd.read_parquet(work / "scores")
    seen = scores[scores["inspected"]]
    known = (seen["novelty_tanimoto"] >= limit) | seen["antibacterial_class"].notna()
    assert found.looked_at == len(seen) == len(found.known) + len(found.others)
    assert found.known_in_all == known.sum() == len(found.known)
    assert [entry.rank for entry in found.others] == sorted(seen.loc[~known, "rank"])
    hits = pq.read_table(work / "hits.parquet").num_rows
    assert sum(entry.fate.startswith("hit ") for entry in found.others) == hits
    assert not any(entry.fate.startswith("hit ") for entry in found.known)


def test_the_published_result_set_says_the_same(shared_run, shared_results):
    work, facts = shared_run
    limit = read_known_similarity(shared_results)
    assert limit == facts.profile.structure.known_similarity
    of_results = top_of_ranking(RankingFiles.of_results(shared_results), limit)
    assert of_results == top_of_ranking(RankingFiles.of_work(WorkFolder(work)), limit)


@pytest.fixture
def files(tmp_path):
    """Four inspected compounds: a known drug that was measured, an analogue, a hit, and one the profile excludes."""
    tables = {
        "scores": {
            "record_id": [0, 1, 2, 3, 4],
            "rank": [1, 2, 3, 4, 5],
            "score": [0.9, 0.8, 0.7, 0.6, 0.5],
            "profile_prob": [0.9, 0.8, 0.7, 0.6, 0.5],
            "inspected": [True, True, True, True, False],
            "excluded_by": ["known_antibacterial", "known_antibacterial", None, "hard:size", "not_inspected"],
            "antibacterial_class": ["quinolone", None, None, None, None],
            "novelty_tanimoto": [1.0, 0.62, 0.2, 0.3, None],
            "nearest_known": ["ciprofloxacin", "ofloxacin", "colistin", "amoxicillin", None],
        },
        "names": {"record_id": [0, 1, 2, 3, 4], "compound_id": ["CIPRO", "NEW", None, "BIG", "LOW"]},
        "structures": {"record_id": [0, 1, 2, 3, 4], "parent_smiles": ["C", "CC", "CCC", "CCCC", "CCCCC"]},
        "nearest": {
            "record_id": [0, 1, 2],
            "nn_similarity": [1.0, 0.9, 0.4],
            "nn_active": ["ecoli_growth_inhibition: active; saureus_growth_inhibition: inactive", "a", "b"],
        },
        "hits": {"record_id": [2], "hit": [1]},
    }
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    paths = {name: [tmp_path / f"{name}.parquet"] for name in tables}
    return RankingFiles(paths["scores"], paths["names"], paths["structures"], paths["nearest"], paths["hits"][0])


def test_each_is_labelled_with_what_is_known_of_it(files):
    found = top_of_ranking(files, 0.5, top=2)
    assert (found.looked_at, found.known_in_all, found.top, found.known_in_top) == (4, 2, 2, 2)
    cipro, analogue = found.known
    assert (cipro.identifier, cipro.label) == ("CIPRO", "ciprofloxacin (quinolone)")
    assert cipro.measured == "ecoli: active; saureus: inactive"
    assert analogue.label == "0.62 like ofloxacin"
    assert analogue.measured == ""
    hit, excluded = found.others
    assert (hit.identifier, hit.fate, hit.label) == ("record 2", "hit 1", "0.20 like colistin")
    assert excluded.fate == "fails size"


def test_it_is_shown_on_the_command_line(shared_results):
    told = CliRunner().invoke(app, ["results", "ranking", str(shared_results)]).stdout
    assert "Known antibacterials, best first" in told
    assert "hit 1" in told
    parsed = json.loads(CliRunner().invoke(app, ["results", "ranking", str(shared_results), "--json"]).stdout)
    assert parsed["others"][0]["fate"] == "hit 1"


def test_a_folder_that_is_no_result_set_is_refused(tmp_path):
    with pytest.raises(MolsieveError, match="no result set"):
        read_known_similarity(tmp_path)
