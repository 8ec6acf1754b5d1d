"""The contract of the result set as data: every published table, column by column.

The Arrow schemas, their field metadata, ``schema.json``, ``DATA_DICTIONARY.md`` and ``datapackage.json`` are all
derived from these declarations, so none of them can disagree with the files.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import pyarrow as pa

from molsieve.columns import LOW_CARDINALITY, Column, arrow_schema

F32 = pa.float32()
STRINGS = pa.list_(pa.string())

# What a unit in a column name reads like in prose.
UNIT_TEXT = {"neg_log_mol_per_kg": "-log10(mol/kg)", "log_mol_per_kg": "log10(mol/kg)"}


class EndpointLike(Protocol):
    """What the contract needs to know of a predicted endpoint (``molsieve.models.endpoints.Endpoint`` is one)."""

    @property
    def name(self) -> str:
        """Name in column names, e.g. ``saureus_growth_inhibition``."""

    @property
    def task(self) -> str:
        """``classification`` or ``regression``."""

    @property
    def unit(self) -> str | None:
        """Unit as it stands in column names; regression only."""

    @property
    def title(self) -> str:
        """Name in prose."""

    @property
    def description(self) -> str:
        """What the endpoint is, in a sentence."""


class CriterionLike(Protocol):
    """What the contract needs to know of a criterion of a target product profile."""

    @property
    def name(self) -> str:
        """Name in column names."""

    @property
    def title(self) -> str:
        """Name in prose."""

    @property
    def unit(self) -> str | None:
        """Unit of the raw value, where it has one."""

    @property
    def description(self) -> str:
        """What is asked of a compound, in a sentence."""


class Table(NamedTuple):
    """One published table: where it lies, what a row is, and its columns."""

    name: str
    path: str
    row: str
    key: str
    columns: tuple[Column, ...]

    @property
    def is_sharded(self) -> bool:
        """Whether the table is a folder of parts."""
        return "*" in self.path

    def schema(self, metadata: dict[str, str] | None = None) -> pa.Schema:
        """Arrow schema of every file of the table."""
        return arrow_schema(self.columns, metadata)


GUT_SPECTRUM = "gut_spectrum"

RECORD_ID = Column(
    "record_id",
    pa.int64(),
    "Number of the input record, 0 to N-1 over the whole run in input order; joins all tables",
    nullable=False,
)


def value_column(endpoint: EndpointLike) -> str:
    """Column that holds the prediction of an endpoint."""
    return f"{endpoint.name}_{endpoint.unit}" if endpoint.task == "regression" else f"{endpoint.name}_prob"


def compounds_columns() -> tuple[Column, ...]:
    """``compounds``: one row for every input record, in input order."""
    # RDKit is loaded with it, which readers of this module do not all need.
    from molsieve.chemistry.descriptors import DESCRIPTORS

    return (
        RECORD_ID,
        Column("source", LOW_CARDINALITY, "Name of the input file the record was read from", nullable=False),
        Column(
            "source_row",
            pa.int64(),
            "Data row (header not counted) or SDF record in that file, counted from 1",
            nullable=False,
        ),
        Column("compound_id", pa.string(), "The user's identifier, verbatim; null where the library has none"),
        Column(
            "input_structure",
            pa.string(),
            "Structure as read, verbatim; for SDF the canonical SMILES of the record as read, or the start of the "
            "record where it could not be read",
        ),
        Column(
            "status",
            LOW_CARDINALITY,
            "ok: predicted and scored; duplicate: same parent as an earlier record; rejected: see reason_code",
            nullable=False,
        ),
        Column("reason_code", LOW_CARDINALITY, "Why the record is not ok, as a code; null when ok"),
        Column("reason_detail", pa.string(), "Why the record is not ok, in words; null when ok"),
        Column("duplicate_of", pa.int64(), "record_id of the first record with the same parent; null otherwise"),
        Column(
            "parent_smiles",
            pa.string(),
            "Canonical SMILES of the standardised parent, which is what was predicted; null when rejected",
        ),
        Column(
            "inchikey",
            pa.string(),
            "Standard InChIKey of the parent; filled for every hit, for all ok compounds of small libraries, else null",
        ),
        Column("changes", STRINGS, "Standardisation steps that altered the molecule, in order; empty when none did"),
        Column("removed_fragments", pa.string(), "Canonical SMILES of what was removed as salt or solvent, or null"),
        *DESCRIPTORS,
    )


def endpoint_columns(endpoint: EndpointLike, *, conformal: bool) -> tuple[Column, ...]:
    """Columns that hold the prediction of one endpoint and its uncertainty.

    Args:
        endpoint: The endpoint.
        conformal: Whether the conformal set of a classification endpoint is among them.

    """
    value = value_column(endpoint)
    if endpoint.task == "regression":
        unit = UNIT_TEXT.get(endpoint.unit or "", endpoint.unit)
        return (
            Column(value, F32, f"{endpoint.title}: predicted value. {endpoint.description}", unit),
            Column(f"{value}_lo90", F32, f"{endpoint.title}: lower bound of the 90 % interval", unit),
            Column(f"{value}_hi90", F32, f"{endpoint.title}: upper bound of the 90 % interval", unit),
            Column(
                f"{endpoint.name}_sd", F32, f"{endpoint.title}: standard deviation over the ensemble's members", unit
            ),
        )
    columns = (
        Column(value, F32, f"{endpoint.title}: calibrated probability, 0 to 1. {endpoint.description}"),
        Column(
            f"{endpoint.name}_sd",
            F32,
            f"{endpoint.title}: standard deviation of the probability over the ensemble's members",
        ),
    )
    if not conformal:
        return columns
    return (
        *columns,
        Column(
            f"{endpoint.name}_set",
            LOW_CARDINALITY,
            f"{endpoint.title}: conformal set (active, inactive, both: cannot tell, none: unlike the training data); "
            "null at tier triage",
        ),
    )


def gut_spectrum_columns() -> tuple[Column, Column, Column]:
    """Columns derived from the predictions of the gut strains together."""
    what = "Share of the commensal gut strains that are inhibited"
    return (
        Column(
            GUT_SPECTRUM,
            F32,
            f"{what}, 0 to 1: mean of their probabilities; low is narrow-spectrum. Null where no gut strain is "
            "predicted",
        ),
        Column(
            f"{GUT_SPECTRUM}_lo90",
            F32,
            f"{what}: lower bound of the 90 % interval, in which the outcomes of the strains go together as measured",
        ),
        Column(f"{GUT_SPECTRUM}_hi90", F32, f"{what}: upper bound of the 90 % interval"),
    )


def predictions_columns(endpoints: Iterable[EndpointLike]) -> tuple[Column, ...]:
    """``predictions``: one row for every compound with status ok."""
    return (
        RECORD_ID,
        Column(
            "tier",
            LOW_CARDINALITY,
            "Models the row comes from: triage (fast network, whole library) or refine (reference models, shortlist)",
            nullable=False,
        ),
        *(column for endpoint in endpoints for column in endpoint_columns(endpoint, conformal=True)),
        *gut_spectrum_columns(),
        Column(
            "unseen_fraction",
            F32,
            "Share of the molecule's Morgan fingerprint ids that no training molecule has, 0 to 1; high: extrapolation",
        ),
        Column(
            "nn_similarity",
            F32,
            "Tanimoto similarity (Morgan radius 2, 2048 bits) to the nearest training molecule of the activity "
            "endpoints; null at tier triage",
        ),
        Column(
            "nn_active",
            LOW_CARDINALITY,
            "What that nearest training molecule was measured to be: each activity endpoint it has a label for, with "
            "active or inactive; null at tier triage",
        ),
        Column(
            "in_domain",
            pa.bool_(),
            "Whether the molecule lies within the applicability domain of the shipped models: unseen_fraction is at "
            "most their limit",
        ),
    )


def scores_columns(criteria: Iterable[CriterionLike]) -> tuple[Column, ...]:
    """``scores``: one row for every compound with status ok."""
    return (
        RECORD_ID,
        Column(
            "rank",
            pa.int64(),
            "Rank by score, 1 = best, dense over all compounds scored (ties share one)",
            nullable=False,
        ),
        Column("score", F32, "What the ranking is by; higher is better. See run.json for the profile", nullable=False),
        Column(
            "profile_prob",
            F32,
            "Probability of meeting every required criterion of the profile, 0 to 1: mean over draws of the "
            "uncertainty of ensemble and calibration",
            nullable=False,
        ),
        Column(
            "profile_prob_lo90",
            F32,
            "Lower bound of the 90 % interval of that probability over the draws",
            nullable=False,
        ),
        Column(
            "profile_prob_hi90",
            F32,
            "Upper bound of the 90 % interval of that probability over the draws",
            nullable=False,
        ),
        Column("desirability", F32, "Weighted geometric mean of the criteria's desirabilities, 0 to 1", nullable=False),
        *(column for criterion in criteria for column in criterion_columns(criterion)),
        Column(
            "selectivity_margin",
            F32,
            "Probability of activity less the largest probability of toxicity, -1 to 1, over the criteria the profile "
            "names for it; below 0 the compound is likelier to be toxic than active. Null: the profile names none, or "
            "not predicted",
        ),
        Column("selectivity_lo90", F32, "Lower bound of the 90 % interval of that margin"),
        Column("selectivity_hi90", F32, "Upper bound of the 90 % interval of that margin"),
        Column(
            "inspected",
            pa.bool_(),
            "Whether the compound was shortlisted, so that alerts, class and novelty were computed",
            nullable=False,
        ),
        *structure_columns(),
        Column(
            "pareto_front",
            pa.int32(),
            "Number of the Pareto front over the criteria (1 = no other compound is better in all of them); "
            "null: not inspected",
        ),
        Column(
            "top_share",
            F32,
            "Share of random changes of the profile's weights (two thirds of them within a factor of 1.5) under which "
            "the compound is among as many best as there can be hits; 0 for one that cannot be a hit; null: not "
            "inspected",
        ),
        Column(
            "excluded_by",
            LOW_CARDINALITY,
            "Why the compound cannot be a hit: pains, known_antibacterial, not_inspected, not_refined (a criterion "
            "needs the tier refine, which could not describe it), not_inspected_3d (a criterion needs its conformers, "
            "which are computed for the best alone) or hard:<criterion>; null: eligible",
        ),
    )


def structure_columns() -> tuple[Column, ...]:
    """What the stage ``inspect`` finds in the structure of a shortlisted compound."""
    return (
        Column("pains", STRINGS, "Names of the PAINS patterns found; empty: none; null: not inspected"),
        Column("brenk", STRINGS, "Names of the BRENK alerts found; empty: none; null: not inspected"),
        Column("nih", STRINGS, "Names of the NIH alerts found; empty: none; null: not inspected"),
        Column(
            "reactive", STRINGS, "Names of the reactive groups found (Glaxo's list); empty: none; null: not inspected"
        ),
        Column(
            "toxicophores",
            STRINGS,
            "Names of the mutagenicity toxicophores found (Kazius); empty: none; null: not inspected",
        ),
        Column(
            "antibacterial_class",
            LOW_CARDINALITY,
            "Known antibacterial class whose pattern the compound has; null: none, or not inspected",
        ),
        Column(
            "antibacterial_target",
            LOW_CARDINALITY,
            "What the members of that class act on; null: no class, a class without a common target, or not inspected",
        ),
        Column(
            "resistance_mechanism",
            LOW_CARDINALITY,
            "Main ways in which bacteria resist that class; null: no class, none in common, or not inspected",
        ),
        Column(
            "novelty_tanimoto",
            F32,
            "Tanimoto similarity (Morgan radius 2, 2048 bits) to the nearest known antibacterial; low is novel; "
            "null: not inspected",
        ),
        Column("nearest_known", LOW_CARDINALITY, "Name of that nearest known antibacterial; null: not inspected"),
        Column(
            "novelty_tversky",
            F32,
            "Largest share of a known antibacterial's features (Morgan radius 2, 2048 bits) that the compound has; "
            "1: it may hold the whole of it; known antibacterials with fewer than 25 features do not count; null: not "
            "inspected",
        ),
        Column("nearest_known_tversky", LOW_CARDINALITY, "Name of that known antibacterial; null: not inspected"),
        Column(
            "training_active_similarity",
            F32,
            "Tanimoto similarity (Morgan radius 2, 2048 bits) to the nearest training molecule that was active in an "
            "activity endpoint; null: not inspected",
        ),
        Column(
            "nearest_training_active",
            LOW_CARDINALITY,
            "That training molecule: its name if it is a known antibacterial, else the hash of its connectivity, and "
            "the endpoints it is active in; null: not inspected",
        ),
        Column(
            "entry_amine",
            LOW_CARDINALITY,
            "Best ionisable nitrogen for entry into Gram-negative bacteria: primary, secondary or tertiary amine, "
            "other (quaternary nitrogen, guanidine, amidine) or none; null: not inspected",
        ),
        Column(
            "globularity",
            F32,
            "Globularity averaged over conformers, 0 (flat) to 1 (a sphere); null: none sought, or none found",
        ),
        Column(
            "entry_rules_met",
            pa.int8(),
            "How many of the three eNTRy rules are met: ionisable nitrogen, at most 5 rotatable bonds, globularity of "
            "at most 0.25 (null counts as not met); null: no conformers were sought",
        ),
        Column(
            "entry_score",
            F32,
            "Mean of the three eNTRy rules as soft scores, 0 to 1; of two where RDKit found no conformers; null: none "
            "were sought",
        ),
    )


def criterion_columns(criterion: CriterionLike) -> tuple[Column, Column, Column]:
    """Columns that hold the raw value, the transformed value and the part in the score of one criterion."""
    return (
        Column(
            f"{criterion.name}_value",
            F32,
            f"Criterion of the profile, raw value. {criterion.description} Null where no model of the compound's tier "
            "predicts it",
            criterion.unit,
        ),
        Column(
            f"{criterion.name}_desirability",
            F32,
            f"{criterion.title}: desirability of that value, 0 (unacceptable) to 1 (as wished); null where it has none",
        ),
        Column(
            f"{criterion.name}_contribution",
            F32,
            f"{criterion.title}: natural logarithm of the factor it puts on the score, 0 at best, -0.69 where it "
            "halves it. These and the logarithm of the penalty for alerts add up to that of the score; null where not "
            "judged",
        ),
    )


def hits_columns(endpoints: Iterable[EndpointLike]) -> tuple[Column, ...]:
    """``hits``: what a chemist opens.

    Args:
        endpoints: The endpoints of the profile, in the order they are to be shown.

    """
    compounds = {column.name: column for column in compounds_columns()}
    predictions = {column.name: column for column in predictions_columns(())}
    scores = {column.name: column for column in scores_columns(())}
    properties = list(compounds)[list(compounds).index("removed_fragments") + 1 :]
    return (
        Column("hit", pa.int32(), "Number of the hit, 1 = best, after selection for diversity", nullable=False),
        RECORD_ID,
        *(scores[name] for name in ("rank", "score", "profile_prob", "profile_prob_lo90", "profile_prob_hi90")),
        *(scores[name] for name in ("desirability", "top_share", "pareto_front")),
        *(scores[name] for name in ("selectivity_margin", "selectivity_lo90", "selectivity_hi90")),
        *(compounds[name] for name in ("compound_id", "source", "source_row", "input_structure")),
        compounds["parent_smiles"]._replace(nullable=False),
        compounds["inchikey"],
        *(compounds[name] for name in properties),
        predictions["tier"],
        *(column for endpoint in endpoints for column in endpoint_columns(endpoint, conformal=True)),
        *(predictions[name] for name in ("nn_similarity", "nn_active", "in_domain", "unseen_fraction")),
        *(column for column in structure_columns() if column.name != "pains"),
        Column("scaffold", pa.string(), "Murcko scaffold as SMILES; empty for acyclic molecules"),
        Column(
            "cluster",
            pa.int32(),
            "Cluster of similar hits the compound belongs to, numbered from 1 in the order of the leaders: a hit joins "
            "the most similar better leader at a Tanimoto similarity (Morgan radius 2, 2048 bits) of at least "
            "select.cluster_similarity, else it leads a cluster of its own",
        ),
        Column("cluster_leader", pa.int32(), "Hit that leads the cluster: its best-ranked one; of a leader, itself"),
        Column("cluster_similarity", F32, "Tanimoto similarity to the leader; 1 for a leader"),
        Column(
            "passed_over",
            pa.int32(),
            "Eligible compounds ranked lower that were left out because of this hit: too similar to it, or of its "
            "scaffold when there were enough of that; the analogues to look at next",
        ),
        Column("reasons", pa.string(), "Why the compound ranks where it does, in words"),
        Column(
            "library_properties", pa.string(), "The other columns or SDF tags of the record, as a JSON object; or null"
        ),
    )


# What needs the whole library, in which controls have no place.
_OF_THE_LIBRARY = {"record_id", "rank", "pareto_front", "top_share", "inspected"}


def controls_columns(endpoints: Iterable[EndpointLike], criteria: Iterable[CriterionLike]) -> tuple[Column, ...]:
    """Columns of ``controls``: one row for every control; controls go the same way as the library."""
    predictions = [column for column in predictions_columns(endpoints) if column.name != "record_id"]
    scores = [c for c in scores_columns(criteria) if c.name not in _OF_THE_LIBRARY]
    return (
        Column("name", pa.string(), "Name of the control", nullable=False),
        Column("kind", LOW_CARDINALITY, "active: known antibacterial; inactive: known not to be one", nullable=False),
        Column(
            "antibacterial_class",
            LOW_CARDINALITY,
            "Class of the antibacterial from the reference list; null for inactives",
        ),
        Column("structure", pa.string(), "SMILES of the reference list", nullable=False),
        Column("parent_smiles", pa.string(), "Canonical SMILES of the standardised parent; null when rejected"),
        Column(
            "in_training",
            pa.bool_(),
            "Whether the models were trained on this compound, so that its rank proves nothing",
        ),
        Column("status", LOW_CARDINALITY, "ok, or rejected: see reason_code", nullable=False),
        Column("reason_code", LOW_CARDINALITY, "Why the control was rejected; null when ok"),
        # Controls that were rejected have no predictions and no scores.
        *(c._replace(nullable=True) for c in (*predictions, *scores) if c.name != "antibacterial_class"),
        Column("would_rank", pa.int64(), "1 + the number of library compounds that score higher; null when rejected"),
    )


def decoys_columns() -> tuple[Column, ...]:
    """``decoys``: compounds of the library that share the properties of an active control, but not its structure."""
    return (
        RECORD_ID,
        Column(
            "matched_to",
            LOW_CARDINALITY,
            "Name of the active control whose properties the compound has",
            nullable=False,
        ),
        Column(
            "property_distance",
            pa.float32(),
            "Largest difference in molecular weight (of 62.5 Da), logP (1.8), rotatable bonds (2), donors (1) or "
            "acceptors (2), as a share of the number in brackets: 0 is equal, 1 the most that is allowed",
            nullable=False,
        ),
        Column(
            "active_similarity",
            pa.float32(),
            "Tanimoto similarity (Morgan radius 2, 2048 bits) to the most similar active control",
            nullable=False,
        ),
        Column("score", pa.float32(), "Score of the compound, as in scores", nullable=False),
    )


def tables(
    endpoints: Sequence[EndpointLike],
    profile_endpoints: Sequence[EndpointLike],
    criteria: Sequence[CriterionLike],
) -> tuple[Table, ...]:
    """Every table of a result set.

    Args:
        endpoints: All endpoints of the models, in order.
        profile_endpoints: Those that the profile asks for, in the order they are shown among the hits.
        criteria: The criteria of the profile, in order.

    """
    compounds = compounds_columns()
    return (
        Table("compounds", "compounds/part-*.parquet", "one input record", "record_id", compounds),
        Table(
            "predictions",
            "predictions/part-*.parquet",
            "one compound with status ok",
            "record_id",
            predictions_columns(endpoints),
        ),
        Table("scores", "scores/part-*.parquet", "one compound with status ok", "record_id", scores_columns(criteria)),
        Table("hits", "hits.parquet", "one hit, best first", "hit", hits_columns(profile_endpoints)),
        Table("rejects", "rejects.parquet", "one record that was rejected", "record_id", compounds),
        Table("controls", "controls.parquet", "one spiked control", "name", controls_columns(endpoints, criteria)),
        Table("decoys", "decoys.parquet", "one matched decoy", "record_id", decoys_columns()),
    )


def conform(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """Table with exactly these columns in this order; nullable ones that are missing are filled with nulls.

    Raises:
        KeyError: A column that may not be null is missing.
        pyarrow.ArrowInvalid: A value does not fit its declared type.

    """
    arrays = []
    for column in columns:
        if column.name in table.column_names:
            array = table[column.name]
            arrays.append(array if array.type == column.type else array.cast(column.type))
        elif column.nullable:
            arrays.append(pa.chunked_array([pa.nulls(table.num_rows, column.type)]))
        else:
            raise KeyError(column.name)
    return pa.table(arrays, schema=arrow_schema(columns))
