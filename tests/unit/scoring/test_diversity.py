"""The walk down the ranking, and the clusters it leaves."""

import pytest
from rdkit import Chem, DataStructs

from molsieve.chemistry.fingerprints import morgan_bits
from molsieve.scoring.diversity import DiversityOptions, SphereExclusion

BENZAMIDES = ["NC(=O)c1ccccc1", "CNC(=O)c1ccccc1", "CCNC(=O)c1ccccc1"]
FATTY_ACIDS = ["CCCCCCCCCCCC(=O)O", "CCCCCCCCCCC(=O)O"]
QUINOLONES = [
    "O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O",
    "CCn1cc(C(=O)O)c(=O)c2cc(F)c(N3CCN(C)CC3)cc21",
    "O=C(O)c1cn(-c2ccc(F)cc2)c2cc(N3CCNCC3)c(F)cc2c1=O",
]


def walk(smiles, **options):
    walking = SphereExclusion(DiversityOptions(**options))
    for position, text in enumerate(smiles):
        walking.consider(position, text)
    return walking


def similarity(one, other):
    return DataStructs.TanimotoSimilarity(*(morgan_bits(Chem.MolFromSmiles(text)) for text in (one, other)))


def test_close_analogues_of_a_better_hit_are_passed_over_and_it_is_known_for_whom():
    walking = walk(["c1ccc2ncccc2c1", *FATTY_ACIDS, "OCC(O)CO"], max_similarity=0.8)
    assert [kept.position for kept in walking.kept] == [0, 1, 3]
    (passed,) = walking.passed_over
    assert (passed.position, passed.cause, passed.blocked_by) == (2, "too_similar", 1)
    assert passed.similarity == pytest.approx(similarity(*FATTY_ACIDS))


def test_scaffolds_are_capped_and_the_nearest_of_the_scaffold_is_named():
    walking = walk([BENZAMIDES[0], "CCO", *BENZAMIDES[1:]], max_similarity=1.0, scaffold_cap=2)
    assert [kept.position for kept in walking.kept] == [0, 1, 2]
    assert {kept.scaffold for kept in walking.kept} == {"c1ccccc1", ""}
    (passed,) = walking.passed_over
    assert (passed.position, passed.cause) == (3, "scaffold_cap")
    assert walking.kept[passed.blocked_by].parent_smiles == BENZAMIDES[1]


def test_acyclic_molecules_share_no_scaffold():
    walking = walk(["CCO", "OCC(O)CN", "CC(=O)NCCS"], max_similarity=0.9, scaffold_cap=1)
    assert len(walking.kept) == 3
    assert walking.scaffolds == 0


@pytest.mark.parametrize("limit", [0.3, 0.6, 1.0])
def test_no_two_hits_are_closer_than_asked(limit):
    walking = walk([*BENZAMIDES, "CCO", "CCCO", "OCCO", "c1ccncc1"], max_similarity=limit, scaffold_cap=9)
    parents = [kept.parent_smiles for kept in walking.kept]
    for number, one in enumerate(parents):
        assert all(similarity(one, other) <= limit for other in parents[:number])


def test_similar_hits_of_different_scaffolds_are_one_cluster_led_by_the_best():
    walking = walk(["CCCCCCCC(=O)O", *QUINOLONES], max_similarity=1.0, cluster_similarity=0.5)
    assert len({kept.scaffold for kept in walking.kept}) == 4
    assert [kept.cluster for kept in walking.kept] == [1, 2, 2, 2]
    assert [kept.leader for kept in walking.kept] == [0, 1, 1, 1]
    assert walking.clusters == 2
    assert walking.kept[2].leader_similarity == pytest.approx(similarity(*QUINOLONES[:2]))


def test_every_hit_is_in_the_cluster_of_the_most_similar_leader():
    molecules = [*QUINOLONES, *BENZAMIDES, *FATTY_ACIDS, "CCO", "CCCO", "Nc1ccc(S(N)(=O)=O)cc1", "Nc1ccccc1"]
    walking = walk(molecules, max_similarity=1.0, scaffold_cap=99, cluster_similarity=0.35)
    assert 1 < walking.clusters < len(molecules)
    for index, kept in enumerate(walking.kept):
        better = [i for i, other in enumerate(walking.kept[:index]) if other.leader == i]
        found = {i: similarity(kept.parent_smiles, walking.kept[i].parent_smiles) for i in better}
        best = max(found.values(), default=0.0)
        if kept.leader == index:
            assert best < 0.35
        else:
            assert found[kept.leader] == best >= 0.35


def test_a_longer_list_leaves_the_clusters_of_the_better_hits_as_they_were():
    molecules = [*BENZAMIDES, *QUINOLONES, *FATTY_ACIDS, "Nc1ccc(S(N)(=O)=O)cc1"]
    short, long = (walk(molecules[:n], max_similarity=0.9) for n in (5, 9))
    assert long.kept[: len(short.kept)] == short.kept
