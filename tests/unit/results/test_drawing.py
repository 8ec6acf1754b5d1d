from xml.etree import ElementTree as ET

import pytest

from molsieve.results.drawing import structure_png, structure_svg

CIPROFLOXACIN = "O=C(O)C1=CN(C2CC2)c2cc(N3CCNCC3)c(F)cc2C1=O"


@pytest.mark.parametrize(
    "smiles", [CIPROFLOXACIN, "C", "[Na+]", "C[N+](C)(C)C", "C[C@H](N)C(=O)O", "C/C=C/C", "C" * 150, "c1ccc2[nH]ccc2c1"]
)
def test_svg_is_small_and_well_formed(smiles):
    svg = structure_svg(smiles, 230, 170)
    root = ET.fromstring(svg)  # noqa: S314
    assert root.get("viewBox") == "0 0 230 170"
    assert len(svg) < 12_000
    assert "class=" not in svg


def test_every_bond_and_letter_is_drawn():
    # One path a colour: carbon, oxygen, nitrogen, fluorine lines and the letters of O, N, F, OH, NH.
    root = ET.fromstring(structure_svg(CIPROFLOXACIN, 230, 170))  # noqa: S314
    lines = [e for e in root if e.get("fill") == "none"]
    letters = [e for e in root if e.get("fill") != "none"]
    assert sum(e.get("d").count("M") for e in lines) >= 30
    assert len(letters) == 3


def test_small_molecules_are_not_blown_up():
    ethanol = structure_svg("CCO", 230, 170)
    assert ethanol.count("M") < 20


def test_what_does_not_parse_is_not_drawn():
    assert structure_svg("C(", 100, 100) is None
    assert structure_png("C(", 100, 100) is None


def test_drawings_are_reproducible():
    assert structure_svg(CIPROFLOXACIN, 230, 170) == structure_svg(CIPROFLOXACIN, 230, 170)
    assert structure_png(CIPROFLOXACIN, 230, 170) == structure_png(CIPROFLOXACIN, 230, 170)
