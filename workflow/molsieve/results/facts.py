"""What a run was: its inputs, configuration, profile and models, and the digests that name it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from molsieve import SCHEMA_VERSION, __version__
from molsieve.errors import MolsieveError
from molsieve.models.endpoints import Endpoint
from molsieve.models.reliability import Reliability
from molsieve.results.provenance import digest_of, package_digest, versions
from molsieve.results.schema import Table, tables
from molsieve.scoring.profile import Profile

# Keys that say where and how fast a run runs, or name a file whose content is digested instead.
_WITHOUT_EFFECT = (
    "run",
    "libraries.path",
    "libraries.sha256",
    "profile",
    "reference",
    "dask",
    "prepare.threads",
    "triage.threads",
    "triage.model",
    "refine.threads",
    "refine.model",
    "models",
    "controls.file",
    "results.folder",
    "results.work",
)


@dataclass(frozen=True)
class InputFile:
    """A file of the library.

    Attributes:
        name: Name of the file, as in the column ``source``.
        sha256: Digest of its bytes.
        rows: Records it holds.
        size_bytes: Its size.
        understood: How it was read: format, structure and identifier column.

    """

    name: str
    sha256: str
    rows: int
    size_bytes: int | None = None
    understood: str = ""


@dataclass(frozen=True)
class RunFacts:
    """Everything about a run that its tables, its report and its provenance need to know.

    Attributes:
        run: Name of the run.
        config: The resolved configuration, as JSON values.
        profile: The target product profile.
        endpoints: All endpoints of the models, in their order.
        inputs: Files of the library.
        infos: Content of each model's ``model.json``, those of tier refine first: where two predict an endpoint, the
            figures are those of the better one.
        models: SHA-256 of each model file, by a name a reader understands.
        resources: SHA-256 of the other files the result depends on (reference list, controls), by name.
        code: Digest of the sources, because a working copy changes between versions.
        reliabilities: Family and calibration error of each endpoint.

    """

    run: str
    config: Mapping[str, Any]
    profile: Profile
    endpoints: tuple[Endpoint, ...]
    inputs: tuple[InputFile, ...]
    infos: tuple[Mapping[str, Any], ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)
    code: str = field(default_factory=package_digest)
    reliabilities: Mapping[str, Reliability] = field(default_factory=dict)

    @property
    def profile_endpoints(self) -> tuple[Endpoint, ...]:
        """Endpoints the profile asks for, in its order."""
        known = {endpoint.name: endpoint for endpoint in self.endpoints}
        return tuple(known[name] for name in self.profile.endpoint_names())

    @property
    def records_read(self) -> int:
        """Records of all input files."""
        return sum(file.rows for file in self.inputs)

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Every table of the result set, by name."""
        declared = tables(self.endpoints, self.profile_endpoints, self.profile.criteria)
        return {table.name: table for table in declared}

    @cached_property
    def config_sha256(self) -> str:
        """Digest of the settings that can change a number in a table, the content of the profile among them."""
        return digest_of({"config": _effective(self.config), "profile": self.profile.model_dump(mode="json")})

    @cached_property
    def models_sha256(self) -> str:
        """Digest of all model files."""
        return digest_of(dict(self.models))

    @cached_property
    def run_id(self) -> str:
        """Digest of inputs, configuration, models, resources and versions: equal ids, equal tables."""
        return digest_of(
            {
                "inputs": [[file.name, file.sha256] for file in self.inputs],
                "config": self.config_sha256,
                "models": self.models_sha256,
                "resources": dict(self.resources),
                "versions": versions(),
                "code": self.code,
            }
        )[:16]

    @property
    def file_metadata(self) -> dict[str, str]:
        """Metadata of every Parquet file of the result set."""
        return {
            "schema_version": SCHEMA_VERSION,
            "run_id": self.run_id,
            "workflow_version": __version__,
            "config_sha256": self.config_sha256,
            "models_sha256": self.models_sha256,
            "rdkit_version": versions()["rdkit"],
        }


def _effective(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in config.items():
        if prefix + key in _WITHOUT_EFFECT:
            continue
        if isinstance(value, dict):
            kept[key] = _effective(value, f"{key}.")
        elif isinstance(value, list):
            kept[key] = [_effective(entry, f"{key}.") if isinstance(entry, dict) else entry for entry in value]
        else:
            kept[key] = value
    return kept


def read_inputs(records: Path) -> tuple[InputFile, ...]:
    """Files of the library, from the manifest that ingest leaves beside the records.

    Raises:
        MolsieveError: There is no manifest, or it is not one.

    """
    path = records / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        return tuple(
            InputFile(
                name=str(entry["source"]),
                sha256=str(entry["sha256"]),
                rows=int(entry["rows"]),
                size_bytes=entry.get("bytes"),
                understood=_understood(entry),
            )
            for entry in manifest["files"]
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise MolsieveError(
            f"the manifest of the records cannot be read: {error}", where=str(path), fix="Run ingest again."
        ) from error


def _understood(entry: Mapping[str, Any]) -> str:
    columns = (("structure", entry.get("structure_column")), ("identifier", entry.get("id_column")))
    parts = [str(entry.get("format") or "")]
    parts += [f"{what} from {column}" for what, column in columns if column]
    return ", ".join(part for part in parts if part)
