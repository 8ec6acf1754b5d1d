"""The dataset registry: where training data comes from, what it may be used for, how labels are read from it."""

import hashlib
import math
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

import pandas as pd
import pooch
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from rdkit import Chem

from molsieve.errors import MolsieveError
from molsieve.models.endpoints import Endpoint

MIRROR_VARIABLE = "MOLSIEVE_DATA_MIRROR"


class Section(BaseModel):
    """Part of the registry; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BinaryRule(Section):
    """A column of two kinds of values; cells that are empty were not measured."""

    kind: Literal["binary"]
    column: str
    positive: tuple[str, ...] = ("1", "1.0")
    negative: tuple[str, ...] = ("0", "0.0")


class DeviationRule(Section):
    """Positive when the value lies at least so many standard deviations from the mean of the whole column.

    Negative ``standard_deviations`` mean at or below ``mean + standard_deviations * sd``, positive ones at or above it.
    """

    kind: Literal["deviation"]
    column: str
    standard_deviations: float


class ThresholdRule(Section):
    """Positive when the value is at or below ``at_most``, or at or above ``at_least``."""

    kind: Literal["threshold"]
    column: str
    at_most: float | None = None
    at_least: float | None = None


class ValueRule(Section):
    """The number itself or its logarithm; regression."""

    kind: Literal["value"]
    column: str
    transform: Literal["none", "log10"] = "none"


LabelRule = Annotated[BinaryRule | DeviationRule | ThresholdRule | ValueRule, Field(discriminator="kind")]


class Label(Section):
    """How one endpoint is read from a data set."""

    endpoint: str
    rule: LabelRule
    keep: Literal["all", "negative", "positive"] = "all"
    """Which labels are used; the others say nothing about the endpoint as it is defined."""


class DataFile(Section):
    """One file of a data set."""

    path: str
    """Below the mirror, and below the download cache."""
    url: str = Field(pattern=r"^https?://")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Join(Section):
    """A second table about the same rows, e.g. labels kept apart from structures."""

    file: DataFile
    key: str
    """Column that names the rows in both tables; every row of either has exactly one counterpart."""


class PublishedSplit(Section):
    """The authors' own division of the rows, to compare with their figures; curation uses the labels of every part."""

    column: str
    parts: dict[str, str] = Field(min_length=2)
    """Cell that marks each part, e.g. ``{train: ws, test: ts}``; the part to train on comes first."""


class Auxiliary(Section):
    """Makes every column but the structure a binary task that helps to train the shared trunk, never predicted."""

    prefix: str = Field(pattern=r"^[a-z][a-z0-9_]*_$")
    """Beginning of the names of the tasks."""
    min_labels: int = 500
    min_positives: int = 50
    """Assays with fewer molecules, counted after aggregation, are dropped."""


class Dataset(Section):
    """A published table of measurements."""

    name: str
    title: str
    citation: str
    doi: str = Field(pattern=r"^10\.\d{4,}/\S+$")
    licence: str
    files: tuple[DataFile, ...] = Field(min_length=1)
    """Parts with the same columns, read one after the other."""
    format: Literal["table", "sdf"] = "table"
    """Delimited text with a header, or SD file: a row a record, its properties as columns."""
    separator: str = ","
    skip_rows: int = 0
    """Lines above the header."""
    structure_column: str
    """Column of the SMILES; for SD files the name under which the SMILES of the mol block appears."""
    joins: tuple[Join, ...] = ()
    labels: tuple[Label, ...] = ()
    auxiliary: Auxiliary | None = None
    """Stands in the place of ``labels``."""
    split: PublishedSplit | None = None
    notes: str = ""

    @model_validator(mode="after")
    def _labels_or_auxiliary(self) -> Self:
        if bool(self.labels) == (self.auxiliary is not None):
            msg = "a data set has either labels or auxiliary"
            raise ValueError(msg)
        return self

    def read(self, cache: Path) -> pd.DataFrame:
        """Table as text: empty cells are missing, nothing is interpreted; parts follow one another, then joins.

        Args:
            cache: Folder for downloads; unused when the mirror is set.

        Raises:
            MolsieveError: A file is missing, has another digest, lacks a column, or cannot be joined.

        """
        others = [self._read_text(locate(join.file, cache)) for join in self.joins]
        needed = {self.structure_column, *(label.rule.column for label in self.labels)}
        needed |= {join.key for join in self.joins} | ({self.split.column} if self.split else set())
        parts = []
        for file in self.files:
            path = locate(file, cache)
            part = _read_sdf(path, self.structure_column) if self.format == "sdf" else self._read_text(path)
            if missing := needed.difference(part.columns, *(other.columns for other in others)):
                raise MolsieveError(
                    f"Data set {self.name} has no column {', '.join(sorted(missing))}.",
                    where=file.path,
                    fix=f"Its columns are {', '.join(part.columns)}; correct config/datasets.yaml.",
                )
            parts.append(part)
        table = pd.concat(parts, ignore_index=True)
        for join, other in zip(self.joins, others, strict=True):
            table = _joined(table, other, join)
        return table

    def labels_in(self, table: pd.DataFrame) -> tuple[Label, ...]:
        """Labels to read from the table: those of the registry, or one an assay of an auxiliary data set."""
        if self.auxiliary is None:
            return self.labels
        names = {c: self.auxiliary.prefix + _snake_case(c) for c in table.columns if c != self.structure_column}
        if len(set(names.values())) < len(names):
            raise MolsieveError(f"Two columns of the auxiliary data set {self.name} differ only in case or signs.")
        return tuple(
            Label(endpoint=name, rule=BinaryRule(kind="binary", column=column)) for column, name in names.items()
        )

    def _read_text(self, path: Path) -> pd.DataFrame:
        return pd.read_csv(path, sep=self.separator, skiprows=self.skip_rows, dtype=str, encoding="utf-8-sig")


def _read_sdf(path: Path, structure_column: str) -> pd.DataFrame:
    """Properties and canonical SMILES of each record; a record RDKit cannot parse is a row of empty cells."""
    rows = []
    for mol in Chem.SDMolSupplier(str(path)):
        properties = {} if mol is None else {name: mol.GetProp(name) for name in mol.GetPropNames()}
        rows.append(properties | {structure_column: None if mol is None else Chem.MolToSmiles(mol)})
    return pd.DataFrame(rows)


def _joined(table: pd.DataFrame, other: pd.DataFrame, join: Join) -> pd.DataFrame:
    if not (table[join.key].is_unique and other[join.key].is_unique and set(table[join.key]) == set(other[join.key])):
        raise MolsieveError(
            f"The column {join.key} does not name the same rows, each once, as in the files of the data set.",
            where=join.file.path,
        )
    return table.merge(other, on=join.key)


def _snake_case(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


class Registry(Section):
    """All endpoints and all data sets."""

    endpoints: tuple[Endpoint, ...]
    datasets: tuple[Dataset, ...]

    def for_endpoint(self, name: str) -> tuple[Dataset, ...]:
        """Find the data sets with labels of an endpoint."""
        return tuple(d for d in self.datasets if any(label.endpoint == name for label in d.labels))


def load_registry(path: Path) -> Registry:
    """Read and check ``config/datasets.yaml``.

    Raises:
        MolsieveError: The file cannot be read, or a key is unknown, missing or impossible.

    """
    try:
        registry = Registry.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise MolsieveError(f"The dataset registry cannot be read: {error}", where=str(path)) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise MolsieveError(f"The dataset registry is wrong at {key}: {first['msg']}.", where=str(path)) from error
    _check_references(registry, path)
    return registry


def _check_references(registry: Registry, path: Path) -> None:
    """Refuse repeated names, labels of unknown endpoints, and rules that do not fit the task."""
    for what, names in (
        ("endpoint", [e.name for e in registry.endpoints]),
        ("data set", [d.name for d in registry.datasets]),
    ):
        if repeated := {name for name in names if names.count(name) > 1}:
            raise MolsieveError(f"The {what} {', '.join(sorted(repeated))} is declared twice.", where=str(path))
    endpoints = {e.name: e for e in registry.endpoints}
    for dataset in registry.datasets:
        for label in dataset.labels:
            if label.endpoint not in endpoints:
                raise MolsieveError(
                    f"Data set {dataset.name} has a label of the unknown endpoint {label.endpoint}.", where=str(path)
                )
            if endpoints[label.endpoint].is_regression != (label.rule.kind == "value"):
                raise MolsieveError(
                    f"The rule '{label.rule.kind}' of {dataset.name} does not fit the task of {label.endpoint}.",
                    where=str(path),
                    fix="Regression endpoints take the rule 'value', classification endpoints any other.",
                )
    if unlabelled := [name for name in endpoints if not registry.for_endpoint(name)]:
        raise MolsieveError(f"No data set has labels of {', '.join(unlabelled)}.", where=str(path))


def locate(file: DataFile, cache: Path) -> Path:
    """Path of a file whose digest has been checked: in the mirror when one is set, downloaded otherwise.

    Raises:
        MolsieveError: It is not there, cannot be downloaded, or is not the registered file.

    """
    mirror = os.environ.get(MIRROR_VARIABLE)
    if mirror:
        path = Path(mirror) / file.path
        if not path.is_file():
            raise MolsieveError("A data file is not in the mirror.", where=str(path), fix=f"Unset {MIRROR_VARIABLE}.")
    else:
        target = cache / file.path
        try:
            path = Path(pooch.retrieve(file.url, f"sha256:{file.sha256}", target.name, target.parent))
        except Exception as error:  # pooch raises the errors of whichever download library it chose
            raise MolsieveError(
                f"A data file could not be downloaded: {error}",
                where=file.url,
                fix=f"Put it at <folder>/{file.path} by hand and set {MIRROR_VARIABLE}=<folder>.",
            ) from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != file.sha256:
        raise MolsieveError(
            f"The file is not the registered one (sha256 {digest}, expected {file.sha256}).",
            where=str(path),
            fix="Get the registered version, or register this one if you know what changed.",
        )
    return path


def values(table: pd.DataFrame, rule: BinaryRule | DeviationRule | ThresholdRule | ValueRule) -> "pd.Series[float]":
    """Values of an endpoint: 0.0, 1.0 or a number; NaN where the cell is empty.

    Raises:
        MolsieveError: A cell holds something the rule does not know.

    """
    column = table[rule.column]
    if isinstance(rule, BinaryRule):
        mapping = dict.fromkeys(rule.negative, 0.0) | dict.fromkeys(rule.positive, 1.0)
        labels = column.map(mapping).astype(float)
        _refuse_unknown(column[column.notna() & labels.isna()], rule.column)
        return labels
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    _refuse_unknown(column[column.notna() & numbers.isna()], rule.column)
    if isinstance(rule, ValueRule):
        return numbers if rule.transform == "none" else _log10(numbers, rule.column)
    if isinstance(rule, DeviationRule):
        limit = numbers.mean() + rule.standard_deviations * numbers.std()
        hit = numbers <= limit if rule.standard_deviations < 0 else numbers >= limit
    else:
        low = -float("inf") if rule.at_least is None else rule.at_least
        high = float("inf") if rule.at_most is None else rule.at_most
        hit = numbers.between(low, high)
    return hit.astype(float).where(numbers.notna())


def _log10(numbers: "pd.Series[float]", column: str) -> "pd.Series[float]":
    if (numbers <= 0).any():
        raise MolsieveError(
            f"{(numbers <= 0).sum()} cells of column {column} are zero or negative and have no logarithm.",
            fix="Take 'transform: none' in config/datasets.yaml.",
        )
    return numbers.map(math.log10)


def published_split(dataset: Dataset, cache: Path) -> pd.DataFrame:
    """Rows of a data set in the parts its authors published.

    ``curation.published_parts`` gives the same for the molecules of the curated table.

    Returns:
        Columns ``structure`` (as in the file) and ``split`` (name of the part; ordered as in the registry).

    Raises:
        MolsieveError: The registry has no split of this data set, or a row belongs to no part of it.

    """
    if dataset.split is None:
        raise MolsieveError(f"The registry has no published split of {dataset.name}.")
    table = dataset.read(cache)
    part_of = {cell: part for part, cell in dataset.split.parts.items()}
    cells = table[dataset.split.column]
    split = cells.map(part_of)
    _refuse_unknown(cells[split.isna()], dataset.split.column)
    ordered = pd.Categorical(split, categories=list(dataset.split.parts), ordered=True)
    return pd.DataFrame({"structure": table[dataset.structure_column], "split": ordered})


def _refuse_unknown(cells: "pd.Series[str]", column: str) -> None:
    if len(cells):
        examples: Iterable[str] = sorted({repr(cell) for cell in cells})[:5]
        raise MolsieveError(
            f"{len(cells)} cells of column {column} are neither empty nor a known label: {', '.join(examples)}.",
            fix="Name the values in config/datasets.yaml (positive, negative, parts), or correct the rule.",
        )
