import zlib

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import load, save

from molsieve.models.packing import pack, unpack

RANDOM = np.random.default_rng(0)
TENSORS = {
    "levels": RANDOM.integers(0, 8, (500, 320)).astype(np.uint8),
    "bits": np.sort(RANDOM.integers(0, 2048, (2000, 40)), axis=1).astype(np.uint16),
    "noise": RANDOM.normal(size=(100, 400)).astype(np.float32),
    "few": np.zeros(3, dtype=np.float16),
    "turned": np.asfortranarray(np.tile(np.arange(300, dtype=np.int32), (200, 1))),
}


def test_what_is_packed_is_unpacked():
    found = unpack(pack(TENSORS))
    assert set(found) == set(TENSORS)
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype
        assert np.array_equal(found[name], tensor)
        assert found[name].flags.writeable


def test_large_tensors_with_little_information_get_smaller():
    stored = load(pack(TENSORS))
    assert {name for name in stored if stored[name].nbytes < TENSORS[name].nbytes} == {"levels", "bits", "turned"}
    assert pack(TENSORS) == pack(TENSORS)


def test_any_safetensors_file_is_read():
    found = unpack(save({"noise": TENSORS["noise"]}))
    assert np.array_equal(found["noise"], TENSORS["noise"])


@pytest.mark.parametrize("damage", [lambda t: t[:-20], lambda t: t[::-1].copy(), lambda t: np.zeros_like(t)])
def test_a_damaged_tensor_is_refused(damage):
    content = pack(TENSORS)
    header = content[8 : 8 + int.from_bytes(content[:8], "little")]
    stored = load(content)
    stored["levels"] = damage(stored["levels"])
    deflated = header[header.index(b'"deflated":"') + 12 :]
    metadata = {"deflated": deflated[: deflated.index(b'}"') + 1].decode().replace('\\"', '"')}
    with pytest.raises(SafetensorError, match="levels cannot be inflated"):
        unpack(save(stored, metadata=metadata))


def test_a_stream_longer_than_it_says_is_not_inflated_whole():
    stream = np.frombuffer(zlib.compress(bytes(10**6)), dtype=np.uint8)
    assert unpack(save({"a": stream}, {"deflated": '{"a": ["|u1", 100]}'}))["a"].nbytes == 100
