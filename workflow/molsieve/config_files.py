"""The files generated from the typed configuration: commented defaults, documentation and JSON schema."""

import json
import textwrap
from collections.abc import Mapping

import yaml
from pydantic.fields import FieldInfo

from molsieve.config import Config, Section
from molsieve.library.source import LibrarySource


def config_yaml() -> str:
    """Text of ``config/config.yaml``: every key with its default and its description as a comment."""
    lines = [
        "# Defaults of a run, generated from workflow/molsieve/config.py by `make config`. For your own runs, put only",
        "# the keys that differ into a file of yours: snakemake --configfile my.yaml --cores all",
        "",
    ]
    for name, field in Config.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, Section):
            lines += ["", *_comment(type(default).__doc__ or ""), f"{name}:"]
            for key, inner in type(default).model_fields.items():
                lines += [f"  {line}" for line in _comment(inner.description or "")]
                lines.append(f"  {key}: {_scalar(inner.default)}")
        elif isinstance(default, list):
            entries = [f"  - {_scalar(_entry(value))}" for value in default]
            lines += [*_comment(field.description or ""), f"{name}:" if entries else f"{name}: []", *entries]
        else:
            lines += [*_comment(field.description or ""), f"{name}: {_scalar(default)}"]
    return "\n".join(lines) + "\n"


def config_schema() -> str:
    """Text of ``workflow/schemas/config.schema.json``."""
    schema = Config.model_json_schema()
    # Snakemake merges the defaults in, so nothing is required; a library or model may also be given as one string.
    entry = schema["properties"]["libraries"]["items"]
    schema["properties"]["libraries"]["items"] = {"anyOf": [{"type": "string"}, entry]}
    models = schema["properties"]["models"]
    schema["properties"]["models"] = {
        "anyOf": [{"type": "string"}, {key: models.pop(key) for key in ("type", "items")}],
        **models,
    }
    schema["properties"]["libraries"]["default"] = [source.argument() for source in Config().libraries]
    return json.dumps(schema, indent=2) + "\n"


def _entry(value: LibrarySource | str) -> str:
    return value if isinstance(value, str) else value.argument()


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, width=118, initial_indent="# ", subsequent_indent="# ")


def _scalar(value: object) -> str:
    if isinstance(value, str) and not value.replace("-", "").isalnum():
        return json.dumps(value)
    return str(yaml.safe_dump(value, default_flow_style=True)).removesuffix("\n").removesuffix("\n...")


def config_markdown() -> str:
    """Text of ``config/README.md``: what each key does."""
    lines = [
        "# Configuration",
        "",
        "Generated from `workflow/molsieve/config.py` by `make config`. A run takes the defaults of `config.yaml`; put",
        "only the keys that differ into a file of your own:",
        "",
        "```yaml",
        "# my.yaml",
        "run: vendor-2026",
        "libraries:",
        "  - vendor.sdf",
        "  - {path: plate7.csv, structure_column: SMILES, skip_rows: 1}",
        "profile: amr-gram-positive",
        "select: {hits: 50}",
        "```",
        "",
        "and start it with `molsieve run --configfile my.yaml`, or in a clone with `snakemake --configfile my.yaml",
        "--workflow-profile workflow/profiles/default --cores all` (the profile shows the message of a failed job).",
        "Mistyped keys, wrong types and impossible values are refused before any job starts.",
        "",
        "`config/profiles/` holds the target product profiles (docs/profiles.md), `config/funnels/` the filter recipes",
        "(docs/funnel.md), `config/datasets.yaml` the training data.",
        "",
        "## Top level",
        "",
        *_key_table({name: f for name, f in Config.model_fields.items() if not isinstance(f.default, Section)}),
    ]
    for name, field in Config.model_fields.items():
        if isinstance(field.default, Section):
            lines += ["", f"## {name}", "", type(field.default).__doc__ or "", ""]
            lines += _key_table(type(field.default).model_fields)
    lines += ["", "## Entries of `libraries`", "", "A path, or a mapping with these keys:", ""]
    lines += _key_table(LibrarySource.model_fields)
    return "\n".join(lines) + "\n"


def _key_table(fields: Mapping[str, FieldInfo]) -> list[str]:
    rows = ["| key | default | what it does |", "| --- | --- | --- |"]
    for name, field in fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, list):
            shown = ", ".join(f"`{_entry(value)}`" for value in default) or "`[]`"
        else:
            shown = "" if field.is_required() or default is None else f"`{_scalar(default)}`"
        rows.append(f"| `{name}` | {shown} | {field.description or ''} |")
    return rows
