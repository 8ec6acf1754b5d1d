"""Which format a file has: by its name, and by its first bytes where the name says nothing or lies."""

import re

from molsieve.errors import MolsieveError

# What a name promises; "text" leaves it to the content.
FORMAT_SUFFIXES = {
    ".smi": "smiles",
    ".smiles": "smiles",
    ".ism": "smiles",
    ".cxsmiles": "smiles",
    ".txt": "text",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".sdf": "sdf",
    ".sd": "sdf",
    ".mol": "sdf",
    ".parquet": "parquet",
    ".pq": "parquet",
}
COMPRESSION_SUFFIXES = (".gz", ".bz2", ".xz", ".zst")

# Texts that lie beside libraries and are none.
_COMPANIONS = re.compile(r"(readme|licen[cs]e|changelog|citation|notice)\b", re.IGNORECASE)

_FOREIGN = (
    (b"PK\x03\x04", "an Excel workbook or ZIP archive", "Export the table as CSV, or unpack the archive."),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old kind", "Export the table as CSV."),
    (b"%PDF", "a PDF document", "Ask the source for the table as CSV or SDF."),
    (b"\x89HDF", "an HDF5 file", "Export the structures as CSV or Parquet."),
    (b"\x89PNG", "a picture", "Name the library file."),
    (b"SQLite format 3", "a SQLite database", "Export the table as CSV or Parquet."),
)
_COUNTS_LINE = re.compile(rb"(?:[^\n\r]*\r?\n){3}[ 0-9]{6}[^\n]*V[23]000")
_SDF_MARKS = (b"$$$$", b"M  END", b"V2000", b"V3000")

# A text file may hold a stray control character; a binary file is full of them.
_CONTROL = bytes(set(range(32)) - {9, 10, 11, 12, 13, 27})
_MAX_CONTROL_SHARE = 0.02


def split_name(name: str) -> tuple[str, str]:
    """Format suffix and compression suffix of a file name in lower case, each empty where it is not known."""
    lower = name.lower()
    compression = next((suffix for suffix in COMPRESSION_SUFFIXES if lower.endswith(suffix)), "")
    lower = lower.removesuffix(compression)
    return next((suffix for suffix in FORMAT_SUFFIXES if lower.endswith(suffix)), ""), compression


def is_library_name(name: str) -> bool:
    """Whether a file in a folder is taken for a library: a known extension, not hidden, not a README or licence."""
    return bool(split_name(name)[0]) and not name.startswith((".", "_")) and not _COMPANIONS.match(name)


def kind_of(name: str, head: bytes, given: str | None, where: str) -> str:
    """Tell which reader a file needs: ``parquet``, ``sdf``, or ``smiles``, ``csv``, ``tsv`` or ``text`` for a table.

    Args:
        name: File name; its extension counts unless the content contradicts it.
        head: First bytes, decompressed; some 64 kB.
        given: Format the user named, or None.
        where: File, for the error message.

    Raises:
        MolsieveError: The file is empty, binary, or of a kind that cannot be read.

    """
    if not head:
        raise MolsieveError(
            "the file is empty", where=where, fix="Name the right file, or remove this one from the libraries."
        )
    if head.startswith(b"PAR1"):
        return _agree("parquet", given, where)
    _refuse_foreign(head, where)
    if given:
        return _agree(given, given, where) if given != "parquet" else _not_parquet(where)
    promised = FORMAT_SUFFIXES.get(split_name(name)[0], "text")
    if promised == "parquet":
        return _not_parquet(where)
    if _COUNTS_LINE.match(head):
        return "sdf"
    if promised == "sdf" and not any(mark in head for mark in _SDF_MARKS):
        return "text"
    return promised


def looks_utf16(head: bytes) -> str | None:
    """Codec of a file in UTF-16, as Windows programs write it, or None."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    sample = head[:2000]
    half = max(1, len(sample) // 2)
    if sample[1::2].count(0) > 0.7 * half and sample[0::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if sample[0::2].count(0) > 0.7 * half and sample[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return None


def _agree(found: str, given: str | None, where: str) -> str:
    if given and given != found:
        raise MolsieveError(
            f"format={given} is given, but this is a {found} file", where=where, fix="Leave format out."
        )
    return found


def _not_parquet(where: str) -> str:
    raise MolsieveError(
        "this is not a Parquet file: it does not begin with PAR1",
        where=where,
        fix="Fetch it again if the download broke; if it is another format, say so with format=.",
    )


def _refuse_foreign(head: bytes, where: str) -> None:
    for magic, what, fix in _FOREIGN:
        if head.startswith(magic):
            raise MolsieveError(f"this is {what}, not a compound library", where=where, fix=fix)
    if head[257:262] == b"ustar":
        raise MolsieveError("this is a tar archive", where=where, fix="Unpack it and name the files in it.")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg")):
        raise MolsieveError(
            "this is a web page or XML, not a compound library",
            where=where,
            fix="A download may have fetched a log-in or error page; open the file in a browser to see.",
        )
    if start.startswith((b'{"', b"[{", b"{\n", b"{\r")):
        raise MolsieveError(
            "this is JSON, not a compound library", where=where, fix="Convert it to CSV, SDF or Parquet."
        )
    if looks_utf16(head):
        return
    # A NUL byte now and then is a broken cell of a table, not a binary file.
    if len(head) - len(head.translate(None, _CONTROL)) > max(16, _MAX_CONTROL_SHARE * len(head)):
        raise MolsieveError(
            "this is not a text file: it is full of control characters",
            where=where,
            fix="Readable are SMILES, CSV, TSV, SDF and Parquet files, also compressed with gzip, bzip2, xz or zstd.",
        )
