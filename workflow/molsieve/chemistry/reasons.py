"""Why a structure is rejected: the codes of the ``reason_code`` column and what each means to a chemist.

Published tables carry these codes, and the data dictionary prints this table.
"""

REASONS: dict[str, str] = {
    "empty_structure": "The row holds no structure: an empty field, or a record without atoms.",
    "too_long": "The structure text is longer than the limit, far beyond any small molecule; it was not parsed.",
    "unparsable": "The text is not valid SMILES or a valid molblock; RDKit's message is in reason_detail.",
    "valence": "An atom has more bonds than its element and charge allow.",
    "kekulization": "No alternation of single and double bonds fits the rings written as aromatic; usually a missing "
    "[nH] or a missing charge.",
    "too_many_atoms": "The largest fragment has more heavy atoms than the limit: not a small molecule.",
    "too_few_atoms": "The parent has fewer heavy atoms than the limit; nothing can be predicted for it.",
    "no_organic_fragment": "No fragment is organic: a pure inorganic salt, a metal, water, a gas.",
    "disallowed_element": "The parent contains an element the models do not cover, or a dummy atom (R group, *).",
    "organometallic": "A metal is bonded to carbon; removing it would leave a molecule that does not exist.",
    "polymer": "The structure stands for a repeating unit, not for one molecule.",
    "radical": "The parent has unpaired electrons.",
    "rdkit_error": "RDKit failed on this structure with an internal error; its message is in reason_detail.",
    "out_of_memory": "The structure needed more memory than one worker may use.",
    "timeout": "The structure was given up after the time limit; RDKit did not come back.",
    "crashed": "RDKit died while working on this structure; the rest of the library was not affected.",
}


class RejectedStructure(Exception):  # noqa: N818 - an outcome that is recorded, not an error of the program
    """A structure that cannot become a parent molecule.

    Args:
        reason_code: A key of ``REASONS``.
        detail: What exactly was wrong with this structure.

    """

    def __init__(self, reason_code: str, detail: str = "") -> None:
        super().__init__(reason_code, detail)
        self.reason_code = reason_code
        self.detail = detail
