import pytest
from hypothesis import given
from hypothesis import strategies as st

from molsieve.library.lines import LongLine, TextNotes, text_blocks


def blocks_of(content: bytes, size: int = 7, limit: int = 1 << 18, encoding: str | None = None):
    notes = TextNotes()
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    return list(text_blocks(chunks, notes, encoding, max_line_bytes=limit)), notes


def lines(blocks):
    return [line for block in blocks for line in ([block] if isinstance(block, LongLine) else block.split("\n")[:-1])]


def text_of(content: bytes, **options):
    blocks, notes = blocks_of(content, **options)
    return "".join(blocks), notes


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff\r"), max_size=200), st.integers(1, 50)
)
def test_utf8_survives_any_cut(text, size):
    read, notes = text_of(b"\n" + text.encode(), size=size)
    assert read == "\n" + text + ("" if text.endswith("\n") or not text else "\n")
    assert notes.described() == "utf-8"


@given(st.binary(max_size=300), st.integers(1, 40), st.integers(1, 30))
def test_any_bytes_give_the_same_whatever_the_cut(content, size, limit):
    # The first piece decides between encodings, so it is the same in both; what follows is cut differently.
    head = b"first\n" * 4
    whole, notes = blocks_of(head + content, size=10_000, limit=limit)
    cut = TextNotes()
    chunks = [head, *(content[start : start + size] for start in range(0, len(content), size))]
    pieces = list(text_blocks(chunks, cut, max_line_bytes=limit))
    assert lines(pieces) == lines(whole)
    assert (cut.latin1_lines, cut.nul_bytes, cut.long_lines) == (notes.latin1_lines, notes.nul_bytes, notes.long_lines)


def test_latin1_lines_are_read_and_counted():
    text, notes = text_of("CC caf\u00e9\n".encode() + b"CO \xe9thanol\nCN \x96 dash\n", size=100)
    assert text == "CC caf\u00e9\nCO \u00e9thanol\nCN \u2013 dash\n"
    assert notes.described() == "utf-8, latin-1 in 2 lines"


def test_every_byte_can_be_read():
    text, _ = text_of(bytes(range(1, 256)), size=1000)
    assert len(text) == 256  # \r stays, a line feed is added at the end


def test_byte_order_mark():
    text, notes = text_of(b"\xef\xbb\xbfSMILES\n", size=100)
    assert text == "SMILES\n"
    assert notes.described() == "utf-8 with byte order mark"


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_recognised(codec):
    content = "SMILES\tname\nCCO\t\u00e9thanol\n" * 20
    text, notes = text_of(content.encode(codec), size=10_000)
    assert text == content
    assert notes.encoding.startswith("utf-16")


def test_named_encoding_never_aborts():
    text, notes = text_of(b"CC \xe4\nCN \x81\n", encoding="cp1252", size=100)
    assert text == "CC \u00e4\nCN \ufffd\n"
    assert notes.encoding == "cp1252"


def test_old_macintosh_line_ends():
    assert text_of(b"CC a\rCN b\r", size=100)[0] == "CC a\nCN b\n"


def test_nul_bytes_are_shown():
    text, notes = text_of(b"C\0C a\0\xe9\n", size=100)
    assert text == "C\ufffdC a\ufffd\u00e9\n"
    assert notes.nul_bytes == 2


@pytest.mark.parametrize("size", [1, 13, 64, 1000])
def test_long_lines_are_cut_and_the_others_kept(size):
    content = b"short\n" + b"x" * 100 + b"\r\nshort again\n" + b"y" * 21 + b"\n" + b"z" * 20 + b"\r\nend" + b"w" * 50
    blocks, notes = blocks_of(content, size=size, limit=20)
    assert [block for block in blocks if isinstance(block, LongLine)] == [
        LongLine("x" * 20, 100),
        LongLine("y" * 20, 21),
        LongLine("end" + "w" * 17, 53),
    ]
    assert "".join(block for block in blocks if isinstance(block, str)) == "short\nshort again\n" + "z" * 20 + "\r\n"
    assert notes.long_lines == 3
