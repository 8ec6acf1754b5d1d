"""Somebody's own assay: a table of structures and labels to one label for each molecule, and an account of every row.

The rules are those of the training data (``curation``): the same standardisation, replicates averaged or, when binary
labels disagree, dropped; stereoisomers one molecule, positive when any of them is.

    data = read_labelled("plate7.csv", "SMILES", "active", None)
    for decision in data.decisions:
        print(decision.text)
    write_table(Path("plate7.rows.parquet"), data.rows, data.rows.schema)
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from molsieve.chemistry.standardise import DEFAULTS, StandardiseOptions
from molsieve.columns import arrow_schema
from molsieve.errors import MolsieveError
from molsieve.library.understanding import Understanding
from molsieve.models.endpoints import Endpoint
from molsieve.models.fingerprint_set import FoldedBits
from molsieve.training.curation import aggregate
from molsieve.training.identify import Given, Identity, identify
from molsieve.training.label_cells import Labels, Task, read_labels
from molsieve.training.labelled_columns import refuse_misplaced
from molsieve.training.labelled_file import LabelledCells, read_cells, understand_one
from molsieve.training.phrases import counted, listed_rows
from molsieve.training.row_account import (
    CONFLICT,
    NO_LABEL,
    REJECTED,
    REPLICATE,
    ROWS,
    USED,
    Decision,
    account,
    row_decisions,
    summary,
)
from molsieve.training.similar_pairs import folded

# With fewer molecules a model learns the noise, and no split leaves a test set that says anything.
LEAST_MOLECULES = 20

_LABEL = "label"
_SHOWN_ROWS = 5


@dataclass(frozen=True)
class LabelledData:
    """One label for each molecule of a labelled file, in the order of the first rows."""

    name: str
    """File name."""
    task: Task
    connectivity: NDArray[np.object_]
    """First block of the InChIKey, distinct, [molecules]."""
    parent_smiles: NDArray[np.object_]
    """Of its stereoisomers and tautomers the first in alphabetical order, [molecules]."""
    label: NDArray[np.float64]
    """0 and 1, or numbers in the user's unit, [molecules]."""
    first_row: NDArray[np.int64]
    """Row of the file the molecule first occurs in, from 1, [molecules]."""
    bits: FoldedBits
    """Folded Morgan fingerprints, one a molecule."""
    rows: pa.Table
    """What became of every input row (``ROWS``)."""
    decisions: tuple[Decision, ...]

    @property
    def molecules(self) -> int:
        """Number of molecules."""
        return len(self.label)


class MoleculeSplit(NamedTuple):
    """The user's split, by molecule."""

    part: NDArray[np.object_]
    """Name of the part of each molecule of the data, [molecules]."""
    decisions: tuple[Decision, ...]


def read_labelled(
    path: str | Path,
    smiles_column: str | None,
    label_column: str,
    task: Task | None,
    *,
    options: StandardiseOptions = DEFAULTS,
    workers: int = 1,
    split_column: str | None = None,
    least: int = LEAST_MOLECULES,
    active_means: str | None = None,
) -> LabelledData:
    """Read a labelled file of any format a library may have: CSV, TSV, SMILES, SDF or Parquet, also compressed.

    Args:
        path: File; options of the reader may follow as for libraries (``assay.txt::skip_rows=2``).
        smiles_column: Column with the structures; None to find it, and for SD files, whose structures are mol blocks.
        label_column: Column or SD data field with the labels.
        task: What the labels are; None to find out.
        options: Standardisation; models take molecules under the default options only.
        workers: Worker processes.
        split_column: Column that says which part of a split a row belongs to; see ``check_split``.
        least: Molecules that must be left.
        active_means: Which compounds are active, where an endpoint says so, for advice.

    Raises:
        MolsieveError: The file or a column is missing, labels are not understood, no structure is usable, too few
            molecules are left, or all have the same label.

    """
    file = understand_one(path, smiles_column)
    table = read_cells(file, label_column, split_column)
    where = file.where
    refuse_misplaced(file.structure_column, table, where)
    labels = read_labels(
        [None if error else text for text, error in zip(table.label_texts, table.errors, strict=True)],
        task,
        column=table.label_column,
        where=where,
        active_means=active_means,
    )
    given = (Given(s, file.structure_format, e) for s, e in zip(table.structures, table.errors, strict=True))
    identities = list(identify(given, options, workers=workers))
    rows = account(identities, labels)
    decisions = [*_reading_decisions(file, table, labels), *row_decisions(rows, labels.task)]
    usable = rows["status"].isin([USED, REPLICATE, CONFLICT])
    if not usable.any():
        raise _nothing_usable(rows, where)
    molecules = _molecules(rows, labels.task)
    data = LabelledData(
        name=file.file.name,
        task=labels.task,
        connectivity=molecules["connectivity"].to_numpy(dtype=object),
        parent_smiles=molecules["parent_smiles"].to_numpy(dtype=object),
        label=molecules["value"].to_numpy(np.float64),
        first_row=molecules["row"].to_numpy(np.int64),
        bits=_bits(identities, molecules["parent_smiles"]),
        rows=_rows_table(rows, table, molecules),
        decisions=(*decisions, summary(molecules, labels.task)),
    )
    _refuse_unlearnable(data, rows, least, where)
    return data


def check_split(
    data: LabelledData, values: Sequence[str | None] | None = None, *, repair: bool = False
) -> MoleculeSplit:
    """Part of a split each molecule belongs to, when no molecule is in two of them.

    Names that differ in capitals alone are one part, by the first spelling.

    Args:
        data: Labelled molecules.
        values: Part of each input row; None for the split column the data were read with.
        repair: Put a molecule that is in several parts into the largest of them only, instead of refusing it: a test
            set loses molecules that way, and never has one the training set knows.

    Raises:
        MolsieveError: Rows have no part, there is only one part, or molecules are in several.

    """
    parts = [str(v or "").strip() for v in (data.rows["split"].to_pylist() if values is None else values)]
    if len(parts) != data.rows.num_rows:
        raise ValueError(f"{len(parts)} values for {data.rows.num_rows} rows")
    spelling: dict[str, str] = {}
    parts = [spelling.setdefault(part.casefold(), part) for part in parts]
    frame = data.rows.select(["row", "molecule"]).to_pandas().assign(part=parts).dropna().astype({"molecule": int})
    if nameless := frame.loc[frame["part"] == "", "row"].tolist():
        raise MolsieveError(
            f"{counted(len(nameless), 'row')} without a part of the split: {listed_rows(nameless)}.",
            where=data.name,
            fix="Fill the split column in every row, or name another column.",
        )
    sizes = frame.groupby("part")["molecule"].nunique().sort_values(ascending=False, kind="stable")
    if len(sizes) == 1:
        raise MolsieveError(
            f"The split has one part only: every row says {sizes.index[0]!r}.",
            where=data.name,
            fix="Name a column with two or more different values, for example train and test.",
        )
    frame["size"] = frame["part"].map(sizes)
    # Of equally large parts the first in alphabetical order.
    home = frame.sort_values(["size", "part"], ascending=[False, True]).groupby("molecule")["part"].first()
    spread = frame.groupby("molecule")["part"].nunique()
    leaking = spread.index[spread > 1]
    counts = ", ".join(f"{part} {size:,}" for part, size in sizes.items())
    decisions = [Decision("split", len(sizes), f"The split has the parts {counts} (molecules).")]
    if len(leaking):
        shown = _leaks_shown(frame, leaking[:_SHOWN_ROWS], data)
        if not repair:
            raise MolsieveError(
                f"The split leaks: {len(leaking):,} of {data.molecules:,} molecules are in more than one part: "
                f"{shown}.",
                where=data.name,
                fix="Keep each molecule in one part (salts and stereoisomers are the same molecule), or let the "
                "largest part keep them (--repair-split).",
            )
        text = f"{len(leaking):,} molecules were in more than one part; the largest part keeps them: {shown}."
        decisions.append(Decision("split_repaired", len(leaking), text))
    return MoleculeSplit(home.reindex(range(data.molecules)).to_numpy(dtype=object), tuple(decisions))


def refuse_classes(data: LabelledData, endpoint: Endpoint, trained: NDArray[np.float64] | None = None) -> None:
    """Refuse labels that are 0 and 1 only where values are predicted.

    Args:
        data: Labelled molecules.
        endpoint: What they are compared with.
        trained: Its training labels, where they are known.

    Raises:
        MolsieveError: The labels are classes, and the endpoint's are not.

    """
    if not endpoint.is_regression or not _are_classes(data.label):
        return
    span = ""
    if trained is not None and len(trained):
        if _are_classes(trained):
            return
        span = f", trained on {trained.min():.4g} to {trained.max():.4g}"
    raise MolsieveError(
        f"The labels are 0 and 1 only, but {endpoint.name} predicts values ({endpoint.unit}{span}).",
        where=data.name,
        fix="Name the column with the measured values, or an endpoint of classes.",
    )


def _are_classes(labels: NDArray[np.float64]) -> bool:
    return bool(np.isin(labels, (0, 1)).all())


def _molecules(rows: pd.DataFrame, task: Task) -> pd.DataFrame:
    """One row a molecule, by first row: connectivity, parent_smiles, value, row."""
    measured = rows[rows["status"].isin([USED, REPLICATE, CONFLICT])]
    endpoint = Endpoint(
        name=_LABEL,
        task=task,
        family="activity",
        title=_LABEL,
        description="Labels of a file.",
        organism="",
        positive_means="",
        unit="value" if task == "regression" else None,
    )
    measured = measured.assign(endpoint=_LABEL, dataset=_LABEL)
    table, _ = aggregate(measured[["endpoint", "dataset", "parent_smiles", "connectivity", "value"]], [endpoint])
    first = rows[rows["status"] == USED].set_index("connectivity")["row"]
    table = table.rename(columns={_LABEL: "value"}).join(first, how="inner")
    return table.sort_values("row").rename_axis("connectivity").reset_index()


def _bits(identities: Sequence[Identity], parents: "pd.Series[str]") -> FoldedBits:
    bits_of = {identity.parent_smiles: identity.bits for identity in identities}
    return folded([bits_of[parent] for parent in parents])


def _rows_table(rows: pd.DataFrame, table: LabelledCells, molecules: pd.DataFrame) -> pa.Table:
    position = dict(zip(molecules["connectivity"], range(len(molecules)), strict=True))
    is_used = rows["status"].isin([USED, REPLICATE])
    schema = arrow_schema(ROWS)
    columns: dict[str, Any] = {
        "row": rows["row"].tolist(),
        "structure": rows["structure"].tolist(),
        "label_text": table.label_texts,
        "label": pa.array(rows["value"].to_numpy(), from_pandas=True),
        "split": table.splits or [None] * len(rows),
        "status": rows["status"].tolist(),
        "reason_code": [code or None for code in rows["reason_code"]],
        "reason": [reason or None for reason in rows["reason"]],
        "connectivity": [key or None for key in rows["connectivity"]],
        "molecule": [position[k] if used else None for k, used in zip(rows["connectivity"], is_used, strict=True)],
    }
    return pa.table(columns, schema=schema)


def _nothing_usable(rows: pd.DataFrame, where: str) -> MolsieveError:
    counts = Counter(rows["reason_code"].where(rows["status"] == REJECTED, NO_LABEL))
    told = ", ".join(f"{code} {count:,}" for code, count in counts.most_common())
    first = rows.iloc[0]
    return MolsieveError(
        f"None of the {len(rows):,} rows can be used: {told}. Row 1: {first['structure'][:60]!r}: {first['reason']}",
        where=where,
        fix="Check that the right columns were named; structures must be SMILES or mol blocks.",
    )


def _reading_decisions(file: Understanding, table: LabelledCells, labels: Labels) -> Iterator[Decision]:
    structures = "mol blocks" if file.structure_column is None else f"column {file.structure_column!r}"
    text = f"{len(table.structures):,} rows read: structures from {structures}, labels from {table.label_column!r}."
    yield Decision("read", len(table.structures), text)
    if labels.inferred:
        what = "classes" if labels.task == "classification" else "numbers"
        yield Decision("task", len(table.structures), f"The labels are {what}, so the task is {labels.task}.")
    if not labels.inferred and labels.task == "regression" and _are_classes(labels.values[~np.isnan(labels.values)]):
        text = "The labels are 0 and 1 only; they are taken as values, because the task is regression."
        yield Decision("classes_as_values", len(table.structures), text)
    if labels.task == "classification":
        positive, negative = ([repr(s) for s, v in labels.spellings.items() if v == value] for value in (1, 0))
        text = f"Positive (1): {', '.join(positive) or 'none'}; negative (0): {', '.join(negative) or 'none'}."
        yield Decision("mapping", len(labels.spellings), text)


def _refuse_unlearnable(data: LabelledData, rows: pd.DataFrame, least: int, where: str) -> None:
    if data.molecules < least:
        fates = Counter(rows["status"])
        told = ", ".join(
            f"{name.replace('_', ' ')} {fates[name]:,}"
            for name in (REPLICATE, CONFLICT, NO_LABEL, REJECTED)
            if fates[name]
        )
        raise MolsieveError(
            f"{counted(len(rows), 'row')} leave {counted(data.molecules, 'molecule')} with a label; at least {least} "
            f"are needed" + (f" (of the other rows: {told})." if told else "."),
            where=where,
            fix="Replicates of the same structure have both classes: keep the rows that are right."
            if fates[CONFLICT] > data.molecules
            else "Measure or collect more molecules; with so few no result could be believed.",
        )
    if len(np.unique(data.label)) == 1:
        only = data.label[0]
        what = ("active" if only else "inactive") if data.task == "classification" else f"{only:g}"
        raise MolsieveError(
            f"All {counted(data.molecules, 'molecule')} have the same label: {what}.",
            where=where,
            fix="Add molecules of the other class: what tells them apart cannot be learned or tested from one."
            if data.task == "classification"
            else "Check that the right label column was named.",
        )


def _leaks_shown(frame: pd.DataFrame, molecules: "pd.Index[Any]", data: LabelledData) -> str:
    shown = []
    for molecule in molecules:
        own = frame[frame["molecule"] == molecule].drop_duplicates("part")
        rows = " and ".join(f"row {row} ({part})" for row, part in zip(own["row"], own["part"], strict=True))
        shown.append(f"{data.parent_smiles[int(molecule)][:60]} in {rows}")
    return "; ".join(shown)
