import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from molsieve.errors import MolsieveError
from molsieve.models.explanation_drawing import draw_explanation
from molsieve.models.qprf import adequacy, prediction_records, substance_of
from molsieve.models.qprf_text import as_page, as_text
from molsieve.models.store import models_sha256

from .conftest import KNOWN

DATE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def aspirin(tiny_model):
    return prediction_records(tiny_model, substance_of("CC(=O)Oc1ccccc1C(=O)[O-].[Na+]"), [], date=DATE)


def test_record_holds_what_the_format_asks_for(tiny_model, aspirin):
    kills, harms, dose = (record for record, _ in aspirin)
    document = json.loads(json.dumps(kills.as_dict()))
    assert document["substance"]["parent_smiles"] == KNOWN[2]
    assert document["substance"]["inchikey"] == "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"
    assert "neutralised" in document["substance"]["changes"]
    assert document["model"]["digest"] == models_sha256(tiny_model)
    assert document["date"] == "2026-01-01T00:00:00+00:00"
    assert document["prediction"]["conformal_set"] in ("none", "inactive", "active", "both")
    assert document["prediction"]["interval_90"] is None
    assert len(document["explanation"]["atom_weights"]) == 13
    assert dose.prediction.conformal_set is None
    low, high = dose.prediction.interval_90
    assert low < dose.prediction.value < high
    assert dose.prediction.unit == "g_per_kg"
    assert harms.model.training_positives == 1


def test_training_molecule_is_named_and_not_its_own_neighbour(aspirin):
    domain = aspirin[0][0].applicability_domain
    assert domain.is_training_molecule
    assert domain.measured_label == "active"
    assert domain.nearest_similarity < 1
    assert domain.nearest_label in ("active", "inactive")
    assert domain.in_domain
    assert "no independent evidence" in aspirin[0][0].adequacy.statement
    assert aspirin[2][0].applicability_domain.measured_label == "2.50 g_per_kg"


def test_strange_molecule_is_outside_the_domain(tiny_model):
    ((record, _),) = prediction_records(tiny_model, substance_of("C1CC2CCC1CC2"), ["kills"])
    assert not record.applicability_domain.in_domain
    assert record.adequacy.level == "not reliable"
    assert record.applicability_domain.measured_label is None


def test_adequacy_says_why(aspirin):
    record = aspirin[0][0]
    inside = replace(record.applicability_domain, in_domain=True, nearest_similarity=0.8, measured_label=None,
                     is_training_molecule=False)  # fmt: skip
    sure = replace(record.prediction, conformal_set="active")
    assert adequacy(sure, inside).level == "reliable"
    assert adequacy(replace(sure, conformal_set="both"), inside).level == "use with care"
    far = adequacy(sure, replace(inside, nearest_similarity=0.1))
    assert far.level == "use with care"
    assert "extrapolation" in far.statement


def test_text_and_page(aspirin):
    text = as_text(aspirin[0][0])
    for heading in ("Substance", "Prediction", "Model", "Applicability domain", "Adequacy", "Explanation", "Date"):
        assert f"\n{heading}\n" in text
    page = as_page([(record, draw_explanation(explanation)) for record, explanation in aspirin])
    assert page.count("<svg xmlns") >= 3
    assert "<script" not in page


@pytest.mark.parametrize("smiles", ["", "C1CC", "not a molecule", "[Na+].[Cl-]", "O"])
def test_what_is_no_molecule_is_refused(smiles):
    with pytest.raises(MolsieveError, match="cannot be predicted"):
        substance_of(smiles)


@pytest.mark.parametrize(
    ("smiles", "why"),
    [
        ("[Na+].[Cl-]", "No fragment is organic"),
        ("CCN(C)[As](C)C", "element the models do not cover"),
        ("C[CH]C", "unpaired electrons"),
        ("C1CC", "unclosed ring|cannot read this as SMILES"),
    ],
)
def test_a_refusal_says_why(smiles, why):
    with pytest.raises(MolsieveError, match=why):
        substance_of(smiles)
