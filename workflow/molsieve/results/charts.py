"""The report's charts as inline SVG: no library, no request, sharp in print, styled by the page's CSS classes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from molsieve.results.report_data import Distribution

Floats = NDArray[np.floating]


class FunnelStep(NamedTuple):
    """One bar of the funnel."""

    title: str
    n: int
    lost: str
    """What was lost on the way here, in words; empty for nothing."""


class Curve(NamedTuple):
    """One line of a chart."""

    title: str
    style: str
    x: Floats
    y: Floats


class Dot(NamedTuple):
    """One control in the strip chart."""

    title: str
    share: float
    """Share of the library that scores higher, 0 to 1."""
    style: str
    """CSS classes: ``hollow``, ``inactive``."""


class Strip(NamedTuple):
    """One row of the strip chart."""

    title: str
    dots: Sequence[Dot]


def funnel(steps: Sequence[FunnelStep]) -> Markup:
    """Bars from the records read to the hits; logarithmic where the smallest bar would else be invisible."""
    left, width, row = 270, 430, 34
    largest = max((step.n for step in steps), default=0)
    logarithmic = is_logarithmic(steps)
    parts = []
    for number, step in enumerate(steps):
        y = number * row + 6
        share = _length(step.n, largest, logarithmic=logarithmic)
        bar = max(width * share, 2.0) if step.n else 0.0
        style = "bar last" if number == len(steps) - 1 else "bar"
        parts += [
            f'<text x="{left - 12}" y="{y + 17}" class="label end">{escape(_short(step.title, 38))}</text>',
            f'<rect x="{left}" y="{y}" width="{_n(bar)}" height="24" rx="3" class="{style}"/>',
            f'<text x="{_n(left + bar + 8)}" y="{y + 17}" class="figure">{step.n:,}</text>',
        ]
        if step.lost:
            parts.append(f'<text x="{left + width + 75}" y="{y + 17}" class="note">{escape(step.lost)}</text>')
    words = "; ".join(f"{step.title}: {step.n:,}" for step in steps)
    return _svg(1080, len(steps) * row + 8, f"Funnel. {words}", parts, "funnel")


def is_logarithmic(steps: Sequence[FunnelStep]) -> bool:
    """Whether the funnel's bars have to be logarithmic."""
    counts = [step.n for step in steps if step.n]
    return bool(counts) and max(counts) > 150 * min(counts)


def _length(count: int, largest: int, *, logarithmic: bool) -> float:
    if not count or not largest:
        return 0.0
    return float(np.log10(1 + count) / np.log10(1 + largest)) if logarithmic else count / largest


def roc(curves: Sequence[Curve]) -> Markup:
    """Draw true against false positive rate."""
    size, left, top = 300, 52, 10
    parts = [*_frame(left, top, size, size)]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        at = left + size * tick
        parts.append(f'<text x="{_n(at)}" y="{top + size + 18}" class="tick mid">{tick:.0%}</text>')
        parts.append(f'<text x="{left - 8}" y="{_n(top + size * (1 - tick) + 4)}" class="tick end">{tick:.0%}</text>')
    parts.append(f'<path d="M{left} {top + size}L{left + size} {top}" class="chance"/>')
    for curve in curves:
        points = _path(left + size * curve.x, top + size * (1 - curve.y))
        parts.append(f'<path d="{points}" class="curve {curve.style}"/>')
    parts.append(
        f'<text x="{left + size / 2}" y="{top + size + 40}" class="axis mid">library compounds ranked higher</text>'
    )
    parts.append(_vertical(14, top + size / 2, "controls found"))
    return _svg(left + size + 24, top + size + 50, "ROC curve", parts, "roc")


def early(curves: Sequence[Curve], n_library: int) -> Markup:
    """Share of the controls found against the share of the library that was looked at, on a logarithmic axis."""
    width, height, left, top = 400, 300, 52, 10
    decades = max(2, min(5, int(np.ceil(np.log10(max(n_library, 100))))))
    low = 10.0**-decades

    def across(x: Floats | float) -> Floats:
        return np.asarray(left + width * (1 - np.log10(np.maximum(x, low)) / np.log10(low)))

    parts = [*_frame(left, top, width, height)]
    for power in range(-decades, 1):
        at = _n(float(across(10.0**power)))
        parts.append(f'<path d="M{at} {top}V{top + height}" class="grid"/>')
        parts.append(f'<text x="{at}" y="{top + height + 18}" class="tick mid">{_percent(10.0**power)}</text>')
    parts += [
        f'<text x="{left - 8}" y="{_n(top + height * (1 - tick) + 4)}" class="tick end">{tick:.0%}</text>'
        for tick in (0, 0.25, 0.5, 0.75, 1)
    ]
    chance = np.geomspace(low, 1, 60)
    parts.append(f'<path d="{_path(across(chance), top + height * (1 - chance))}" class="chance"/>')
    for curve in curves:
        seen = curve.x > 0
        x, y = np.concatenate([[low], curve.x[seen]]), np.concatenate([curve.y[:1], curve.y[seen]])
        parts.append(f'<path d="{_path(across(x), top + height * (1 - y))}" class="curve {curve.style}"/>')
    parts.append(
        f'<text x="{left + width / 2}" y="{top + height + 40}" class="axis mid">best share of the library</text>'
    )
    parts.append(_vertical(14, top + height / 2, "controls found"))
    return _svg(left + width + 18, top + height + 50, "Share of the controls found early", parts, "early")


def strips(rows: Sequence[Strip], n_library: int) -> Markup:
    """Place of each control in the ranking of the library, one row a class, best on the left."""
    left, width, row, top = 200, 830, 24, 26
    decades = max(2, min(5, int(np.ceil(np.log10(max(n_library, 100))))))
    low = 10.0**-decades
    height = len(rows) * row
    parts = []
    for power in range(-decades, 1):
        at = _n(left + width * (1 - power / -decades))
        name = _percent(10.0**power)
        parts.append(
            f'<path d="M{at} {top}V{top + height}" class="grid"/><text x="{at}" y="16" class="tick mid">{name}</text>'
        )
    for number, strip in enumerate(rows):
        y = top + number * row + row / 2
        parts.append(
            f'<text x="{left - 12}" y="{_n(y + 4)}" class="label end">{escape(_short(strip.title, 28))}</text>'
        )
        parts.append(f'<path d="M{left} {_n(y)}H{left + width}" class="grid"/>')
        for dot in strip.dots:
            x = left + width * (1 - np.log10(max(dot.share, low)) / np.log10(low))
            place = f'cx="{_n(float(x))}" cy="{_n(y)}" r="4.5"'
            parts.append(f'<circle {place} class="dot {dot.style}"><title>{escape(dot.title)}</title></circle>')
    return _svg(left + width + 30, top + height + 6, "Place of each control in the ranking, by class", parts, "strips")


def histogram(distribution: Distribution, accept: tuple[float | None, float | None] | None = None) -> Markup:
    """Library as a filled shape, controls as lines, hits as ticks below; each normalised to its own number.

    Args:
        distribution: What to draw.
        accept: Range the profile accepts, shaded.

    """
    width, height, left, top = 262, 96, 8, 6
    edges = distribution.library.edges
    shapes = [("library", distribution.library.counts)]
    shapes += [
        (style, distribution.library.count(values))
        for style, values in (("inactive", distribution.inactive), ("active", distribution.active))
        if len(values)
    ]
    shares = [(style, counts / counts.sum()) for style, counts in shapes if counts.sum()]
    peak = max((float(share.max()) for _, share in shares), default=1.0)

    def across(values: Floats) -> Floats:
        clipped = np.clip(values, edges[0], edges[-1])
        if distribution.logarithmic:
            clipped, ends = np.log10(clipped), np.log10(edges[[0, -1]])
        else:
            ends = edges[[0, -1]]
        return np.asarray(left + width * (clipped - ends[0]) / (ends[1] - ends[0]))

    parts = []
    if accept and any(bound is not None for bound in accept):
        low = edges[0] if accept[0] is None else accept[0]
        high = edges[-1] if accept[1] is None else accept[1]
        x0, x1 = across(np.array([low, high]))
        parts.append(f'<rect x="{_n(x0)}" y="{top}" width="{_n(max(x1 - x0, 0))}" height="{height}" class="accept"/>')
    x = across(edges)
    for style, share in shares:
        # A square root keeps rare values visible beside the peak.
        y = top + height * (1 - np.sqrt(share / peak))
        steps = "".join(f"V{_n(v)}H{_n(u)}" for v, u in zip(y, x[1:], strict=True))
        parts.append(f'<path d="M{_n(x[0])} {top + height}{steps}V{top + height}Z" class="shape {style}"/>')
    parts.append(f'<path d="M{left} {top + height}H{left + width}" class="baseline"/>')
    hits = distribution.hits[~np.isnan(distribution.hits)]
    if len(hits):
        ticks = "".join(f"M{_n(at)} {top + height + 2}v7" for at in across(hits))
        parts.append(f'<path d="{ticks}" class="rug"/>')
    for at, anchor, value in _axis(edges, logarithmic=distribution.logarithmic):
        parts.append(f'<text x="{_n(left + width * at)}" y="{top + height + 24}" class="tick {anchor}">{value}</text>')
    label = f"Distribution of {distribution.title}"
    return _svg(left + width + 8, top + height + 30, label, parts, "hist")


def _axis(edges: Floats, *, logarithmic: bool) -> list[tuple[float, str, str]]:
    """Place from 0 to 1, anchor and text of the ticks."""
    low, high = float(edges[0]), float(edges[-1])
    if not logarithmic:
        values = (low, (low + high) / 2, high)
        return [
            (at, anchor, _tick(value))
            for at, anchor, value in zip((0, 0.5, 1), ("", "mid", "end"), values, strict=True)
        ]
    first, last = round(np.log10(low)), round(np.log10(high))
    powers = range(first, last + 1)
    anchors = {first: "", last: "end"}
    return [((p - first) / (last - first), anchors.get(p, "mid"), _tick(10.0**p)) for p in powers]


def _tick(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _frame(left: float, top: float, width: float, height: float) -> list[str]:
    lines = "".join(f"M{left} {_n(top + height * share)}h{width}" for share in (0, 0.25, 0.5, 0.75, 1))
    return [f'<path d="{lines}" class="grid"/><path d="M{left} {top}v{height}h{width}" class="baseline"/>']


def _path(x: Floats, y: Floats) -> str:
    return "M" + "L".join(f"{_n(a)} {_n(b)}" for a, b in zip(x, y, strict=True))


def _vertical(x: float, y: float, text: str) -> str:
    return f'<text transform="translate({x} {y}) rotate(-90)" class="axis mid">{escape(text)}</text>'


def _percent(share: float) -> str:
    return f"{share * 100:.6g}%"


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _n(value: float) -> str:
    """Coordinate to a tenth of a pixel, without a needless ``.0``."""
    return f"{float(value):.1f}".removesuffix(".0")


def _svg(width: float, height: float, label: str, parts: Sequence[str], style: str) -> Markup:
    return Markup(  # noqa: S704 - every text in it was escaped above
        f'<svg class="chart {style}" viewBox="0 0 {_n(width)} {_n(height)}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )
