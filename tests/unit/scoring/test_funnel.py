"""Filter recipes: the golden funnel, the building blocks, bad input and bad recipes."""

import csv
import re

import pyarrow.parquet as pq
import pytest
import yaml
from rdkit import Chem

from molsieve import project_root
from molsieve.errors import MolsieveError
from molsieve.library.source import LibrarySource
from molsieve.scoring.funnel import Example, Tally
from molsieve.scoring.funnel_recipe import Keep, load_recipe, recipe_path
from molsieve.scoring.funnel_run import run_recipe
from molsieve.scoring.funnel_steps import KINDS, Compound

CIPROFLOXACIN = "O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O"
PENICILLIN_G = "CC1(C)SC2C(NC(=O)Cc3ccccc3)C(=O)N2C1C(=O)O"
RHODANINE = "O=C1NC(=S)SC1=Cc1ccccc1"
NITROVINYL = "O=[N+]([O-])/C=C/c1ccc(C=O)cc1"
PARACETAMOL = "CC(=O)Nc1ccc(O)cc1"
HALICIN = "Nc1nnc(Sc2ncc([N+](=O)[O-])s2)s1"


def recipe(tmp_path, *steps, **head):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"name": "mine", "title": "Mine", "steps": list(steps), **head}, sort_keys=False))
    return path


def step(kind, **keys):
    return {"kind": kind, "name": kind, "title": kind.replace("_", " "), **keys}


def compounds(tmp_path, text, name="compounds.csv"):
    (tmp_path / name).write_text(text)
    return LibrarySource(path=str(tmp_path / name))


def why(kind, smiles, fields=None, **keys):
    """What one building block says of a molecule."""
    judge = KINDS[kind](**step(kind, **keys)).judge({})
    return judge(Compound(Chem.MolFromSmiles(smiles), fields or {}))


def test_the_published_hits_of_wong_2023_give_the_golden_numbers(mirror):
    result = run_recipe(
        load_recipe(recipe_path("wong2023")),
        LibrarySource(path=str(mirror / "activity" / "wong2023_hits.csv")),
        {"training": LibrarySource(path=str(mirror / "activity" / "saureus_wong2023.csv"))},
    )
    assert len(result.lists["training"].names) == 512
    assert result.unreadable == 0
    assert [result.funnel.start, *(s.remaining for s in result.funnel.steps[1:])] == [3646, 2209, 1346, 1266, 1261]
    assert sum(verdict.removed_by is None for verdict in result.verdicts) == 1261


@pytest.mark.parametrize(
    ("structure", "atoms", "like", "unlike"),
    [
        ("C1CNC1=O", 4, [PENICILLIN_G, "O=C1CCN1C", "C1CNC1"], [CIPROFLOXACIN, "O=C1CCCN1C", "CCNC(C)=O"]),
        ("C1=CC=C2C(=C1)C(=O)C=CN2", 11, [CIPROFLOXACIN, "O=c1cc[nH]c2ccccc12"], [PENICILLIN_G, "c1ccc2ncccc2c1"]),
    ],
)
def test_common_substructures_are_of_sanitised_molecules(structure, atoms, like, unlike):
    """A quinolone drawn with single and double bonds is aromatic once read; unread it would match nothing."""
    keys = {"structure": structure, "fewer_atoms_than": atoms}
    assert all(why("common_substructure", smiles, **keys) for smiles in like)
    assert not any(why("common_substructure", smiles, **keys) for smiles in unlike)


@pytest.mark.parametrize(
    ("kind", "keys", "removed", "reason", "kept"),
    [
        ("alerts", {"catalogues": ["pains"]}, RHODANINE, "PAINS: ", CIPROFLOXACIN),
        ("alerts", {"catalogues": ["brenk"], "at_most": 2}, NITROVINYL, "BRENK: ", "O=[N+]([O-])c1ccccc1"),
        ("substructure", {"smarts": "[NH2]c"}, HALICIN, "has [NH2]c", "CCO"),
        ("substructure", {"smarts": "[NH2]c", "want": "present"}, "CCO", "lacks [NH2]c", HALICIN),
        ("antibacterial_class", {}, CIPROFLOXACIN, "quinolone", PARACETAMOL),
        ("antibacterial_class", {"classes": ["penam"]}, PENICILLIN_G, "penam", CIPROFLOXACIN),
        ("property", {"descriptor": "mw_da", "accept": [None, 300]}, CIPROFLOXACIN, "mw_da 331.3", HALICIN),
        ("property", {"descriptor": "hbd", "accept": [1, None]}, "CCOCC", "hbd 0", HALICIN),
    ],
)
def test_building_blocks(kind, keys, removed, reason, kept):
    assert reason in why(kind, removed, **keys)
    assert why(kind, kept, **keys) is None


def test_columns_of_the_input_can_be_judged():
    keys = {"column": "activity", "accept": [0.2, None]}
    assert why("column", "CCO", {"activity": "0.2"}, **keys) is None
    assert why("column", "CCO", {"activity": "1e-1"}, **keys) == "activity 0.1"
    assert why("column", "CCO", {"activity": "n/a"}, **keys) == "activity is 'n/a', which is no number"
    assert why("column", "CCO", {}, **keys) == "activity is empty"


def test_tversky_finds_a_known_molecule_inside_a_larger_one(tmp_path):
    larger = "O=C(O)c1cn(C2CC2)c2cc(N3CCN(CCCCCCC(=O)Nc4ccc(OC(F)(F)F)cc4)CC3)c(F)cc2c1=O"
    lists = {"known": {"title": "known antibacterials", "file": "resources/amr/antibacterials.csv"}}
    file = compounds(tmp_path, f"id,smiles\nlarger,{larger}\nhalicin,{HALICIN}\n")
    removed = {}
    for metric in ("tanimoto", "tversky"):
        path = recipe(tmp_path, step("similarity", to="known", metric=metric, below=0.8), lists=lists)
        result = run_recipe(load_recipe(path), file, {})
        removed[metric] = [verdict.reason for verdict in result.verdicts if verdict.removed_by]
    assert removed["tanimoto"] == []
    assert len(removed["tversky"]) == 1
    assert "ciprofloxacin" in removed["tversky"][0]


def test_small_known_molecules_are_inside_everything_and_do_not_count(tmp_path):
    lists = {"known": {"title": "small ones", "file": "resources/amr/antibacterials.csv"}}
    known = compounds(tmp_path, "name,smiles\nphenol,Oc1ccccc1\n", "known.csv")
    file = compounds(tmp_path, f"smiles\n{PARACETAMOL}\n")
    for least, left in ((25, 1), (1, 0)):
        contained = step("similarity", to="known", metric="tversky", below=0.5, min_features=least)
        assert (
            run_recipe(load_recipe(recipe(tmp_path, contained, lists=lists)), file, {"known": known}).funnel.remaining
            == left
        )


MESSY = f"""id,structure,note
cipro,{CIPROFLOXACIN},a
broken,C1CC(,b
nothing,,c
rhodanine,{RHODANINE},d
paracetamol,{PARACETAMOL},e
again,{PARACETAMOL},f
salt,[Na+].CC(=O)[O-],g
"""


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_every_row_is_accounted_for_with_its_reason(tmp_path, suffix):
    path = recipe(tmp_path, step("unique"), step("alerts", catalogues=["pains"]), step("antibacterial_class"))
    out = tmp_path / f"verdicts.{suffix}"
    result = run_recipe(load_recipe(path), compounds(tmp_path, MESSY), {}, out)
    if suffix == "csv":
        with out.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
    else:
        rows = pq.read_table(out).to_pylist()
    assert [row["id"] for row in rows] == ["cipro", "broken", "nothing", "rhodanine", "paracetamol", "again", "salt"]
    assert [row["removed_by"] or None for row in rows] == [
        "antibacterial_class", "readable", "readable", "alerts", None, "unique", None,
    ]  # fmt: skip
    assert [row["survives"] for row in rows].count("yes") == 2
    assert rows[1]["reason"].startswith("unparsable: ")
    assert rows[2]["reason"].startswith("empty_structure")
    assert [row["note"] for row in rows] == list("abcdefg")
    assert result.unreadable == 2
    assert [s.removed for s in result.funnel.steps] == [2, 1, 1, 1]
    assert result.funnel.remaining == 2


def test_parents_are_judged_unless_the_recipe_says_as_read(tmp_path):
    file = compounds(tmp_path, "smiles\n[Na+].CC(=O)[O-]\n")
    no_sodium = step("substructure", smarts="[Na+]")
    assert run_recipe(load_recipe(recipe(tmp_path, no_sodium)), file, {}).funnel.remaining == 1
    as_read = recipe(tmp_path, no_sodium, structures="as_read")
    assert run_recipe(load_recipe(as_read), file, {}).funnel.remaining == 0


def test_nothing_left_is_a_result_that_names_the_step(tmp_path):
    path = recipe(
        tmp_path,
        step("antibacterial_class"),
        step("property", descriptor="mw_da", accept=[5000, None]),
        step("unique"),
    )
    out = tmp_path / "verdicts.csv"
    result = run_recipe(load_recipe(path), compounds(tmp_path, MESSY), {}, out)
    assert result.funnel.remaining == 0
    assert result.funnel.emptied_at().name == "property"
    assert len(out.read_text().splitlines()) == 8


TRAINING = {"training": {"title": "the screen", "keep": {"column": "active", "equals": 1}}}


def similar(tmp_path):
    return load_recipe(recipe(tmp_path, step("similarity", to="training", below=0.5), lists=TRAINING))


def test_a_list_has_to_be_given(tmp_path):
    with pytest.raises(MolsieveError, match="a list that you have to give: the screen") as error:
        run_recipe(similar(tmp_path), compounds(tmp_path, MESSY), {})
    assert "--training FILE" in error.value.fix


def test_only_rows_that_count_are_compared_with(tmp_path):
    file = compounds(tmp_path, f"smiles\n{HALICIN}\n")
    screen = compounds(tmp_path, f"smiles,active\n{HALICIN},0\n{CIPROFLOXACIN},1.0\nC1CC(,unclear\n", "screen.csv")
    result = run_recipe(similar(tmp_path), file, {"training": screen})
    assert result.lists["training"].names == ("row 2",)
    assert result.funnel.remaining == 1
    other = run_recipe(
        similar(tmp_path), file, {"training": screen}, keep={"training": Keep(column="active", equals=0)}
    )
    assert other.funnel.remaining == 0


@pytest.mark.parametrize(
    ("screen", "message"),
    [
        ("smiles,activity\nCCO,1\n", "'active', which the file does not have"),
        ("smiles,active\nCCO,no\nCCC,yes\n", "has active = 1"),
        ("smiles,active\nCCO,1\nC1CC(,1\nCCC,0\n", "row 2 of the list 'training' is not a structure"),
    ],
)
def test_a_list_that_is_wrong_is_refused(tmp_path, screen, message):
    file = compounds(tmp_path, f"smiles\n{HALICIN}\n")
    with pytest.raises(MolsieveError, match=message):
        run_recipe(similar(tmp_path), file, {"training": compounds(tmp_path, screen, "screen.csv")})


def test_a_missing_column_is_found_before_anything_is_computed(tmp_path):
    path = recipe(tmp_path, step("column", column="score", accept=[0.5, None]))
    with pytest.raises(MolsieveError, match="'score', which the file does not have") as error:
        run_recipe(load_recipe(path), compounds(tmp_path, MESSY), {})
    assert "note" in error.value.fix


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"name": "x", "title": "X"}], "a mapping with kind"),
        ([step("alert", catalogues=["pains"])], "did you mean 'alerts'"),
        ([step("alerts", catalogues=["pain"])], "unknown catalogue pain"),
        ([step("alerts", catalogue=["pains"])], "did you mean 'catalogues'"),
        ([step("similarity", to="training", below=0.5)], "'training', which is not among the lists"),
        ([step("similarity", to="training", below=1.5)], "below: "),
        ([step("common_substructure", structure="C1CC", fewer_atoms_than=3)], "not a SMILES"),
        ([step("common_substructure", structure="C1CNC1=O", fewer_atoms_than=9)], "nothing would ever be removed"),
        ([step("substructure", smarts="c1cc")], "not a SMARTS"),
        ([step("antibacterial_class", classes=["quinolon"])], "unknown class quinolon"),
        ([step("property", descriptor="weight", accept=[1, 2])], "known are mw_da"),
        ([step("property", descriptor="mw_da", accept=[600, 100])], "low not above high"),
        ([step("column", column="a", accept=[None, None])], "at least one end"),
        ([step("unique"), step("unique")], "repeated: unique"),
        ([], "steps"),
    ],
)
def test_mistakes_in_a_recipe_are_explained(tmp_path, steps, message):
    with pytest.raises(MolsieveError, match=message) as error:
        load_recipe(recipe(tmp_path, *steps))
    assert str(tmp_path) in error.value.where


def test_an_unknown_recipe_lists_those_there_are():
    with pytest.raises(MolsieveError, match="no funnel 'wong'") as error:
        recipe_path("wong")
    assert "wong2023" in error.value.fix


def test_a_tally_keeps_the_first_examples_and_adds_up():
    tally = Tally("Rows", [("a", "A"), ("b", "B")])
    tally.enter(10)
    for number in range(5):
        tally.remove("a")
        tally.show("a", Example(f"{number}", None, "why"))
    tally.remove("b", 5)
    funnel = tally.funnel()
    assert [(s.removed, s.remaining) for s in funnel.steps] == [(5, 5), (5, 0)]
    assert [example.identifier for example in funnel.steps[0].examples] == ["0", "1", "2"]
    assert funnel.emptied_at().name == "b"


def test_the_recipe_of_the_documentation_loads(tmp_path):
    documentation = project_root() / "docs" / "funnel.md"
    if not documentation.is_file():
        pytest.skip("the tests run from a wheel, which has no docs")
    text = re.search(r"```yaml\n(.*?)```", documentation.read_text(encoding="utf-8"), re.DOTALL).group(1)
    (tmp_path / "recipe.yaml").write_text(text)
    loaded = load_recipe(tmp_path / "recipe.yaml")
    assert loaded.compared_lists == ("known", "screened")
    file = compounds(tmp_path, MESSY)
    screened = compounds(tmp_path, f"smiles\n{PARACETAMOL}\n", "screened.csv")
    result = run_recipe(loaded, file, {"screened": screened})
    removed = {found.name: found.removed for found in result.funnel.steps if found.removed}
    assert removed == {"readable": 2, "unique": 1, "no_pains": 1, "no_class": 1, "unscreened": 1}
