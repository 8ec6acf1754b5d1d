import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from molsieve.chemistry.fingerprints import morgan_bits
from molsieve.chemistry.standardise import StandardiseOptions
from molsieve.training.curation import structures_of
from molsieve.training.identify import Given, explain, identify

OPTIONS = StandardiseOptions()


def test_identities_in_order_with_reasons():
    benzene = Chem.MolToMolBlock(Chem.MolFromSmiles("c1ccccc1"))
    rows = [
        Given("OCC.Cl", "smiles"),
        Given("nonsense", "smiles"),
        Given(benzene, "molblock"),
        Given("CCO", "smiles", ("line_too_long", "9 bytes")),
        Given("no molblock", "molblock"),
    ]
    found = list(identify(rows, OPTIONS))
    assert [i.reason_code for i in found] == ["", "unparsable", "", "line_too_long", "unparsable"]
    assert [i.as_read for i in found] == ["OCC.Cl", "nonsense", "c1ccccc1", "CCO", "no molblock"]
    assert (found[0].parent_smiles, found[0].connectivity) == ("CCO", "LFQSCWFLJHTTHZ")
    assert found[0].bits.tolist() == list(morgan_bits(Chem.MolFromSmiles("CCO")).GetOnBits())
    assert found[3].detail == "9 bytes"
    assert all(explain(i.reason_code).endswith(".") for i in found if i.reason_code)
    assert "InChI" in explain("no_inchikey")


def test_more_structures_than_a_block_stay_in_order():
    rows = [Given("C" * n + "O", "smiles") for n in range(3, 103)] * 7
    assert [len(i.parent_smiles) for i in identify(rows, OPTIONS, workers=2)] == [n + 1 for n in range(3, 103)] * 7


@pytest.mark.mirror
def test_the_same_identities_as_the_training_data(mirror):
    texts = pd.read_csv(mirror / "activity" / "ecoli_stokes2020.csv")["SMILES"].tolist()
    found = identify((Given(text, "smiles") for text in texts), OPTIONS)
    for expected, identity in zip(structures_of(texts, OPTIONS), found, strict=True):
        assert (identity.parent_smiles, identity.connectivity, identity.reason_code) == tuple(expected)
        assert identity.bits.dtype == np.uint16
