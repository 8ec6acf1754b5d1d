"""Text of a library file in pieces that end at line ends, whatever its encoding, with every bad byte survived.

UTF-8 is expected. A line that is not valid UTF-8 is read as Windows-1252, the superset of Latin-1 that old exports are
written in, and counted; lines around it stay as they are, so a file put together from two sources reads right and
nothing ever aborts. NUL bytes become U+FFFD. Line ends may be LF, CRLF or, in old Macintosh files, CR.
"""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from molsieve.library.formats import looks_utf16

MAX_LINE_BYTES = 1 << 18

REPLACEMENT = "\ufffd"
_BOM = b"\xef\xbb\xbf"
_UTF8_NAMES = {"utf-8", "utf-8-sig"}

# The five bytes Windows-1252 leaves undefined stay the control characters they are in Latin-1.
_WINDOWS_1252 = {byte: bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in range(0x80, 0xA0)}


class LongLine(NamedTuple):
    """A line past the limit; only its beginning was kept."""

    start: str
    bytes: int
    """Length of the whole line."""


@dataclass
class TextNotes:
    """What was noticed while reading a text file."""

    encoding: str = "utf-8"
    bom: bool = False
    latin1_lines: int = 0
    nul_bytes: int = 0
    long_lines: int = 0

    def described(self) -> str:
        """Say the encoding in words, for the manifest and for people."""
        parts = [self.encoding + (" with byte order mark" if self.bom else "")]
        if self.latin1_lines:
            parts.append(f"latin-1 in {self.latin1_lines:,} line" + "s" * (self.latin1_lines != 1))
        return ", ".join(parts)


def text_blocks(
    chunks: Iterable[bytes], notes: TextNotes, encoding: str | None = None, *, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[str | LongLine]:
    """Cut a stream of bytes into texts of whole lines.

    Args:
        chunks: The file's content, decompressed, in pieces of any size.
        notes: Filled in while reading.
        encoding: Encoding the user named; found out when None.
        max_line_bytes: A longer line is given as :class:`LongLine`, so that memory stays bounded.

    Yields:
        Texts that each end with a line feed (added at the end of the file); CRLF line ends are left in place.

    """
    first = True
    for block in _line_blocks(_utf8(chunks, notes, encoding), max_line_bytes):
        if isinstance(block, bytes):
            text = _decoded(block, notes)
            # With a named encoding the mark is decoded before it gets here.
            yield text.removeprefix("\ufeff") if first else text
        else:
            notes.long_lines += 1
            start, length = block
            yield LongLine(start.decode("utf-8", errors="ignore").replace("\0", REPLACEMENT), length)
        first = False


def _utf8(chunks: Iterable[bytes], notes: TextNotes, encoding: str | None) -> Iterator[bytes]:
    """Bytes in UTF-8 (or what is taken for it) with LF or CRLF line ends."""
    iterator = iter(chunks)
    head = next(iterator, b"")
    name = codecs.lookup(encoding).name if encoding else looks_utf16(head)
    notes.encoding = name or "utf-8"
    pieces = _chain(head, iterator)
    if name and name not in _UTF8_NAMES:
        # A byte the named encoding lacks is shown as U+FFFD; it must not end the run.
        pieces = (text.encode("utf-8", "replace") for text in codecs.iterdecode(pieces, name, errors="replace"))
        head = next(pieces, b"")
        pieces = _chain(head, pieces)
    notes.bom = head.startswith(_BOM)
    old_macintosh = b"\r" in head and b"\n" not in head
    for position, piece in enumerate(pieces):
        content = piece.removeprefix(_BOM) if position == 0 else piece
        yield content.replace(b"\r", b"\n") if old_macintosh else content


def _chain(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def _line_blocks(chunks: Iterator[bytes], limit: int) -> Iterator[bytes | tuple[bytes, int]]:
    """Whole lines together as bytes; a line past the limit as its beginning and its length."""
    rest = b""
    skipped = 0  # bytes of a long line that were let go; its beginning is in rest
    last = b""  # the last one of them, which may be half of a line end
    for chunk in chunks:
        if skipped:
            end = chunk.find(b"\n")
            if end < 0:
                skipped += len(chunk)
                last = chunk[-1:] or last
                continue
            yield rest, len(rest) + skipped + end - (chunk[:end] or last).endswith(b"\r")
            rest, skipped, chunk = b"", 0, chunk[end + 1 :]
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield from _long_lines_apart(rest + chunk[:cut], limit)
            rest = chunk[cut:]
        else:
            rest += chunk
        if len(rest) > limit + 1:
            skipped, last = len(rest) - limit, rest[-1:]
            rest = rest[:limit]
    if skipped:
        yield rest, len(rest) + skipped - last.endswith(b"\r")
    elif rest:
        yield from _long_lines_apart(rest + b"\n", limit)


def _long_lines_apart(block: bytes, limit: int) -> Iterator[bytes | tuple[bytes, int]]:
    half = max(1, limit // 2)
    # Every window of half the limit holding a line end proves that no line is over the limit.
    if all(block.find(b"\n", start, start + half) >= 0 for start in range(0, max(1, len(block) - half), half)):
        yield block
        return
    begin = position = 0
    while position < len(block):
        end = block.index(b"\n", position)
        length = end - position - block[position:end].endswith(b"\r")
        if length > limit:
            if position > begin:
                yield block[begin:position]
            yield block[position : position + limit], length
            begin = end + 1
        position = end + 1
    if begin < len(block):
        yield block[begin:]


def _decoded(block: bytes, notes: TextNotes) -> str:
    if b"\0" in block:
        notes.nul_bytes += block.count(b"\0")
        block = block.replace(b"\0", REPLACEMENT.encode())
    try:
        return block.decode()
    except UnicodeDecodeError:
        return "\n".join(_decoded_line(line, notes) for line in block.split(b"\n"))


def _decoded_line(line: bytes, notes: TextNotes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        notes.latin1_lines += 1
        # U+FFFD of a NUL byte is written in UTF-8 and must not be taken apart.
        parts = line.split(REPLACEMENT.encode())
        return REPLACEMENT.join(part.decode("latin-1").translate(_WINDOWS_1252) for part in parts)
