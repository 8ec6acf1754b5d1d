"""Errors a user can act on."""


class MolsieveError(Exception):
    """What was wrong, where, and what to do about it.

    The command line prints these as a short message and ends with exit code 2; anything else is a defect of ours.

    Args:
        what: One sentence in the reader's words, with the offending value.
        where: The file, row, key or option it was found in.
        fix: What the reader can do.

    """

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix:   {self.fix}")
        return "\n".join(lines)
