import time

import numpy as np
import pytest
from rdkit import Chem
from rdkit.DataStructs import TanimotoSimilarity

from molsieve.chemistry.descriptors import DESCRIPTORS, describe
from molsieve.chemistry.fingerprints import morgan_bits
from molsieve.chemistry.standardise import standardise_smiles
from molsieve.scoring.decoys import WINDOWS, Actives, find_decoys, imbalance
from molsieve.scoring.pool import PROPERTIES, Pool

CIPROFLOXACIN = "O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O"
SULFADIAZINE = "Nc1ccc(S(=O)(=O)Nc2ncccn2)cc1"
# Isomers of a kind: size and polarity of sulfadiazine, other structures.
LIKE_SULFADIAZINE = (
    "CC(=O)Nc1ccc(O)c(C(=O)NC2CC2)c1",
    "O=C(NCc1ccco1)c1ccc2[nH]ncc2c1",
    "Nc1nc2ccccc2n1CC(=O)NCC1CC1",
    "O=C(Nc1cccnc1)c1cc2ccccc2[nH]1",
    "Cn1cnc2c1c(=O)n(CC(=O)NC1CC1)c(=O)n2C",
)
_NAMES = [column.name for column in DESCRIPTORS]


def properties(smiles):
    values = [describe(standardise_smiles(text).parent) for text in smiles]
    return np.array([[row[_NAMES.index(name)] for name in PROPERTIES] for row in values], np.float32)


def actives(*smiles):
    return Actives([f"a{i}" for i in range(len(smiles))], smiles, properties(smiles))


def pool(smiles, known=()):
    n = len(smiles)
    return Pool(
        np.arange(n) * 10, properties(smiles), np.linspace(0, 1, n, dtype=np.float32), np.isin(np.arange(n), known), n
    )


def found(wanted, library, known=(), **options):
    chosen = pool(library, known)
    decoys = find_decoys(wanted, chosen, lambda records: [library[i // 10] for i in records], **options)
    return chosen, decoys


def test_decoys_agree_in_properties_and_not_in_structure():
    wanted = actives(SULFADIAZINE)
    library = [*LIKE_SULFADIAZINE, "CCO", CIPROFLOXACIN, "Nc1ccc(S(=O)(=O)Nc2ncccc2)cc1", SULFADIAZINE]
    chosen, decoys = found(wanted, library)
    assert 0 < len(decoys.positions) <= len(LIKE_SULFADIAZINE)
    for position, distance, similarity in zip(decoys.positions, decoys.distances, decoys.similarities, strict=True):
        assert library[position] in LIKE_SULFADIAZINE
        gaps = np.abs(chosen.properties[position] - wanted.properties[0])
        assert distance == pytest.approx(max(gaps[PROPERTIES.index(n)] / w for n, w in WINDOWS.items()), abs=1e-6)
        assert distance <= 1
        mols = (Chem.MolFromSmiles(text) for text in (library[position], SULFADIAZINE))
        assert similarity == pytest.approx(TanimotoSimilarity(*map(morgan_bits, mols)), abs=1e-6)
        assert similarity < 0.35


def test_the_nearest_come_first():
    _, decoys = found(actives(SULFADIAZINE), list(LIKE_SULFADIAZINE))
    assert decoys.distances.tolist() == sorted(decoys.distances.tolist())
    _, best = found(actives(SULFADIAZINE), list(LIKE_SULFADIAZINE), per_active=1)
    assert best.positions.tolist() == decoys.positions[:1].tolist()


def test_none_is_used_twice_and_actives_share_fairly():
    # Two actives with the same properties compete for the same compounds.
    _, decoys = found(actives(SULFADIAZINE, SULFADIAZINE), list(LIKE_SULFADIAZINE))
    assert len(set(decoys.positions.tolist())) == len(decoys.positions)
    counts = np.bincount(decoys.matched_to, minlength=2)
    assert abs(counts[0] - counts[1]) <= 1


def test_known_antibacterials_and_other_charges_are_no_decoys():
    _, all_of_them = found(actives(SULFADIAZINE), list(LIKE_SULFADIAZINE))
    first = int(all_of_them.positions[0])
    _, fewer = found(actives(SULFADIAZINE), list(LIKE_SULFADIAZINE), known=[first])
    assert first not in fewer.positions
    charged = Actives(["a"], [SULFADIAZINE], properties([SULFADIAZINE]) + np.eye(7, dtype=np.float32)[5])
    assert PROPERTIES[5] == "formal_charge"
    assert not len(found(charged, list(LIKE_SULFADIAZINE))[1].positions)


@pytest.mark.parametrize(("wanted", "library"), [((), LIKE_SULFADIAZINE), ((SULFADIAZINE,), ()), ((), ())])
def test_nothing_to_match(wanted, library):
    empty = np.zeros((0, len(PROPERTIES)), np.float32)
    some = Actives(["a"] * len(wanted), wanted, properties(wanted) if wanted else empty)
    among = Pool(np.zeros(0, np.int64), empty, np.zeros(0, np.float32), np.zeros(0, bool), 0)
    if library:
        among = pool(list(library))
    assert not len(find_decoys(some, among, lambda records: [LIKE_SULFADIAZINE[i // 10] for i in records]).positions)


def test_the_table_is_in_library_order_and_names_the_active():
    wanted = actives(SULFADIAZINE)
    chosen, decoys = found(wanted, list(LIKE_SULFADIAZINE))
    table = decoys.table(chosen, wanted).to_pydict()
    assert table["record_id"] == sorted(table["record_id"])
    assert set(table["matched_to"]) == {"a0"}
    assert table["score"] == pytest.approx([chosen.scores[i // 10] for i in table["record_id"]])


def test_imbalance_against_a_value_worked_out_by_hand():
    one = np.zeros((1, len(PROPERTIES)), np.float32)
    others = np.zeros((2, len(PROPERTIES)), np.float32)
    others[:, PROPERTIES.index("mw_da")] = [0, 100]
    # Weights 1 and 3: the mean weight is 75; in units of 50 that is 1.5, shared by six properties.
    spread = np.full(len(PROPERTIES), 50.0)
    assert imbalance(one, others, np.array([1.0, 3.0]), spread) == pytest.approx(1.5 / 6)


def test_a_million_compounds_take_seconds():
    random = np.random.default_rng(0)
    n = 1_000_000
    values = properties([*LIKE_SULFADIAZINE, CIPROFLOXACIN])[random.integers(6, size=n)]
    values += random.normal(0, 1, values.shape).astype(np.float32) * np.array([60, 1, 2, 1, 2, 0, 20], np.float32)
    library = Pool(np.arange(n), values, random.random(n, dtype=np.float32), np.zeros(n, bool), n)
    wanted = actives(*[SULFADIAZINE, CIPROFLOXACIN] * 10)
    start = time.perf_counter()
    decoys = find_decoys(wanted, library, lambda records: [LIKE_SULFADIAZINE[i % 5] for i in records])
    assert time.perf_counter() - start < 60
    assert len(decoys.positions) == 20 * 50
