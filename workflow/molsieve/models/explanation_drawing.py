"""Drawings of explanations: atoms that raise the prediction in red, atoms that lower it in blue, on a white panel.

The colours are the ends of ColorBrewer's RdBu, which people with any colour vision can tell apart, and the scale says
what they mean. The panel is white so that a drawing reads the same on a light and on a dark page.
"""

import re
from typing import Any
from xml.sax.saxutils import escape

from rdkit import rdBase
from rdkit.Chem.Draw import rdMolDraw2D

from molsieve.errors import MolsieveError
from molsieve.models.explain import Explanation
from molsieve.results.drawing import mol_for_drawing

RAISES = (0.70, 0.09, 0.17)
LOWERS = (0.13, 0.40, 0.67)

WIDTH, HEIGHT = 560, 420
_HEAD, _FOOT = 46, 64
_BAR_WIDTH, _BAR_HEIGHT = 220, 12
# The palest colour that is told from white, and the strongest that letters are still read on.
_PALEST, _STRONGEST = 0.06, 0.75
_INK, _MUTED = "#1c2733", "#57606a"
_XML = re.compile(r"<\?xml.*?\?>\s*|<!--.*?-->\s*", re.DOTALL)

Colour = tuple[float, float, float]


def draw_explanation(explanation: Explanation) -> str:
    """SVG document of a molecule with its atom weights, a scale, and the prediction in words.

    Every atom's disc has the class ``atom-<number>``.

    Raises:
        MolsieveError: The structure cannot be drawn.

    """
    mol = mol_for_drawing(explanation.smiles)
    if mol is None:
        raise MolsieveError(f"RDKit cannot draw the molecule {explanation.smiles}.")
    largest = max([abs(float(w)) for w in explanation.weights], default=0.0)
    scale = max(largest, explanation.least_weight / 2)
    atoms = {i: _colour(float(w) / scale) for i, w in enumerate(explanation.weights)}
    drawer: Any = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT - _HEAD - _FOOT, -1, -1, False)  # noqa: FBT003 - RDKit's
    options = drawer.drawOptions()
    options.clearBackground = False
    options.useBWAtomPalette()
    options.highlightRadius = 0.42
    options.atomHighlightsAreCircles = True
    options.fixedBondLength = 34  # the largest: small molecules are not blown up
    options.bondLineWidth = 1.6
    options.padding = 0.06
    with rdBase.BlockLogs():
        rdMolDraw2D.PrepareAndDrawMolecule(
            drawer,
            mol,
            highlightAtoms=list(atoms),
            highlightAtomColors=atoms,
            highlightBonds=[],
        )
    drawer.FinishDrawing()
    picture = _XML.sub("", drawer.GetDrawingText()).strip().replace("<svg ", f'<svg y="{_HEAD}" ', 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" font-family="system-ui, sans-serif"><title>{escape(_headline(explanation))}</title>'
        f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8" fill="#ffffff" stroke="#d0d7de"/>'
        f"{_head(explanation)}{picture}{_scale(explanation, scale)}</svg>\n"
    )


def _colour(share: float) -> Colour:
    """Between white and the colour of the sign; -1 to 1."""
    end = RAISES if share > 0 else LOWERS
    strength = min(abs(share), 1.0) * _STRONGEST
    if strength < _PALEST * _STRONGEST:
        strength = 0.0
    red, green, blue = (1 - strength * (1 - part) for part in end)
    return red, green, blue


def _headline(explanation: Explanation) -> str:
    endpoint = explanation.endpoint
    if endpoint.is_regression:
        return f"{endpoint.title}: predicted {explanation.value:.2f} {endpoint.unit}"
    return f"{endpoint.title}: predicted probability {explanation.value:.2f}"


def _head(explanation: Explanation) -> str:
    return (
        f'<text x="{WIDTH / 2:g}" y="30" text-anchor="middle" font-size="15" font-weight="600" fill="{_INK}">'
        f"{escape(_headline(explanation))}</text>"
    )


def _scale(explanation: Explanation, scale: float) -> str:
    left, top = (WIDTH - _BAR_WIDTH) / 2, HEIGHT - _FOOT + 14
    steps = 22
    width = _BAR_WIDTH / steps
    shares = [(2 * i + 1) / steps - 1 for i in range(steps)]
    cells = "".join(
        f'<rect x="{left + i * width:g}" y="{top}" width="{width + 0.2:g}" height="{_BAR_HEIGHT}" '
        f'fill="{_hex(_colour(share))}"/>'
        for i, share in enumerate(shares)
    )
    frame = (
        f'<rect x="{left:g}" y="{top}" width="{_BAR_WIDTH}" height="{_BAR_HEIGHT}" fill="none" '
        f'stroke="{_MUTED}" stroke-width=".5"/>'
    )
    baseline = top + _BAR_HEIGHT + 14
    texts = [
        (left - 8, top + 10, "end", "lowers"),
        (left + _BAR_WIDTH + 8, top + 10, "start", "raises"),
        (left, baseline, "middle", f"\N{MINUS SIGN}{_number(scale)}"),
        (WIDTH / 2, baseline, "middle", "0"),
        (left + _BAR_WIDTH, baseline, "middle", f"+{_number(scale)}"),
        (WIDTH / 2, baseline + 15, "middle", f"contribution of each atom, {explanation.weight_unit}"),
    ]
    written = "".join(
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="11" fill="{_MUTED}">{escape(text)}</text>'
        for x, y, anchor, text in texts
    )
    return f"<g>{cells}{frame}{written}</g>"


def _number(value: float) -> str:
    return f"{value:.2g}"


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)
