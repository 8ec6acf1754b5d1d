"""The report in a real browser, from file://, without network."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

_spec = importlib.util.spec_from_file_location("molsieve_test_devtools", Path(__file__).with_name("devtools.py"))
devtools = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(devtools)


@pytest.fixture(scope="module")
def browser(chromium):
    opened = devtools.Browser(chromium)
    yield opened
    opened.close()


@pytest.fixture
def page(browser, report):
    browser.open(report.as_uri())
    return browser


SHOWN = "[...document.querySelectorAll('.hit')].filter(c => !c.hidden)"


def shown(page):
    """Numbers of the hits that are visible, in their order on the page."""
    return page.run(f"{SHOWN}.map(c => Number(c.querySelector('.no').textContent))")


def act(page, name, change):
    """Change a control of the toolbar as a user would."""
    page.run(f"""(() => {{
        const c = document.querySelector('#hit-tools [name={name}]');
        {change};
        for (const event of ['input', 'change']) c.dispatchEvent(new Event(event, {{bubbles: true}}));
    }})()""")


def test_it_opens_without_errors_or_requests(page, report):
    assert page.problems() == []
    assert page.requests() == [report.as_uri()]
    assert page.run("document.title") == "small: molsieve screening report"


def test_the_watcher_sees_what_it_should_see(browser, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text("<script>console.error('x'); throw 1</script><img src='http://example.org/a.png'>")
    browser.open(bad.as_uri())
    assert len(browser.problems()) >= 2
    assert "http://example.org/a.png" in browser.requests()


def test_the_policy_stops_scripts_that_are_not_ours(page, report, tmp_path):
    text = report.read_text().replace("</main>", "<script>document.title = 'taken over'</script></main>")
    (tmp_path / "r.html").write_text(text)
    page.open((tmp_path / "r.html").as_uri())
    assert page.run("document.title") != "taken over"
    assert any("Content Security Policy" in problem for problem in page.problems())


def test_hits_can_be_sorted(page):
    assert shown(page) == list(range(1, 9))
    options = page.run("[...document.querySelectorAll('#hit-tools option')].map(o => o.textContent)")
    column = options.index("molecular weight")
    act(page, "sort", f"c.value = '{column}'")
    weights = page.run(f"[...document.querySelectorAll('.hit')].map(c => Number(c.dataset.sort.split(',')[{column}]))")
    assert weights == sorted(weights)
    act(page, "sort", "c.value = '0'")
    assert shown(page) == list(range(1, 9))


def test_hits_can_be_filtered(page):
    smiles = page.run("document.querySelector('.hit dd code').textContent")
    act(page, "text", f"c.value = {smiles!r}")
    assert 1 in shown(page)
    assert len(shown(page)) < 8
    act(page, "text", "c.value = 'nothing has this'")
    assert shown(page) == []
    assert page.run("document.querySelector('#hit-tools output').textContent") == "0 of 8 hits"
    act(page, "text", "c.value = ''")
    act(page, "alerts", "c.checked = true")
    with_alerts = page.run("[...document.querySelectorAll('.hit')].filter(c => c.dataset.alerts !== '0').length")
    assert len(shown(page)) == 8 - with_alerts


def test_the_gallery_shows_structures_only(page):
    act(page, "view", "c.checked = true")
    assert page.run("getComputedStyle(document.querySelector('.hit .preds')).display") == "none"
    assert page.run("document.querySelector('.hit svg').getBoundingClientRect().width") > 100


def test_without_script_all_hits_are_there(page):
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.call("Page.reload")
        page.open(page.run("location.href"))
        assert len(shown(page)) == 8
        assert page.run("document.getElementById('hit-tools').hidden") is True
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("width", [1300, 800, 390])
def test_nothing_is_wider_than_the_window(page, width):
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    try:
        assert page.run("document.documentElement.scrollWidth") <= width
    finally:
        page.call("Emulation.clearDeviceMetricsOverride")


def test_it_prints(page):
    pdf = page.call("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)["data"]
    assert pdf.startswith("JVBERi0")  # %PDF-


def test_screenshot(page, tmp_path):
    page.screenshot(tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 100_000
