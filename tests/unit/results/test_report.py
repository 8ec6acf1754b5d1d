import dataclasses
import itertools
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from molsieve.results.assemble import WorkFolder
from molsieve.results.report import render, report
from molsieve.results.report_data import gather
from molsieve.scoring.judgement import NOT_ASKED
from molsieve.scoring.profile import Profile

VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """Collects what tests ask for and insists that every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text, self.loads = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        loading = ("src", "srcset", "data", "action", "background", "poster")
        self.loads += [attributes[name] for name in loading if name in attributes]
        if tag in {"link", "use", "image"}:
            self.loads.append(attributes.get("href") or attributes.get("xlink:href"))
        assert not [name for name in attributes if name.startswith("on")]

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "script"}:
            self.text.append(data)

    def count(self, tag, **attributes):
        return sum(t == tag and all(a.get(k) == v for k, v in attributes.items()) for t, a in self.tags)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def page_of(work, facts):
    return Page(render(gather(WorkFolder(work), facts), facts))


@pytest.fixture(scope="session")
def html(shared_run):
    work, facts = shared_run
    return render(gather(WorkFolder(work), facts), facts)


@pytest.fixture(scope="session")
def page(html):
    return Page(html)


def test_nothing_is_loaded_from_anywhere(html, page):
    assert [load for load in page.loads if not load.startswith("data:")] == []
    assert "@import" not in html
    assert "url(" not in html
    assert not re.search(r"https?://", re.sub(r"http://example\.org", "", html))
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy


def test_text_of_users_stays_text(html, page):
    assert page.count("script") == 1
    assert "<script>alert" not in html
    assert "<script>alert('x')</script>" in page.words
    assert "Broken <b>control</b>" in page.words
    assert "lib <1>.smi" in page.words
    assert page.count("b") == html.count("<b>") + html.count("<b ")


def test_drawings_are_well_formed(html):
    drawings = re.findall(r"<svg .*?</svg>", html, re.DOTALL)
    assert len(drawings) > 20
    for drawing in drawings:
        ET.fromstring(drawing)  # noqa: S314
        assert "nan" not in drawing.lower()
        assert "inf" not in re.sub(r"<title>.*?</title>|aria-label=\"[^\"]*\"|<text.*?</text>", "", drawing)


def test_it_says_what_was_screened(page, shared_run):
    facts = shared_run[1]
    for expected in (facts.run_id, facts.profile.title, facts.inputs[0].sha256, "50", "rdkit"):
        assert expected in page.words


def test_the_funnel_adds_up(html):
    label = re.search(r'aria-label="Funnel\. ([^"]*)"', html).group(1)
    steps = dict(part.split(": ") for part in label.split("; "))
    counts = [int(value) for value in steps.values()]
    assert counts == sorted(counts, reverse=True)
    assert counts[:4] == [50, 34, 13, 10]
    assert counts[-1] == 8


def test_rejects_are_shown_with_source_and_row(page):
    assert "no_organic_fragment" in page.words
    assert re.search(r"lib <1>\.smi row 4\b.*not a structure", page.words)


def test_every_hit_has_a_card_with_drawing_and_predictions(page, shared_run):
    assert page.count("article", **{"class": "hit"}) == 8
    assert page.count("span", **{"class": "track"}) == 8 * len(shared_run[1].profile_endpoints)
    cards = [a for t, a in page.tags if t == "article"]
    for card in cards:
        assert len(card["data-sort"].split(",")) == page.count("option")


def test_every_hit_says_why_it_ranks_there(page):
    assert page.count("details", **{"class": "because"}) == 8
    assert page.words.count("Loses most by") == 8
    assert page.count("table", **{"class": "parts"}) == 8


def test_every_hit_is_in_the_overview(html, page):
    overview = html.split('class="overview"')[1].split("</table>")[0]
    assert re.findall(r'href="#hit-(\d)"', overview) == list("12345678")
    for title in ("stays on top", "selectivity margin", "Gram-negative entry", "cluster"):
        assert f">{title}</th>" in overview
    assert "3-D conformers" not in page.words


def test_alerts_stand_by_catalogue(page):
    assert re.search(r"NIH: .*(aldehyde|quinone <b>|nitro)", page.words)
    assert "Toxicophore alerts" in page.words


def test_a_margin_is_told_by_its_whole_interval(run):
    work, facts = run
    table = pq.read_table(work / "hits.parquet")
    intervals = {"margin": [-0.3, 0.1, 0.4], "lo90": [-0.5, -0.1, 0.2], "hi90": [-0.1, 0.3, 0.6]}
    for name, values in intervals.items():
        column = pa.array([*values, *[0.4] * (table.num_rows - 3)], pa.float32())
        table = table.set_column(table.column_names.index(f"selectivity_{name}"), f"selectivity_{name}", column)
    pq.write_table(table, work / "hits.parquet")
    words = page_of(work, facts).words
    assert "margin -0.30 (-0.50 to -0.10): likelier toxic than active" in words
    assert "margin +0.10 (-0.10 to +0.30): selectivity not shown" in words
    assert "margin +0.40 (+0.20 to +0.60): activity exceeds toxicity" in words


def test_hits_of_an_earlier_version(run):
    # Schema 1.1 had none of the columns that say why; what they would say is left out.
    work, facts = run
    table = pq.read_table(next((work / "scores").glob("*.parquet")))
    new = [name for name in table.column_names if name.endswith("_contribution")]
    new += [
        "profile_prob_lo90",
        "top_share",
        "selectivity_margin",
        "nih",
        "novelty_tversky",
        "entry_amine",
        "entry_score",
    ]
    for path in [*(work / "scores").glob("*.parquet"), work / "hits.parquet"]:
        table = pq.read_table(path)
        pq.write_table(table.drop_columns([name for name in new if name in table.column_names]), path)
    page = page_of(work, facts)
    assert page.count("article", **{"class": "hit"}) == 8
    assert "Loses most by" not in page.words
    assert "stays on top" not in page.words


def test_costly_checks_say_on_how_many(run):
    work, facts = run
    scores = pq.read_table(work / "scores").filter(pc.field("inspected"))
    entry = pa.array([0.5, None] + [None] * (scores.num_rows - 2), pa.float32())
    inspected = scores.select(["record_id", "pains"])
    entry_column = pa.field("entry_score", pa.float32())
    pq.write_table(inspected.append_column(entry_column, entry), work / "library" / "inspected.parquet")
    words = page_of(work, facts).words
    assert f"novelty on {scores.num_rows}; 3-D conformers for Gram-negative entry on 1" in words


@pytest.mark.parametrize(
    ("verdict", "title"),
    [("none", "Warning: the controls do not separate"), ("weak", "Caution: the controls prove little")],
)
def test_a_warning_stands_at_the_top_and_among_the_controls(run, verdict, title):
    work, facts = run
    path = work / "judgement.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"verdict": verdict}))
    html = render(gather(WorkFolder(work), facts), facts)
    assert html.count(title) == 2
    assert html.index(title) < html.index('class="lead"')


def test_a_profile_without_antibacterial_activity_gets_no_warning(run):
    work, facts = run
    (work / "judgement.json").write_text(json.dumps(NOT_ASKED.as_json()))
    page = page_of(work, facts)
    assert "asks for no antibacterial activity" in page.words
    assert "Caution" not in page.words
    assert "Warning" not in page.words


def test_a_profile_that_welcomes_known_antibacterials_is_told_as_such(shared_run, html):
    work, facts = shared_run
    values = facts.profile.model_dump(mode="json")
    values["structure"] |= {"known_similarity": None, "known_tversky": None, "known_classes": "flag"}
    values["structure"]["alert_penalties"] = {"brenk": 0.9}
    welcoming = dataclasses.replace(facts, profile=Profile.model_validate(values))
    told = render(gather(WorkFolder(work), welcoming), welcoming)
    assert "The profile lets known antibacterials be hits." in told
    assert "The hits leave out what is a known antibacterial" not in told
    assert "The hits leave out what is a known antibacterial" in html
    assert re.search(r"NIH alert: [^\"]*The profile only shows it\.", told)
    assert re.search(r"BRENK alert: [^\"]*It lowers the score\.", told)


def test_it_is_accessible(page):
    assert ("html", {"lang": "en"}) in page.tags
    levels = [int(t[1]) for t, _ in page.tags if re.fullmatch(r"h[1-6]", t)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    for tag, attributes in page.tags:
        if tag == "th":
            assert attributes.get("scope") in {"row", "col"}
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or (attributes["role"] == "img" and attributes["aria-label"])
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    links = [a["href"][1:] for t, a in page.tags if t == "a" and a["href"].startswith("#")]
    assert set(links) <= set(ids)


def test_it_says_what_is_missing(page):
    assert "Measured cytotoxicity is absent" in page.words


def test_rendering_is_reproducible(html, shared_run, tmp_path):
    work, facts = shared_run
    written = report(work, tmp_path / "r.html", facts=facts)
    assert (tmp_path / "r.html").read_text() == html
    assert written.hits == 8
    assert written.size_bytes == (tmp_path / "r.html").stat().st_size


def test_sharding_does_not_change_it(build_small, html, tmp_path):
    facts = build_small(tmp_path / "small", shard_size=7)
    assert render(gather(WorkFolder(tmp_path / "small"), facts), facts) == html


def test_no_hits(build_small, tmp_path):
    page = page_of(tmp_path / "w", build_small(tmp_path / "w", hits=0))
    assert "No hits" in page.words
    assert "No compound of the 13 that were predicted became a hit" in page.words
    assert page.count("article") == 0


def test_no_structure_at_all(builder, profile, tmp_path):
    facts = builder.build(tmp_path / "w", [("C(", "a", None), ("", None, None)], profile, shard_size=10)
    page = page_of(tmp_path / "w", facts)
    assert "None of the 2 records could be predicted" in page.words


def test_no_controls(run):
    work, facts = run
    (work / "controls.parquet").unlink()
    page = page_of(work, facts)
    assert "nothing here says whether the ranking finds antibacterials" in page.words


def test_one_compound(builder, profile, tmp_path):
    page = page_of(
        tmp_path / "w", builder.build(tmp_path / "w", [("CC(=O)Nc1ccc(O)cc1", None, None)], profile, shard_size=1)
    )
    assert "record 0" in page.words or "No hits" in page.words


def test_a_regression_endpoint_in_the_profile(builder, profile, tmp_path):
    criterion = {
        "name": "not_acutely_toxic",
        "title": "Not acutely toxic",
        "endpoint": "ld50",
        "accept": [None, 2.5],
        "fade": 1,
        "source": "test",
    }
    rows = [("CC(=O)Nc1ccc(O)cc1", "a", None), ("Nc1ccc(S(=O)(=O)Nc2ncccn2)cc1", "b", None)]
    changed = profile | {"criteria": [*profile["criteria"], criterion]}
    page = page_of(tmp_path / "w", builder.build(tmp_path / "w", rows, changed, shard_size=5))
    assert "at most 2.5" in page.words
    assert "-log10(mol/kg)" in page.words


def test_only_the_first_hundred_are_drawn(builder, profile, tmp_path):
    rows = [(f"Nc1ccc(S(=O)(=O)N{'C' * i}O)cc1", f"id{i}", None) for i in range(1, 146)]
    facts = builder.build(tmp_path / "w", rows, profile, shard_size=1000, hits=1000)
    page = page_of(tmp_path / "w", facts)
    assert page.count("article") == 100
    assert "The first 100 of" in page.words


def test_long_and_strange_library_properties(builder, profile, tmp_path):
    other = {f"key {i} <i>": "v" * 5000 for i in range(30)}
    facts = builder.build(
        tmp_path / "w", [("Nc1ccc(S(=O)(=O)Nc2ncccn2)cc1", "<x>" * 500, other)], profile, shard_size=5
    )
    written = report(tmp_path / "w", tmp_path / "r.html", facts=facts)
    assert written.size_bytes < 150_000
    page = Page((tmp_path / "r.html").read_text())
    assert page.count("article") == 1
    assert "22 more in hits.parquet" in page.words
