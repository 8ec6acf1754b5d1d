"""Standardisation against parents derived by hand, and its invariances."""

import gzip
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem, RDConfig, RDLogger

from molsieve.chemistry.reasons import REASONS
from molsieve.chemistry.standardise import (
    RejectedStructure,
    StandardiseOptions,
    digest,
    parse,
    standardise,
    standardise_smiles,
    standardise_the_long_way,
)

NCI = Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi"
OPTIONS = StandardiseOptions()

# Input, parent as a chemist would write it, steps that must be reported. None of the parents was copied from a run.
GOLDEN = [
    # what needs nothing
    ("O=C(O)/C=C/C(=O)O", "OC(=O)/C=C/C(=O)O", ()),  # fumaric acid is the compound here
    ("CC(=O)Oc1ccccc1C(=O)O", "CC(=O)Oc1ccccc1C(O)=O", ()),
    ("C[N+](C)(C)CC(=O)[O-]", "C[N+](C)(C)CC(=O)[O-]", ()),  # betaine
    ("C[N+](=O)[O-]", "C[N+](=O)[O-]", ()),
    ("[O-][n+]1ccccc1", "[O-][n+]1ccccc1", ()),  # N-oxide
    ("C[N+](C)([O-])C", "C[N+](C)([O-])C", ()),
    ("CCN=[N+]=[N-]", "CCN=[N+]=[N-]", ()),
    ("[C-]#[N+]c1ccccc1", "[C-]#[N+]c1ccccc1", ()),
    ("OB(O)c1ccccc1", "OB(O)c1ccccc1", ()),
    # one group, drawn differently
    ("CN(=O)=O", "C[N+](=O)[O-]", ()),  # RDKit reads this as a nitro group
    ("O=n1ccccc1", "[O-][n+]1ccccc1", ()),
    ("C[S+](C)[O-]", "CS(C)=O", ("normalised",)),
    ("CC[S@@+](C)[O-]", "CC[S@@](C)=O", ("normalised",)),
    ("C[P+](C)(C)[O-]", "CP(C)(C)=O", ("normalised",)),
    ("C[S+2](C)([O-])[O-]", "CS(C)(=O)=O", ("normalised",)),
    ("CN(C)[C+](C)N", "CN(C)C(C)=N", ("normalised", "neutralised")),
    ("C[n+]1ccc([O-])cc1", "Cn1ccc(=O)cc1", ("normalised",)),
    ("C[n+]1cc[nH]c1", "Cn1ccnc1", ("normalised", "neutralised")),
    # charges that are a matter of pH
    ("[NH3+][C@@H](C)C(=O)[O-]", "N[C@@H](C)C(=O)O", ("neutralised",)),  # L-alanine
    ("c1cc[nH+]cc1", "c1ccncc1", ("neutralised",)),
    ("CC(=O)[N-]S(=O)(=O)c1ccccc1", "CC(=O)NS(=O)(=O)c1ccccc1", ("neutralised",)),
    ("[O-]c1ccccc1/N=N/c1ccc(S(=O)(=O)[O-])cc1", "Oc1ccccc1/N=N/c1ccc(S(=O)(=O)O)cc1", ("neutralised",)),
    ("CP(=O)([O-])[O-]", "CP(=O)(O)O", ("neutralised",)),
    # salts, hydrates, solvates
    ("CC(=O)[O-].[Na+]", "CC(=O)O", ("fragments_removed", "neutralised")),
    ("[Na+].[Na+].[O-]C(=O)/C=C/C(=O)[O-]", "OC(=O)/C=C/C(=O)O", ("fragments_removed", "neutralised")),
    ("CN(C)CCc1ccccc1.Cl", "CN(C)CCc1ccccc1", ("fragments_removed",)),
    ("C[NH+](C)CCc1ccccc1.[Cl-]", "CN(C)CCc1ccccc1", ("fragments_removed", "neutralised")),
    ("Cn1c(=O)c2[nH]cnc2n(C)c1=O.O", "Cn1c(=O)c2[nH]cnc2n(C)c1=O", ("fragments_removed",)),
    ("C[N+](C)(C)CCO.[Cl-]", "C[N+](C)(C)CCO", ("fragments_removed",)),  # choline
    ("C[N+](C)(C)CC(=O)O.[Cl-]", "C[N+](C)(C)CC(=O)[O-]", ("fragments_removed", "neutralised")),  # betaine HCl
    ("CCN(CC)CC.OC(=O)c1ccccc1C(=O)c1ccccc1", "OC(=O)c1ccccc1C(=O)c1ccccc1", ("fragments_removed",)),
    # the counter-ion is the larger part
    ("C1N2CN3CN1CN(C2)C3.O=C(O)CNC(=O)c1ccccc1", "C1N2CN3CN1CN(C2)C3", ("fragments_removed",)),  # methenamine hippurate
    (
        "CN1CCCN=C1/C=C/c1cccs1.OC(=O)c1cc2ccccc2c(Cc2c(O)c(cc3ccccc23)C(O)=O)c1O",  # pyrantel pamoate
        "CN1CCCN=C1/C=C/c1cccs1",
        ("fragments_removed",),
    ),
    ("[K+].F[B-](F)(F)c1ccccc1", "F[B-](F)(F)c1ccccc1", ("fragments_removed",)),  # permanent anion
    # metals
    ("CC(=O)O[Na]", "CC(=O)O", ("metals_disconnected", "fragments_removed", "neutralised")),
    ("CC(=O)O[Zn]OC(C)=O", "CC(=O)O", ("metals_disconnected", "fragments_removed", "neutralised")),
    ("OC(=O)[C@@H](N)CS[Au]", "OC(=O)[C@@H](N)CS", ("metals_disconnected", "fragments_removed", "neutralised")),
    # more than one compound
    ("c1ccc2ccccc2c1.CCCCCCCCO", "c1ccc2ccccc2c1", ("fragments_removed", "mixture")),
    ("C[C@H](O)c1ccccc1.C[C@@H](O)c1ccccc1", None, ("fragments_removed", "mixture")),  # enantiomers: either
    # labels
    ("[2H]C([2H])([2H])OCCN", "COCCN", ("isotopes_removed",)),
    ("[13CH3]CCO", "CCCO", ("isotopes_removed",)),
    ("[CH3:1][CH2:2]CO", "CCCO", ("atom_maps_removed",)),
    (r"[H]/N=C(\C)CC", "CC(=N)CC", ("hydrogens_removed",)),
    ("C[C@H](N)C(=O)O |&1:1|", "C[C@H](N)C(=O)O", ("stereo_groups_dropped",)),
    ("C[C@H](N)C(=O)O |a:1|", "C[C@H](N)C(=O)O", ()),  # absolute: nothing to drop
    ("CCCO |nonsense|", "CCCO", ("extension_ignored",)),
    # permanent zwitterions
    ("CCOP(=O)([O-])OCC[N+](C)(C)C", "CCOP(=O)([O-])OCC[N+](C)(C)C", ()),
    ("C[N+](C)(C)c1cccc([O-])c1", "C[N+](C)(C)c1cccc([O-])c1", ()),  # a phenolate: no acid of the list
    ("C[N+](C)(C)c1cccc(O)c1", "C[N+](C)(C)c1cccc(O)c1", ()),  # ... and nothing takes the proton
    (
        "C[N+](C)(C)CC(c1ccc([O-])cc1)C(=O)O",  # the proton belongs to the phenolate
        "C[N+](C)(C)CC(c1ccc(O)cc1)C(=O)[O-]",
        ("neutralised",),
    ),
]


@pytest.mark.parametrize(("given_smiles", "parent", "changes"), GOLDEN, ids=[row[0] for row in GOLDEN])
def test_parent_is_the_one_a_chemist_would_write(given_smiles, parent, changes):
    result = standardise_smiles(given_smiles)
    if parent is not None:
        assert result.parent_smiles == Chem.CanonSmiles(parent)
    assert result.changes == changes
    assert ("fragments_removed" in changes) == (result.removed_fragments is not None)


REJECTED = [
    ("", "empty_structure"),
    ("   ", "empty_structure"),
    ("not a molecule", "unparsable"),
    ("C1CC", "unparsable"),
    ("CC>>CO", "unparsable"),
    ("C(C)(C)(C)(C)C", "valence"),
    ("c1cccc1", "kekulization"),
    ("C" * 20_001, "too_long"),
    ("C" * 151, "too_many_atoms"),
    (".".join(["CCO"] * 500), "too_many_atoms"),
    (".".join(["[H][H]"] * 1000), "too_many_atoms"),
    ("CO", "too_few_atoms"),
    ("[Na+].[Cl-]", "no_organic_fragment"),
    ("O", "no_organic_fragment"),
    ("[K+].[S-]C#N", "no_organic_fragment"),
    ("NS(N)(=O)=O", "no_organic_fragment"),
    ("OS(=O)(=O)N(S(O)(=O)=O)S(O)(=O)=O", "no_organic_fragment"),
    ("N[Pt](N)(Cl)Cl", "no_organic_fragment"),  # cisplatin
    ("Cl[Nd](Cl)Cl", "no_organic_fragment"),
    ("OC(=O)c1ccc([As](=O)(O)O)cc1", "disallowed_element"),
    ("*CCO", "disallowed_element"),
    ("CC[Hg]Sc1ccccc1C(=O)[O-].[Na+]", "organometallic"),  # thiomersal
    ("[Fe+2].c1cc[cH-]c1.c1cc[cH-]c1", "organometallic"),  # ferrocene
    ("CC[Mg]Br", "organometallic"),
    ("[CH2]CCC", "radical"),
    ("CC1(C)CCCC(C)(C)N1[O]", "radical"),  # TEMPO
    ("[NH+]1CCOCC1", "radical"),  # a hydrogen is missing on the nitrogen
    ("CCO |Sg:n:0,1:n:ht:::|", "polymer"),
]


@pytest.mark.parametrize(("given_smiles", "reason"), REJECTED, ids=[f"{r}-{s[:30]}" for s, r in REJECTED])
def test_what_has_no_parent_is_rejected_with_its_reason(given_smiles, reason):
    with pytest.raises(RejectedStructure) as rejected:
        standardise_smiles(given_smiles)
    assert rejected.value.reason_code == reason
    assert reason in REASONS


def test_detail_names_the_culprit():
    with pytest.raises(RejectedStructure, match="As"):
        standardise_smiles("C[As](C)CCC")
    with pytest.raises(RejectedStructure, match="dummy atom"):
        standardise_smiles("*CCO")
    with pytest.raises(RejectedStructure, match="151"):
        standardise_smiles("C" * 151)


def test_a_salt_and_its_free_base_have_the_same_parent():
    base = "COC(=O)C1=C(C)NC(C)=C(C(=O)OCCN(C)Cc2ccccc2)C1c1cccc([N+](=O)[O-])c1"
    salt = base.replace("CCN(C)C", "CC[NH+](C)C") + ".[Cl-]"
    assert standardise_smiles(base).parent_smiles == standardise_smiles(salt).parent_smiles


def test_limits_are_options():
    assert standardise_smiles("CO", StandardiseOptions(min_heavy_atoms=1)).parent_smiles == "CO"
    with pytest.raises(RejectedStructure, match="too_many_atoms"):
        standardise_smiles("CCCCCC", StandardiseOptions(max_heavy_atoms=5))
    with pytest.raises(RejectedStructure, match="disallowed_element"):
        standardise_smiles("CCCCCCBr", StandardiseOptions(allowed_elements=("C", "H")))
    with pytest.raises(RejectedStructure, match="too_few_atoms"):
        standardise_smiles("CCCCCC", StandardiseOptions(min_heavy_atoms=7))


def test_mixture_fraction_decides_what_a_mixture_is():
    record = "CCCCCCCCCCCCCCCCCCCC.CCCCC=C"
    assert "mixture" in standardise_smiles(record).changes
    assert "mixture" not in standardise_smiles(record, StandardiseOptions(mixture_fraction=0.5)).changes


def test_digest_follows_the_options():
    assert digest(StandardiseOptions()) == digest(StandardiseOptions())
    assert digest(StandardiseOptions()) != digest(StandardiseOptions(max_heavy_atoms=100))


# Structures on which a wrong short cut would show: everything near a pattern of it.
NASTY = [
    *(row[0] for row in GOLDEN),
    *(smiles for smiles, reason in REJECTED if reason not in ("too_long", "empty_structure", "unparsable")),
    "O=C([O-])C=CC=[NH2+]",
    "[O-]c1cccc[nH+]1",
    "[O-]C=[NH+]CCC",
    "[NH+]([O-])(C)CCCC",
    "C[NH+]([O-])CC",
    "[N-]([N+](=O)[O-])CCCC",
    "C[N-][N+](=O)[O-].[Na+]",
    "CC1(C)CC(OC(=O)CC(=O)OC2CC(C)(C)[NH2+]C(C)(C)C2)CC(C)(C)[NH+]1",
    "[O]c1ccccc1CC",
    "[S-]CCCCC",
    "O=S([O-])(=O)CCC[NH3+]",
    "O=C([O-])C(C(=O)[O-])[NH3+]",
    "c1c[nH+]c[n-]1CCC",
    "[n-]1cnnn1CCCC",
    "CCCCC[n+]1cc[n-]c1",
    "C[Si](C)(C)CCCC",
    "CC[Si]CCCC",
    "CCC[Se]CCC",
    "O=P(=O)CCCCCC",
    "CCCCCP(=O)=O",
    "NCCCC1=[P+]([O-])C1(N)C(=O)O",  # RDKit itself writes the charges when it reads C=P=O
    "COP(=O)([O-])OCC[NH3+]",
    "CCP(=O)([O-])[O-]",
    "CP1CCCCC1",
    "C[SiH2]CCCCC",
    "C[Si]1CCCCC1",
    "[N-]=[N+]=NCCC[NH3+]",
    "[C-]#[N+]CCCC[NH3+]",
    "[O-]CCN=[N+]=[N-]",
    "C[N-]CCCC",
    "[N-]CCCCC",
    "[B-](F)(F)(F)CCCCC[NH3+]",
    "B1OCCCO1",
    "C1=CC=CC=C[CH+]1",
    "[CH-]1C=CC=C1.[Na+]",
    "CCc1cc[c-](C)[n+](=O)c1",
    "[O-][N+](=O)OCCO[N+](=O)[O-]",
    "ON=[N+]([O-])CCCC",
    "C=[N+]([O-])OCCC",
    "O=[N+]([O-])c1ccccc1[O-]",
    "S=C=S",
    "O=C=O",
    "[C]",
    "ClC(Cl)(Cl)Cl",
    "BrBr",
    "ClCl",
    "FC(F)(F)C(F)(F)F",
    "N#CC#N",
    "N[C@@]12C[C@H]3C[C@@H](C[C@H](C3)C1)C2",
    "C[S@](=O)CCCC",
    "C1CN2CC[N@@H+]1CC2",
    "C[N@H+](CC)CCC",
    "OC(=O)CC[NH+]=C(C)C",
    "[NH3+]CCS(=O)(=O)[O-]",
    "CC(=[NH2+])N",
    "NC(=[NH2+])NCCC[C@H]([NH3+])C(=O)[O-]",
    "CCO.CCO.CCO",
    "CCCCCC.CCCCCC",
    "[NH4+].[O-]c1ccccc1",
    "F[P-](F)(F)(F)(F)F.CCCC[n+]1ccn(C)c1",
]


def _outcome(function, mol):
    try:
        result = function(mol, OPTIONS)
    except RejectedStructure as rejected:
        return rejected.reason_code, rejected.detail
    return result[1:]


def _assert_short_cut_is_right(smiles):
    try:
        mol = parse(smiles)
    except RejectedStructure:
        return 0
    assert _outcome(standardise, mol) == _outcome(standardise_the_long_way, mol), smiles
    return 1


@pytest.mark.parametrize("smiles", NASTY)
def test_short_cut_equals_the_long_way_on_nasty_structures(smiles):
    _assert_short_cut_is_right(smiles)


def test_short_cut_equals_the_long_way_on_the_nci_library():
    RDLogger.DisableLog("rdApp.*")
    compared = sum(_assert_short_cut_is_right(line.split()[0]) for line in NCI.read_text().splitlines())
    assert compared > 4_900


@pytest.mark.mirror
def test_short_cut_equals_the_long_way_on_messy_and_charged_molecules(mirror):
    """Every 25th of PubChem's, 40 % of which are drawn charged, and a vendor's table, 13 % of which are salts."""
    RDLogger.DisableLog("rdApp.*")
    compared = 0
    for name, column, step in (("pubchem_100k.tsv.gz", 0, 25), ("vendor_medchemexpress.tsv.gz", -3, 5)):
        with gzip.open(mirror / "libraries" / name, "rt") as file:
            for line in file.readlines()[1::step]:
                compared += _assert_short_cut_is_right(line.rstrip("\n").split("\t")[column])
    assert compared > 4_000


MOLECULES = [line.split()[0] for line in NCI.read_text().splitlines()[::10]] + NASTY


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(MOLECULES))
def test_a_parent_is_its_own_parent(smiles):
    try:
        first = standardise_smiles(smiles)
    except RejectedStructure:
        return
    second = standardise_smiles(first.parent_smiles)
    assert (second.parent_smiles, second.changes, second.removed_fragments) == (first.parent_smiles, (), None)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(MOLECULES), st.randoms(use_true_random=False))
def test_the_order_of_writing_does_not_matter(smiles, generator: random.Random):
    try:
        mol = parse(smiles)
        expected = standardise(mol).parent_smiles
    except RejectedStructure:
        return
    order = list(range(mol.GetNumAtoms()))
    generator.shuffle(order)
    other = Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False)
    assert standardise_smiles(other).parent_smiles == expected
