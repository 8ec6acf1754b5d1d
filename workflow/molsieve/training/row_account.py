"""What became of every row of a labelled file, and what was decided about them, in sentences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from molsieve.columns import LOW_CARDINALITY, Column
from molsieve.training.identify import Identity, explain
from molsieve.training.label_cells import Labels, Task
from molsieve.training.phrases import counted, listed_rows

USED, REPLICATE, CONFLICT, NO_LABEL, REJECTED = "used", "replicate", "conflict", "no_label", "rejected"

ROWS: tuple[Column, ...] = (
    Column("row", pa.int64(), "Data row of the table or record of the SD file, from 1", nullable=False),
    Column("structure", pa.string(), "The structure as given; for an SD record its canonical SMILES as read"),
    Column("label_text", pa.string(), "The label as given"),
    Column("label", pa.float64(), "The label as understood; null when nothing was measured"),
    Column("split", pa.string(), "Part of the user's split; null when no split column was named"),
    Column(
        "status",
        LOW_CARDINALITY,
        "used: the first row of a molecule; replicate: a further one, its label counts as well; conflict: left out, "
        "rows of this structure have both classes; no_label: nothing was measured; rejected: no usable structure",
        nullable=False,
    ),
    Column("reason_code", LOW_CARDINALITY, "Why the structure was rejected; null otherwise"),
    Column("reason", pa.string(), "Why the row was not used as it stands; null when it was"),
    Column("connectivity", pa.string(), "First block of the parent's InChIKey; null when rejected"),
    Column("molecule", pa.int64(), "Position of the molecule in the arrays of the data, from 0; null when not used"),
)


ANSWERS_IN_BASE = "answers_in_base"
"""Code of the decision about an own model whose base had learned nearly the same labels."""


@dataclass(frozen=True)
class Decision:
    """Something that was decided about the data, for the user to agree with or not."""

    code: str
    count: int
    """Rows or molecules it concerns."""
    text: str


def account(identities: Sequence[Identity], labels: Labels) -> pd.DataFrame:
    """Table of all rows: what each is, its label, and what becomes of it.

    Args:
        identities: What the structure of each row is, [rows].
        labels: The labels, [rows].

    """
    rows = pd.DataFrame(
        {
            "row": np.arange(1, len(identities) + 1),
            "structure": [i.as_read for i in identities],
            "parent_smiles": [i.parent_smiles for i in identities],
            "connectivity": [i.connectivity for i in identities],
            "reason_code": [i.reason_code for i in identities],
            "detail": [i.detail for i in identities],
            "value": labels.values,
        }
    )
    rows["status"] = USED
    rows["reason"] = ""
    rejected, unlabelled = rows["reason_code"] != "", rows["value"].isna()
    rows.loc[unlabelled, ["status", "reason"]] = NO_LABEL, "The label is empty."
    rows.loc[rejected, "status"] = REJECTED
    sentences = [f"{explain(c)} {d}".strip() for c, d in rows.loc[rejected, ["reason_code", "detail"]].to_numpy()]
    rows.loc[rejected, "reason"] = sentences
    usable = rows[rows["status"] == USED]
    if labels.task == "classification":
        by_parent = usable.groupby("parent_smiles")
        clash = by_parent["value"].transform("min") != by_parent["value"].transform("max")
        for _, same in usable[clash].groupby("parent_smiles"):
            text = f"Rows of this structure have both classes: {listed_rows(same['row'].tolist())}."
            rows.loc[same.index, ["status", "reason"]] = CONFLICT, text
        usable = usable[~clash]
    first = usable.groupby("connectivity")["row"].transform("first")
    further = usable[usable["row"] != first]
    rows.loc[further.index, "status"] = REPLICATE
    parent_of = dict(zip(usable["row"], usable["parent_smiles"], strict=True))
    rows.loc[further.index, "reason"] = [
        f"The same {'structure' if parent == parent_of[row] else 'molecule, drawn otherwise,'} as row {row}."
        for row, parent in zip(first[further.index], further["parent_smiles"], strict=True)
    ]
    return rows


def row_decisions(rows: pd.DataFrame, task: Task) -> Iterator[Decision]:
    """What was decided about the rows of ``account``, one sentence a kind."""
    for code, same in rows[rows["status"] == REJECTED].groupby("reason_code"):
        text = (
            f"{counted(len(same), 'row')} rejected, {code}: {listed_rows(same['row'].tolist())}. {explain(str(code))}"
        )
        yield Decision(f"rejected_{code}", len(same), text)
    if unlabelled := rows.loc[rows["status"] == NO_LABEL, "row"].tolist():
        yield Decision(
            "no_label",
            len(unlabelled),
            f"{counted(len(unlabelled), 'row')} without a label: {listed_rows(unlabelled)}.",
        )
    conflicts = rows[rows["status"] == CONFLICT]
    if len(conflicts):
        n = conflicts["parent_smiles"].nunique()
        shown = listed_rows(conflicts["row"].tolist())
        text = (
            f"{counted(n, 'structure')} dropped: replicate labels disagree ({counted(len(conflicts), 'row')}: {shown})."
        )
        yield Decision("conflict", n, text)
    used = rows[rows["status"].isin([USED, REPLICATE])]
    parents = used.groupby("parent_smiles")["value"].agg(["min", "max", "size"])
    repeated = parents[parents["size"] > 1]
    if len(repeated):
        text = f"{counted(len(repeated), 'structure')} measured more than once, {int(repeated['size'].sum()):,} rows: "
        text += "the labels agree and count once." if task == "classification" else f"averaged; {_spread(repeated)}."
        yield Decision("replicates", len(repeated), text)
    by_parent = used.groupby(["connectivity", "parent_smiles"])["value"].mean().groupby(level="connectivity")
    isomers = by_parent.agg(["min", "max", "size"])
    isomers = isomers[isomers["size"] > 1]
    if len(isomers):
        text = f"{counted(len(isomers), 'molecule')} drawn in several forms (stereoisomers, tautomers) and taken as one"
        yield Decision(
            "isomers", len(isomers), text + ("." if task == "classification" else f", averaged; {_spread(isomers)}.")
        )
    mixed = isomers[isomers["min"] != isomers["max"]]
    if task == "classification" and len(mixed):
        shown = listed_rows(used[used["connectivity"].isin(mixed.index)]["row"].tolist())
        text = f"{counted(len(mixed), 'molecule')} with stereoisomers that disagree count as positive: {shown}."
        yield Decision("mixed", len(mixed), text)


def _spread(repeated: pd.DataFrame) -> str:
    spread = repeated["max"] - repeated["min"]
    return f"the labels of one differ by {spread.median():.3g} (median), at most {spread.max():.3g}"


def summary(molecules: pd.DataFrame, task: Task) -> Decision:
    """How many molecules there are, and how their labels (column ``value``) are distributed."""
    value = molecules["value"]
    text = f"{counted(len(value), 'molecule')} with a label"
    if task == "classification":
        text += f": {int((value == 1).sum()):,} positive, {int((value == 0).sum()):,} negative."
    elif len(value):
        text += f": {value.min():.4g} to {value.max():.4g}, median {value.median():.4g}."
    return Decision("molecules", len(value), text)
