"""Times and throughput of a run's stages, from the summaries they leave in the work folder."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def read_stages(summaries: Path) -> tuple[dict[str, Any], datetime | None]:
    """Seconds, rows and rates of each stage, summed over its shards, and when the first one started.

    Args:
        summaries: Folder of the stages' JSON summaries; ``prepare-library-00000.json`` is a shard of
            ``prepare-library``.

    """
    stages: dict[str, dict[str, Any]] = {}
    started: list[float] = []
    for path in sorted(summaries.glob("*.json")):
        with suppress(ValueError, OSError):
            summary = json.loads(path.read_text(encoding="utf-8"))
            name, _, shard = path.stem.rpartition("-")
            stage = stages.setdefault(name if name and shard.isdigit() else path.stem, {"jobs": 0})
            stage["jobs"] += 1
            if isinstance(begun := summary.pop("started", None), int | float):
                started.append(begun)
            for key, value in summary.items():
                # Rates of shards do not add up; the stage's own is computed below.
                if not key.endswith("_per_second"):
                    _add(stage, key, value)
    for stage in stages.values():
        if stage.get("seconds") and stage.get("rows"):
            stage["rows_per_second"] = round(stage["rows"] / stage["seconds"], 1)
    return stages, datetime.fromtimestamp(min(started), UTC) if started else None


def _add(stage: dict[str, Any], key: str, value: object) -> None:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        if value != stage.setdefault(key, value):
            stage[key] = "various"
    elif isinstance(value, int | float):
        stage[key] = round(stage.get(key, 0) + value, 3)
    elif isinstance(value, dict):
        inner = stage.setdefault(key, {})
        for name, entry in value.items():
            _add(inner, str(name), entry)
    else:
        stage[key] = value
