"""The leak ledger to read: as text for a terminal and as Markdown for a report."""

from collections.abc import Sequence

from molsieve.training.leaks import Ledger, Match, Overlap
from molsieve.training.phrases import counted

_NAME = 40
_SMILES = 70

_SET_HEADINGS = ("set", "rows", "molecules", "note")
_PAIR_HEADINGS = ("A", "B", "same", "of A", "of B", "A near B", "B near A")
_NUMBERS = frozenset(["rows", "molecules", "same", "of A", "of B", "A near B", "B near A", "similarity"])


def as_text(ledger: Ledger, examples: int = 5) -> str:
    """Tables of the sets and their overlaps, and the first matches of each pair.

    Args:
        ledger: The ledger.
        examples: Matches to show of each kind and pair.

    """
    near = f"same: equal InChIKey connectivity; near: not the same, Tanimoto similarity above {ledger.similar:g}"
    blocks = [_aligned(_SET_HEADINGS, _set_rows(ledger)), _aligned(_PAIR_HEADINGS, _pair_rows(ledger)), near]
    for overlap in ledger.overlaps:
        for title, matches in _examples(overlap, examples):
            blocks.append("\n".join([title, *(f"  {_shown(match)}" for match in matches)]))
    return "\n\n".join(blocks) + "\n"


def as_markdown(ledger: Ledger, examples: int = 20) -> str:
    """Return the same as a Markdown document.

    Args:
        ledger: The ledger.
        examples: Matches to show of each kind and pair.

    """
    lines = [
        "# Leak ledger",
        "",
        "The same molecule: equal first block of the InChIKey of the parent, so salts, charges and stereochemistry "
        f"make no difference. Near: not the same, but a Tanimoto similarity above {ledger.similar:g} (Morgan "
        "fingerprints of radius 2, 2048 bits).",
        "",
        *_markdown_table(_SET_HEADINGS, _set_rows(ledger)),
        "",
        *_markdown_table(_PAIR_HEADINGS, _pair_rows(ledger)),
    ]
    for overlap in ledger.overlaps:
        for title, matches in _examples(overlap, examples):
            rows = [[_a(m), _code(m.a_smiles), _b(m), _code(m.b_smiles), _similarity(m)] for m in matches]
            headings = ("A", "structure", "B", "structure", "similarity")
            lines += ["", f"## {_cell(title)}", "", *_markdown_table(headings, rows)]
    return "\n".join(lines) + "\n"


def _set_rows(ledger: Ledger) -> list[list[str]]:
    return [[s.name, _count(s.rows), _count(s.molecules), s.note] for s in ledger.sets]


def _pair_rows(ledger: Ledger) -> list[list[str]]:
    return [
        [
            o.a,
            o.b,
            _count(o.same),
            _share(o.same, o.a_molecules),
            _share(o.same, o.b_molecules),
            _count(o.a_near),
            _count(o.b_near),
        ]
        for o in ledger.overlaps
    ]


def _examples(overlap: Overlap, most: int) -> list[tuple[str, list[Match]]]:
    """Titles and first matches of the kinds of matches there are."""
    found = []
    for kind, what in (
        ("same", "in both"),
        ("near", f"near, similarity above {overlap.similar:g}"),
    ):
        matches = [match for match in overlap.matches if match.kind == kind]
        if matches:
            first = f", the first {most}" if len(matches) > most else ""
            found.append(
                (f"{overlap.a} and {overlap.b}: {counted(len(matches), 'molecule')} {what}{first}", matches[:most])
            )
    return found


def _shown(match: Match) -> str:
    places = f"{_a(match)} | {_b(match)}"
    if match.kind == "same" or match.a_smiles == match.b_smiles:
        return f"{places}  {_shortened(match.a_smiles or match.b_smiles, _SMILES)}".rstrip()
    structures = " | ".join(_shortened(smiles, _SMILES) for smiles in (match.a_smiles, match.b_smiles) if smiles)
    return f"{places}  {match.similarity:.3f}  {structures}"


def _a(match: Match) -> str:
    return match.a_place or f"molecule {match.a + 1}"


def _b(match: Match) -> str:
    return match.b_place or f"molecule {match.b + 1}"


def _similarity(match: Match) -> str:
    return "same" if match.kind == "same" else f"{match.similarity:.3f}"


def _share(part: int | None, whole: int | None) -> str:
    return "" if part is None or not whole else f"{part / whole:.1%}"


def _count(value: int | None) -> str:
    return "not known" if value is None else f"{value:,}"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [list(headings), *([_shortened(cell, _NAME) if i == 0 else cell for i, cell in enumerate(r)] for r in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    formats = [f"{{:{'>' if _is_number(heading) else '<'}{w}}}" for heading, w in zip(headings, widths, strict=True)]
    return "\n".join("  ".join(formats).format(*row).rstrip() for row in cells)


def _is_number(heading: str) -> bool:
    return heading in _NUMBERS


def _markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    marks = ["---:" if _is_number(heading) else "---" for heading in headings]
    return [f"| {' | '.join(map(_cell, row))} |" for row in (headings, marks, *rows)]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<")


def _code(smiles: str) -> str:
    return f"`{smiles}`" if smiles else ""
