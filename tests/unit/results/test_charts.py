import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from molsieve.results import charts
from molsieve.results.report_data import Distribution, Histogram


def numbers(path):
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", path)]


def distribution(values, edges=None, *, logarithmic=False, **more):
    histogram = Histogram(np.linspace(0, 1, 41) if edges is None else edges)
    histogram.add(np.asarray(values, dtype=float))
    empty = np.zeros(0)
    series = {"active": empty, "inactive": empty, "hits": empty, **more}
    return Distribution("c", "title <b>", "", logarithmic, histogram, **series)


def steps(*counts):
    return [charts.FunnelStep(f"step {i}", n, "") for i, n in enumerate(counts)]


def test_funnel_bars_are_proportional():
    root = ET.fromstring(charts.funnel(steps(1000, 500, 100)))  # noqa: S314
    widths = [float(e.get("width")) for e in root.iter("rect")]
    assert widths[1] / widths[0] == pytest.approx(0.5, abs=0.01)
    assert widths[2] / widths[0] == pytest.approx(0.1, abs=0.01)


def test_a_steep_funnel_is_logarithmic():
    many = steps(1_000_000, 900_000, 100)
    assert charts.is_logarithmic(many)
    widths = [float(e.get("width")) for e in ET.fromstring(charts.funnel(many)).iter("rect")]  # noqa: S314
    assert widths[2] > 100


@pytest.mark.parametrize("counts", [(), (0,), (0, 0, 0), (5, 0)])
def test_an_empty_funnel(counts):
    ET.fromstring(charts.funnel(steps(*counts)))  # noqa: S314


def test_a_histogram_counts_what_lies_outside():
    histogram = Histogram(np.linspace(0, 1, 5))
    histogram.add(np.array([-5, 0.1, 0.9, 7, np.nan]))
    assert histogram.counts.tolist() == [2, 0, 0, 2]
    assert histogram.total == 4
    assert Histogram(np.linspace(0, 1, 5)).median is None


def test_a_histogram_is_drawn_where_its_values_are():
    svg = charts.histogram(distribution(np.full(100, 0.51)))
    path = re.search(r'd="([^"]*)" class="shape library"', svg).group(1)
    highest = min(numbers(path)[1::2])
    assert highest < 20
    ET.fromstring(svg)  # noqa: S314
    assert "<b>" not in svg


@pytest.mark.parametrize("values", [[], [0.0], [np.nan]])
def test_hardly_any_values(values):
    ET.fromstring(charts.histogram(distribution(values, active=np.array([0.5]), hits=np.array([0.1, np.nan]))))  # noqa: S314


def test_a_logarithmic_axis_has_powers_of_ten():
    svg = charts.histogram(distribution([0.001, 0.5], np.geomspace(1e-4, 1, 41), logarithmic=True))
    assert re.findall(r'class="tick[^"]*">([^<]*)<', svg) == ["0.0001", "0.001", "0.01", "0.1", "1"]


def test_the_accepted_range_is_shaded():
    svg = charts.histogram(distribution([100.0], np.linspace(0, 1000, 41)), (150, 600))
    rect = re.search(r'<rect x="([\d.]+)"[^>]*width="([\d.]+)"', svg)
    assert float(rect.group(2)) / 262 == pytest.approx(0.45, abs=0.01)


def test_curves_start_and_end_in_the_corners():
    curve = charts.Curve("c", "all", np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.9, 1.0]))
    path = re.search(r'd="([^"]*)" class="curve all"', charts.roc([curve])).group(1)
    assert numbers(path)[:2] == [52, 310]
    assert numbers(path)[-2:] == [352, 10]
    ET.fromstring(charts.early([curve], 1000))  # noqa: S314
    ET.fromstring(charts.early([], 0))  # noqa: S314


def test_dots_lie_where_the_share_is():
    row = charts.Strip("class", [charts.Dot("a & b", 0.0, ""), charts.Dot("c", 1.0, "hollow")])
    root = ET.fromstring(charts.strips([row], 10_000))  # noqa: S314
    first, second = (float(e.get("cx")) for e in root.iter("circle"))
    assert (first, second) == (200, 1030)
