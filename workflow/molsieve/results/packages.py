"""``datapackage.json`` and ``ro-crate-metadata.json``: the result set as a package that repositories understand.

Frictionless Data Package 2.0 (https://datapackage.org) and RO-Crate (https://w3id.org/ro/crate, doi 10.3233/DS-210053).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.types as pat
from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from molsieve import __version__
from molsieve.columns import Column
from molsieve.results.facts import RunFacts
from molsieve.results.provenance import RELEASED, sha256_of_file
from molsieve.results.schema import Table
from molsieve.scoring.judgement import Judgement

PARQUET = "application/vnd.apache.parquet"
_MEDIA = {
    ".parquet": PARQUET,
    ".csv": "text/csv",
    ".sdf": "chemical/x-mdl-sdfile",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".sha256": "text/plain",
}
_ABOUT = {
    "hits.csv": "The hits, for programs and spreadsheets",
    "hits.sdf": "The hits with 2D coordinates, for chemistry software",
    "hits.xlsx": "The hits with drawings, for Excel",
    "report.html": "The report of the run, for a browser",
    "schema.json": "Columns of all tables, for programs",
    "DATA_DICTIONARY.md": "Columns of all tables, for readers",
    "datapackage.json": "Frictionless description of the tables",
    "run.json": "Provenance: inputs, configuration, versions, times, host",
    "checksums.sha256": "SHA-256 of every other file",
}


def datapackage_json(folder: Path, facts: RunFacts) -> str:
    """Text of ``datapackage.json`` for the tables in ``folder``."""
    resources: list[dict[str, Any]] = []
    for table in facts.tables.values():
        files = sorted(folder.glob(table.path))
        resource = _resource(table.name, f"One row for {table.row}", [f.relative_to(folder).as_posix() for f in files])
        if len(files) == 1:
            resource |= {"bytes": files[0].stat().st_size, "hash": f"sha256:{sha256_of_file(files[0])}"}
        resource |= {"format": "parquet", "mediatype": PARQUET, "schema": _table_schema(table)}
        resources.append(resource)
    hits = facts.tables["hits"]
    resource = _resource("hits-csv", _ABOUT["hits.csv"], ["hits.csv"])
    resource |= {
        "type": "table",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": (folder / "hits.csv").stat().st_size,
        "hash": f"sha256:{sha256_of_file(folder / 'hits.csv')}",
        "schema": _table_schema(hits, lists_as_text=True),
    }
    resources.append(resource)
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": _package_name(facts.run),
        "id": facts.run_id,
        "title": f"molsieve result set {facts.run}",
        "description": _description(facts),
        "version": facts.file_metadata["schema_version"],
        "sources": [{"title": file.name} for file in facts.inputs],
        "resources": resources,
    }
    return json.dumps(package, indent=1, ensure_ascii=False) + "\n"


def _package_name(run: str) -> str:
    return f"molsieve-{run}".lower()


def _resource(name: str, description: str, paths: list[str]) -> dict[str, Any]:
    return {"name": name, "description": description, "path": paths[0] if len(paths) == 1 else paths}


def _table_schema(table: Table, *, lists_as_text: bool = False) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "fields": [_field(column, lists_as_text=lists_as_text) for column in table.columns],
        "primaryKey": [table.key],
    }
    if table.name not in {"compounds", "controls"}:
        schema["foreignKeys"] = [
            {"fields": ["record_id"], "reference": {"resource": "compounds", "fields": ["record_id"]}}
        ]
    return schema


def _field(column: Column, *, lists_as_text: bool) -> dict[str, Any]:
    kind = _frictionless_type(column.type)
    field: dict[str, Any] = {
        "name": column.name,
        "type": "string" if kind == "array" and lists_as_text else kind,
        "description": column.description,
    }
    if column.unit:
        field["unit"] = column.unit
    if not column.nullable:
        field["constraints"] = {"required": True}
    return field


def _frictionless_type(kind: pa.DataType) -> str:
    if pat.is_list(kind):
        return "array"
    if pat.is_boolean(kind):
        return "boolean"
    if pat.is_integer(kind):
        return "integer"
    return "number" if pat.is_floating(kind) else "string"


def ro_crate_json(folder: Path, facts: RunFacts, files: Sequence[str]) -> str:
    """Text of ``ro-crate-metadata.json``: the files, and the run that made them.

    Args:
        folder: The result set, complete but for its last files.
        facts: Facts of the run.
        files: Every file of the result set relative to ``folder``, those that are not written yet included.

    """
    crate = ROCrate()
    crate.name = f"molsieve result set {facts.run}"
    crate.description = _description(facts)
    crate.root_dataset["identifier"] = facts.run_id
    # The format demands a date; the day of the run is in run.json, because the same run is to give the same bytes.
    crate.root_dataset["datePublished"] = RELEASED
    crate.root_dataset["license"] = crate.add(
        ContextEntity(
            crate,
            "#rights",
            properties={
                "@type": "CreativeWork",
                "name": "Rights",
                "description": "The structures belong to the owner of the library; molsieve claims no rights.",
            },
        )
    )
    added = [_add_file(crate, folder, name) for name in files]
    software = crate.add(
        ContextEntity(
            crate,
            "#molsieve",
            properties={"@type": "SoftwareApplication", "name": "molsieve", "softwareVersion": __version__},
        )
    )
    sources = [
        crate.add(
            ContextEntity(
                crate,
                f"#input-{number}",
                properties={"@type": "CreativeWork", "name": file.name, "sha256": file.sha256},
            )
        )
        for number, file in enumerate(facts.inputs, start=1)
    ]
    action = crate.add(
        ContextEntity(
            crate,
            f"#run-{facts.run_id}",
            properties={"@type": "CreateAction", "name": f"Screening against the profile {facts.profile.name}"},
        )
    )
    action["instrument"] = software
    action["object"] = sources
    action["result"] = added
    crate.root_dataset["mentions"] = action
    return json.dumps(crate.metadata.generate(), indent=1, ensure_ascii=False) + "\n"


def _add_file(crate: ROCrate, folder: Path, name: str) -> Any:  # noqa: ANN401 - rocrate has no types
    path = folder / name
    properties: dict[str, Any] = {"name": name, "encodingFormat": _MEDIA[path.suffix]}
    about = _ABOUT.get(name) or _part_of(name)
    if about:
        properties["description"] = about
    # Neither of run.json is known: it holds the times.
    if path.exists() and name != "run.json":
        properties |= {"contentSize": str(path.stat().st_size), "sha256": sha256_of_file(path)}
    return crate.add_file(dest_path=name, properties=properties)


def _part_of(name: str) -> str | None:
    return f"Part of the table {name.partition('/')[0]}" if "/" in name else None


def _description(facts: RunFacts) -> str:
    files = ", ".join(file.name for file in facts.inputs) or "no file"
    return (
        f"Compounds of {files} screened by molsieve {__version__} against the target product profile "
        f"{facts.profile.name} ({facts.profile.title}). Every number is a computed prediction, none is a measurement. "
        "DATA_DICTIONARY.md explains every column."
    )


def checksums(folder: Path, files: Sequence[str]) -> str:
    """Text of ``checksums.sha256`` in the format of ``sha256sum``."""
    return "".join(f"{sha256_of_file(folder / name)}  {name}\n" for name in files)


def run_json(
    facts: RunFacts,
    counts: Mapping[str, Any],
    funnel: Sequence[Mapping[str, Any]],
    judgement: Judgement,
    stages: Mapping[str, Any],
    environment: Mapping[str, Any],
) -> str:
    """Text of ``run.json``: provenance and throughput, and the only place for times and host."""
    provenance = {
        "run": facts.run,
        "run_id": facts.run_id,
        **facts.file_metadata,
        **environment,
        "inputs": [vars(file) for file in facts.inputs],
        "records": counts,
        "funnel": funnel,
        "controls": judgement.as_json(),
        "config": facts.config,
        "profile": facts.profile.model_dump(mode="json"),
        "models": dict(facts.models),
        "resources": dict(facts.resources),
        "stages": stages,
    }
    return json.dumps(provenance, indent=1, ensure_ascii=False) + "\n"
