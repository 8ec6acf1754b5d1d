"""From a path, folder or glob to the files it stands for."""

import difflib
import glob
import os
from pathlib import Path

from molsieve.errors import MolsieveError
from molsieve.library.drugs import APPROVED_DRUGS, approved_drugs_file
from molsieve.library.formats import COMPRESSION_SUFFIXES, FORMAT_SUFFIXES, is_library_name

RDKIT_PREFIX = "rdkit:"


def files_of(path: str) -> list[Path]:
    """Files a path, folder, glob, ``rdkit:PATH`` or ``approved-drugs`` stands for, sorted.

    Args:
        path: As the user gave it; ``~`` is expanded, ``**`` in a glob spans folders.

    Raises:
        MolsieveError: It does not exist, cannot be read, or there is nothing recognised in it.

    """
    if path.startswith(RDKIT_PREFIX):
        return [_rdkit_file(path)]
    if path == APPROVED_DRUGS:
        return [_readable(approved_drugs_file())]
    given = Path(path).expanduser()
    if given.is_dir():
        return _files_in(given)
    if os.path.lexists(given):
        return [_readable(given)]
    if glob.has_magic(path):
        matches = sorted(Path(match) for match in glob.glob(str(given), recursive=True))  # noqa: PTH207 - absolute patterns
        files = [_readable(match) for match in matches if not match.is_dir()]
        if not files:
            raise MolsieveError(
                f"no file matches {path}", where=path, fix="Quote globs, and check folder and extension."
            )
        return files
    raise MolsieveError(f"{path} does not exist", where=str(given.absolute()), fix=_nearest_file(given))


def _files_in(folder: Path) -> list[Path]:
    found = []
    for directory, subfolders, names in os.walk(folder, onerror=_refuse_folder):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        found += [Path(directory) / name for name in names if is_library_name(name)]
    found.sort()
    if not found:
        known = ", ".join(FORMAT_SUFFIXES)
        raise MolsieveError(
            f"the folder {folder} holds no library file",
            where=str(folder.absolute()),
            fix=f"Recognised are {known}, each also with {', '.join(COMPRESSION_SUFFIXES)}; name others one by one.",
        )
    return [_readable(path) for path in found]


def _refuse_folder(error: OSError) -> None:
    """Stop at a folder that cannot be read: passing over it would screen part of a library for the whole."""
    raise MolsieveError(
        f"cannot read the folder {error.filename}: {error.strerror}",
        where=str(Path(error.filename).absolute()),
        fix="Ask its owner for read permission, or name the files one by one.",
    ) from None


def _rdkit_file(path: str) -> Path:
    from rdkit import RDConfig  # the rest of this module serves without RDKit's import time

    folder = Path(RDConfig.RDDataDir)
    file = folder / path.removeprefix(RDKIT_PREFIX)
    if file.is_file():
        return file
    shipped = [str(entry.relative_to(folder)) for entry in sorted(folder.rglob("*")) if is_library_name(entry.name)]
    nearest = difflib.get_close_matches(path.removeprefix(RDKIT_PREFIX), shipped, n=1, cutoff=0.3)
    raise MolsieveError(
        f"the rdkit package ships no file {path.removeprefix(RDKIT_PREFIX)!r}",
        where=path,
        fix=f"Did you mean {RDKIT_PREFIX}{(nearest or ['NCI/first_5K.smi'])[0]}?",
    )


def _readable(path: Path) -> Path:
    try:
        with path.open("rb"):
            return path
    except FileNotFoundError:
        what, fix = f"{path} is a link to a file that does not exist", "Restore the file or remove the link."
    except PermissionError:
        what, fix = (
            f"no permission to read {path}",
            "Ask its owner for read permission, or copy it to a folder of yours.",
        )
    except OSError as error:
        what, fix = f"cannot read {path}: {error.strerror}", "Check the path and the file system."
    raise MolsieveError(what, where=str(path.absolute()), fix=fix)


def _nearest_file(path: Path) -> str:
    if not path.parent.is_dir():
        return f"The folder {path.parent} does not exist either."
    try:
        nearest = difflib.get_close_matches(path.name, os.listdir(path.parent), n=1, cutoff=0.6)  # noqa: PTH208 - names only
    except OSError:
        nearest = []
    return (
        f"Did you mean {path.parent / nearest[0]}?"
        if nearest
        else "Check the path; relative paths start in the current folder."
    )
