"""From published tables to one sparse multi-task table of unique molecules.

Every structure is standardised by the function that also standardises libraries. Rows are aggregated twice:

1. Rows with the same parent structure are replicates. Numbers are averaged; binary labels that disagree are dropped.
2. Parents with the same connectivity (first block of the InChIKey) are stereoisomers, or tautomers that InChI unifies.
   The fingerprint sees no stereochemistry, so they become one molecule before anything is split: positive when any
   of them is positive, the mean for numbers. The first parent in alphabetical order stands for the molecule.

Auxiliary data sets go through the same steps into a table of their own. Its molecules that are also in the main table
have the same parent there, so the same features.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from molsieve.chemistry import descriptors, fingerprints, rdkit_log, standardise
from molsieve.chemistry.reasons import RejectedStructure
from molsieve.errors import MolsieveError
from molsieve.files import write_table, write_text
from molsieve.models.endpoints import Endpoint
from molsieve.training.datasets import Auxiliary, Dataset, Registry, published_split, values

_CHUNK = 2000


class Structure(NamedTuple):
    """What curation needs to know of one input structure; ``reason`` is set when it was rejected."""

    parent_smiles: str
    connectivity: str
    reason: str


@dataclass
class DatasetReport:
    """What became of the rows of one data set."""

    rows: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    """Rows whose structure was rejected, by reason code."""
    left_out: int = 0
    """Labels that the registry says not to use."""
    labels: int = 0
    """Labels used, replicates included."""


@dataclass
class EndpointReport:
    """What became of the labels of one endpoint, over all its data sets."""

    labels: int = 0
    replicates: int = 0
    """Labels beyond the first of the same parent."""
    conflicts: int = 0
    """Parents dropped because their binary labels disagree."""
    stereoisomers: int = 0
    """Parents beyond the first of the same connectivity."""
    mixed: int = 0
    """Molecules whose stereoisomers have different binary labels; they count as positive."""
    n: int = 0
    n_positive: int = 0


@dataclass
class AuxiliaryReport:
    """What became of the auxiliary tasks; their names and labels are in their table."""

    molecules: int
    tasks: int
    labels: int
    """Molecules with a label, summed over the tasks."""
    positives: int
    conflicts: int
    dropped: list[str]
    """Assays with too few labels or positives for their data set's limits."""
    table_digest: str


@dataclass
class CurationReport:
    """What curation did; stored beside the table and in the model."""

    molecules: int
    datasets: dict[str, DatasetReport]
    endpoints: dict[str, EndpointReport]
    standardise_digest: str
    table_digest: str
    auxiliary: AuxiliaryReport | None = None


def curate(
    registry: Registry,
    table: Path,
    report: Path,
    *,
    options: standardise.StandardiseOptions,
    cache: Path,
    workers: int,
    auxiliary: Path | None = None,
) -> CurationReport:
    """Read all data sets and write the multi-task table, the auxiliary table and the report.

    Args:
        registry: Endpoints and data sets.
        table: Parquet file to write; one row a molecule, sorted by connectivity, see ``table_schema``.
        report: JSON file to write.
        options: Standardisation, the same as at screening.
        cache: Folder for downloads.
        workers: Processes that standardise.
        auxiliary: Parquet file to write for the auxiliary tasks, same columns with tasks in the place of endpoints;
            without it the auxiliary data sets are not read.

    Raises:
        MolsieveError: A data set cannot be read, or an auxiliary table is wanted and there are no tasks for it.

    """
    main = [d for d in registry.datasets if d.auxiliary is None]
    extra = [d for d in registry.datasets if d.auxiliary is not None and auxiliary is not None]
    if auxiliary is not None and not extra:
        raise MolsieveError("The dataset registry has no auxiliary data set.", fix="Curate without an auxiliary table.")
    datasets = main + extra
    tables = {dataset.name: dataset.read(cache) for dataset in datasets}
    texts = sorted({s for d in datasets for s in tables[d.name][d.structure_column].dropna()})
    structures = dict(zip(texts, _structures(texts, options, workers), strict=True))
    measurements, dataset_reports = collect(main, tables, structures)
    molecules, endpoint_reports = aggregate(measurements, registry.endpoints)
    featurised = _featurise(molecules, registry.endpoints)
    write_table(table, featurised, featurised.schema)
    summary = CurationReport(
        molecules=featurised.num_rows,
        datasets=dataset_reports,
        endpoints=endpoint_reports,
        standardise_digest=standardise.digest(options),
        table_digest=table_digest(featurised, registry.endpoints),
    )
    if auxiliary is not None:
        trunk, reports, summary.auxiliary = _curate_auxiliary(extra, tables, structures, molecules["parent_smiles"])
        summary.datasets |= reports
        write_table(auxiliary, trunk, trunk.schema)
    write_text(report, json.dumps(asdict(summary), indent=1) + "\n")
    return summary


def _curate_auxiliary(
    datasets: Sequence[Dataset],
    tables: dict[str, pd.DataFrame],
    structures: dict[str, Structure],
    parents: "pd.Series[str]",
) -> tuple[pa.Table, dict[str, DatasetReport], AuxiliaryReport]:
    """Aggregate and featurise the auxiliary tasks; ``parents`` are those of the main table, by connectivity."""
    measurements, dataset_reports = collect(datasets, tables, structures)
    tasks = [_task(label.endpoint, d) for d in datasets for label in d.labels_in(tables[d.name])]
    molecules, reports = aggregate(measurements, tasks)
    limits = {d.name: d.auxiliary for d in datasets if d.auxiliary is not None}
    kept = [task for task in tasks if _enough(reports[task.name], limits[task.dataset])]
    if not kept:
        raise MolsieveError("No auxiliary task has enough labels.", fix="Curate without an auxiliary table.")
    names = [task.name for task in kept]
    molecules = molecules.loc[molecules[names].notna().any(axis=1), ["parent_smiles", *names]]
    molecules["parent_smiles"] = parents.reindex(molecules.index).fillna(molecules["parent_smiles"])
    featurised = _featurise(molecules, kept)
    report = AuxiliaryReport(
        molecules=featurised.num_rows,
        tasks=len(kept),
        labels=sum(reports[name].n for name in names),
        positives=sum(reports[name].n_positive for name in names),
        conflicts=sum(reports[name].conflicts for name in names),
        dropped=[task.name for task in tasks if task.name not in set(names)],
        table_digest=table_digest(featurised, kept),
    )
    return featurised, dataset_reports, report


def _enough(report: EndpointReport, limits: Auxiliary) -> bool:
    return report.n >= limits.min_labels and report.n_positive >= limits.min_positives


def _task(name: str, dataset: Dataset) -> Endpoint:
    """An auxiliary task as an endpoint, which aggregation and the table schema understand."""
    return Endpoint(
        name=name,
        task="classification",
        family="toxicity",
        title=name,
        description=f"Assay of {dataset.title}.",
        organism="see the data set",
        positive_means="active",
        dataset=dataset.name,
    )


def collect(
    datasets: Sequence[Dataset], tables: dict[str, pd.DataFrame], structures: dict[str, Structure]
) -> tuple[pd.DataFrame, dict[str, DatasetReport]]:
    """All labels as a long table: endpoint, dataset, parent_smiles, connectivity, value."""
    parts, reports = [], {}
    for dataset in datasets:
        table = tables[dataset.name]
        found = [structures.get(text, Structure("", "", "empty_structure")) for text in table[dataset.structure_column]]
        reasons = [s.reason for s in found]
        report = DatasetReport(rows=len(table), rejected=dict(Counter(r for r in reasons if r)))
        accepted = np.array([not r for r in reasons], dtype=bool)
        for label in dataset.labels_in(table):
            value = values(table, label.rule)
            usable = accepted & value.notna().to_numpy()
            if label.keep != "all":
                wanted = usable & (value == (1.0 if label.keep == "positive" else 0.0)).to_numpy()
                report.left_out += int((usable & ~wanted).sum())
                usable = wanted
            report.labels += int(usable.sum())
            rows = np.flatnonzero(usable)
            parts.append(
                pd.DataFrame(
                    {
                        "endpoint": label.endpoint,
                        "dataset": dataset.name,
                        "parent_smiles": [found[i].parent_smiles for i in rows],
                        "connectivity": [found[i].connectivity for i in rows],
                        "value": value.to_numpy()[rows],
                    }
                )
            )
        reports[dataset.name] = report
    return pd.concat(parts, ignore_index=True), reports


def aggregate(
    measurements: pd.DataFrame, endpoints: Sequence[Endpoint]
) -> tuple[pd.DataFrame, dict[str, EndpointReport]]:
    """One row a connectivity, one column an endpoint (NaN: not measured), and ``parent_smiles``.

    The rows are sorted by connectivity, so the order of the input does not matter.
    """
    keys = measurements.groupby("connectivity")["parent_smiles"].min().sort_index()
    columns, reports = {}, {}
    parts = dict(iter(measurements.groupby("endpoint")))
    for endpoint in endpoints:
        part = parts.get(endpoint.name, measurements.iloc[:0])
        parents = part.groupby(["connectivity", "parent_smiles"])["value"].agg(["mean", "min", "max", "size"])
        agree = parents if endpoint.is_regression else parents[parents["min"] == parents["max"]]
        molecules = agree.groupby(level="connectivity")["mean"].agg(["mean", "min", "max", "size"])
        value = molecules["mean"] if endpoint.is_regression else molecules["max"]
        columns[endpoint.name] = value.reindex(keys.index)
        reports[endpoint.name] = EndpointReport(
            labels=len(part),
            replicates=len(part) - len(parents),
            conflicts=len(parents) - len(agree),
            stereoisomers=len(agree) - len(molecules),
            mixed=0 if endpoint.is_regression else int((molecules["min"] != molecules["max"]).sum()),
            n=len(molecules),
            n_positive=0 if endpoint.is_regression else int((value == 1.0).sum()),
        )
    table = pd.DataFrame({"parent_smiles": keys} | columns)
    return table[table[[e.name for e in endpoints]].notna().any(axis=1)], reports


def published_parts(dataset: Dataset, cache: Path, options: standardise.StandardiseOptions) -> "pd.Series[str]":
    """Part of the published split of each molecule: name of the part, indexed by connectivity.

    A molecule with rows in several parts belongs to the first part of the registry, the one to train on, so no
    molecule is tested that was seen in training. Rejected structures are left out.
    """
    rows = published_split(dataset, cache).dropna()
    rows["connectivity"] = [s.connectivity for s in structures_of(list(rows["structure"]), options)]
    first = rows[rows["connectivity"] != ""].sort_values("split", kind="stable").drop_duplicates("connectivity")
    return first.set_index("connectivity")["split"].astype(str).sort_index()


def table_schema(endpoints: Sequence[Endpoint]) -> pa.Schema:
    """Arrow schema of the multi-task table."""
    return pa.schema(
        [
            pa.field("connectivity", pa.string(), nullable=False),
            pa.field("parent_smiles", pa.string(), nullable=False),
            pa.field("scaffold", pa.string(), nullable=False),
            pa.field("morgan_ids", pa.list_(pa.uint32())),
            pa.field("morgan_counts", pa.list_(pa.uint8())),
            *(pa.field(column.name, column.type) for column in descriptors.DESCRIPTORS),
            *(pa.field(endpoint.name, pa.float32()) for endpoint in endpoints),
        ]
    )


def table_digest(table: pa.Table, endpoints: Sequence[Endpoint]) -> str:
    """Digest of molecules and labels, whatever the order of the rows."""
    frame = table.select(["connectivity", *(e.name for e in endpoints)]).to_pandas().sort_values("connectivity")
    digest = hashlib.sha256("\n".join([e.name for e in endpoints]).encode())
    digest.update("\n".join(frame.pop("connectivity")).encode())
    digest.update(np.nan_to_num(frame.to_numpy(np.float32), nan=-99.0).astype("<f4").tobytes())
    return digest.hexdigest()[:16]


def scaffold_of(mol: Chem.Mol) -> str:
    """Canonical SMILES of the Murcko scaffold without stereochemistry; empty for acyclic molecules."""
    scaffold = MurckoScaffold.GetScaffoldForMol(mol)  # type: ignore[no-untyped-call]
    return str(Chem.MolToSmiles(scaffold, isomericSmiles=False))


def _featurise(molecules: pd.DataFrame, endpoints: Sequence[Endpoint]) -> pa.Table:
    """Add scaffold, fingerprint and descriptors of the parent."""
    scaffolds, ids, counts, properties = [], [], [], []
    for smiles in molecules["parent_smiles"]:
        mol = Chem.MolFromSmiles(smiles)
        scaffolds.append(scaffold_of(mol))
        bits, times = fingerprints.sparse_morgan(mol)
        ids.append(bits)
        counts.append(times)
        properties.append(descriptors.describe(mol))
    described = zip(*properties, strict=True)
    columns = {
        "connectivity": list(molecules.index),
        "parent_smiles": list(molecules["parent_smiles"]),
        "scaffold": scaffolds,
        "morgan_ids": ids,
        "morgan_counts": counts,
    }
    columns |= {column.name: list(value) for column, value in zip(descriptors.DESCRIPTORS, described, strict=True)}
    columns |= {e.name: pa.array(molecules[e.name].to_numpy(np.float32), from_pandas=True) for e in endpoints}
    return pa.table(columns, schema=table_schema(endpoints))


def _structures(texts: list[str], options: standardise.StandardiseOptions, workers: int) -> list[Structure]:
    chunks = [texts[i : i + _CHUNK] for i in range(0, len(texts), _CHUNK)]
    with ProcessPoolExecutor(workers, initializer=rdkit_log.capture) as pool:
        return [s for part in pool.map(structures_of, chunks, [options] * len(chunks)) for s in part]


def structures_of(texts: list[str], options: standardise.StandardiseOptions) -> list[Structure]:
    """Parent and connectivity of each structure, or why there is none."""
    found = []
    for text in texts:
        try:
            parent = standardise.standardise_smiles(text, options)
        except RejectedStructure as rejection:
            found.append(Structure("", "", rejection.reason_code))
            continue
        key = Chem.MolToInchiKey(parent.parent)  # type: ignore[no-untyped-call]
        found.append(Structure(parent.parent_smiles, key[:14], "" if key else "no_inchikey"))
    return found


def read_table(path: Path, endpoints: Sequence[Endpoint]) -> pa.Table:
    """Multi-task table written by ``curate``.

    Raises:
        MolsieveError: It is missing or was made for other endpoints.

    """
    table = _read_parquet(path)
    if table.schema.names != table_schema(endpoints).names:
        raise MolsieveError(
            "The curated table was made for other endpoints.", where=str(path), fix="Run 'molsieve training curate'."
        )
    return table


def read_auxiliary(path: Path) -> tuple[pa.Table, tuple[str, ...]]:
    """Auxiliary table written by ``curate``, and the names of its tasks: the columns after the features.

    Raises:
        MolsieveError: It is missing or is no such table.

    """
    table = _read_parquet(path)
    features = table_schema(()).names
    if table.schema.names[: len(features)] != features:
        raise MolsieveError(
            "This is no table of auxiliary tasks.", where=str(path), fix="Run 'molsieve training curate'."
        )
    return table, tuple(table.schema.names[len(features) :])


def _read_parquet(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except OSError as error:
        raise MolsieveError(f"The curated table cannot be read: {error}", where=str(path)) from error
