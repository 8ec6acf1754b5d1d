"""Typed configuration: every key, its type, default and meaning in one place.

``config/config.yaml``, ``config/README.md`` and the JSON schema are generated from these models (``make config``, see
``config_files.py``), so the commented defaults can never say anything else than the code.
"""

import difflib
import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from molsieve.errors import MolsieveError
from molsieve.library.source import LibrarySource

Model = TypeVar("Model", bound=BaseModel)


class Section(BaseModel):
    """A group of keys; unknown keys are refused rather than ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Ingest(Section):
    """Reading the library files."""

    shard_size: int = Field(
        122_880, ge=100, le=10_000_000, description="Rows in a shard; a shard is the unit of work of a job."
    )


class Prepare(Section):
    """Standardising the molecules."""

    min_heavy_atoms: int = Field(3, ge=1, le=100, description="Smaller parents are rejected.")
    max_heavy_atoms: int = Field(150, ge=10, le=999, description="Larger parents are rejected.")
    timeout_s: float = Field(30.0, gt=0, le=3600, description="Seconds after which a molecule is given up.")
    max_rejected_fraction: float = Field(
        0.5, ge=0, le=1, description="A run with a larger share of rejected rows stops: it has read the wrong column."
    )
    threads: int = Field(4, ge=1, le=256, description="Worker processes for a shard (at most the cores of the run).")

    @model_validator(mode="after")
    def _atoms_in_order(self) -> Self:
        if self.min_heavy_atoms >= self.max_heavy_atoms:
            msg = "min_heavy_atoms must be smaller than max_heavy_atoms"
            raise ValueError(msg)
        return self


class Triage(Section):
    """Predicting every compound with the sparse network."""

    model: str = Field("resources/models/triage", description="Model directory, relative to the workflow or absolute.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="auto takes a GPU when there is one; cuda fails without."
    )
    batch_size: int = Field(8192, ge=1, le=1_000_000, description="Molecules a forward pass.")
    threads: int = Field(4, ge=1, le=256, description="CPU threads for a shard (at most the cores of the run).")


class Shortlist(Section):
    """Choosing which compounds get the reference models and the costly checks (alerts, novelty)."""

    size: int = Field(
        5000, ge=1, le=1_000_000, description="Best compounds by the profile; small libraries pass whole."
    )
    audit: int = Field(
        1000,
        ge=0,
        le=1_000_000,
        description="Compounds drawn at random beside them; they tell what the first look at the library has lost.",
    )


class Inspect(Section):
    """Looking at the structures of the shortlist: alerts, known classes, novelty, entry into Gram-negative bacteria."""

    conformers: int = Field(
        500,
        ge=0,
        le=1_000_000,
        description=(
            "Compounds at most that get conformers, for globularity and the eNTRy rules: the best by the "
            "score of their refined predictions and alerts, among those that the gates of the profile let pass (PAINS, "
            "known antibacterials)."
        ),
    )
    timeout_s: float = Field(30.0, gt=0, le=3600, description="CPU seconds after which conformers are given up.")


class Refine(Section):
    """Predicting the shortlist with the reference models."""

    model: str = Field("resources/models/refine", description="Model directory, relative to the workflow or absolute.")
    chunk_rows: int = Field(2000, ge=1, le=1_000_000, description="Compounds a job, at most.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="auto takes a GPU when there is one; cuda fails without."
    )
    threads: int = Field(4, ge=1, le=256, description="CPU threads and worker processes for a chunk.")
    conformal_error: float = Field(
        0.2, ge=0.01, le=0.5, description="Largest share of actives, and of inactives, outside their conformal sets."
    )


class Select(Section):
    """Choosing the hits."""

    hits: int = Field(100, ge=1, le=10_000, description="Hits at most.")
    max_similarity: float = Field(
        0.6, gt=0, le=1, description="A hit's largest Tanimoto similarity to a better one (Morgan radius 2, 2048 bits)."
    )
    scaffold_cap: int = Field(3, ge=1, le=1000, description="Hits sharing a Murcko scaffold at most.")
    cluster_similarity: float = Field(
        0.4, gt=0, le=1, description="From this Tanimoto similarity on, a hit belongs to the cluster of a better one."
    )


class Controls(Section):
    """Known antibacterials and known inactives that go through the run beside the library."""

    enabled: bool = Field(
        default=True, description="Run them; without controls the report cannot say whether the run works."
    )
    file: str = Field(
        "resources/amr/controls.csv", description="Columns name, smiles, kind (active, inactive), antibacterial_class."
    )


class Results(Section):
    """Publishing the result set."""

    folder: str = Field("results", description="Results are published to <folder>/<run>.")
    work: str = Field(
        "work", description="Intermediate files of a run lie in <work>/<run>; same file system as folder."
    )
    inchikey_limit: int = Field(
        50_000,
        ge=0,
        description="Libraries up to this size get an InChIKey for every compound, larger ones for the hits.",
    )


class Dask(Section):
    """Where scoring runs."""

    scheduler: str = Field(
        "local",
        description="local, or address (tcp://host:port) or scheduler file (file:/path) of a running Dask scheduler.",
    )
    workers: int = Field(4, ge=1, le=10_000, description="Workers of a local cluster (at most the cores).")

    @field_validator("scheduler")
    @classmethod
    def _known_scheduler(cls, value: str) -> str:
        if value != "local" and not value.startswith(("tcp://", "tls://", "file:")):
            msg = "must be local, tcp://host:port, tls://host:port or file:/path/to/scheduler.json"
            raise ValueError(msg)
        return value


class Config(Section):
    """A whole run."""

    run: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] = Field(
        "demo", description="Name of the run; letters, digits, dot, dash and underscore."
    )
    libraries: list[LibrarySource] = Field(
        default=[LibrarySource(path="rdkit:NCI/first_5K.smi")],
        min_length=1,
        description=(
            "Files, folders, globs, http(s) URLs, rdkit:PATH for a file of the rdkit package, or approved-drugs (needs "
            "the extra drugs). An entry may be a mapping with path, format, structure_column, id_column, delimiter, "
            "skip_rows, header, encoding and sha256."
        ),
    )
    profile: str = Field(
        "amr-gram-negative", description="Target product profile: a name in config/profiles or the path of a YAML file."
    )
    reference: str = Field(
        "resources/amr/antibacterials.csv", description="Known antibacterials that novelty is measured against."
    )
    models: list[str] = Field(
        default=[],
        description=(
            "Directories of further models beside the shipped ones, e.g. of `molsieve models train`. Their endpoints "
            "stand beside the others and can be asked for in a profile; names must differ."
        ),
    )
    seed: int = Field(0, ge=0, description="Seed of the random audit sample.")
    ingest: Ingest = Ingest()
    prepare: Prepare = Prepare()
    triage: Triage = Triage()
    shortlist: Shortlist = Shortlist()
    refine: Refine = Refine()
    inspect: Inspect = Inspect()
    select: Select = Select()
    controls: Controls = Controls()
    results: Results = Results()
    dask: Dask = Dask()

    @property
    def chunks(self) -> int:
        """Chunks of the library's shortlist; they follow from the configuration alone, so some may be empty."""
        return math.ceil((self.shortlist.size + self.shortlist.audit) / self.refine.chunk_rows)

    @field_validator("models", mode="before")
    @classmethod
    def _one_model_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("libraries", mode="before")
    @classmethod
    def _parse_libraries(cls, value: object) -> object:
        entries = [value] if isinstance(value, str | dict) else value
        if isinstance(entries, list):
            return [LibrarySource.parse(entry) if isinstance(entry, str) else entry for entry in entries]
        return entries


def parse_config(values: dict[str, Any], where: str) -> Config:
    """Check values against the typed models.

    Args:
        values: The merged configuration, as Snakemake or YAML gives it.
        where: The file or option the values came from, for the error message.

    Raises:
        MolsieveError: One line for each wrong key, with the nearest valid key or the accepted values.

    """
    return validated(Config, values, where)


def validated(model: type[Model], values: dict[str, Any], where: str, keys: str = "config/README.md") -> Model:
    """Parse ``values`` as ``model``, with errors in the words of whoever wrote the YAML; ``keys`` documents them."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [_explain(model, values, problem) for problem in error.errors()]
        raise MolsieveError("\n".join(problems), where=where, fix=f"{keys} lists every key with its meaning.") from None


# What YAML calls the types that pydantic names as Python does.
_IN_YAML = {
    "tuple_type": "input should be a list",
    "list_type": "input should be a list",
    "dict_type": "input should be a mapping of keys to values",
    "mapping_type": "input should be a mapping of keys to values",
    "model_type": "input should be a mapping of keys to values",
}


def _explain(model: type[BaseModel], values: object, problem: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    # pydantic marks a wrong key of a mapping with "[key]" behind it, and a validator with its name.
    path = [part for part in problem["loc"] if part != "[key]" and not str(part).startswith("function-")]
    key = _spelled(path, values)
    if problem["type"] == "extra_forbidden":
        valid = list(_fields_at(model, path[:-1]))
        nearest = difflib.get_close_matches(str(path[-1]), valid, n=1, cutoff=0.5)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else f"; valid keys here: {', '.join(valid)}"
        return f"unknown key {key!r}{hint}"
    if problem["type"] == "missing":
        return f"{key} is missing"
    message = _IN_YAML.get(problem["type"], problem["msg"].removeprefix("Value error, ").replace("Tuple", "List"))
    said = f"{key}: {message[0].lower()}{message[1:]}" if key else message
    # A whole section would bury the message; what is wrong in it, the message says.
    return said if isinstance(problem["input"], dict | BaseModel) else f"{said} (got {problem['input']!r})"


def _spelled(path: list[str | int], values: object) -> str:
    """A key as its writer would look for it: ``criteria[activity].weight``, by position where an item has no name."""
    spelled = ""
    for part in path:
        if isinstance(part, int):
            values = values[part] if isinstance(values, list | tuple) and part < len(values) else None
            name = values.get("name") if isinstance(values, dict) else None
            spelled += f"[{name}]" if isinstance(name, str) else f"[{part + 1}]"
        else:
            values = values.get(part) if isinstance(values, dict) else None
            spelled += f".{part}" if spelled else part
    return spelled


def _fields_at(model: type[BaseModel], path: list[str | int]) -> dict[str, Any]:
    for part in path:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        candidates = [field.annotation, *getattr(field.annotation, "__args__", ())] if field else []
        nested = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
        if nested is None:
            return {}
        model = nested
    return dict(model.model_fields)


def load_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping; syntax errors name the line."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MolsieveError(f"cannot read {path}: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise MolsieveError(
            "is not a text file", where=str(path), fix="Configuration files are YAML in UTF-8."
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise MolsieveError(
            f"not valid YAML: {getattr(error, 'problem', error)}",
            where=line,
            fix="Look at this line and the one before: entries of a list start in one column, indents are spaces, no "
            "tabs, and text with ': ' or ' #' in it stands in quotes.",
        ) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise MolsieveError(
            "expected a mapping of keys to values", where=str(path), fix="Each line is of the form `key: value`."
        )
    return values
