"""What the report says about the two tiers."""

from dataclasses import replace

import pytest

from molsieve.results.assemble import WorkFolder
from molsieve.results.report_cascade import cascade_view
from molsieve.results.report_data import gather
from molsieve.scoring.cascade import Cascade


@pytest.fixture(scope="module")
def data(shared_run):
    work, facts = shared_run
    return gather(WorkFolder(work), facts)


def test_the_tiers_are_counted(data):
    library = data.library
    assert 0 < library.refined < library.predicted
    assert library.not_described == library.inspected - library.refined
    words = " ".join(cascade_view(data).words)
    assert f"(tier refine) {library.refined:,} of them" in words
    assert f"{library.not_described:,} shortlisted compounds could not be described" in words


def test_the_sample_stands_for_what_was_left_out(data):
    found = data.cascade
    assert found.compounds == data.library.predicted
    assert found.top + found.audit == data.library.refined
    rows = cascade_view(data).rows
    assert len(rows) == len(found.kept) + bool(found.spearman)
    assert rows[0][0].startswith(f"Best {found.top:,} by the reference models")


@pytest.mark.parametrize(
    ("top", "audit", "said"), [(40, 0, "has lost nothing"), (20, 0, "Without a random sample"), (0, 0, "Without")]
)
def test_without_a_sample_nothing_is_claimed(data, top, audit, said):
    library = replace(data.library, predicted=40)
    view = cascade_view(replace(data, library=library, cascade=Cascade(40, top, audit, None, [])))
    assert any(said in sentence for sentence in view.words)
    assert not view.rows


def test_controls_that_would_not_have_come_so_far_are_said(data):
    words = cascade_view(replace(data, controls_shortlisted=(7, 9))).words
    assert any("7 of 9 known antibacterials" in sentence for sentence in words)
