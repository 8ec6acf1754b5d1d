"""Collaborators read the tables with tools that know nothing of molsieve; the snippets of the report are run too."""

import html
import re

import duckdb
import pandas as pd
import polars as pl
import pytest

from molsieve.results.assemble import WorkFolder
from molsieve.results.report import render
from molsieve.results.report_data import gather

TABLES = {"compounds": 50, "predictions": 13, "scores": 13, "hits": 8, "rejects": 16, "controls": 7}


def pattern(folder, table):
    return folder / f"{table}/*.parquet" if (folder / table).is_dir() else folder / f"{table}.parquet"


@pytest.mark.parametrize("table", TABLES)
def test_duckdb(shared_results, table):
    rows = duckdb.read_parquet(str(pattern(shared_results, table))).fetchall()
    assert len(rows) == TABLES[table]


@pytest.mark.parametrize("table", TABLES)
def test_polars(shared_results, table):
    frame = pl.read_parquet(pattern(shared_results, table))
    assert frame.height == TABLES[table]


@pytest.mark.parametrize("table", TABLES)
def test_pandas(shared_results, table):
    path = shared_results / table
    frame = pd.read_parquet(path if path.is_dir() else path.with_suffix(".parquet"))
    assert len(frame) == TABLES[table]
    assert frame.index.equals(pd.RangeIndex(len(frame)))


def test_text_survives(shared_results):
    frame = pl.read_parquet(pattern(shared_results, "compounds"))
    row = frame.row(1, named=True)
    assert row["compound_id"] == "<script>alert('x')</script>"
    assert "日本語 \N{MATHEMATICAL BOLD SMALL A}-lactam" in frame["compound_id"].to_list()


def test_tables_join(shared_results):
    compounds, scores = (duckdb.read_parquet(str(pattern(shared_results, name))) for name in ("compounds", "scores"))
    joined = compounds.set_alias("c").join(scores.set_alias("s"), "c.record_id = s.record_id").filter("status = 'ok'")
    assert len(joined.fetchall()) == 13


@pytest.fixture
def snippets(shared_run):
    work, facts = shared_run
    page = render(gather(WorkFolder(work), facts), facts)
    return dict(re.findall(r"<h3>(\w+)</h3>\s*<pre>(.*?)</pre>", html.unescape(page), re.DOTALL))


def test_the_snippets_of_the_report_run(snippets, shared_results, monkeypatch):
    monkeypatch.chdir(shared_results)
    assert snippets.keys() == {"DuckDB", "pandas", "Polars", "R"}
    best = duckdb.sql(snippets["DuckDB"].rstrip(";")).fetchall()
    assert len(best) == 13
    *setup, last = snippets["pandas"].splitlines()
    names: dict = {}
    exec("\n".join(setup), names)  # noqa: S102
    assert eval(last, names)["rank"].tolist() == sorted(row[2] for row in best)  # noqa: S307
    setup, last = snippets["Polars"].split("\n", 1)
    exec(setup, names)  # noqa: S102
    assert eval(last, names)["rank"].to_list() == [row[2] for row in best]  # noqa: S307
