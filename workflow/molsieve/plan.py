"""What a run consists of: the typed configuration, resolved to files, and the options of each stage."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from molsieve import project_root
from molsieve.config import Config, load_yaml, parse_config
from molsieve.errors import MolsieveError
from molsieve.library.source import resolve
from molsieve.models.panel import Panel
from molsieve.results.provenance import stage_code_digest
from molsieve.scoring.profile import WHO_FILE, load_profile, profile_path

# The module behind each stage: a change to it, or to anything it imports, re-runs that stage.
STAGES = {
    "ingest": "molsieve.library.ingest",
    "prepare": "molsieve.chemistry.prepare",
    "deduplicate": "molsieve.scoring.deduplicate",
    "triage": "molsieve.models.triage",
    "shortlist": "molsieve.scoring.shortlist",
    "refine": "molsieve.models.refine",
    "inspect": "molsieve.scoring.inspect",
    "score": "molsieve.scoring.score",
    "select": "molsieve.scoring.select",
    "controls": "molsieve.scoring.controls",
    "report": "molsieve.results.report",
    "publish": "molsieve.results.publish",
}


@dataclass(frozen=True)
class Plan:
    """A configuration with its names resolved; what the rules read."""

    config: Config

    @classmethod
    def from_config(cls, values: Mapping[str, Any], files: Iterable[str | Path] = ()) -> Self:
        """Check a configuration before any job starts.

        Args:
            values: The merged configuration.
            files: The files it was merged from; an error names the one that holds the wrong key.

        Raises:
            MolsieveError: An unknown key, a wrong value, or a file that is not there.

        """
        try:
            config = parse_config(dict(values), "the configuration")
        except MolsieveError as error:
            raise MolsieveError(error.what, where=_culprit(error.what, files), fix=error.fix) from None
        plan = cls(config)
        # Resolving them here finds what is missing before anyone waits for a queue.
        _ = plan.library_files
        for key, folder in (("results.folder", config.results.folder), ("results.work", config.results.work)):
            _refuse_unwritable(Path(folder), key)
        if not plan.reference.is_file():
            raise MolsieveError(f"{plan.reference} does not exist", where="reference", fix="Correct its path.")
        if plan.has_models:
            profile = load_profile(plan.profile)
            profile.check_endpoints(plan.panel.endpoints, str(plan.profile))
            if profile.asks_for_shape and not config.inspect.conformers:
                raise MolsieveError(
                    f"the profile {profile.name} asks for the molecule's shape, and no compound gets conformers",
                    where="inspect.conformers",
                    fix="Set it above 0, or choose a profile without entry_score and globularity.",
                )
        # Else a shipped model was removed, and `snakemake train` makes it again.
        return plan

    @property
    def work(self) -> str:
        """Folder of the intermediate files."""
        return f"{self.config.results.work}/{self.config.run}"

    @property
    def results(self) -> str:
        """Folder the result set is published to."""
        return f"{self.config.results.folder}/{self.config.run}"

    @cached_property
    def library_files(self) -> list[str]:
        """Local files of the libraries; downloads are not among them."""
        return [str(file.path) for file in resolve(self.config.libraries) if file.path is not None]

    @cached_property
    def library_bytes(self) -> int:
        """Size of these files."""
        return sum(Path(file).stat().st_size for file in self.library_files)

    @property
    def library_arguments(self) -> list[str]:
        """The libraries as the command line takes them."""
        return [source.argument() for source in self.config.libraries]

    @property
    def profile(self) -> Path:
        """File of the target product profile."""
        return profile_path(self.config.profile)

    @property
    def reference(self) -> Path:
        """Known antibacterials."""
        return _shipped(self.config.reference)

    @property
    def structure_patterns(self) -> list[Path]:
        """Patterns of known classes and toxicophores, which come with molsieve."""
        return [_shipped("resources/amr/classes.csv"), _shipped("resources/toxicophores.csv")]

    @property
    def control_shapes(self) -> Path:
        """Globularities of the shipped controls, which cost more than the rest of a small run."""
        return _shipped("resources/amr/control_shapes.csv")

    @property
    def priorities(self) -> Path:
        """Weights of pathogens that a profile may ask for."""
        return project_root() / WHO_FILE

    @cached_property
    def panel(self) -> Panel:
        """The models of the run."""
        triage, refine = self._pair
        return Panel.read(triage, refine, map(_shipped, self.config.models))

    @property
    def has_models(self) -> bool:
        """Whether the shipped models are there, as far as the run uses them."""
        shipped = (Config().triage.model, Config().refine.model)
        named = (self.config.triage.model, self.config.refine.model)
        return all(
            folder.is_dir() or name != default for folder, name, default in zip(self._pair, named, shipped, strict=True)
        )

    @property
    def triage_models(self) -> list[Path]:
        """Directories of the models that predict the whole library."""
        return [model.folder for model in self.panel.of_triage] if self.has_models else [self._pair[0]]

    @property
    def refine_models(self) -> list[Path]:
        """Directories of the models that predict the shortlist."""
        return [model.folder for model in self.panel.of_refine] if self.has_models else [self._pair[1]]

    @property
    def all_models(self) -> list[Path]:
        """Directories of all models, in the order of their endpoints' columns."""
        further = [model.folder for model in self.panel.further] if self.has_models else []
        return [*reversed(self._pair), *further]

    @property
    def chunks(self) -> int:
        """Chunks of the library's shortlist."""
        return self.config.chunks

    @property
    def _pair(self) -> tuple[Path, Path]:
        return _shipped(self.config.triage.model), _shipped(self.config.refine.model)

    @property
    def controls(self) -> Path | None:
        """Spiked controls, or None when the run has none."""
        return _shipped(self.config.controls.file) if self.config.controls.enabled else None

    @property
    def settings(self) -> str:
        """The keys that differ from the defaults, as JSON; without those that only say how fast a run runs."""
        without_effect: Any = {"prepare": {"threads"}, "triage": {"threads"}, "refine": {"threads"}, "dask": True}
        values = self.config.model_dump(mode="json", exclude_defaults=True, exclude=without_effect)
        return json.dumps({key: value for key, value in values.items() if value != {}})

    def code(self, stage: str) -> str:
        """Digest of the code a stage consists of; a rule's parameter, so that a change re-runs the rule."""
        return stage_code_digest(STAGES[stage])


def as_options(models: Iterable[Path]) -> list[str]:
    """Models as options of a command."""
    return [f"--model={folder}" for folder in models]


def command_prefix(base: Path, python: Path, deployment: Any) -> str:  # noqa: ANN401 - Snakemake's settings object
    """Shell line that goes before every job's command.

    Args:
        base: Folder of the Snakefile.
        python: The interpreter that runs Snakemake.
        deployment: Snakemake's deployment settings; with conda the interpreter is the environment's.

    """
    lines = []
    if (base / "workflow" / "molsieve").is_dir():
        lines.append(f'export PYTHONPATH="{base}/workflow"')
    methods = {str(method) for method in getattr(deployment, "deployment_method", ())}
    if not any("conda" in method for method in methods):
        lines.append(f'export PATH="{python.parent}:$PATH"')
    return "; ".join([*lines, ""])


def _shipped(path: str) -> Path:
    """A path of the user's working folder, or else one of the files that come with molsieve.

    Absolute, so that Snakemake does not take a shipped model for something that the training rules of the same
    workflow have to make first.
    """
    given = Path(path).absolute()
    return given if given.exists() else project_root() / path


def _refuse_unwritable(folder: Path, key: str) -> None:
    """Find out now, and not after the last stage, that a folder cannot be written."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise MolsieveError(f"{existing} is not a folder", where=key, fix="Choose another folder, or move that file.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise MolsieveError(f"no permission to write to {existing}", where=key, fix="Choose a folder of your own.")


def _culprit(message: str, files: Iterable[str | Path]) -> str:
    """The configuration file, the last one winning, that holds the first key the message names."""
    key = message.split("'")[1] if message.startswith("unknown key") else message.split(":")[0]
    for file in reversed([Path(file) for file in files]):
        if file.is_file() and _holds(load_yaml(file), key.split(".")):
            return str(file)
    return "the command line (--config or --set)"


def _holds(values: object, path: list[str]) -> bool:
    if not path:
        return True
    if isinstance(values, dict) and path[0] in values:
        return _holds(values[path[0]], path[1:])
    return not isinstance(values, dict)
