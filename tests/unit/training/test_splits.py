import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molsieve import project_root
from molsieve.errors import MolsieveError
from molsieve.models.endpoints import Endpoint
from molsieve.models.fingerprint_set import FoldedBits
from molsieve.training.splits import (
    FOLDS,
    check_frozen,
    cluster_folds,
    freeze,
    read_folds,
    scaffold_folds,
    split,
    stratified_folds,
    write_frozen,
)

KEYS = [f"KEY{i:011d}" for i in range(1000)]
SCAFFOLDS = [f"scaffold{i % 60}" if i % 7 else "" for i in range(1000)]


def labels():
    random = np.random.default_rng(0)
    values = (random.random((1000, 3)) < [0.02, 0.1, 0.5]).astype(float)
    values[random.random((1000, 3)) < 0.4] = np.nan
    return values


def test_no_scaffold_crosses_folds():
    folds = scaffold_folds(KEYS, SCAFFOLDS, seed=1)
    for scaffold in set(SCAFFOLDS) - {""}:
        assert len({f for f, s in zip(folds, SCAFFOLDS, strict=True) if s == scaffold}) == 1
    acyclic = [f for f, s in zip(folds, SCAFFOLDS, strict=True) if not s]
    assert set(acyclic) == set(range(FOLDS))


@pytest.mark.parametrize("order", [np.arange(1000)[::-1], np.random.default_rng(3).permutation(1000)])
def test_the_order_of_the_rows_does_not_matter(order):
    keys, scaffolds, values = [KEYS[i] for i in order], [SCAFFOLDS[i] for i in order], labels()[order]
    assert np.array_equal(scaffold_folds(keys, scaffolds, 1), scaffold_folds(KEYS, SCAFFOLDS, 1)[order])
    assert np.array_equal(stratified_folds(keys, values, 1), stratified_folds(KEYS, labels(), 1)[order])
    assert freeze(keys, scaffold_folds(keys, scaffolds, 1)) == freeze(KEYS, scaffold_folds(KEYS, SCAFFOLDS, 1))


def test_similar_molecules_share_a_cluster_and_so_a_fold():
    random = np.random.default_rng(0)
    families = [random.choice(2048, 40, replace=False).astype(np.uint32) for _ in range(100)]
    fingerprints = [np.unique(np.append(families[i % 100], random.integers(0, 2048, 3))) for i in range(1000)]
    folds = cluster_folds(KEYS, FoldedBits.of([f.astype(np.uint32) for f in fingerprints]), seed=1)
    assert all(len(set(folds[i::100])) == 1 for i in range(100))
    assert set(folds) == set(range(FOLDS))
    order = random.permutation(1000)
    shuffled = FoldedBits.of([fingerprints[i].astype(np.uint32) for i in order])
    assert np.array_equal(cluster_folds([KEYS[i] for i in order], shuffled, seed=1), folds[order])


def test_another_seed_gives_other_folds():
    assert not np.array_equal(scaffold_folds(KEYS, SCAFFOLDS, 1), scaffold_folds(KEYS, SCAFFOLDS, 2))


def test_rare_positives_are_spread_evenly():
    values = labels()
    folds = stratified_folds(KEYS, values, seed=1)
    positives = [int((values[folds == f, 0] == 1).sum()) for f in range(FOLDS)]
    assert max(positives) - min(positives) <= 1
    sizes = np.bincount(folds)
    assert sizes.max() - sizes.min() <= FOLDS


def test_drift_of_the_folds_is_noticed(tmp_path):
    folds = scaffold_folds(KEYS, SCAFFOLDS, 1)
    frozen = {"scaffold": freeze(KEYS, folds), "random": freeze(KEYS, stratified_folds(KEYS, labels(), 1))}
    write_frozen(tmp_path / "f.json", frozen, "table")
    check_frozen(tmp_path / "f.json", frozen, "table")
    folds[5] = (folds[5] + 1) % FOLDS
    with pytest.raises(MolsieveError, match="changed: scaffold"):
        check_frozen(tmp_path / "f.json", frozen | {"scaffold": freeze(KEYS, folds)}, "table")
    with pytest.raises(MolsieveError, match="changed: table_digest"):
        check_frozen(tmp_path / "f.json", frozen, "another table")


def test_the_table_of_folds(tmp_path):
    facts = {"family": "toxicity", "title": ".", "description": ".", "organism": ".", "positive_means": "."}
    endpoint = Endpoint(name="y", task="classification", **facts)
    ids = pa.array([[i % 90, 100 + i % 80] for i in range(1000)], pa.list_(pa.uint32()))
    columns = {"connectivity": KEYS, "scaffold": SCAFFOLDS, "morgan_ids": ids, "y": pa.array(labels()[:, 1])}
    table = pa.table(columns)
    split(table, [endpoint], tmp_path / "splits.parquet", seed=1)
    assert pq.read_table(tmp_path / "splits.parquet").num_rows == 1000
    assert np.array_equal(read_folds(tmp_path / "splits.parquet", "scaffold"), scaffold_folds(KEYS, SCAFFOLDS, 1))


@pytest.mark.mirror
@pytest.mark.slow
def test_the_committed_digests_are_those_of_the_data(registry, mirror, tmp_path):
    """Curates everything (a minute or two) and compares table and folds with what the shipped model was trained on."""
    from molsieve.chemistry.standardise import StandardiseOptions
    from molsieve.training.curation import curate, read_table

    options = StandardiseOptions()
    out, report = tmp_path / "t.parquet", tmp_path / "r.json"
    summary = curate(registry, out, report, options=options, cache=tmp_path, workers=2)
    frozen = project_root() / "resources" / "splits" / "folds.json"
    table = read_table(out, registry.endpoints)
    digests = split(table, registry.endpoints, tmp_path / "s.parquet", seed=20261122)
    check_frozen(frozen, digests, summary.table_digest)


@pytest.mark.parametrize("tier", ["triage", "refine"])
def test_the_shipped_model_was_trained_on_the_committed_splits(tier):
    committed = json.loads((project_root() / "resources" / "splits" / "folds.json").read_text())
    model = json.loads((project_root() / "resources" / "models" / tier / "model.json").read_text())
    assert model["splits"] == committed
    assert model["curation"]["table_digest"] == committed["table_digest"]
