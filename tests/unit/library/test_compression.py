import bz2
import gzip
import lzma
import random

import pytest
import zstandard

from molsieve.errors import MolsieveError
from molsieve.library.compression import compression_of, read_chunks

CONTENT = b"".join(b"CC(C)N%d compound %d\n" % (i, i) for i in range(50_000))
NOISE = random.Random(0).randbytes(100_000)
# The zstd command writes checksums, the library does not unless told to.
COMPRESS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
}


@pytest.mark.parametrize("kind", COMPRESS)
@pytest.mark.parametrize("parts", [1, 3])
def test_round_trip_with_one_or_more_members(write, kind, parts):
    step = len(CONTENT) // parts + 1
    archive = b"".join(COMPRESS[kind](CONTENT[start : start + step]) for start in range(0, len(CONTENT), step))
    path = write("library", archive)  # the name says nothing
    assert compression_of(path) == kind
    assert b"".join(read_chunks(path)) == CONTENT
    assert next(read_chunks(path, size=100_000)).startswith(CONTENT[:1000])


def test_zstd_long_windows(write):
    compressor = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=28))
    with_long = compressor.compressobj()
    archive = with_long.compress(CONTENT) + with_long.flush()
    assert b"".join(read_chunks(write("library.zst", archive))) == CONTENT


@pytest.mark.parametrize("kind", COMPRESS)
@pytest.mark.parametrize("share", [0.2, 0.9, 0.999])
def test_a_cut_archive_is_an_error(write, kind, share):
    archive = COMPRESS[kind](CONTENT + NOISE)
    path = write("library.smi", archive[: int(len(archive) * share)])
    with pytest.raises(MolsieveError, match=f"{kind} archive ends in the middle") as caught:
        list(read_chunks(path, where="library.smi"))
    assert caught.value.where == "library.smi"


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_damaged_archive_is_an_error(write, kind):
    archive = bytearray(COMPRESS[kind](CONTENT + NOISE))
    middle = len(archive) // 2
    archive[middle : middle + 200] = NOISE[:200]
    with pytest.raises(MolsieveError, match=f"{kind} archive"):
        list(read_chunks(write("library.smi", bytes(archive))))


def test_plain_files_pass_through(write):
    assert b"".join(read_chunks(write("library.smi.gz", CONTENT))) == CONTENT
    assert list(read_chunks(write("empty.gz", b""))) == []
