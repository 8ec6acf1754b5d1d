import json
import re
from pathlib import Path

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rocrate.rocrate import ROCrate

from molsieve import project_root
from molsieve.chemistry import standardise
from molsieve.chemistry.reasons import REASONS
from molsieve.results.dictionary import change_texts, reason_texts, type_name
from molsieve.results.provenance import RELEASED, sha256_of_file

# The parts of the Data Package 2.0 profile that concern us, since the profile itself is not at hand offline.
PACKAGE = {
    "type": "object",
    "required": ["resources"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9._/-]+$"},
        "title": {"type": "string"},
        "description": {"type": "string"},
        "sources": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["title"]}},
        "resources": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["name", "path", "schema"],
                "properties": {
                    "name": {"type": "string", "pattern": "^[a-z0-9._/-]+$"},
                    "path": {
                        "oneOf": [
                            {"type": "string", "pattern": "^[^./~][^:]*$"},
                            {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^[^./~][^:]*$"}},
                        ]
                    },
                    "bytes": {"type": "integer"},
                    "hash": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
                    "schema": {
                        "type": "object",
                        "required": ["fields"],
                        "properties": {
                            "fields": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "required": ["name", "type", "description"],
                                    "properties": {
                                        "type": {"enum": ["string", "number", "integer", "boolean", "array"]},
                                        "unit": {"type": "string"},
                                    },
                                },
                            },
                            "primaryKey": {"type": "array"},
                        },
                    },
                },
            },
        },
    },
}


@pytest.fixture
def package(shared_results):
    return json.loads((shared_results / "datapackage.json").read_text())


@pytest.fixture
def crate(shared_results):
    graph = json.loads((shared_results / "ro-crate-metadata.json").read_text())["@graph"]
    return {entity["@id"]: entity for entity in graph}


def test_schema_json_describes_the_files(shared_results, shared_run):
    schema = json.loads((shared_results / "schema.json").read_text())
    assert {key: schema[key] for key in shared_run[1].file_metadata} == shared_run[1].file_metadata
    assert list(schema["tables"]) == ["compounds", "predictions", "scores", "hits", "rejects", "controls", "decoys"]
    for table in schema["tables"].values():
        files = sorted(shared_results.glob(table["path"]))
        assert files
        assert sum(pq.read_metadata(path).num_rows for path in files) == table["rows"]
        for path in files:
            arrow = pq.read_schema(path)
            assert arrow.names == [column["name"] for column in table["columns"]]
            for column in table["columns"]:
                field = arrow.field(column["name"])
                assert type_name(field.type) == column["type"]
                assert pa.types.is_dictionary(field.type) == column["dictionary"]
                assert field.nullable == column["nullable"]
                assert field.metadata[b"description"].decode() == column["description"]
                assert field.metadata.get(b"unit", b"").decode() == (column["unit"] or "")


def test_the_dictionary_explains_every_column_and_code(shared_results):
    text = (shared_results / "DATA_DICTIONARY.md").read_text()
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    schema = json.loads((shared_results / "schema.json").read_text())
    for name, table in schema["tables"].items():
        listed = re.findall(r"^\| `([^`]+)` \|", sections[name], re.MULTILINE)
        assert listed == [column["name"] for column in table["columns"]]
    codes = re.findall(r"^\| `([^`]+)` \|", sections["Reason codes"], re.MULTILINE)
    assert {*REASONS, "duplicate"} <= set(codes)
    widths = {line.replace("\\|", "").count("|") for line in sections["compounds"].splitlines() if line.startswith("|")}
    assert widths == {6}


def test_every_reason_in_the_tables_is_explained(shared_results):
    found = set(pq.read_table(shared_results / "compounds")["reason_code"].unique().to_pylist()) - {None}
    assert found <= reason_texts().keys()


def test_every_step_of_standardisation_is_explained(shared_results):
    changes = pq.read_table(shared_results / "compounds")["changes"].to_pylist()
    found = {step for steps in changes for step in steps}
    assert found
    assert found <= change_texts().keys()
    source = Path(standardise.__file__).read_text()
    assert set(re.findall(r'_applied\("(\w+)"', source)) <= change_texts().keys()
    assert "`fragments_removed`" in (shared_results / "DATA_DICTIONARY.md").read_text()


def test_the_date_in_the_crate_is_that_of_the_release():
    cited = re.search(r"^date-released: [\"']?([\d-]+)", (project_root() / "CITATION.cff").read_text(), re.MULTILINE)
    if cited is None:
        pytest.skip("CITATION.cff has no date-released: nothing was released yet")
    assert cited.group(1) == RELEASED


def test_data_package_is_well_formed(package):
    jsonschema.validate(package, PACKAGE)


def test_data_package_names_files_that_are_there(package, shared_results):
    for resource in package["resources"]:
        paths = [resource["path"]] if isinstance(resource["path"], str) else resource["path"]
        for path in paths:
            assert (shared_results / path).is_file()
        if "hash" in resource:
            assert resource["hash"] == f"sha256:{sha256_of_file(shared_results / resource['path'])}"
            assert resource["bytes"] == (shared_results / resource["path"]).stat().st_size


def test_data_package_fields_are_those_of_the_tables(package, shared_results):
    for resource in package["resources"]:
        path = resource["path"] if isinstance(resource["path"], str) else resource["path"][0]
        names = [field["name"] for field in resource["schema"]["fields"]]
        if path.endswith(".csv"):
            assert names == (shared_results / path).read_text().splitlines()[0].split(",")
        else:
            assert names == pq.read_schema(shared_results / path).names
        assert set(resource["schema"]["primaryKey"]) <= set(names)
        for key in resource["schema"].get("foreignKeys", []):
            assert set(key["fields"]) <= set(names)


def test_crate_names_every_file_with_its_digest(crate, shared_results):
    files = {p.relative_to(shared_results).as_posix() for p in shared_results.rglob("*") if p.is_file()}
    parts = {part["@id"] for part in crate["./"]["hasPart"]}
    assert parts == files - {"ro-crate-metadata.json"}
    for name in parts - {"run.json", "checksums.sha256"}:
        assert crate[name]["sha256"] == sha256_of_file(shared_results / name)
        assert crate[name]["encodingFormat"]


def test_crate_says_what_made_it(crate, shared_run):
    facts = shared_run[1]
    action = crate[f"#run-{facts.run_id}"]
    assert action["@type"] == "CreateAction"
    assert crate[action["instrument"]["@id"]]["softwareVersion"]
    inputs = action["object"] if isinstance(action["object"], list) else [action["object"]]
    assert [crate[i["@id"]]["sha256"] for i in inputs] == [file.sha256 for file in facts.inputs]
    assert crate["./"]["datePublished"] == RELEASED


def test_crate_is_read_by_the_library(shared_results):
    crate = ROCrate(str(shared_results))
    assert "molsieve result set small" in crate.name
