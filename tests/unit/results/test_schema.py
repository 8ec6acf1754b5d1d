import pyarrow as pa
import pytest

from molsieve.columns import LOW_CARDINALITY
from molsieve.results.schema import (
    Table,
    compounds_columns,
    conform,
    controls_columns,
    hits_columns,
    predictions_columns,
    scores_columns,
    tables,
)
from molsieve.scoring.profile import Profile


@pytest.fixture
def criteria(profile):
    return Profile.model_validate(profile).criteria


def names(columns):
    return [column.name for column in columns]


def test_compounds_are_as_in_the_contract():
    assert names(compounds_columns()) == [
        "record_id",
        "source",
        "source_row",
        "compound_id",
        "input_structure",
        "status",
        "reason_code",
        "reason_detail",
        "duplicate_of",
        "parent_smiles",
        "inchikey",
        "changes",
        "removed_fragments",
        "mw_da",
        "logp_crippen",
        "tpsa_a2",
        "hbd",
        "hba",
        "heavy_atom_count",
        "rotatable_bond_count",
        "ring_count",
        "aromatic_ring_count",
        "fraction_csp3",
        "formal_charge",
    ]


def test_an_endpoint_has_value_spread_and_set(builder):
    columns = names(predictions_columns(builder.endpoints()))
    assert columns[:5] == [
        "record_id",
        "tier",
        "saureus_growth_inhibition_prob",
        "saureus_growth_inhibition_sd",
        "saureus_growth_inhibition_set",
    ]
    at = columns.index("ld50_neg_log_mol_per_kg")
    assert columns[at : at + 4] == [
        "ld50_neg_log_mol_per_kg",
        "ld50_neg_log_mol_per_kg_lo90",
        "ld50_neg_log_mol_per_kg_hi90",
        "ld50_sd",
    ]
    assert columns[-4:] == ["unseen_fraction", "nn_similarity", "nn_active", "in_domain"]


def test_scores_hold_every_criterion_raw_and_transformed(criteria):
    columns = names(scores_columns(criteria))
    for criterion in criteria:
        at = columns.index(f"{criterion.name}_value")
        assert columns[at + 1] == f"{criterion.name}_desirability"
    assert {"rank", "score", "profile_prob", "novelty_tanimoto", "nearest_known", "pareto_front"} <= set(columns)


def test_controls_have_predictions_scores_and_the_rank_they_would_have(builder, criteria):
    columns = names(controls_columns(builder.endpoints(), criteria))
    assert {"name", "structure", "kind", "antibacterial_class", "herg_prob", "profile_prob", "would_rank"} <= set(
        columns
    )
    assert "record_id" not in columns
    assert "rank" not in columns


def test_every_table_is_typed_and_described(builder, criteria):
    for table in tables(builder.endpoints(), builder.endpoints()[:2], criteria):
        assert len(names(table.columns)) == len(set(names(table.columns)))
        assert table.key in names(table.columns)
        for column in table.columns:
            assert column.description
            assert not column.description.endswith(".") or ". " in column.description
            assert column.unit != ""
            assert column.type != pa.float64(), f"{column.name}: predictions are single precision"
        field = table.schema().field(table.key)
        assert field.metadata[b"description"]


def test_units_are_in_the_field_metadata(builder, criteria):
    schema = Table("t", "t.parquet", "row", "record_id", (*compounds_columns(), *scores_columns(criteria))).schema()
    assert schema.field("mw_da").metadata[b"unit"] == b"Da"
    assert schema.field("size_value").metadata[b"unit"] == b"Da"
    ld50 = [c for c in predictions_columns(builder.endpoints()) if c.name.startswith("ld50")]
    assert {c.unit for c in ld50} == {"-log10(mol/kg)"}


def test_few_valued_strings_are_dictionaries():
    types = {c.name: c.type for c in compounds_columns()}
    assert types["source"] == types["status"] == types["reason_code"] == LOW_CARDINALITY
    assert types["parent_smiles"] == pa.string()


def test_hits_carry_the_endpoints_of_the_profile_only(builder):
    shown = [e for e in builder.endpoints() if e.name in {"herg", "ames"}]
    columns = names(hits_columns(shown))
    assert [c for c in columns if c.endswith("_prob")] == ["profile_prob", "ames_prob", "herg_prob"]
    assert columns[:2] == ["hit", "record_id"]


def test_conform_orders_casts_and_fills():
    columns = compounds_columns()
    given = pa.table(
        {"status": ["ok"], "source_row": [1], "source": ["a"], "record_id": pa.array([0], pa.int32()), "extra": [1]}
    )
    table = conform(given, columns)
    assert table.column_names == names(columns)
    assert table.schema.field("record_id").type == pa.int64()
    assert table["mw_da"].null_count == 1


def test_conform_refuses_what_does_not_fit():
    with pytest.raises(KeyError, match="source_row"):
        conform(pa.table({"record_id": [0], "status": ["ok"], "source": ["a"]}), compounds_columns())
    with pytest.raises(pa.ArrowInvalid):
        conform(
            pa.table({"record_id": ["x"], "status": ["ok"], "source": ["a"], "source_row": [1]}), compounds_columns()
        )
