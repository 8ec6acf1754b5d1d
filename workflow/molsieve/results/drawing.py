"""Drawings of structures: compact SVG for the report, PNG for spreadsheets."""

import re
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

_NUMBER = re.compile(r"-?\d+\.\d+")
_PATH = re.compile(r"<path ([^>]*)/>")
_ATTRIBUTE = re.compile(r"([\w-]+)='([^']*)'")
_STYLE = re.compile(r"([\w-]+):([^;]+)")

# RDKit's sulphur and fluorine are too pale to read on white.
_PALETTE = {
    -1: (0.11, 0.15, 0.20),
    0: (0.11, 0.15, 0.20),
    1: (0.35, 0.40, 0.45),
    5: (0.75, 0.40, 0.35),
    6: (0.11, 0.15, 0.20),
    7: (0.10, 0.25, 0.82),
    8: (0.82, 0.10, 0.12),
    9: (0.05, 0.52, 0.30),
    15: (0.80, 0.42, 0.00),
    16: (0.62, 0.47, 0.00),
    17: (0.05, 0.52, 0.30),
    35: (0.50, 0.25, 0.12),
    53: (0.40, 0.10, 0.60),
}


def mol_for_drawing(smiles: str) -> Chem.Mol | None:
    """Molecule with 2D coordinates and ring systems laid out as chemists draw them; None when it does not parse."""
    with rdBase.BlockLogs():
        mol: Any = Chem.MolFromSmiles(smiles)
        if mol is None:
            return None
        rdDepictor.SetPreferCoordGen(False)  # noqa: FBT003 - RDKit's signature
        rdDepictor.Compute2DCoords(mol)
        rdDepictor.StraightenDepiction(mol)
        drawn: Chem.Mol = mol
        return drawn


def structure_svg(smiles: str, width: int, height: int) -> str | None:
    """SVG element of a structure without fixed colours of the page; None when the structure does not parse."""
    mol = mol_for_drawing(smiles)
    if mol is None:
        return None
    drawer = rdMolDraw2D.MolDraw2DSVG(width, height, -1, -1, False)  # noqa: FBT003 - RDKit's signature
    _draw(drawer, mol, line_width=1.3)
    return _compact(drawer.GetDrawingText(), width, height)


def structure_png(smiles: str, width: int, height: int) -> bytes | None:
    """PNG image of a structure on white; None when the structure does not parse."""
    mol = mol_for_drawing(smiles)
    if mol is None:
        return None
    drawer = rdMolDraw2D.MolDraw2DCairo(width, height)
    _draw(drawer, mol, line_width=1.6)
    png: bytes = drawer.GetDrawingText()
    return png


def _draw(drawer: rdMolDraw2D.MolDraw2D, mol: Chem.Mol, *, line_width: float) -> None:
    options: Any = drawer.drawOptions()  # the stubs have no setters
    options.bondLineWidth = line_width
    options.scaleBondWidth = False
    options.fixedBondLength = 26  # the largest: small molecules are not blown up
    options.minFontSize = 9
    options.maxFontSize = 14
    options.padding = 0.04
    options.multipleBondOffset = 0.16
    options.setAtomPalette(_PALETTE)
    options.clearBackground = isinstance(drawer, rdMolDraw2D.MolDraw2DCairo)
    with rdBase.BlockLogs():
        rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol)
    drawer.FinishDrawing()


def _compact(svg: str, width: int, height: int) -> str:
    """RDKit's SVG with one path a colour instead of one a bond and letter: a quarter of the bytes, the same picture."""
    strokes: dict[str, list[str]] = {}
    fills: dict[str, list[str]] = {}
    both: list[str] = []
    for attributes in _PATH.findall(svg):
        found = dict(_ATTRIBUTE.findall(attributes))
        style = dict(_STYLE.findall(found.get("style", "")))
        line = _NUMBER.sub(lambda match: f"{float(match.group()):.1f}".removesuffix(".0"), found["d"])
        line = re.sub(r" ?([MLQCZ]) ?", r"\1", line).strip()
        fill = found.get("fill") or style.get("fill", "none")
        if fill == "none":
            strokes.setdefault(f"stroke='{style['stroke']}' stroke-width='{style['stroke-width']}'", []).append(line)
        elif "stroke" in style:  # wedges
            both.append(f"<path d='{line}' fill='{fill}' stroke='{style['stroke']}' stroke-width='.5'/>")
        else:
            fills.setdefault(fill, []).append(line)
    body = "".join(
        [
            *(f"<path d='{''.join(lines)}' fill='none' {look}/>" for look, lines in strokes.items()),
            *both,
            *(f"<path d='{''.join(lines)}' fill='{fill}'/>" for fill, lines in fills.items()),
        ]
    )
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true">{body}</svg>'
