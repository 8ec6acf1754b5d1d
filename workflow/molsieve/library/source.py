"""A library as the user names it: a file, folder, glob or URL, with the options for reading it."""

import codecs
import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from molsieve.errors import MolsieveError
from molsieve.library.download import file_name_of, is_url, local_copy
from molsieve.library.drugs import APPROVED_DRUGS, NAME_COLUMN, STRUCTURE_COLUMN
from molsieve.library.locations import files_of

FileFormat = Literal["smiles", "csv", "tsv", "sdf", "parquet"]

# Delimiters have names because a comma or a tab is hard to type where commas separate the options.
DELIMITER_NAMES = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|", "space": " "}

_OPTIONS = re.compile(r"[A-Za-z_]\w*=")


class LibrarySource(BaseModel):
    """One entry of the libraries to screen; what is not given is found out from the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(
        min_length=1,
        description="File, folder, glob, http(s) URL, rdkit:PATH for a file of the rdkit package, or approved-drugs.",
    )
    format: FileFormat | None = Field(None, description="Format, when the name and the content mislead.")
    structure_column: str | None = Field(
        None,
        description="Column that holds the structure: its name, or column_N (N from 1) in a file without a header.",
    )
    id_column: str | None = Field(
        None, description="Column (SDF: data field, or 'title' for the title line) that holds the user's identifier."
    )
    delimiter: str | None = Field(None, description="One character, or comma, tab, semicolon, pipe, space.")
    skip_rows: int | None = Field(None, ge=0, le=10_000, description="Lines above the header, or above the first row.")
    header: bool | None = Field(None, description="Whether the first row holds column names.")
    encoding: str | None = Field(
        None, description="Text encoding; UTF-8 with Latin-1 where it is not valid, when not given."
    )
    sha256: str | None = Field(
        None, description="Digest the file must have; for URLs and for files that must not change."
    )

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str | None) -> str | None:
        if value is None:
            return None
        value = DELIMITER_NAMES.get(value, value)
        if value == "\\t":
            return "\t"
        if len(value) != 1 or value in '"\r\n\0' or not value.isascii():
            msg = f"must be one character or one of {', '.join(DELIMITER_NAMES)}"
            raise ValueError(msg)
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                codecs.lookup(value)
                b"".decode(value)
        except LookupError:
            msg = "is not an encoding Python knows; for example utf-8, latin-1, cp1252, utf-16"
            raise ValueError(msg) from None
        return value

    @field_validator("sha256")
    @classmethod
    def _digest(cls, value: str | None) -> str | None:
        if value is None:
            return None
        value = value.removeprefix("sha256:").lower()
        if not re.fullmatch("[0-9a-f]{64}", value):
            msg = "must be 64 hexadecimal digits"
            raise ValueError(msg)
        return value

    @classmethod
    def parse(cls, argument: str) -> Self:
        """Read ``path`` or ``path::key=value,key=value`` as typed on a command line; ``%2C`` is a comma in a value.

        Raises:
            MolsieveError: An unknown option or a value it cannot have.

        """
        path, separator, options = argument.rpartition("::")
        if not separator or (options and not _OPTIONS.match(options)):
            # The last :: belongs to the path (an IPv6 address, say) unless it is followed by an option.
            return cls._checked({"path": argument}, argument)
        values: dict[str, Any] = {}
        for option in options.split(",") if options else []:
            key, equals, text = option.partition("=")
            if not equals:
                raise MolsieveError(
                    f"{option!r} is not an option",
                    where=argument,
                    fix="Write options as key=value, separated by commas; a comma inside a value is written %2C.",
                )
            values[key.strip()] = unquote(text)
        return cls._checked({**values, "path": path}, argument)

    @classmethod
    def _checked(cls, values: dict[str, Any], argument: str) -> Self:
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise MolsieveError(
                "\n".join(_explain(problem, list(cls.model_fields)) for problem in error.errors()),
                where=argument,
                fix=f"Options are {', '.join(name for name in cls.model_fields if name != 'path')}.",
            ) from None

    def argument(self) -> str:
        """Text that :meth:`parse` reads back as this source."""
        names = {character: name for name, character in DELIMITER_NAMES.items()}
        options = []
        for key in type(self).model_fields:
            value = getattr(self, key)
            if key == "path" or value is None:
                continue
            text = str(value).lower() if isinstance(value, bool) else str(value)
            if key == "delimiter":
                text = names.get(text, text)
            for character, code in (("%", "%25"), (",", "%2C"), (":", "%3A")):
                text = text.replace(character, code)
            options.append(f"{key}={text}")
        if options or LibrarySource._reads_options(self.path):
            return f"{self.path}::{','.join(options)}"
        return self.path

    @staticmethod
    def _reads_options(path: str) -> bool:
        """Whether the path alone would be taken for a path with options."""
        _, separator, rest = path.rpartition("::")
        return bool(separator) and (not rest or bool(_OPTIONS.match(rest)))


class ResolvedFile(NamedTuple):
    """One file of a library and the options for reading it."""

    source: LibrarySource
    location: str
    """Path or URL of this one file, as it is shown to the user."""
    path: Path | None
    """The local file; None for a URL, whose local file comes from :meth:`local`."""

    @property
    def name(self) -> str:
        """File name, which tells the format."""
        return file_name_of(self.location) if self.path is None else self.path.name

    def local(self) -> Path:
        """Path of the file on this machine, downloaded first where it is a URL.

        Raises:
            MolsieveError: The download failed, or the file has not the digest that was asked for.

        """
        return local_copy(self.location, self.path, self.source.sha256)


def resolve(sources: Iterable[LibrarySource]) -> list[ResolvedFile]:
    """Files the sources stand for, in a stable order; nothing is downloaded yet.

    Folders give the recognised files in them and below, globs what they match, both sorted by path. A file that is
    reached twice with the same options is read once.

    Args:
        sources: What the user asked for, in the user's order.

    Raises:
        MolsieveError: A path that does not exist, cannot be read, or holds nothing recognised.

    """
    found: dict[tuple[str, LibrarySource], ResolvedFile] = {}
    for given in sources:
        source = _with_columns(given)
        if is_url(source.path):
            files = [ResolvedFile(source, source.path, None)]
        else:
            files = [ResolvedFile(source, str(path), path) for path in files_of(source.path)]
        if source.sha256 and len(files) > 1:
            raise MolsieveError(
                f"sha256 is given for {len(files)} files",
                where=source.path,
                fix="Name the files one by one with a sha256 each.",
            )
        options = source.model_copy(update={"path": ""})
        for file in files:
            found.setdefault((file.location, options), file)
    return list(found.values())


def _with_columns(source: LibrarySource) -> LibrarySource:
    """The approved drugs are known by their names, where the user says nothing else."""
    if source.path != APPROVED_DRUGS:
        return source
    columns = {"structure_column": STRUCTURE_COLUMN, "id_column": NAME_COLUMN}
    return source.model_copy(update={key: getattr(source, key) or name for key, name in columns.items()})


def source_names(files: Iterable[ResolvedFile]) -> list[str]:
    """Name of each file for the ``source`` column: the file name, with as many folders before it as tell them apart.

    A file that is read twice, with different options, has the same name twice.
    """
    parts = [(file_name_of(file.location),) if file.path is None else file.path.absolute().parts for file in files]
    names = []
    for own in parts:
        others = [other for other in parts if other != own]
        length = 1
        while length < len(own) and any(other[-length:] == own[-length:] for other in others):
            length += 1
        names.append("/".join(own[-length:]))
    return names


def _explain(problem: Any, keys: list[str]) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    key = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(key, keys, n=1, cutoff=0.4)
        return f"unknown option {key!r}" + (f"; did you mean {nearest[0]!r}?" if nearest else "")
    message = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]} (got {problem['input']!r})"
