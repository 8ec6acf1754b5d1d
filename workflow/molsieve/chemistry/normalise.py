"""Functional groups drawn in different ways, rewritten to one."""

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

# RDKit's default transforms (GraphMol/MolStandardize, BSD licence; after MolVS by M. Swain and standardiser by F.
# Atkinson) with two differences: charge-separated S, Se and P oxides become double bonds instead of the reverse,
# and a delocalised aromatic cation is drawn on the nitrogen that carries the hydrogen, where it can be neutralised.
NORMALISATIONS: tuple[tuple[str, str], ...] = (
    ("Nitro to N+(O-)=O", "[N;X3:1](=[O,S,Se:2])=[O,S,Se:3]>>[*+1:1]([*-1:2])=[*:3]"),
    ("Doubly charge-separated sulfone", "[S+2:1]([O-:2])([O-:3])>>[S+0:1](=[O-0:2])(=[O-0:3])"),
    ("Pyridine oxide to n+O-", "[nH0+0:1]=[OH0+0:2]>>[n+:1][O-:2]"),
    ("Azide to N=N+=N-", "[*:1][N:2]=[N:3]#[N:4]>>[*:1][N:2]=[N+:3]=[N-:4]"),
    ("Diazo to =N+=N-", "[*:1]=[N:2]#[N:3]>>[*:1]=[N+:2]=[N-:3]"),
    ("Charge-separated S, Se, P oxide", "[S,Se,P;+1;!$([P+]=*):1]-[O-:2]>>[*+0:1]=[*-0:2]"),
    ("Charge-separated S, Se, P sulfide or imide", "[S,Se,P;+1;!$([P+]=*):1]-[S,Se,N;-1:2]>>[*+0:1]=[*-0:2]"),
    ("C/S+N to C/S=N+", "[C,S&!$([S+]-[O-]);X3+1:1]([NX3:2])[NX3!H0:3]>>[*+0:1]([N:2])=[N+:3]"),
    ("P+N to P=N+", "[P;X4+1:1]([NX3:2])[NX3!H0:3]>>[*+0:1]([N:2])=[N+:3]"),
    (
        "Hydrazine-diazonium",
        "[CX4:1][NX3H:2]-[NX3H:3][CX4:4][NX2+:5]#[NX1:6]>>[CX4:1][NH0:2]=[NH+:3][C:4][N+0:5]=[NH:6]",
    ),
    ("Recombine 1,3-separated charges", "[N,P,O,S,Se;-1:1]-[A+0:2]=[N,P,O,S,Se;+1:3]>>[*-0:1]=[*:2]-[*+0:3]"),
    ("Recombine 1,3-separated charges", "[n,o,p,s;-1:1]:[a:2]=[N,O,P,S;+1:3]>>[*-0:1]:[*:2]-[*+0:3]"),
    ("Recombine 1,3-separated charges", "[N,O,P,S;-1:1]-[a+0:2]:[n,o,p,s;+1:3]>>[*-0:1]=[*:2]:[*+0:3]"),
    (
        "Recombine 1,5-separated charges",
        "[N,P,O,S,Se;-1:1]-[A+0:2]=[A:3]-[A:4]=[N,P,O,S,Se;+1:5]>>[*-0:1]=[*:2]-[*:3]=[*:4]-[*+0:5]",
    ),
    (
        "Recombine 1,5-separated charges",
        "[n,o,p,s;-1:1]:[a:2]:[a:3]:[c:4]=[N,O,P,S;+1:5]>>[*-0:1]:[*:2]:[*:3]:[c:4]-[*+0:5]",
    ),
    (
        "Recombine 1,5-separated charges",
        "[N,O,P,S;-1:1]-[c:2]:[a:3]:[a:4]:[n,o,p,s;+1:5]>>[*-0:1]=[c:2]:[*:3]:[*:4]:[*+0:5]",
    ),
    ("1,3 conjugated cation", "[N,O!$(*N);+0!H0:1]-[A:2]=[N!$(*~[N,O,P,S;-1]),O;+1H0:3]>>[*+1:1]=[*:2]-[*+0:3]"),
    ("1,3 conjugated cation", "[n;+0!H0:1]:[c:2]=[N!$(*~[N,O,P,S;-1]),O;+1H0:3]>>[*+1:1]:[*:2]-[*+0:3]"),
    (
        "1,5 conjugated cation",
        "[N,O!$(*N);+0!H0:1]-[A:2]=[A:3]-[A:4]=[N!$(*~[N,O,P,S;-1]),O;+1H0:5]>>[*+1:1]=[*:2]-[*:3]=[*:4]-[*+0:5]",
    ),
    (
        "1,5 conjugated cation",
        "[n;+0!H0:1]:[a:2]:[a:3]:[c:4]=[N!$(*~[N,O,P,S;-1]),O;+1H0:5]>>[n+1:1]:[*:2]:[*:3]:[*:4]-[*+0:5]",
    ),
    ("Aromatic 1,3 cation", "[n;+0!H0:1]:[c:2]:[n!$(*~[N,O,P,S;-1]);+1H0:3]>>[*+1:1]:[*:2]:[*+0:3]"),
)

_NORMALISER = rdMolStandardize.NormalizerFromData(
    "\n".join("\t".join(rule) for rule in NORMALISATIONS), rdMolStandardize.CleanupParameters()
)


def normalise(mol: Chem.Mol) -> Chem.Mol:
    """Apply ``NORMALISATIONS`` until none matches; the result is always a new molecule."""
    normalised: Chem.Mol = _NORMALISER.normalize(mol)
    return normalised
