"""Where a run lives: its name or one of its folders in, all of them and its configuration out."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molsieve import project_root
from molsieve.config import Config, load_yaml, parse_config
from molsieve.errors import MolsieveError

_MARKS = ("config.yaml", "running.json", "last_run.json", "summary", "logs")


@dataclass(frozen=True)
class RunFolder:
    """A run that was started at some time.

    Attributes:
        name: Name of the run.
        work: Folder of its intermediate files.
        results: Folder its result set is published to.
        started_in: Folder it was started in, which its relative paths start from.
        config: Its configuration.
        notes: What had to be assumed, in words.

    """

    name: str
    work: Path
    results: Path
    started_in: Path
    config: Config
    notes: tuple[str, ...] = ()


def find_run(given: str) -> RunFolder:
    """The run that a name, ``work/NAME`` or ``results/NAME`` stands for.

    Raises:
        MolsieveError: There is none; with the names of those there are.

    """
    path = Path(given)
    work = next((folder for folder in _candidates(path) if _is_work(folder)), None)
    if work is None:
        known = sorted(folder.name for folder in Path("work").glob("*") if _is_work(folder))
        raise MolsieveError(
            f"there is no run {path.name}",
            where=given,
            fix=f"Runs here: {', '.join(known)}."
            if known
            else "Give the command in the folder in which the run was started, or name its folder, e.g. work/NAME.",
        )
    notes = []
    values = _published_config(path)
    written = [file for file in (project_root() / "config" / "config.yaml", work / "config.yaml") if file.is_file()]
    try:
        if values is None:
            values = {}
            for file in written:
                values = _merged(values, load_yaml(file))
        # The name is the folder's; without work/NAME/config.yaml the file may be another run's.
        config = parse_config(values | {"run": work.name}, str(work / "config.yaml"))
    except MolsieveError as error:
        config = Config(run=work.name)
        notes.append(f"its configuration cannot be read, so the defaults are assumed: {error.what}")
    started_in = _without(work.resolve(), Path(config.results.work) / work.name)
    return RunFolder(work.name, work, started_in / config.results.folder / work.name, started_in, config, tuple(notes))


def _candidates(path: Path) -> Iterator[Path]:
    yield path
    published = _published_config(path)
    if published is not None:
        yield (
            _without(path.resolve(), Path(published["results"]["folder"]) / path.name)
            / published["results"]["work"]
            / path.name
        )
    yield path.parent.parent / "work" / path.name
    yield Path("work") / path.name


def _is_work(folder: Path) -> bool:
    return any((folder / mark).exists() for mark in _MARKS)


def _published_config(results: Path) -> dict[str, Any] | None:
    """Configuration that a published result set holds."""
    with suppress(OSError, ValueError, KeyError):
        config = json.loads((results / "run.json").read_text(encoding="utf-8"))["config"]
        if isinstance(config, dict) and {"folder", "work"} <= config.get("results", {}).keys():
            return config
    return None


def _merged(values: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Configuration files as Snakemake merges them: section by section."""
    both = values | over
    for key in values.keys() & over.keys():
        if isinstance(values[key], dict) and isinstance(over[key], dict):
            both[key] = _merged(values[key], over[key])
    return both


def _without(path: Path, tail: Path) -> Path:
    """A path without the relative path it ends with; the working folder where it does not."""
    parts = tail.parts
    if not tail.is_absolute() and path.parts[-len(parts) :] == parts:
        return Path(*path.parts[: -len(parts)])
    return Path.cwd()
