import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molsieve.models.fragment_names import named_fragments


def names(smiles):
    return {fragment.name for fragment in named_fragments(Chem.MolFromSmiles(smiles))}


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        (
            "O=C1CN(/N=C/c2ccc([N+](=O)[O-])o2)C(=O)N1",
            {"nitro group on the furan ring", "furan ring", "hydantoin ring",
             "imine group between the furan ring and the hydantoin ring"},
        ),
        (
            "O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O",
            {"quinolone ring system", "piperazine ring", "cyclopropane ring", "fluorine on the quinolone ring system",
             "carboxylic acid group on the quinolone ring system"},
        ),
        ("CC(=O)Oc1ccccc1C(=O)O", {"benzene ring", "methyl group", "ester group on the benzene ring",
                                   "carboxylic acid group on the benzene ring"}),
        ("CCO", {"ethyl group", "hydroxyl group"}),
        ("CN(C)N=O", {"methyl group", "N-nitroso group"}),
        ("c1ccc2c(c1)CCCC2", {"system of 2 fused rings"}),
        ("C1CCCCCCC1", {"8-membered ring"}),
    ],
)  # fmt: skip
def test_names(smiles, expected):
    assert names(smiles) == expected


MOLECULES = [
    "CC12CCC3C(CCC4=CC(=O)CCC34C)C1CCC2O",
    "C[N+](C)(C)CC(=O)[O-]",
    "CC1(C)SC2C(NC(=O)Cc3ccccc3)C(=O)N2C1C(=O)O",
    "FC(F)(F)c1ccc(OCCNC)cc1",
    "CS(=O)(=O)c1ccc(C2=C(c3ccccc3)C(=O)OC2)cc1",
    "BrCCBr",
    "OB(O)c1ccccc1",
]


@given(st.sampled_from(MOLECULES))
def test_every_atom_is_in_exactly_one(smiles):
    mol = Chem.MolFromSmiles(smiles)
    atoms = [atom for fragment in named_fragments(mol) for atom in fragment.atoms]
    assert sorted(atoms) == list(range(mol.GetNumAtoms()))
