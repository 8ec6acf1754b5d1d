"""Libraries behind http(s) URLs: fetched once into a cache folder, checked, and named in errors."""

import hashlib
import logging
import os
import time
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import pooch

from molsieve.errors import MolsieveError

log = logging.getLogger(__name__)

ATTEMPTS = 3
TIMEOUT_S = 60.0
_PAUSE_S = 2.0


def is_url(path: str) -> bool:
    """Whether a library is fetched over the network."""
    return path.lower().startswith(("http://", "https://"))


def file_name_of(url: str) -> str:
    """File name at the end of a URL, without query and escapes."""
    return PurePosixPath(unquote(urlsplit(url).path)).name or urlsplit(url).netloc


def cache_folder() -> Path:
    """Where downloads are kept: MOLSIEVE_CACHE, else the user's cache folder."""
    return Path(os.environ.get("MOLSIEVE_CACHE") or pooch.os_cache("molsieve")) / "libraries"


def local_copy(location: str, path: Path | None, sha256: str | None) -> Path:
    """Local file of a library, checked against the digest the user gave.

    Args:
        location: Path or URL.
        path: The file where it is local already, None for a URL.
        sha256: Digest the file must have, or None.

    Raises:
        MolsieveError: The file could not be fetched, or has another digest.

    """
    if path is None:
        return fetch(location, sha256)
    if sha256:
        found = sha256_of(path)
        if found != sha256:
            raise MolsieveError(
                f"the file has another sha256 than the one given: {found}, not {sha256}",
                where=location,
                fix="The file changed or is damaged; compare it with its source, then correct sha256.",
            )
    return path


def fetch(url: str, sha256: str | None = None) -> Path:
    """Download a URL into the cache folder.

    A copy that is there already is used, after a check of its digest where one is given. Without a digest a file that
    changed on the server is not noticed: delete the copy, whose path is logged.

    Args:
        url: http or https.
        sha256: Digest the file must have, or None.

    Raises:
        MolsieveError: No connection, an HTTP error, a timeout, or another digest.

    """
    pooch.get_logger().setLevel(logging.WARNING)
    folder = cache_folder()
    name = f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{file_name_of(url)}"
    if (folder / name).exists():
        log.info("using the copy of %s in %s", url, folder / name)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return Path(
                pooch.retrieve(
                    url,
                    known_hash=f"sha256:{sha256}" if sha256 else None,
                    fname=name,
                    path=folder,
                    downloader=pooch.HTTPDownloader(timeout=TIMEOUT_S),
                )
            )
        except (OSError, ValueError) as error:  # requests raises OSError, pooch ValueError for the digest
            failure = _failure(error, url, sha256)
            if attempt == ATTEMPTS or not _worth_repeating(error):
                raise failure from None
            log.info("attempt %d at %s failed: %s", attempt, url, failure.what)
            time.sleep(_PAUSE_S * attempt)
    raise AssertionError  # the loop returns or raises


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as it lies on disk, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _status(error: Exception) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _worth_repeating(error: Exception) -> bool:
    status = _status(error)
    return status is None or status >= 500 or status in (408, 429)


def _failure(error: Exception, url: str, sha256: str | None) -> MolsieveError:
    status = _status(error)
    if status is not None:
        what = f"the server answered {status}" + {404: ": there is no such file", 403: ": access is not allowed"}.get(
            status, ""
        )
        fix = "Open the URL in a browser, or download the file by hand and give its path."
    elif isinstance(error, ValueError) and sha256 and "hash" in str(error).lower():
        what = f"the downloaded file has another sha256 than the one given, {sha256}"
        fix = "The file on the server changed or the digest is wrong: compare with its source, then correct sha256."
    elif "timed out" in str(error).lower() or "timeout" in type(error).__name__.lower():
        what = f"no answer within {TIMEOUT_S:.0f} seconds"
        fix = "Try again later, or download the file by hand and give its path."
    elif isinstance(error, PermissionError):
        what = f"cannot write to the cache folder {cache_folder()}"
        fix = "Set MOLSIEVE_CACHE to a folder of yours."
    else:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        what = f"the download failed: {reason}"
        fix = "Compute nodes often have no network: download the file first and give its path."
    return MolsieveError(what, where=url, fix=fix)
