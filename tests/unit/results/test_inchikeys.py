import pytest

from molsieve.results.inchikeys import inchikey


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("O=C(O)c1ccccc1O", "YGSDEFSMJLZEOE-UHFFFAOYSA-N"),
        ("C[C@H](N)C(=O)O", "QNAYBMKLOCPYGJ-REOHCLBHSA-N"),
        (None, None),
        ("C(", None),
        ("*C", None),
    ],
)
def test_keys(smiles, expected, capfd):
    assert inchikey(smiles) == expected
    assert capfd.readouterr().err == ""
