import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molsieve.scoring.pool import PROPERTIES, Pool


def write(folder, first, n, scored=None):
    """A shard of ``n`` records of which some are scored; every property is the number of the record."""
    ids = np.arange(first, first + n)
    kept = ids if scored is None else np.asarray(scored)
    for name in ("prepared", "scores"):
        (folder / name).mkdir(exist_ok=True)
    columns = {"record_id": ids} | {name: pa.array(ids, pa.int16()) for name in PROPERTIES}
    pq.write_table(pa.table(columns), folder / "prepared" / f"{first:05d}.parquet")
    excluded = pa.array(["known_antibacterial" if i % 10 == 3 else None for i in kept], pa.string())
    scores = {"record_id": kept, "score": pa.array(kept / 1000, pa.float32())}
    scores["excluded_by"] = excluded.dictionary_encode()
    pq.write_table(pa.table(scores), folder / "scores" / f"{first:05d}.parquet")


def read(folder, **options):
    return Pool.read(folder / "prepared", folder / "scores", **options)


def test_it_holds_the_scored_compounds_with_their_properties(tmp_path):
    write(tmp_path, 0, 5, scored=[0, 2, 3])
    write(tmp_path, 5, 3)
    pool = read(tmp_path)
    assert pool.record_ids.tolist() == [0, 2, 3, 5, 6, 7]
    assert (pool.properties == pool.record_ids[:, None]).all()
    assert pool.scores.tolist() == pytest.approx((pool.record_ids / 1000).tolist())
    assert pool.is_known.tolist() == [False, False, True, False, False, False]
    assert (len(pool), pool.of) == (6, 6)


def test_a_larger_library_is_drawn_from_the_same_whatever_the_shards(tmp_path):
    for name, size in (("large", 1000), ("small", 100)):
        (tmp_path / name).mkdir()
        for first in range(0, 2000, size):
            write(tmp_path / name, first, size)
    one, other = (read(tmp_path / name, largest=500) for name in ("large", "small"))
    assert one.record_ids.tolist() == other.record_ids.tolist()
    assert 400 < len(one) < 600
    assert one.of == 2000
    # Drawn over the whole library, not from its start.
    assert one.record_ids.mean() == pytest.approx(1000, abs=100)


def test_an_empty_library(tmp_path):
    write(tmp_path, 0, 3, scored=np.zeros(0, np.int64))
    assert len(read(tmp_path)) == 0
    assert len(Pool.read(tmp_path / "none", tmp_path / "none")) == 0
