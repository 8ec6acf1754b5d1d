"""Builds a work folder as the stages of a run leave it, with real chemistry and made-up predictions."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rdkit import Chem, rdBase
from rdkit.Chem.Scaffolds import MurckoScaffold

from molsieve.chemistry.descriptors import DESCRIPTORS, describe
from molsieve.chemistry.reasons import RejectedStructure
from molsieve.chemistry.standardise import standardise_smiles
from molsieve.columns import LOW_CARDINALITY, arrow_schema
from molsieve.models.endpoints import Endpoint
from molsieve.models.refine import refined_columns
from molsieve.results.facts import RunFacts, read_inputs
from molsieve.results.schema import conform, controls_columns, decoys_columns, hits_columns, scores_columns
from molsieve.scoring.compounds import overlay
from molsieve.scoring.criteria import fit_profile
from molsieve.scoring.judgement import Actives, DecoyFacts, judge
from molsieve.scoring.profile import Profile
from molsieve.scoring.select import PASSED_OVER

# (title, pattern that raises it, log-odds without it, how much it raises)
_SIGNALS = {
    "saureus_growth_inhibition": ("[O-][N+](=O)c1cc[o,n]c1", -4.2, 3.0),
    "ecoli_growth_inhibition": ("O=c1ccnc2ccccc12", -4.0, 4.5),
    "abaumannii_growth_inhibition": ("S(=O)(=O)N", -4.5, 2.5),
    "ames": ("[N+](=O)[O-]", -0.8, 2.2),
    "herg": ("[NX3;!$(NC=O)]CCc", -1.2, 1.6),
    "tox21_sr_p53": ("c1ccc2ccccc2c1", -2.0, 1.5),
    "tox21_sr_mmp": ("[OH]c", -1.6, 1.0),
}
TITLES = {
    "saureus_growth_inhibition": "S. aureus growth inhibition",
    "ecoli_growth_inhibition": "E. coli growth inhibition",
    "abaumannii_growth_inhibition": "A. baumannii growth inhibition",
    "ames": "Ames mutagenicity",
    "herg": "hERG block",
    "tox21_sr_p53": "Tox21 p53 stress response",
    "tox21_sr_mmp": "Tox21 mitochondrial membrane potential",
}


def endpoints():
    made = [
        Endpoint(
            name=name,
            task="classification",
            family="activity" if name.endswith("inhibition") else "toxicity",
            title=title,
            description=f"Probability of {title.lower()}.",
            organism="",
            positive_means=title,
            dataset="made up",
            n=3000,
            n_positive=120,
        )
        for name, title in TITLES.items()
    ]
    ld50 = Endpoint(
        name="ld50",
        task="regression",
        family="toxicity",
        title="Acute oral toxicity in rats (LD50)",
        description="Higher is more toxic.",
        organism="Rattus norvegicus",
        positive_means="-log10 of the dose in mol/kg",
        unit="neg_log_mol_per_kg",
        dataset="made up",
        n=7385,
    )
    return (*made, ld50)


def build(folder, rows, profile, *, shard_size, controls=(), shortlist=10**9, hits=100, source="library.smi"):
    """Write a work folder and return its facts.

    Args:
        folder: Folder to write.
        rows: (structure, identifier or None, other columns as dict or None) of each record.
        profile: Profile file.
        shard_size: Records in a shard.
        controls: (name, kind, class or None, SMILES, in_training) of each control.
        shortlist: Compounds that are inspected.
        hits: Hits at most.
        source: Name of the library file.

    """
    profile = Profile.model_validate(profile)
    records = _records(rows, source)
    prepared = _prepared(records)
    duplicates = _duplicates(prepared)
    unique = [row for row in prepared if row["status"] == "ok" and row["record_id"] not in duplicates]
    triage = _triage(unique)
    top, audit = _best(profile, _compounds(unique, triage), shortlist)
    refined = _refined(triage, np.sort(np.concatenate([top, audit])))
    compounds = _compounds(unique, overlay(triage, refined))
    scores, hit_ids = _scores(profile, compounds, np.concatenate([top, audit]), hits)
    library = folder / "library"
    for number, start in enumerate(range(0, max(len(rows), 1), shard_size)):
        name = f"{number:05d}.parquet"
        within = range(start, start + shard_size)
        _write(library / "records" / name, _take(records, within))
        _write(library / "prepared" / name, _take(prepared, within))
        _write(library / "triage" / name, _filter(triage, within))
        _write(folder / "scores" / name, _filter(scores, within))
    _write(
        library / "duplicates.parquet",
        pa.table(
            {
                "record_id": pa.array(list(duplicates), pa.int64()),
                "duplicate_of": pa.array(list(duplicates.values()), pa.int64()),
            }
        ),
    )
    for number, start in enumerate(range(0, max(refined.num_rows, 1), CHUNK_ROWS)):
        _write(library / "refined" / f"{number:05d}.parquet", refined.slice(start, CHUNK_ROWS))
    _write(library / "shortlist.parquet", _shortlist(profile, _compounds(unique, triage), top, audit))
    _write(folder / "passed_over.parquet", arrow_schema(PASSED_OVER).empty_table())
    _write(folder / "hits.parquet", _hits(profile, hit_ids, records, compounds, scores))
    scored_controls = _controls(profile, controls, scores)
    _write(folder / "controls.parquet", scored_controls)
    decoys, verdict = _judged(scored_controls, scores)
    _write(folder / "decoys.parquet", decoys)
    (folder / "judgement.json").write_text(json.dumps(verdict.as_json()))
    digest = hashlib.sha256(repr(rows).encode()).hexdigest()
    manifest = {
        "rows": len(rows),
        "files": [
            {
                "source": source,
                "sha256": digest,
                "rows": len(rows),
                "bytes": 12_345,
                "format": "smiles",
                "structure_column": "column_1",
                "id_column": "column_2",
            }
        ],
    }
    (library / "records" / "manifest.json").write_text(json.dumps(manifest))
    _summaries(folder / "summary", len(rows), len(unique))
    return RunFacts(
        run=folder.name,
        config={"run": folder.name, "seed": 0, "prepare": {"threads": 2, "timeout_s": 30}},
        profile=profile,
        endpoints=endpoints(),
        inputs=read_inputs(library / "records"),
        models={"triage/model.safetensors": "ab" * 32, "refine/model.safetensors": "ba" * 32},
        resources={"antibacterials.csv": "cd" * 32},
        code="the sources may change while the tests run",
    )


def _noise(key, salt):
    """Number between 0 and 1 that depends on nothing but the arguments."""
    return int.from_bytes(hashlib.blake2b(f"{key} {salt}".encode(), digest_size=6).digest()) / 2**48


def _records(rows, source):
    return [
        {
            "record_id": i,
            "source": source,
            "source_row": i + 1,
            "compound_id": identifier,
            "structure": structure,
            "structure_format": "smiles",
            "properties": json.dumps(other) if other else None,
            "read_error": None,
            "read_detail": None,
        }
        for i, (structure, identifier, other) in enumerate(rows)
    ]


def _prepared(records):
    rows = []
    for record in records:
        row = {"record_id": record["record_id"], "input_structure": record["structure"]}
        try:
            with rdBase.BlockLogs():
                standard = standardise_smiles(record["structure"])
            row |= {"status": "ok", "reason_code": None, "reason_detail": None}
            row |= {"parent_smiles": standard.parent_smiles, "changes": list(standard.changes)}
            row |= {"removed_fragments": standard.removed_fragments}
            row |= dict(zip((c.name for c in DESCRIPTORS), describe(standard.parent), strict=True))
        except RejectedStructure as rejected:
            # What RDKit says of a parse error depends on where earlier tests of this process sent its messages.
            told = "RDKit cannot read this as SMILES" if rejected.reason_code == "unparsable" else rejected.detail
            row |= {"status": "rejected", "reason_code": rejected.reason_code, "reason_detail": told or "?"}
            row |= {"parent_smiles": None, "changes": [], "removed_fragments": None}
            row |= {c.name: None for c in DESCRIPTORS}
        rows.append(row)
    return rows


def _duplicates(prepared):
    first, duplicates = {}, {}
    for row in prepared:
        if row["status"] == "ok":
            known = first.setdefault(row["parent_smiles"], row["record_id"])
            if known != row["record_id"]:
                duplicates[row["record_id"]] = known
    return duplicates


def _triage(rows):
    patterns = {name: Chem.MolFromSmarts(signal[0]) for name, signal in _SIGNALS.items()}
    mols = [Chem.MolFromSmiles(row["parent_smiles"]) for row in rows]
    columns = {"record_id": pa.array([row["record_id"] for row in rows], pa.int64())}
    keys = [row["parent_smiles"] for row in rows]
    for name, (_, base, rise) in _SIGNALS.items():
        logits = np.array(
            [
                base + rise * mol.HasSubstructMatch(patterns[name]) + 3.0 * (_noise(key, name) - 0.5)
                for mol, key in zip(mols, keys, strict=True)
            ]
        )
        prob = 1 / (1 + np.exp(-logits))
        spread = np.array([0.15 + 0.5 * _noise(key, name + "sd") for key in keys]) * prob * (1 - prob) * 2
        columns[f"{name}_prob"] = pa.array(prob, pa.float32())
        columns[f"{name}_sd"] = pa.array(spread, pa.float32())
    ld50 = np.array([2.4 + 1.2 * (_noise(key, "ld50") - 0.5) for key in keys])
    columns["ld50_neg_log_mol_per_kg"] = pa.array(ld50, pa.float32())
    columns["ld50_neg_log_mol_per_kg_lo90"] = pa.array(ld50 - 0.8, pa.float32())
    columns["ld50_neg_log_mol_per_kg_hi90"] = pa.array(ld50 + 0.8, pa.float32())
    columns["ld50_sd"] = pa.array(np.full(len(keys), 0.2), pa.float32())
    unseen = np.array([_noise(key, "unseen") ** 3 for key in keys])
    columns["unseen_fraction"] = pa.array(unseen, pa.float32())
    columns["in_domain"] = pa.array(unseen < 0.4, pa.bool_())
    return pa.table(columns)


CHUNK_ROWS = 6
# Compounds of the shortlist that cannot be described keep their triage predictions: one of these many.
NOT_DESCRIBED_EVERY = 7


def _best(profile, compounds, size):
    """Positions of the best compounds, and of a few others as the random sample."""
    fit = fit_profile(profile, compounds, {})
    order = np.argsort(-(fit.profile_prob * fit.preference), kind="stable")
    return order[:size], order[size : size + max(1, size // 5)]


def _refined(triage, chosen):
    """Predictions of the reference models: the same signal, and what only they say."""
    chosen = chosen[np.arange(len(chosen)) % NOT_DESCRIBED_EVERY != NOT_DESCRIBED_EVERY - 1]
    table = triage.take(pa.array(chosen))
    ids = table["record_id"].to_pylist()
    columns = {name: table[name] for name in table.column_names}
    for name in _SIGNALS:
        prob = columns[f"{name}_prob"].to_numpy()
        moved = prob + 0.3 * (np.array([_noise(i, name + "refine") for i in ids]) - 0.5) * prob * (1 - prob)
        columns[f"{name}_prob"] = pa.array(moved, pa.float32())
        sets = ["active" if p > 0.5 else "both" if p > 0.2 else "inactive" for p in moved]
        columns[f"{name}_set"] = pa.array(sets, pa.string())
    columns["nn_similarity"] = pa.array([0.2 + 0.6 * _noise(i, "nn") for i in ids], pa.float32())
    columns["nn_active"] = pa.array(["ecoli_growth_inhibition: inactive"] * len(ids), pa.string())
    columns["in_training"] = pa.array([_noise(i, "train") < 0.1 for i in ids], pa.bool_())
    return conform(pa.table(columns), refined_columns(endpoints()))


def _shortlist(profile, compounds, top, audit):
    fit = fit_profile(profile, compounds, {})
    chosen = np.sort(np.concatenate([top, audit]))
    return pa.table(
        {
            "record_id": compounds["record_id"].take(pa.array(chosen)),
            "reason": pa.array(["audit" if i in set(audit) else "top" for i in chosen], pa.string()),
            "first_score": (fit.profile_prob * fit.preference)[chosen].astype(np.float32),
        }
    )


def _compounds(rows, triage):
    properties = pa.Table.from_pylist(
        [{c.name: row[c.name] for c in DESCRIPTORS} | {"parent_smiles": row["parent_smiles"]} for row in rows],
        schema=pa.schema([*((c.name, c.type) for c in DESCRIPTORS), ("parent_smiles", pa.string())]),
    )
    for name in properties.column_names:
        triage = triage.append_column(name, properties[name])
    entry = [_noise(row["parent_smiles"], "entry") for row in rows]
    return triage.append_column("entry_score", pa.array(entry, pa.float32()))


KNOWN = ("Nitrofurantoin", "Ciprofloxacin", "Sulfamethoxazole", "Chlorhexidine", "Trimethoprim", "Fusidic acid")
ALERTS = ("Aliphatic_long_chain", "nitro_group", "Michael_acceptor_1", "phenol_ester", "hydroquinone")


def _score_columns(profile, compounds, inspected):
    fit = fit_profile(profile, compounds, {})
    keys = compounds["parent_smiles"].to_pylist()
    seen = [key if is_in else None for key, is_in in zip(keys, inspected, strict=True)]
    pains = [None if k is None else ["quinone_A(370)"] if _noise(k, "pains") < 0.04 else [] for k in seen]
    brenk = [None if k is None else [a for a in ALERTS if _noise(k, a) < 0.08] for k in seen]
    classes = [None if k is None else "quinolone" if _noise(k, "class") < 0.02 else None for k in seen]
    novelty = [None if k is None else round(0.15 + 0.5 * _noise(k, "nov") ** 2, 3) for k in seen]
    excluded = [
        "not_inspected"
        if p is None
        else "pains"
        if p
        else "known_antibacterial"
        if c or n >= 0.5
        else "hard:activity"
        if v < 0.02
        else None
        for p, c, n, v in zip(pains, classes, novelty, fit.profile_prob, strict=True)
    ]
    score = fit.profile_prob * fit.preference
    columns = {
        "record_id": compounds["record_id"],
        "score": score.astype(np.float32),
        "profile_prob": fit.profile_prob,
        "profile_prob_lo90": fit.probability.low,
        "profile_prob_hi90": fit.probability.high,
        "desirability": fit.desirability,
    }
    for criterion in profile.criteria:
        columns[f"{criterion.name}_value"] = fit.values[criterion.name]
        columns[f"{criterion.name}_desirability"] = fit.desirabilities[criterion.name]
        columns[f"{criterion.name}_contribution"] = fit.contributions[criterion.name]
    columns |= {
        "inspected": pa.array([k is not None for k in seen]),
        "pains": pa.array(pains, pa.list_(pa.string())),
        "brenk": pa.array(brenk, pa.list_(pa.string())),
        "antibacterial_class": pa.array(classes, pa.string()),
        "novelty_tanimoto": pa.array(novelty, pa.float32()),
        "nearest_known": pa.array([None if k is None else KNOWN[int(6 * _noise(k, "nk"))] for k in seen], pa.string()),
        "excluded_by": pa.array(excluded, pa.string()),
    }
    return pa.table(columns | _of_schema_1_2(profile, fit, seen))


def _of_schema_1_2(profile, fit, seen):
    """Columns of the inspected compounds and of the scores as the stages of schema version 1.2 write them."""

    def some(salt, low, high):
        return pa.array([None if k is None else low + (high - low) * _noise(k, salt) for k in seen], pa.float32())

    def one_of(salt, *texts):
        chosen = [None if k is None else texts[int(len(texts) * _noise(k, salt))] for k in seen]
        return pa.array(chosen, pa.string())

    def alerts(salt, *names):
        found = [None if k is None else [name for name in names if _noise(k, salt + name) < 0.3] for k in seen]
        return pa.array(found, pa.list_(pa.string()))

    margin = some("margin", -0.3, 0.8)
    met = [None if k is None else int(4 * _noise(k, "met")) for k in seen]
    columns = {
        "profile_prob_lo90": pa.array(fit.profile_prob * 0.6, pa.float32()),
        "profile_prob_hi90": pa.array(np.minimum(1, fit.profile_prob * 1.5), pa.float32()),
        "top_share": some("top", 0, 1),
        "selectivity_margin": margin,
        "selectivity_lo90": pc.subtract(margin, pa.scalar(0.2, pa.float32())),
        "selectivity_hi90": pc.add(margin, pa.scalar(0.2, pa.float32())),
        "nih": alerts("nih", "aldehyde", "quinone <b>", "nitro"),
        "reactive": alerts("reactive", "acyl_halide"),
        "toxicophores": alerts("toxic", "aromatic_nitro", "aromatic_amine"),
        "antibacterial_target": one_of("target", None, "DNA gyrase <i>"),
        "resistance_mechanism": one_of("resistance", None, "target mutation & efflux"),
        "novelty_tversky": some("tversky", 0, 1),
        "nearest_known_tversky": one_of("nkt", *KNOWN),
        "training_active_similarity": some("trained", 0, 1),
        "nearest_training_active": one_of("nta", "sulfadiazine (ecoli_growth_inhibition)", "AAAAAAAAAAAAAA"),
        "entry_amine": one_of("amine", "primary", "tertiary", "none"),
        "globularity": some("globularity", 0, 0.5),
        "entry_rules_met": pa.array(met, pa.int8()),
        "entry_score": some("entry", 0, 1),
    }
    for criterion in profile.criteria:
        desirability = np.nan_to_num(fit.desirabilities[criterion.name], nan=1.0)
        factor = criterion.weight / sum(c.weight for c in profile.criteria) * np.log(np.maximum(desirability, 1e-6))
        columns[f"{criterion.name}_contribution"] = pa.array(factor, pa.float32())
    return columns


def _conform(table, declared):
    """Table in the shape of the contract; columns that it does not declare stay behind the others."""
    conformed = conform(table, declared)
    for name in table.column_names:
        if name not in conformed.column_names:
            conformed = conformed.append_column(name, table[name])
    return conformed


def _dense_rank(scores):
    distinct = np.unique(scores)
    return (len(distinct) - np.searchsorted(distinct, scores)).astype(np.int64)


def _scores(profile, compounds, shortlisted, hits):
    inspected = np.isin(np.arange(compounds.num_rows), shortlisted)
    table = _score_columns(profile, compounds, inspected)
    table = table.append_column("rank", pa.array(_dense_rank(table["score"].to_numpy())))
    front = [int(1 + 5 * _noise(i, "front")) if seen else None for i, seen in enumerate(inspected)]
    table = table.append_column("pareto_front", pa.array(front, pa.int32()))
    table = _conform(table, scores_columns(profile.criteria))
    eligible = table.filter(table["excluded_by"].is_null()).sort_by([("rank", "ascending"), ("record_id", "ascending")])
    return table, eligible["record_id"].to_pylist()[:hits]


def _hits(profile, hit_ids, records, compounds, scores):
    at = {record: i for i, record in enumerate(compounds["record_id"].to_pylist())}
    take = pa.array([at[i] for i in hit_ids], pa.int64())
    table = scores.take(take)
    for name in compounds.column_names:
        if name not in table.column_names:
            table = table.append_column(name, compounds.take(take)[name])
    scaffolds = [MurckoScaffold.MurckoScaffoldSmiles(s) for s in table["parent_smiles"].to_pylist()]
    chosen = [records[i] for i in hit_ids]
    added = {
        "hit": pa.array(range(1, len(hit_ids) + 1), pa.int32()),
        "compound_id": pa.array([r["compound_id"] for r in chosen], pa.string()),
        "source": pa.array([r["source"] for r in chosen], pa.string()),
        "source_row": pa.array([r["source_row"] for r in chosen], pa.int64()),
        "input_structure": pa.array([r["structure"] for r in chosen], pa.string()),
        "scaffold": pa.array(scaffolds, pa.string()),
        "cluster": pa.array([1 + list(dict.fromkeys(scaffolds)).index(s) for s in scaffolds], pa.int32()),
        "cluster_leader": pa.array([1 + scaffolds.index(s) for s in scaffolds], pa.int32()),
        "cluster_similarity": pa.array([1.0 if scaffolds.index(s) == i else 0.5 for i, s in enumerate(scaffolds)]),
        "passed_over": pa.array([0] * len(scaffolds), pa.int32()),
        "reasons": pa.array(
            [f"{profile.criteria[0].title}: 42%; nearest known {KNOWN[0]}" for _ in hit_ids], pa.string()
        ),
        "library_properties": pa.array([r["properties"] for r in chosen], pa.string()),
    }
    for name, values in added.items():
        table = table.append_column(name, values)
    shown = [e for e in endpoints() if e.name in profile.endpoint_names()]
    return conform(table, hits_columns(shown))


def _controls(profile, controls, scores):
    columns = controls_columns(endpoints(), profile.criteria)
    if not controls:
        return conform(pa.table({c.name: pa.nulls(0, c.type) for c in columns}), columns)
    records = _records([(smiles, name, None) for name, _, _, smiles, _ in controls], "controls.csv")
    prepared = _prepared(records)
    ok = [row for row in prepared if row["status"] == "ok"]
    compounds = _compounds(ok, _triage(ok))
    # Known actives are found by a model that works.
    kinds = {i: kind for i, (_, kind, *_) in enumerate(controls)}
    for name in ("saureus_growth_inhibition", "ecoli_growth_inhibition", "abaumannii_growth_inhibition"):
        lift = [
            2.5 + 3 * (_noise(i, name + "lift") - 0.4) if kinds[i] == "active" else 0
            for i in compounds["record_id"].to_pylist()
        ]
        prob = compounds[f"{name}_prob"].to_numpy()
        lifted = 1 / (1 + (1 - prob) / prob * np.exp(-np.array(lift)))
        compounds = compounds.set_column(
            compounds.column_names.index(f"{name}_prob"), f"{name}_prob", pa.array(lifted, pa.float32())
        )
    table = _score_columns(profile, compounds, [True] * len(ok)).drop_columns(["antibacterial_class"])
    for name in compounds.column_names:
        if name not in table.column_names:
            table = table.append_column(name, compounds[name])
    library = np.sort(scores["score"].to_numpy())
    would = 1 + len(library) - np.searchsorted(library, table["score"].to_numpy(), "right")
    table = table.append_column("would_rank", pa.array(would, pa.int64()))
    at = {record: i for i, record in enumerate(compounds["record_id"].to_pylist())}
    aligned = table.take(pa.array([at.get(i) for i in range(len(controls))], pa.int64()))
    added = {
        "name": pa.array([c[0] for c in controls], pa.string()),
        "kind": pa.array([c[1] for c in controls], pa.string()),
        "antibacterial_class": pa.array([c[2] for c in controls], pa.string()),
        "structure": pa.array([c[3] for c in controls], pa.string()),
        "in_training": pa.array([c[4] for c in controls], pa.bool_()),
        "status": pa.array([row["status"] for row in prepared], pa.string()),
        "reason_code": pa.array([row["reason_code"] for row in prepared], pa.string()),
        "tier": pa.array(["triage" if i in at else None for i in range(len(controls))], pa.string()),
    }
    for name, values in added.items():
        aligned = aligned.append_column(name, values)
    return conform(aligned, columns)


DECOYS_EACH = 2


def _judged(controls, scores):
    """Made-up decoys, the first compounds of the library, and the verdict that follows from them."""
    rows = [row for row in controls.to_pylist() if row["score"] is not None]
    actives = [row for row in rows if row["kind"] == "active"]
    chosen = scores.slice(0, DECOYS_EACH * len(actives))
    owner = np.arange(chosen.num_rows) // DECOYS_EACH
    decoys = pa.table(
        {
            "record_id": chosen["record_id"],
            "matched_to": pa.array([actives[i]["name"] for i in owner], pa.string()),
            "property_distance": pa.array([_noise(i, "distance") for i in range(chosen.num_rows)], pa.float32()),
            "active_similarity": pa.array([0.3 * _noise(i, "like") for i in range(chosen.num_rows)], pa.float32()),
            "score": chosen["score"],
        }
    )
    verdict = judge(
        Actives(
            np.array([row["score"] for row in actives], np.float32),
            np.array([row["in_training"] is False for row in actives], bool),
            chosen["score"].to_numpy(),
            owner,
        ),
        np.array([row["score"] for row in rows if row["kind"] == "inactive"], np.float32),
        scores["score"].to_numpy(),
        decoys=DecoyFacts(len(actives), len(set(owner.tolist())), chosen.num_rows, DECOYS_EACH, 0.35, 0.9, 0.3, 1),
        near=0.5,
    )
    return conform(decoys, decoys_columns()), verdict


def _summaries(folder, rows, unique):
    folder.mkdir(parents=True)
    facts = {
        "ingest": {"rows": rows, "seconds": 0.5},
        "prepare-library-00000": {"rows": rows, "seconds": 2.5},
        "prepare-library-00001": {"rows": rows, "seconds": 1.5},
        "triage-library-00000": {"rows": unique, "seconds": 1.0, "device": "cpu"},
        "score": {"compounds": unique, "seconds": 0.7},
    }
    for name, values in facts.items():
        (folder / f"{name}.json").write_text(json.dumps({"stage": name.split("-")[0], "started": 1.7e9, **values}))


def _columns(rows):
    kinds = {
        "record_id": pa.int64(),
        "source_row": pa.int64(),
        "changes": pa.list_(pa.string()),
        **{c.name: c.type for c in DESCRIPTORS},
    }
    low = {"source", "structure_format", "read_error", "status", "reason_code"}
    return pa.schema([(name, kinds.get(name, LOW_CARDINALITY if name in low else pa.string())) for name in rows[0]])


def _take(rows, within):
    return pa.Table.from_pylist([rows[i] for i in within if i < len(rows)], schema=_columns(rows))


def _filter(table, within):
    ids = table["record_id"]
    return table.filter(pc.and_(pc.greater_equal(ids, within.start), pc.less(ids, within.stop)))


def _write(path: Path, table: pa.Table):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")
