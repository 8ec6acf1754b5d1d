"""RDKit's messages: silent, except for the last error, which explains a rejected structure."""

import logging
import re

from rdkit import rdBase

_TIMESTAMP = re.compile(r"^\[\d\d:\d\d:\d\d\] *")
_POINTER = re.compile(r"^[~^ ]*$")


class _Errors(logging.Handler):
    """Keeps the messages since they were last taken."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


_errors = _Errors()


def capture() -> None:
    """Send this process's RDKit messages here and nowhere else; for worker processes, which belong to us alone."""
    rdBase.LogToPythonLogger()
    logger = logging.getLogger("rdkit")
    logger.handlers = [_errors]
    logger.propagate = False
    for level in ("debug", "info", "warning"):
        rdBase.DisableLog(f"rdApp.{level}")


def take_error() -> str:
    """RDKit's explanation of the latest failure in one line, empty when nothing was captured."""
    lines = [_TIMESTAMP.sub("", message).strip() for message in _errors.messages]
    _errors.messages.clear()
    told = [line for line in lines if line and not _POINTER.match(line)]
    if not told:
        return ""
    position = next((line.split(":", 1)[1].strip(" :") for line in told if "check for mistakes" in line), "")
    first = told[0].removeprefix("SMILES Parse Error: ")
    return f"{first[:200]} ({position})" if position else first[:200]
