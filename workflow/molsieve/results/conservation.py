"""Validation of a result set against the contract; nothing that fails here is ever published.

Every rule is checked from the files alone, so that a collaborator can check a copy. The tables are read part by part;
what is kept for the whole library is a few bytes a record.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molsieve import SCHEMA_VERSION
from molsieve.errors import MolsieveError
from molsieve.files import ROW_GROUP_ROWS
from molsieve.results.dictionary import type_name
from molsieve.results.provenance import sha256_of_file
from molsieve.results.schema import compounds_columns

CHECKSUMS = "checksums.sha256"
FILES = (
    "hits.parquet",
    "hits.csv",
    "hits.sdf",
    "hits.xlsx",
    "rejects.parquet",
    "controls.parquet",
    "decoys.parquet",
    "report.html",
    "schema.json",
    "DATA_DICTIONARY.md",
    "datapackage.json",
    "ro-crate-metadata.json",
    "run.json",
    CHECKSUMS,
)
SHARDED = ("compounds", "predictions", "scores")
METADATA = ("schema_version", "run_id", "workflow_version", "config_sha256", "models_sha256", "rdkit_version")

_OK, _DUPLICATE, _REJECTED = 0, 1, 2
_STATUSES = {"ok": _OK, "duplicate": _DUPLICATE, "rejected": _REJECTED}

Flags = NDArray[np.uint8]


class _Broken(Exception):  # noqa: N818 - an outcome of a check
    """A rule of the contract that a file breaks."""

    def __init__(self, what: str, where: Path) -> None:
        super().__init__(what)
        self.what = what
        self.where = where


@dataclass(frozen=True)
class ValidationReport:
    """What a valid result set holds."""

    run_id: str
    rows: int
    ok: int
    duplicates: int
    rejected: int
    hits: int
    controls: int
    files: int


def validate_result_set(folder: Path, *, with_checksums: bool = True) -> ValidationReport:
    """Check a result set against the contract.

    Args:
        folder: Folder of the result set.
        with_checksums: Whether every file is read once more for its checksum.

    Raises:
        MolsieveError: A rule is broken; the message names the rule, the file and what was found.

    """
    try:
        if not folder.is_dir():
            raise _Broken("there is no such folder", folder)
        files = _check_files(folder)
        if with_checksums:
            _check_checksums(folder, files)
        run = _read_json(folder / "run.json")
        declared = _read_json(folder / "schema.json")
        for name, table in declared["tables"].items():
            _check_table(folder, name, table, run)
        status = _check_compounds(folder, run)
        _check_exactly_ok(folder, "predictions", status)
        _check_exactly_ok(folder, "scores", status)
        _check_values(folder)
        _check_ranks(folder)
        _check_rejects(folder, status)
        hits = _check_hits(folder, status)
        _check_decoys(folder, status)
    except _Broken as broken:
        raise MolsieveError(
            f"the result set breaks its contract: {broken.what}",
            where=str(broken.where),
            fix="Nothing in it should be used. If the files were copied, copy them again; else run the screen again.",
        ) from None
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise MolsieveError(
            f"the result set cannot be read: {error}", where=str(folder), fix="Copy it again, or run the screen again."
        ) from error
    counts = np.bincount(status, minlength=3)
    return ValidationReport(
        run_id=run["run_id"],
        rows=len(status),
        ok=int(counts[_OK]),
        duplicates=int(counts[_DUPLICATE]),
        rejected=int(counts[_REJECTED]),
        hits=hits,
        controls=pq.read_metadata(folder / "controls.parquet").num_rows,
        files=len(files),
    )


def _check_files(folder: Path) -> list[str]:
    """Every file that has to be there, and nothing else; returned relative to the folder."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    missing += [f"{name}/part-*.parquet" for name in SHARDED if not parts(folder, name)]
    if missing:
        raise _Broken(f"missing: {', '.join(missing)}", folder)
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    expected = {*FILES, *(part.relative_to(folder).as_posix() for name in SHARDED for part in parts(folder, name))}
    unexpected = [name for name in found if name not in expected]
    if unexpected:
        raise _Broken(f"files that do not belong to it: {', '.join(unexpected[:5])}", folder)
    return found


def parts(folder: Path, table: str) -> list[Path]:
    """Parts of a table in order."""
    return sorted((folder / table).glob("part-*.parquet"))


def _check_checksums(folder: Path, files: list[str]) -> None:
    path = folder / CHECKSUMS
    stated: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        stated[name] = digest
    for name in files:
        if name == CHECKSUMS:
            continue
        if name not in stated:
            raise _Broken(f"{name} has no checksum", path)
        if sha256_of_file(folder / name) != stated[name]:
            raise _Broken("the checksum does not match: the file is damaged or was changed", folder / name)
    absent = sorted(stated.keys() - set(files))
    if absent:
        raise _Broken(f"files with a checksum are missing: {', '.join(absent[:5])}", path)


def _read_json(path: Path) -> dict[str, Any]:
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise _Broken("expected a JSON object", path)
    return value


def _check_table(folder: Path, name: str, declared: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    """One schema in all files of a table, the declared one; metadata, row groups and number of rows as promised."""
    files = sorted(folder.glob(declared["path"]))
    first: pa.Schema | None = None
    rows = 0
    for path in files:
        footer = pq.read_metadata(path)
        schema = pq.read_schema(path)
        rows += footer.num_rows
        _check_row_groups(path, footer)
        if first is None:
            first = schema
            _check_columns(path, schema, declared["columns"])
        elif not schema.equals(first, check_metadata=True):
            raise _Broken(f"its schema differs from that of {files[0].name}", path)
        metadata = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
        for key in METADATA:
            if metadata.get(key) != run.get(key):
                raise _Broken(f"metadata {key} is {metadata.get(key)!r}, run.json says {run.get(key)!r}", path)
    if rows != declared["rows"]:
        raise _Broken(f"{name} has {rows:,} rows, schema.json says {declared['rows']:,}", folder / "schema.json")


def _check_row_groups(path: Path, footer: pq.FileMetaData) -> None:
    sizes = [footer.row_group(number).num_rows for number in range(footer.num_row_groups)]
    if any(size != ROW_GROUP_ROWS for size in sizes[:-1]) or any(size > ROW_GROUP_ROWS for size in sizes):
        raise _Broken(f"row groups of {sizes[:5]} rows instead of {ROW_GROUP_ROWS:,}", path)


def _check_columns(path: Path, schema: pa.Schema, declared: list[dict[str, Any]]) -> None:
    found = [_describe(field) for field in schema]
    expected = [{key: value for key, value in column.items() if key != "dictionary"} for column in declared]
    for column, wanted in zip(found, expected, strict=False):
        if column != wanted:
            raise _Broken(f"column {column['name']!r} is not as declared in schema.json: {column} != {wanted}", path)
    if len(found) != len(expected):
        raise _Broken(f"{len(found)} columns, schema.json declares {len(expected)}", path)


def _describe(field: pa.Field) -> dict[str, Any]:
    metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    return {
        "name": field.name,
        "type": type_name(field.type),
        "nullable": field.nullable,
        "unit": metadata.get("unit"),
        "description": metadata.get("description"),
    }


def _check_compounds(folder: Path, run: Mapping[str, Any]) -> Flags:
    """Every record once and in order, each with a fate; the status of each is returned, one byte a record."""
    if run["schema_version"] == SCHEMA_VERSION:
        path = parts(folder, "compounds")[0]
        if pq.read_schema(path).names != [column.name for column in compounds_columns()]:
            raise _Broken(f"the columns are not those of schema version {SCHEMA_VERSION}", path)
    every = np.zeros(run["records"]["read"], dtype=np.uint8)
    expected = 0
    columns = ["record_id", "status", "reason_code", "duplicate_of", "parent_smiles"]
    for path, table in _parts(folder, "compounds", columns):
        record_ids = table["record_id"].to_numpy()
        if not np.array_equal(record_ids, np.arange(expected, expected + len(record_ids))):
            raise _Broken(f"record_ids are not consecutive from {expected} in input order", path)
        expected += len(record_ids)
        unknown = set(table["status"].cast(pa.string()).unique().to_pylist()) - _STATUSES.keys()
        if unknown:
            raise _Broken(f"unknown status {sorted(map(str, unknown))}", path)
        status = pc.index_in(table["status"].cast(pa.string()), pa.array(list(_STATUSES))).to_numpy().astype(np.uint8)
        _check_fates(path, table, status)
        if expected <= len(every):
            every[expected - len(record_ids) : expected] = status
            _check_originals(path, table, every)
    _check_counts(folder / "compounds", expected, every, run)
    return every


def _check_counts(path: Path, rows: int, status: Flags, run: Mapping[str, Any]) -> None:
    records = run["records"]
    if rows != records["read"]:
        raise _Broken(f"compounds has {rows:,} rows, {records['read']:,} records were read", path)
    stated = sum(file["rows"] for file in run["inputs"])
    if rows != stated:
        raise _Broken(f"compounds has {rows:,} rows, the input files have {stated:,}", path)
    for name, code in _STATUSES.items():
        counted = int(np.count_nonzero(status == code))
        if counted != records[name]:
            raise _Broken(f"{counted:,} compounds are {name}, run.json says {records[name]:,}", path)


def _check_fates(path: Path, table: pa.Table, status: Flags) -> None:
    if not np.array_equal(table["reason_code"].is_null().to_numpy(), status == _OK):
        raise _Broken("reason_code has to be null exactly where status is ok", path)
    if not np.array_equal(table["duplicate_of"].is_valid().to_numpy(), status == _DUPLICATE):
        raise _Broken("duplicate_of has to be filled exactly where status is duplicate", path)
    if np.any(table["parent_smiles"].is_null().to_numpy() & (status != _REJECTED)):
        raise _Broken("parent_smiles is null for a compound that was not rejected", path)


def _check_originals(path: Path, table: pa.Table, status_so_far: Flags) -> None:
    repeated = table.filter(table["duplicate_of"].is_valid())
    originals = repeated["duplicate_of"].to_numpy()
    if np.any(originals >= repeated["record_id"].to_numpy()) or np.any(originals < 0):
        raise _Broken("duplicate_of does not name an earlier record", path)
    if np.any(status_so_far[originals] != _OK):
        raise _Broken("duplicate_of names a record whose status is not ok", path)


def _check_exactly_ok(folder: Path, name: str, status: Flags) -> None:
    rows = first = 0
    for path, table in _parts(folder, name, ["record_id"]):
        record_ids = table["record_id"].to_numpy()
        if not len(record_ids):
            continue
        last = min(max(first, int(record_ids[-1]) + 1), len(status))
        if not np.array_equal(record_ids, first + np.flatnonzero(status[first:last] == _OK)):
            raise _Broken(f"{name} does not hold exactly the ok compounds, in input order", path)
        rows, first = rows + len(record_ids), last
    ok = int(np.count_nonzero(status == _OK))
    if rows != ok:
        raise _Broken(f"{name} has {rows:,} rows, but {ok:,} compounds are ok", folder / name)


def _check_values(folder: Path) -> None:
    """Probabilities of ok compounds are numbers from 0 to 1; what only tier refine predicts may be null elsewhere.

    A desirability may be missing where the compound cannot be a hit for that or another reason.
    """
    for predictions, scores in zip(parts(folder, "predictions"), parts(folder, "scores"), strict=True):
        tier = pq.read_table(predictions, columns=["tier"])["tier"].cast(pa.string())
        is_refined = pc.equal(tier, "refine").to_numpy()
        for path in (predictions, scores):
            for column in [c for c in pq.read_schema(path).names if c.endswith(("_prob", "_desirability"))]:
                values = pq.read_table(path, columns=[column])[column].to_numpy()
                missing = np.isnan(values)
                if column.endswith("_desirability"):
                    excluded = pq.read_table(path, columns=["excluded_by"])["excluded_by"].is_valid().to_numpy()
                    missing, values = missing & ~excluded, np.where(missing & excluded, 0.0, values)
                partly = missing[~is_refined].any() and not missing[~is_refined].all()
                partly = partly or (column == "profile_prob" and missing.any())
                if not np.all(missing | ((values >= 0) & (values <= 1))) or missing[is_refined].any() or partly:
                    raise _Broken(f"{column} holds values that are missing or not between 0 and 1", path)
        names = pq.read_schema(predictions).names
        of_refine = [name for name in names if name.endswith("_set") or name in {"nn_similarity", "nn_active"}]
        for column in of_refine:
            found = pq.read_table(predictions, columns=[column])[column].is_valid().to_numpy()
            if np.any(found & ~is_refined):
                raise _Broken(f"{column} is filled for compounds of tier triage", predictions)


def _check_ranks(folder: Path) -> None:
    """Every rank from 1 on stands for one score, a lower one than the rank before; 4 bytes a rank are kept."""
    rows = last = 0
    for path, table in _parts(folder, "scores", ["rank"]):
        bounds = pc.min_max(table["rank"])
        if table.num_rows and not bounds["min"].as_py() >= 1:
            raise _Broken("ranks are not dense from 1", path)
        rows, last = rows + table.num_rows, max(last, bounds["max"].as_py() or 0)
    if last > rows:
        raise _Broken("ranks are not dense from 1", folder / "scores")
    score_of = np.full(last, np.nan, dtype=np.float32)
    for path, table in _parts(folder, "scores", ["rank", "score"]):
        at, scores = table["rank"].to_numpy() - 1, table["score"].to_numpy()
        first = np.isnan(score_of[at])
        score_of[at[first]] = scores[first]
        if np.any(score_of[at] != scores):
            raise _Broken("ranks do not follow the scores", path)
    if np.isnan(score_of).any():
        raise _Broken("ranks are not dense from 1", folder / "scores")
    if np.any(score_of[1:] >= score_of[:-1]):
        raise _Broken("ranks do not follow the scores", folder / "scores")


def _check_rejects(folder: Path, status: Flags) -> None:
    path = folder / "rejects.parquet"
    rejects = pq.ParquetFile(path)
    batches = rejects.iter_batches(batch_size=ROW_GROUP_ROWS)
    pending = rejects.schema_arrow.empty_table()
    for part in parts(folder, "compounds"):
        table = pq.read_table(part)
        wanted = table.filter(pc.equal(table["status"].cast(pa.string()), "rejected"))
        while pending.num_rows < wanted.num_rows and (batch := next(batches, None)) is not None:
            pending = pa.concat_tables([pending, pa.table(batch)])
        if not _plain(pending.slice(0, wanted.num_rows)).equals(_plain(wanted)):
            raise _Broken(f"the rejects are not the rows of {part.name} whose status is rejected", path)
        pending = pending.slice(wanted.num_rows)
    if pending.num_rows or next(batches, None) is not None:
        raise _Broken(f"more rows than the {int(np.count_nonzero(status == _REJECTED)):,} rejected compounds", path)


def _plain(table: pa.Table) -> pa.Table:
    """Table without dictionaries, which may number equal values differently."""
    fields = [f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields)).replace_schema_metadata(None)


def _check_decoys(folder: Path, status: Flags) -> None:
    path = folder / "decoys.parquet"
    decoys = pq.read_table(path, columns=["record_id", "matched_to"])
    record_ids = decoys["record_id"].to_numpy()
    if len(np.unique(record_ids)) != len(record_ids):
        raise _Broken("a compound is a decoy twice", path)
    if np.any(record_ids < 0) or np.any(record_ids >= len(status)) or np.any(status[record_ids] != _OK):
        raise _Broken("a decoy is not among the ok compounds", path)
    controls = pq.read_table(folder / "controls.parquet", columns=["name", "kind"])
    actives = controls.filter(pc.equal(controls["kind"].cast(pa.string()), "active"))["name"]
    if not pc.all(
        pc.is_in(decoys["matched_to"].cast(pa.string()), value_set=actives.combine_chunks()), min_count=0
    ).as_py():
        raise _Broken("a decoy is matched to no active control", path)


def _check_hits(folder: Path, status: Flags) -> int:
    path = folder / "hits.parquet"
    hits = pq.read_table(path)
    if hits["hit"].to_pylist() != list(range(1, hits.num_rows + 1)):
        raise _Broken("hits are not numbered from 1", path)
    record_ids = hits["record_id"].to_numpy()
    if len(np.unique(record_ids)) != len(record_ids):
        raise _Broken("a compound is a hit twice", path)
    if np.any(record_ids < 0) or np.any(record_ids >= len(status)) or np.any(status[record_ids] != _OK):
        raise _Broken("a hit is not among the ok compounds", path)
    wanted = pa.array(np.sort(record_ids))
    found = 0
    ranks = dict(zip(record_ids.tolist(), hits["rank"].to_pylist(), strict=True))
    for _, table in _parts(folder, "scores", ["record_id", "rank", "excluded_by"]):
        seen = table.filter(pc.is_in(table["record_id"], value_set=wanted))
        found += seen.num_rows
        if seen["excluded_by"].null_count != seen.num_rows:
            raise _Broken("a hit is excluded in scores", path)
        if any(
            ranks[record] != rank
            for record, rank in zip(*(seen[n].to_pylist() for n in ("record_id", "rank")), strict=True)
        ):
            raise _Broken("the rank of a hit is not its rank in scores", path)
    if found != len(record_ids):
        raise _Broken("a hit has no scores", path)
    return int(hits.num_rows)


def _parts(folder: Path, name: str, columns: list[str]) -> Iterator[tuple[Path, pa.Table]]:
    for path in parts(folder, name):
        yield path, pq.read_table(path, columns=columns)
