"""The walk down the ranking."""

import pytest

from molsieve.scoring.select import SelectOptions, _Walk

BENZAMIDES = ["NC(=O)c1ccccc1", "CNC(=O)c1ccccc1", "CCNC(=O)c1ccccc1"]


def walk(smiles, **options):
    walking = _Walk(SelectOptions(**options))
    for position, text in enumerate(smiles):
        walking.consider(position, text)
    return walking


def test_close_analogues_of_a_better_hit_are_passed_over():
    walking = walk(["CCCCCCCCCCCC(=O)O", "CCCCCCCCCCC(=O)O", "c1ccc2ncccc2c1"], max_similarity=0.8)
    assert [kept.position for kept in walking.kept] == [0, 2]
    assert walking.too_similar == 1


def test_scaffolds_are_capped():
    walking = walk(BENZAMIDES, max_similarity=1.0, scaffold_cap=2)
    assert [kept.position for kept in walking.kept] == [0, 1]
    assert walking.over_scaffold_cap == 1
    assert {kept.scaffold for kept in walking.kept} == {"c1ccccc1"}


def test_acyclic_molecules_share_no_scaffold():
    walking = walk(["CCO", "OCC(O)CN", "CC(=O)NCCS"], max_similarity=0.9, scaffold_cap=1)
    assert len(walking.kept) == 3


@pytest.mark.parametrize("limit", [0.3, 0.6, 1.0])
def test_no_two_hits_are_closer_than_asked(limit):
    from rdkit import Chem, DataStructs

    from molsieve.chemistry.fingerprints import morgan_bits

    walking = walk([*BENZAMIDES, "CCO", "CCCO", "OCCO", "c1ccncc1"], max_similarity=limit, scaffold_cap=9)
    bits = [morgan_bits(Chem.MolFromSmiles(kept.parent_smiles)) for kept in walking.kept]
    for number, one in enumerate(bits):
        assert all(DataStructs.TanimotoSimilarity(one, other) <= limit for other in bits[:number])
