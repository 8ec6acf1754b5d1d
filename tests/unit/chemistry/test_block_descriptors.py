"""Properties of a block against RDKit, molecule by molecule."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem, RDConfig, RDLogger

from molsieve.chemistry.block_descriptors import describe_block, measure
from molsieve.chemistry.descriptors import DESCRIPTORS, describe
from molsieve.chemistry.smiles_graph import AROMATIC, DOUBLE, SINGLE, TRIPLE, join, read_graph
from molsieve.chemistry.standardise import RejectedStructure, standardise_smiles

NCI = Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi"

# One for each pattern of Crippen's table, of the donors and acceptors and of the rotatable bonds, as far as they exist.
_ONE_OF_EACH = """
CC CCC CC(C)C CC(C)(C)C CO CCO CC(C)O CC(C)(C)O COC C=O CC=O CC(C)=O C=N C=S C=C CC=C CC(C)=C C=C=C C#C CC#N CC#CC
Cc1ccccc1 Cc1ccncc1 Cn1cccc1 CCc1ccccc1 CC(C)c1ccccc1 CC(C)(C)c1ccccc1 c1ccccc1B(O)O c1ccccc1[Si](C)(C)C c1ccccc1P
Fc1ccccc1 Clc1ccccc1 Brc1ccccc1 Ic1ccccc1 c1ccc2ccccc2c1 c1ccc(-c2ccccc2)cc1 c1ccc(-n2cccc2)cc1 Nc1ccccc1 Oc1ccccc1
Sc1ccccc1 O=c1cccc[nH]1 N=c1cccc[nH]1 S=c1cccc[nH]1 C=c1cccc[nH]1 C=Cc1ccccc1 CC(=C)c1ccccc1 c1ccccc1C(=C)c1ccccc1
CB(C)C C[Si](C)(C)C C[Se]C CNC CN CN(C)C CN=C C=NC CC(=N)C CNc1ccccc1 CN(C)c1ccccc1 CN(c1ccccc1)c1ccccc1
c1ccc(N(c2ccccc2)c2ccccc2)cc1 C[N+](C)(C)C C[N+](C)=C C[N+]([O-])=O CN=[N+]=[N-] [C-]#[N+]C C[N+]#[C-] C[n+]1ccccc1
[O-][n+]1ccccc1 C[N-]C O=[N+]([O-])c1ccccc1 CC(=O)O CC(=O)OC CC(=O)N CC(=O)NC CC(=O)N(C)C COC(=O)OC NC(=O)N NC(=O)O
O=CO O=CN O=Cc1ccccc1 O=C(C)c1ccccc1 O=C(O)c1ccccc1 O=C(c1ccccc1)c1ccccc1 O=C(c1ccncc1)c1ccccc1 O=C(n1cccc1)n1cccc1
O=C=NC O=C=O CC(=O)[O-] C[S+](C)C CS(C)=O CS(C)(=O)=O CS(=O)(=O)O CS(=O)(=O)N CP(=O)(O)O COP(=O)(OC)OC CSC CSSC CS
c1ccsc1 c1ccoc1 c1cnoc1 c1cnsc1 OO CON NO ONC On1cccc1 CC(=O)NO OC=C OC(=C)C OC(=N)C CC(O)=S FC(F)(F)c1ccccc1
FC(F)(F)CC ClC(Cl)(Cl)CCC BrC(Br)(Br)CC CC(C)(C)CC CCCCCC C#CCC CCC(=O)NCC CCOC(=O)CC CCC(=O)SCC CCC(=S)NCC
CCC(=N)NCC CC(N)=[N+](C)C c1ccc(CCc2ccccc2)cc1 OCCO NCCN C1CC1CC1CC1 CC1CCCCC1 O=C1CCCCN1 O=C1CCCN1CC
c1ccc(Oc2ccccc2)cc1 OB(O)c1ccccc1 c1cc[nH]c1 c1c[nH]cn1 Cn1ccnc1 c1ncncn1 C/C=C/C
COc1cc2c(cc1OC)-c1c/c(=N\\c3c(C)cc(C)cc3C)n(C)c(=O)n1CC2 O=c1/c(=C\\c2ccc(F)cc2)sc2n1CCN=2 C[C@H](N)C(=O)O [H]O FCl
I C[I+]C OCl CCl CBr CI C[P+](C)(C)C C[B-](F)(F)F b1ccccc1 p1ccccc1 C1=CC=CC=C1 [nH]1nnnc1 NS(N)(=O)=O OS(=O)O
[O-]c1ccccc1 [O-][Cl+3]([O-])([O-])Oc1ccccc1 c1ccc([I+]c2ccccc2)cc1 [Cl-] O=[I+]([O-])c1ccccc1
"""
PATTERNS = _ONE_OF_EACH.split()


def _standardised(lines):
    for line in lines:
        try:
            yield standardise_smiles(line.split()[0])
        except RejectedStructure:
            continue


def _assert_same_as_rdkit(molecules):
    columns = describe_block([measure(mol, smiles) for mol, smiles in molecules])
    expected = np.array([describe(mol) for mol, _ in molecules])
    for column, found, wanted in zip(DESCRIPTORS, columns, expected.T, strict=True):
        assert found.type == column.type
        difference = np.abs(found.to_numpy() - wanted)
        worst = int(np.argmax(difference / (1 + np.abs(wanted))))
        assert difference[worst] <= 1e-6 * (1 + abs(wanted[worst])), (
            column.name, molecules[worst][1], found[worst].as_py(), wanted[worst]
        )  # fmt: skip


@pytest.mark.parametrize("smiles", PATTERNS)
def test_every_pattern(smiles):
    RDLogger.DisableLog("rdApp.*")
    mol = Chem.MolFromSmiles(smiles)
    canonical = Chem.MolToSmiles(mol)
    _assert_same_as_rdkit([(Chem.MolFromSmiles(canonical), canonical)])


def test_the_nci_library():
    RDLogger.DisableLog("rdApp.*")
    parents = [(p.parent, p.parent_smiles) for p in _standardised(NCI.read_text().splitlines())]
    assert len(parents) > 4_800
    for start in range(0, len(parents), 512):
        _assert_same_as_rdkit(parents[start : start + 512])


@pytest.mark.mirror
def test_a_library_with_stereochemistry_and_large_molecules(mirror):
    RDLogger.DisableLog("rdApp.*")
    with gzip.open(mirror / "libraries" / "vendor_medchemexpress.tsv.gz", "rt") as file:
        lines = [line.split("\t")[-3] for line in file.readlines()[1:]]
    _assert_same_as_rdkit([(p.parent, p.parent_smiles) for p in _standardised(lines)])


def test_order_nulls_and_molecules_beyond_the_graph():
    ethanol, benzene = (Chem.MolFromSmiles(s) for s in ("CCO", "c1ccccc1"))
    labelled = Chem.MolFromSmiles("[13CH3]CO")
    assert read_graph("[13CH3]CO") is None
    columns = describe_block(
        [measure(benzene, "c1ccccc1"), None, measure(labelled, "[13CH3]CO"), measure(ethanol, "CCO")]
    )
    by_name = dict(zip((c.name for c in DESCRIPTORS), columns, strict=True))
    assert by_name["heavy_atom_count"].to_pylist() == [6, None, 3, 3]
    assert by_name["aromatic_ring_count"].to_pylist() == [1, None, 0, 0]
    assert by_name["mw_da"][2].as_py() > by_name["mw_da"][3].as_py()


def test_blocks_of_nothing():
    assert all(column.null_count == 2 for column in describe_block([None, None]))
    assert all(len(column) == 0 for column in describe_block([]))


@pytest.mark.parametrize("smiles", ["C.C", "*C", "[2H]C", "C->[Cu]", "C$C", "[CH3:1]C", "C~C"])
def test_smiles_that_say_more_are_left_to_rdkit(smiles):
    assert read_graph(smiles) is None


def test_graph_of_a_molecule():
    block = join([read_graph("Cc1cc(C#N)c[nH]1"), read_graph("O=C(O)C[NH3+]")])
    assert block.molecule.tolist() == [0] * 8 + [1] * 5
    assert block.hydrogens.tolist() == [3, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 2, 3]
    assert block.charge.tolist() == [0] * 12 + [1]
    bonds = set(
        zip(block.begins.tolist(), block.ends.tolist(), block.kinds.tolist(), block.in_ring.tolist(), strict=True)
    )
    assert {(0, 1, SINGLE, False), (1, 2, AROMATIC, True), (4, 5, TRIPLE, False), (1, 7, AROMATIC, True)} <= bonds
    assert {(8, 9, DOUBLE, False), (9, 10, SINGLE, False), (11, 12, SINGLE, False)} <= bonds
