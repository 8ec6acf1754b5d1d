"""Records of predictions (``models.qprf``) for reading: plain text, and one page of HTML with the drawings."""

from collections.abc import Sequence
from html import escape

from molsieve.models.qprf import ApplicabilityDomain, PredictionRecord, UsedModel

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
section { margin: 2.5rem 0; }
svg { max-width: 100%; height: auto; }
dl { display: grid; grid-template-columns: 13rem 1fr; gap: .2rem 1rem; }
dt { opacity: .7; }
dd { margin: 0; overflow-wrap: anywhere; }
"""


def sections(record: PredictionRecord) -> list[tuple[str, list[tuple[str, str]]]]:
    """Headings of a record with names and values, in the order of the reporting format."""
    substance, prediction, model = record.substance, record.prediction, record.model
    reasons = record.explanation
    unit = f" {prediction.unit}" if prediction.unit else ""
    value = [("value" if prediction.unit else "probability", f"{prediction.value:.3f}{unit}")]
    if record.applicability_domain is not None:  # else one network alone
        value.append(("spread of the ensemble", f"{prediction.sd:.3f}{unit}"))
    if prediction.interval_90 is not None:
        value.append(("90 % interval", f"{prediction.interval_90[0]:.2f} to {prediction.interval_90[1]:.2f}{unit}"))
    if prediction.conformal_set is not None:
        value.append(("conformal set", f"{prediction.conformal_set} (error {prediction.conformal_error:.0%})"))
    nothing = "Of a graph of blank atoms" if record.applicability_domain is None else "Without any of its substructures"
    alone = f"{nothing} the model would give {reasons.value_without_substructures:.2f}{unit}."
    found = [
        (
            "Substance",
            [
                ("structure as given", substance.input_structure),
                ("parent", substance.parent_smiles),
                ("changes", ", ".join(substance.changes) or "none"),
                ("removed", substance.removed_fragments or ""),
                ("InChIKey", substance.inchikey),
            ],
        ),
        ("Prediction", value),
        (
            "Model",
            [
                ("name", f"{model.name} (tier {model.tier}), made {model.created[:10]}"),
                ("endpoint", f"{prediction.endpoint}: {model.endpoint_definition}"),
                ("organism", model.organism),
                ("a positive means" if not prediction.unit else "the value is", model.positive_means),
                ("training data", _training_data(model)),
                ("calibrated on", model.calibrated_on),
                ("digest", model.digest),
                ("program", model.program),
            ],
        ),
        ("Applicability domain", _domain_rows(record.applicability_domain)),
        ("Adequacy", [("judgement", record.adequacy.level), ("", record.adequacy.statement)]),
        ("Explanation", [*(("", sentence) for sentence in reasons.words), ("", alone)]),
        ("Date", [("", record.date)]),
    ]
    return [(heading, [(name, text) for name, text in rows if text]) for heading, rows in found]


def _training_data(model: UsedModel) -> str:
    if not model.training_molecules:
        return "not known"
    size = f"{model.training_molecules:,} molecules"
    if model.training_positives is not None:
        size += f", {model.training_positives:,} positive"
    return f"{model.dataset} ({size})" if model.dataset else size


def _domain_rows(domain: ApplicabilityDomain | None) -> list[tuple[str, str]]:
    if domain is None:
        return [("in the domain", "not known: the training molecules are not")]
    training = "no" if not domain.is_training_molecule else "yes, for other endpoints"
    if domain.measured_label is not None:
        training = f"yes: {domain.measured_label} in the training data"
    neighbour = f"similarity {domain.nearest_similarity:.2f}"
    if domain.nearest_label is not None:
        neighbour += f", {domain.nearest_label}"
    return [
        ("in the domain", "yes" if domain.in_domain else "no"),
        ("unknown substructures", f"{domain.unseen_fraction:.0%} (limit {domain.max_unseen_fraction:.0%})"),
        ("nearest labelled", neighbour),
        ("itself training data", training),
    ]


def as_text(record: PredictionRecord) -> str:
    """Plain text, one line a value."""
    lines = [record.model.endpoint_title, ""]
    for heading, rows in sections(record):
        lines.append(heading)
        lines += [f"  {name + ':':<24}{text}" if name else f"  {text}" for name, text in rows]
    return "\n".join(lines) + "\n"


def as_page(records: Sequence[tuple[PredictionRecord, str]]) -> str:
    """One self-contained HTML page of records and their drawings (SVG)."""
    body = "\n".join(
        f"<section><h2>{escape(record.model.endpoint_title)}</h2>\n{drawing}{_lists(record)}</section>"
        for record, drawing in records
    )
    title = escape(records[0][0].substance.parent_smiles) if records else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Predictions for {title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body><h1>Predictions, explained</h1>\n{body}\n</body></html>\n"
    )


def _lists(record: PredictionRecord) -> str:
    parts = []
    for heading, rows in sections(record):
        named = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows if name)
        free = "".join(f"<p>{escape(text)}</p>" for name, text in rows if not name)
        parts.append(f"<h3>{escape(heading)}</h3>" + (f"<dl>{named}</dl>" if named else "") + free)
    return "\n".join(parts)
