"""Properties against textbook values and RDKit's own functions."""

import pyarrow as pa
import pytest
from rdkit import Chem
from rdkit.Chem import Crippen, Descriptors, rdMolDescriptors

from molsieve.chemistry.descriptors import DESCRIPTORS, describe

CONTRACT = [
    "mw_da",
    "logp_crippen",
    "tpsa_a2",
    "hbd",
    "hba",
    "heavy_atom_count",
    "rotatable_bond_count",
    "ring_count",
    "aromatic_ring_count",
    "fraction_csp3",
    "formal_charge",
]


def _properties(smiles):
    return dict(zip((c.name for c in DESCRIPTORS), describe(Chem.MolFromSmiles(smiles)), strict=True))


def test_columns_are_those_of_the_contract_in_its_order():
    assert [column.name for column in DESCRIPTORS] == CONTRACT
    for column in DESCRIPTORS:
        assert column.type in (pa.float32(), pa.int16())
        assert column.description


def test_aspirin():
    aspirin = _properties("CC(=O)Oc1ccccc1C(=O)O")
    assert aspirin["mw_da"] == pytest.approx(180.16, abs=0.01)
    assert aspirin["tpsa_a2"] == pytest.approx(63.6, abs=0.05)  # PubChem CID 2244
    counts = {k: v for k, v in aspirin.items() if isinstance(v, int)}
    assert counts == {
        "hbd": 1,
        "hba": 3,
        "heavy_atom_count": 13,
        "rotatable_bond_count": 2,
        "ring_count": 1,
        "aromatic_ring_count": 1,
        "formal_charge": 0,
    }
    assert aspirin["fraction_csp3"] == pytest.approx(1 / 9)


@pytest.mark.parametrize(
    "smiles",
    [
        "CN1CCC[C@H]1c1cccnc1",
        "C[N+](C)(C)CCO",
        "O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O",
        "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O",
        "OB(O)c1ccccc1",
        "C[Si](C)(C)CCP(=O)(O)O",
        "FC(F)(F)S(=O)(=O)Nc1nnc(S)[nH]1",
        "C#CC1=CC2=C(C=C1)C1CCC2C1",
    ],
)
def test_values_agree_with_rdkit(smiles):
    mol, found = Chem.MolFromSmiles(smiles), _properties(smiles)
    assert found["mw_da"] == pytest.approx(Descriptors.MolWt(mol))
    assert found["logp_crippen"] == pytest.approx(Crippen.MolLogP(mol), abs=1e-6)
    assert found["tpsa_a2"] == pytest.approx(rdMolDescriptors.CalcTPSA(mol), abs=1e-6)
    assert found["hbd"] == rdMolDescriptors.CalcNumHBD(mol)
    assert found["hba"] == rdMolDescriptors.CalcNumHBA(mol)
    assert found["rotatable_bond_count"] == rdMolDescriptors.CalcNumRotatableBonds(mol)
    assert found["ring_count"] == mol.GetRingInfo().NumRings()
    assert found["aromatic_ring_count"] == rdMolDescriptors.CalcNumAromaticRings(mol)
    assert found["fraction_csp3"] == pytest.approx(rdMolDescriptors.CalcFractionCSP3(mol))
    assert found["formal_charge"] == Chem.GetFormalCharge(mol)
