"""Similarity to known antibacterials: alike by Tanimoto, contained by Tversky."""

from pathlib import Path

import pytest
from rdkit import Chem

from molsieve import project_root
from molsieve.chemistry.fingerprints import morgan_bits
from molsieve.errors import MolsieveError
from molsieve.scoring.novelty import MIN_FEATURES, Reference

CIPROFLOXACIN = "O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O"
# Ciprofloxacin with a long acyl chain and a naphthalene on its piperazine.
EMBEDDED = "O=C(O)c1cn(C2CC2)c2cc(N3CCN(C(=O)CCCCCCCCOc4ccc5ccccc5c4)CC3)c(F)cc2c1=O"


@pytest.fixture(scope="module")
def known() -> Reference:
    return Reference.load(project_root() / "resources" / "amr" / "antibacterials.csv")


def bits(smiles):
    return morgan_bits(Chem.MolFromSmiles(smiles))


def test_an_antibiotic_is_nearest_to_itself(known):
    assert known.nearest(bits(CIPROFLOXACIN)) == (1.0, "ciprofloxacin")
    assert known.most_contained(bits(CIPROFLOXACIN)) == (1.0, "ciprofloxacin")


def test_tversky_finds_an_antibiotic_that_tanimoto_misses(known):
    similarity, _ = known.nearest(bits(EMBEDDED))
    share, name = known.most_contained(bits(EMBEDDED))
    assert name == "ciprofloxacin"
    assert share > 0.85
    assert similarity < share - 0.2


def test_tversky_asks_for_the_features_of_the_known_molecule_not_of_the_candidate(known):
    # A fragment has few of the antibiotic's features, though the antibiotic has all of the fragment's.
    fragment = "O=c1cc[nH]c2ccccc12"
    share, _ = known.most_contained(bits(fragment))
    assert share < 0.5


def test_small_known_molecules_are_no_evidence_of_containment(known):
    # Without the limit this ester would hold most of benzoyl peroxide.
    found = known.most_contained(bits("O=C(OCCc1ccccc1)c1ccccc1"))
    assert found[1] != "benzoyl peroxide"
    sizes = dict(zip(known.names, (f.GetNumOnBits() for f in known.fingerprints), strict=True))
    assert sizes["benzoyl peroxide"] < MIN_FEATURES <= sizes[found[1]]


def test_of_equals_the_larger_one_is_named():
    pair = ("OCC(N)Cc1ccc(F)cc1CCN1CCOCC1", "OCC(N)Cc1ccc(F)cc1CCN1CCOCC1C(=O)NC1CCCC1")
    found = Reference(("part", "whole"), tuple(map(bits, pair))).most_contained(bits(pair[1]))
    assert found == (1.0, "whole")


def test_a_list_of_small_molecules_has_nothing_to_be_contained():
    assert Reference(("ethanol",), (bits("CCO"),)).most_contained(bits(CIPROFLOXACIN)) is None


def test_stereochemistry_and_salts_do_not_hide_a_known_drug(known, tmp_path):
    (tmp_path / "r.csv").write_text(f"name,smiles\nsalt,Cl.{CIPROFLOXACIN}\n")
    reference = Reference.load(tmp_path / "r.csv")
    assert reference.nearest(bits(CIPROFLOXACIN)) == (1.0, "salt")
    assert reference.connectivity == (known.connectivity[known.names.index("ciprofloxacin")],)


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("name,smiles\nfine,CCO\nbroken,C1CC\n", "broken is not a structure", "line 3"),
        ("name,smiles\nnothing,\n", "nothing is not a structure: empty_structure", "line 2"),
        ("name,structure\nfine,CCO\n", "needs the columns name and smiles", "r.csv"),
        ("name,smiles\n", "at least one row", "r.csv"),
        ("", "at least one row", "r.csv"),
        ("name,smiles\nshort\n", "short is not a structure", "line 2"),
    ],
)
def test_a_bad_reference_list_is_refused_with_its_line(tmp_path: Path, text, what, where):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(MolsieveError, match=what) as error:
        Reference.load(tmp_path / "r.csv")
    assert where in error.value.where


def test_a_list_that_is_not_there_or_no_text_is_explained(tmp_path):
    with pytest.raises(MolsieveError, match="No such file"):
        Reference.load(tmp_path / "missing.csv")
    (tmp_path / "binary.csv").write_bytes(b"name,smiles\n\xff\xfe\x00,CCO\n")
    with pytest.raises(MolsieveError, match="not a text file"):
        Reference.load(tmp_path / "binary.csv")
