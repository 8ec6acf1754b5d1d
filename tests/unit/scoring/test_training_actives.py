"""The actives that a model was trained on, as a reference for novelty."""

import numpy as np
import pytest
from rdkit import Chem

from molsieve import project_root
from molsieve.chemistry.fingerprints import morgan_bits
from molsieve.errors import MolsieveError
from molsieve.models.endpoints import read_endpoints
from molsieve.models.store import load_record
from molsieve.scoring.novelty import Reference
from molsieve.scoring.training_actives import training_actives

MODEL = project_root() / "resources" / "models" / "refine"


@pytest.fixture(scope="module")
def known():
    return Reference.load(project_root() / "resources" / "amr" / "antibacterials.csv")


@pytest.fixture(scope="module")
def actives(known):
    return training_actives(MODEL, known)


def test_every_active_is_there_once_and_no_inactive(actives):
    record = load_record(MODEL)
    rows = set()
    for index, endpoint in enumerate(read_endpoints(MODEL)):
        if endpoint.family == "activity":
            molecules, labels = record.labelled(index)
            rows |= set(molecules[labels == 1].tolist())
    assert len(actives.names) == len(actives.fingerprints) == len(rows) > 500
    assert len(set(actives.names)) == len(rows)
    assert rows < set(np.arange(record.molecules).tolist())


def test_a_known_antibacterial_has_its_name_and_what_it_was_active_in(actives):
    ciprofloxacin = Chem.MolFromSmiles("O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O")
    similarity, name = actives.nearest(morgan_bits(ciprofloxacin))
    assert similarity == 1.0
    assert name == "ciprofloxacin (active: ecoli_growth_inhibition; abaumannii_growth_inhibition)"


def test_the_others_go_by_the_hash_of_their_connectivity(actives, known):
    unnamed = training_actives(MODEL, Reference((), (), ()))
    assert unnamed.fingerprints == actives.fingerprints
    assert all(name.startswith("training molecule ") for name in unnamed.names)
    named = sum(not name.startswith("training molecule ") for name in actives.names)
    assert 100 < named < len(known.names)


def test_a_folder_without_a_model_is_explained(known, tmp_path):
    with pytest.raises(MolsieveError, match="There is no model here"):
        training_actives(tmp_path, known)
