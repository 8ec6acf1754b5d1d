"""Bytes of a file, decompressed on the way; a damaged archive is an error that names the file."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import zstandard

from molsieve.errors import MolsieveError

CHUNK_BYTES = 1 << 20

_MAGIC = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"))

# Input a step of zstd: what one step gives out is not bounded otherwise.
_ZSTD_STEP_BYTES = 1 << 15


def compression_of(path: Path) -> str | None:
    """``gzip``, ``bzip2``, ``xz``, ``zstd`` or None, by the first bytes; the name is not asked."""
    with path.open("rb") as file:
        head = file.read(6)
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def read_chunks(path: Path, *, where: str | None = None, size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Decompressed content in pieces of about ``size`` bytes.

    Args:
        path: The file.
        where: How the file is called in an error; its path when not given.
        size: Bytes a piece.

    Raises:
        MolsieveError: The archive is cut or damaged, or the file cannot be read.

    """
    where = where or str(path)
    try:
        kind = compression_of(path)
        with path.open("rb") as raw:
            if kind == "zstd":
                yield from _gathered(_zstd_pieces(raw), size)
                return
            with _opened(raw, kind) as file:
                while chunk := file.read(size):
                    yield chunk
    except EOFError:
        raise _damaged(kind, "ends in the middle", where) from None
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
        raise _damaged(kind, f"is damaged ({error})", where) from None
    except OSError as error:
        if kind and error.errno is None:  # bz2 reports bad data this way
            raise _damaged(kind, f"is damaged ({error})", where) from None
        raise MolsieveError(
            f"cannot read the file: {error.strerror or error}",
            where=where,
            fix="Check permissions and the file system.",
        ) from None


def read_head(path: Path, size: int) -> tuple[bytes, float]:
    """Decompressed beginning of a file of ``size`` bytes or a little more, and the share of the file it came from.

    An archive that is damaged there ends where the damage begins; :func:`read_chunks` says so.
    """
    pieces: list[bytes] = []
    read = 0
    with path.open("rb") as raw, suppress(EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError):
        kind = compression_of(path)
        file = _opened(raw, kind)
        for piece in _zstd_pieces(raw) if kind == "zstd" else iter(lambda: file.read(CHUNK_BYTES), b""):
            pieces.append(piece)
            read += len(piece)
            if read >= size:
                return b"".join(pieces), raw.tell() / path.stat().st_size
    return b"".join(pieces), 1.0


def _damaged(kind: str | None, how: str, where: str) -> MolsieveError:
    return MolsieveError(
        f"the {kind} archive {how}",
        where=where,
        fix="Fetch or compress it again; nothing was taken from it, or part of a library would pass for the whole.",
    )


def _opened(raw: BinaryIO, kind: str | None) -> BinaryIO | gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    if kind == "gzip":
        return gzip.GzipFile(fileobj=raw)
    if kind == "bzip2":
        return bz2.BZ2File(raw)
    if kind == "xz":
        return lzma.LZMAFile(raw)
    return raw


def _zstd_pieces(raw: BinaryIO) -> Iterator[bytes]:
    """Decompress frame by frame, because zstandard's own stream reader takes a cut file for a complete one."""
    # Archives made with `zstd --long` need a larger window than the default allows.
    library = zstandard.ZstdDecompressor(max_window_size=1 << 31)
    frame = None
    while piece := raw.read(_ZSTD_STEP_BYTES):
        while piece:
            frame = frame or library.decompressobj()
            yield frame.decompress(piece)
            piece = frame.unused_data if frame.eof else b""
            if frame.eof:
                frame = None
    if frame is not None:
        raise EOFError


def _gathered(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    buffer = io.BytesIO()
    for piece in pieces:
        buffer.write(piece)
        if buffer.tell() >= size:
            yield buffer.getvalue()
            buffer = io.BytesIO()
    if buffer.tell():
        yield buffer.getvalue()
