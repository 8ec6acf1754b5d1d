"""The last stage: everything a run found becomes a result set, whole or not at all."""

import errno
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from molsieve.errors import MolsieveError
from molsieve.files import TableWriter, write_table, write_text
from molsieve.results.assemble import Lookup, WorkFolder, compounds_part, conformed, predictions_part
from molsieve.results.conservation import CHECKSUMS, FILES, ValidationReport, validate_result_set
from molsieve.results.dictionary import data_dictionary, schema_json
from molsieve.results.exports import write_csv, write_sdf, write_xlsx
from molsieve.results.facts import RunFacts
from molsieve.results.inchikeys import inchikey
from molsieve.results.packages import checksums, datapackage_json, ro_crate_json, run_json
from molsieve.results.provenance import environment, git_commit, versions
from molsieve.results.report import report as render_report
from molsieve.results.run_funnel import funnel_facts, run_funnel
from molsieve.results.stages import read_stages
from molsieve.scoring.judgement import Judgement

__all__ = ["PublishReport", "ValidationReport", "publish", "validate_result_set"]

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
_DAY_S = 86_400


@dataclass(frozen=True)
class PublishReport:
    """What was published."""

    run_id: str
    rows: int
    ok: int
    duplicates: int
    rejected: int
    hits: int
    files: int
    size_bytes: int
    seconds: float


def publish(
    work: Path, results: Path, *, facts: RunFacts, report: Path | None = None, inchikey_limit: int = 50_000
) -> PublishReport:
    """Publish a run: assemble its result set, validate it against the contract, and rename it into place.

    The set is built in a hidden folder beside ``results``, in one pass over the shards with memory bounded by a shard.
    A reader sees the old set or the new one; when anything fails, the old one stays and nothing else is left behind.

    Args:
        work: Work folder of the run.
        results: Folder of the result set, e.g. ``results/demo``; an older set there is replaced.
        facts: Facts of the run.
        report: The rendered report; ``report.html`` in the work folder when not given. One that was rendered for
            another ``run_id`` is rendered again.
        inchikey_limit: Libraries of up to this many records get an InChIKey for every ok compound.

    Raises:
        MolsieveError: An input is missing, the contract is broken, the disk is full or may not be written.

    """
    begun = time.monotonic()
    results = results.absolute()
    folder = WorkFolder(work)
    _check_inputs(folder)
    with _explained(results):
        results.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(results)
        temporary = results.with_name(f".{results.name}.{os.getpid()}.tmp")
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            rows, counts = _write_tables(folder, temporary, facts, inchikey_limit)
            _write_hits_and_controls(folder, temporary, facts, rows)
            _write_report(report or work / "report.html", work, temporary / "report.html", facts)
            _write_descriptions(temporary, facts, rows, counts, folder)
            validated = validate_result_set(temporary)
            size = sum(path.stat().st_size for path in temporary.rglob("*") if path.is_file())
            _swap_in(temporary, results)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return PublishReport(
        run_id=validated.run_id,
        rows=validated.rows,
        ok=validated.ok,
        duplicates=validated.duplicates,
        rejected=validated.rejected,
        hits=validated.hits,
        files=validated.files,
        size_bytes=size,
        seconds=time.monotonic() - begun,
    )


def _check_inputs(work: WorkFolder) -> None:
    shards = [path(shard) for shard in work.shards for path in (work.prepared, work.triage, work.scores)]
    missing = [
        path for path in (work.duplicates, work.shortlist, work.hits, work.passed_over, *shards) if not path.is_file()
    ]
    missing += [] if any(work.refined.glob("*.parquet")) else [work.refined]
    if missing:
        raise MolsieveError(
            f"{len(missing)} input{'s' if len(missing) > 1 else ''} of publishing missing; nothing was published",
            where=", ".join(str(path) for path in missing[:3]),
            fix="Run the workflow again: it redoes what is missing.",
        )


@contextmanager
def _explained(results: Path) -> Iterator[None]:
    """Say in a chemist's words what the system refused."""
    try:
        yield
    except OSError as error:
        where = str(error.filename or results)
        if error.errno in _NO_SPACE:
            raise MolsieveError(
                "the disk is full; nothing was published",
                where=str(results.parent),
                fix="Make room there or choose another results.folder, and run again: only publishing is redone.",
            ) from error
        if error.errno in _NOT_ALLOWED:
            raise MolsieveError(
                "no permission to write; nothing was published",
                where=where,
                fix="Choose a folder of your own with results.folder, or ask its owner.",
            ) from error
        raise MolsieveError(f"publishing failed: {error}; nothing was published", where=where) from error


def _remove_leftovers(results: Path) -> None:
    """Remove what a killed publication left behind; a running one is younger than a day."""
    for path in results.parent.glob(f".{results.name}.*"):
        if path.suffix in {".tmp", ".old"} and time.time() - path.stat().st_mtime > _DAY_S:
            shutil.rmtree(path, ignore_errors=True)


def _swap_in(temporary: Path, results: Path) -> None:
    old = results.with_name(f".{results.name}.{os.getpid()}.old")
    if not results.exists():
        temporary.rename(results)
        return
    results.rename(old)
    try:
        temporary.rename(results)
    except OSError:
        old.rename(results)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write_tables(
    work: WorkFolder, out: Path, facts: RunFacts, inchikey_limit: int
) -> tuple[dict[str, int], dict[str, Any]]:
    """Write the sharded tables and the rejects; returns rows of each table and the counts of statuses and reasons."""
    metadata = facts.file_metadata
    tables = facts.tables
    schemas = {name: table.schema(metadata) for name, table in tables.items()}
    duplicates = Lookup.read(work.duplicates, "duplicate_of")
    hits = pq.read_table(work.hits, columns=["record_id", "parent_smiles", "inchikey"])
    hit_keys = dict(zip(hits["record_id"].to_pylist(), _filled_keys(hits), strict=True))
    rows = dict.fromkeys(("compounds", "predictions", "scores", "rejects"), 0)
    status: dict[str, int] = dict.fromkeys(("ok", "duplicate", "rejected"), 0)
    reasons: dict[str, int] = {}
    all_keys = facts.records_read <= inchikey_limit
    with TableWriter(out / "rejects.parquet", schemas["rejects"]) as rejects:
        for number, shard in enumerate(work.shards):
            part = f"part-{number:05d}.parquet"
            compounds = compounds_part(work, shard, duplicates, hit_keys, all_keys=all_keys)
            write_table(out / "compounds" / part, compounds, schemas["compounds"])
            rejected = compounds.filter(pc.equal(compounds["status"].cast(pa.string()), "rejected"))
            rejects.write(rejected)
            predictions = predictions_part(work, shard, tables["predictions"].columns)
            write_table(out / "predictions" / part, predictions, schemas["predictions"])
            scores = conformed(pq.read_table(work.scores(shard)), tables["scores"].columns, work.scores(shard))
            write_table(out / "scores" / part, scores, schemas["scores"])
            for name, table in (("compounds", compounds), ("predictions", predictions), ("scores", scores)):
                rows[name] += table.num_rows
            rows["rejects"] += rejected.num_rows
            _count(status, compounds["status"])
            _count(reasons, compounds["reason_code"].drop_null())
        if not work.shards:
            for name in ("compounds", "predictions", "scores"):
                write_table(out / name / "part-00000.parquet", schemas[name].empty_table(), schemas[name])
            rejects.write(schemas["rejects"].empty_table())
    counts = {"read": facts.records_read, **status, "reasons": dict(sorted(reasons.items()))}
    return rows, counts


def _count(into: dict[str, int], column: pa.ChunkedArray) -> None:
    for counted in column.cast(pa.string()).value_counts().to_pylist():
        into[counted["values"]] = into.get(counted["values"], 0) + counted["counts"]


def _filled_keys(hits: pa.Table) -> list[str | None]:
    return [
        key or inchikey(parent)
        for key, parent in zip(*(hits[n].to_pylist() for n in ("inchikey", "parent_smiles")), strict=True)
    ]


def _write_hits_and_controls(work: WorkFolder, out: Path, facts: RunFacts, rows: dict[str, int]) -> None:
    metadata = facts.file_metadata
    table = facts.tables["hits"]
    hits = conformed(pq.read_table(work.hits), table.columns, work.hits)
    keys = pa.array(_filled_keys(hits), pa.string())
    hits = hits.set_column(hits.column_names.index("inchikey"), hits.schema.field("inchikey"), keys)
    write_table(out / "hits.parquet", hits, table.schema(metadata))
    write_csv(out / "hits.csv", hits)
    write_sdf(out / "hits.sdf", hits)
    about = {
        "run": facts.run,
        "run_id": facts.run_id,
        "library": ", ".join(file.name for file in facts.inputs),
        "profile": f"{facts.profile.name}: {facts.profile.title}",
        "written by": f"molsieve {metadata['workflow_version']}, RDKit {metadata['rdkit_version']}",
        "note": "Every number is a computed prediction, none is a measurement. Probabilities run from 0 to 1.",
    }
    write_xlsx(out / "hits.xlsx", hits, table.columns, about)
    rows["hits"] = hits.num_rows
    for name, path in (("controls", work.controls), ("decoys", work.decoys)):
        table = facts.tables[name]
        schema = table.schema(metadata)
        found = pq.read_table(path) if path.exists() else schema.empty_table()
        write_table(out / f"{name}.parquet", conformed(found, table.columns, path), schema)
        rows[name] = found.num_rows


def _write_report(rendered: Path, work: Path, out: Path, facts: RunFacts) -> None:
    """Take the rendered report, or render it again when it is of a run with another id."""
    text = rendered.read_text(encoding="utf-8")
    if facts.run_id in text:
        write_text(out, text)
    else:
        render_report(work, out, facts=facts)


def _write_descriptions(
    out: Path, facts: RunFacts, rows: Mapping[str, int], counts: Mapping[str, Any], work: WorkFolder
) -> None:
    tables = list(facts.tables.values())
    write_text(out / "schema.json", schema_json(tables, rows, facts.file_metadata))
    write_text(out / "DATA_DICTIONARY.md", data_dictionary(tables, rows, facts.run_id))
    write_text(out / "datapackage.json", datapackage_json(out, facts))
    stages, started = read_stages(work.summaries)
    now = datetime.now(UTC)
    times = {
        "started": started.isoformat(timespec="seconds") if started else None,
        "finished": now.isoformat(timespec="seconds"),
        "seconds": round((now - started).total_seconds(), 1) if started else None,
    }
    funnel = funnel_facts(run_funnel(work, facts.profile))
    surroundings = {**times, "git_commit": git_commit(), **environment(), "versions": versions()}
    judgement = Judgement.of_run(work.judgement)
    write_text(out / "run.json", run_json(facts, counts, funnel, judgement, stages, surroundings))
    written = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    last = ("ro-crate-metadata.json", CHECKSUMS)
    crate_files = sorted({*written, *FILES} - {"ro-crate-metadata.json"})
    write_text(out / last[0], ro_crate_json(out, facts, crate_files))
    write_text(out / CHECKSUMS, checksums(out, sorted([*written, last[0]])))
