"""Which molecules need no standardisation, or only protons moved: read off their canonical SMILES.

Nine of ten molecules of a library are left as they are by every step, and a regular expression can prove it in a
microsecond. benchmarks/prepare_short_cut.py compares both ways on whole libraries.
"""

import re

# Smaller molecules may be carbon dioxide and the like.
LEAST_ATOMS = 6

# No dots, so one fragment; no *; nothing in brackets that could be a radical except silicon, which the caller checks.
_PLAIN_ATOM = r"[BCNOFPSIbcnopslr0-9()=#/\\%:-]|\[nH\]|\[[CNPS]@@?\]|\[C@@?H\]|\[SiH?\d?\]"
# Nitro groups, azides and isonitriles: charges next to each other, as they should be.
_NITRO = (
    r"\[N\+\]\(=O\)\[O-\]|O=\[N\+\]\(\[O-\]\)"
    r"|\[N-\]=\[N\+\]=N|N=\[N\+\]=\[N-\]|\[C-\]#\[N\+\]|\[N\+\]#\[C-\]"
)
_WITH_CARBON = r"(?=.*(?:C(?!l)|c))"

# No charges but nitro groups and their like; no isotopes, atom maps, explicit hydrogens, radicals or metals: no step
# can do anything.
_PLAIN = re.compile(rf"{_WITH_CARBON}(?:{_PLAIN_ATOM}|{_NITRO})*")

# Cations that carry hydrogen, beside anions whose neighbour is a neutral carbonyl or sulfonyl: no transform of the
# normaliser matches (each wants a cation without hydrogen, or an anion conjugated to a cation), and no charge is
# permanent, so every charge goes.
_ZWITTERION = re.compile(
    rf"{_WITH_CARBON}(?:C\(=O\)\[O-\]|O=C\(\[O-\]\)|S\(=O\)\(=O\)\[O-\]|O=S\(=O\)\(\[O-\]\)"
    rf"|\[NH[23]?\+\]|\[nH\+\]|{_PLAIN_ATOM}|{_NITRO})*"
)
# Any anions while there is no cation at all.
_ANION = re.compile(rf"{_WITH_CARBON}(?:\[O-\]|\[S-\]|\[N-\]|\[n-\]|{_PLAIN_ATOM})*")

_NEUTRAL = {
    "[NH+]": "N",
    "[NH2+]": "N",
    "[NH3+]": "N",
    "[nH+]": "n",
    "[O-]": "O",
    "[S-]": "S",
    "[N-]": "N",
    "[n-]": "[nH]",
}
_CHARGED_ATOM = re.compile(rf"({_NITRO})|\[NH[23]?\+\]|\[nH\+\]|\[[OSNn]-\]")


def is_plain(smiles: str) -> bool:
    """Whether no standardisation step can alter the molecule of this canonical SMILES.

    Holds for ``LEAST_ATOMS`` or more, and for molecules with silicon only if they are no radicals.
    """
    return _PLAIN.fullmatch(smiles) is not None


def neutral_form(smiles: str) -> str | None:
    """Take away all charges but those of nitro groups and their like; None where that may not be all that is to do.

    Returns:
        A SMILES that is no longer canonical.

    """
    if _ZWITTERION.fullmatch(smiles) is None and _ANION.fullmatch(smiles) is None:
        return None
    return _CHARGED_ATOM.sub(lambda found: found[1] or _NEUTRAL[found[0]], smiles)
