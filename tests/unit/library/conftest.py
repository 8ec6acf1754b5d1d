"""Fixtures for the readers: write a file, read it back as rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molsieve.library.ingest import ingest
from molsieve.library.source import LibrarySource, resolve
from molsieve.library.understanding import Understanding, understand

type_rows = list[dict[str, Any]]


@pytest.fixture
def understood() -> Callable[..., Understanding]:
    """Look at one file, with the options given."""

    def look(path: Path | str, **options: Any) -> Understanding:
        return understand(resolve([LibrarySource(path=str(path), **options)])[0])

    return look


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., type_rows]:
    """Ingest files and give the records as dictionaries."""

    def rows(*paths: Path | str, shard_size: int = 1000, **options: Any) -> type_rows:
        folder = tmp_path / "records-read"
        ingest([LibrarySource(path=str(path), **options) for path in paths], folder, shard_size=shard_size)
        return pa.concat_tables(pq.read_table(shard) for shard in sorted(folder.glob("*.parquet"))).to_pylist()

    return rows


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a text or bytes file below the temporary folder."""

    def file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return file
