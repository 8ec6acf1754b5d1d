"""Reading one structure: names, extensions, molblocks, limits."""

import pytest
from rdkit import Chem

from molsieve.chemistry.parse import parse
from molsieve.chemistry.reasons import RejectedStructure

ETHANOL_V2000 = """ethanol
  test

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.5000    0.0000    0.0000 C   0  0
    2.2500    1.3000    0.0000 O   0  0
  1  2  1  0
  2  3  1  0
M  END
"""


@pytest.mark.parametrize(
    "text", ["CCO", " CCO ", "CCO ethanol", "CCO\tethanol 96 %", "CCO |c:99|", "CCO |$A;B;C$| a name", "CCO |"]
)
def test_names_and_extensions_do_not_disturb(text):
    assert Chem.MolToSmiles(parse(text)) == "CCO"


def test_extension_is_understood():
    assert len(parse("C[C@H](N)C(=O)O |&1:1|").GetStereoGroups()) == 1


def test_molblocks_of_both_versions_are_read():
    v3000 = Chem.MolToV3KMolBlock(Chem.MolFromSmiles("C[C@H](N)C(=O)O"))
    assert Chem.MolToSmiles(parse(ETHANOL_V2000, "molblock")) == "CCO"
    assert Chem.MolToSmiles(parse(v3000, "molblock")) in ("CC(N)C(=O)O", "C[C@H](N)C(=O)O")


def test_molblock_without_atoms_is_an_empty_structure():
    empty = "\n\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n"
    for text in (empty, "", "\n"):
        with pytest.raises(RejectedStructure, match="empty_structure"):
            parse(text, "molblock")


def test_broken_molblock_is_unparsable():
    with pytest.raises(RejectedStructure, match="unparsable"):
        parse(ETHANOL_V2000.replace("  3  2  0", "  9  9  0"), "molblock")


def test_wrong_valence_in_a_molblock_is_told_from_broken_text():
    pentavalent = ETHANOL_V2000.replace("  1  2  1  0", "  1  2  3  0").replace("  2  3  1  0", "  2  3  2  0")
    with pytest.raises(RejectedStructure, match="valence"):
        parse(pentavalent, "molblock")


def test_length_is_checked_before_parsing():
    with pytest.raises(RejectedStructure, match=r"too_long.*1,000,000") as rejected:
        parse("(" * 1_000_000)
    assert "20,000" in rejected.value.detail
    with pytest.raises(RejectedStructure, match="too_long"):
        parse("x" * 500_001, "molblock")
