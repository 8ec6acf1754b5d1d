"""Where sets of molecules for the leak ledger come from: assays, libraries, result sets, training tables, models."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molsieve.chemistry.fingerprints import FOLDED_BITS
from molsieve.chemistry.standardise import DEFAULTS, StandardiseOptions, digest
from molsieve.errors import MolsieveError
from molsieve.library.formats import FORMAT_SUFFIXES, split_name
from molsieve.library.source import LibrarySource, ResolvedFile, resolve, source_names
from molsieve.library.understanding import understand
from molsieve.models.endpoints import INFO
from molsieve.models.record import connectivity_hash
from molsieve.models.store import load_record, read_info
from molsieve.training.identify import Given, identify
from molsieve.training.labelled import LabelledData
from molsieve.training.leaks import Known, LeakSet
from molsieve.training.phrases import counted
from molsieve.training.similar_pairs import folded

_CURATED = ("connectivity", "parent_smiles", "morgan_ids")
_BATCH_ROWS = 10_000


def leak_set(
    argument: str,
    *,
    name: str | None = None,
    smiles_column: str | None = None,
    options: StandardiseOptions = DEFAULTS,
    workers: int = 1,
) -> LeakSet:
    """Molecules of whatever the user names.

    Args:
        argument: A model directory (it has a ``model.json``), the folder of a result set (it has ``compounds/``), the
            curated training table, or else a library: file, folder, glob or URL, with reading options after ``::``.
        name: What the set is called; the last part of the path when not given.
        smiles_column: Column of the structures of a library, unless its own options name one; SD files need none.
        options: Standardisation.
        workers: Worker processes that standardise.

    Raises:
        MolsieveError: It is not there, cannot be read, or holds no usable structure.

    """
    path = Path(argument)
    name = name or path.name or argument
    if (path / INFO).is_file():
        return model_set(path, name)
    if any(path.glob("compounds/part-*.parquet")):
        return result_set(path, name, options=options, workers=workers)
    if path.is_file() and _is_curated(path):
        return curated_set(pq.read_table(path, columns=list(_CURATED)), name)
    return library_set(argument, name, smiles_column=smiles_column, options=options, workers=workers)


def labelled_set(data: LabelledData, name: str | None = None) -> LeakSet:
    """Molecules of a labelled file, in the order of its arrays."""
    return LeakSet(
        name or data.name,
        _hashes(data.connectivity),
        data.bits,
        [f"row {row}" for row in data.first_row],
        list(data.parent_smiles),
        data.rows.num_rows,
    )


def model_set(folder: Path, name: str | None = None) -> LeakSet:
    """Molecules a saved model was trained on; of a chemprop network they are not known.

    Raises:
        MolsieveError: There is no model, it is damaged, or it knows molecules under another standardisation.

    """
    info = read_info(folder)
    current = digest(DEFAULTS)
    if info.standardise_digest != current:
        raise MolsieveError(
            f"The model was trained on molecules standardised in another way ({info.standardise_digest}; this program: "
            f"{current}), so the same molecule might not be recognised.",
            where=str(folder),
            fix="Use the version of molsieve the model was made with.",
        )
    if not info.training_is_known:
        note = "a chemprop network: what it was trained on is not known, so a leak cannot be ruled out"
        return replace(record_set(load_record(folder), name or folder.name, note), is_known=False)
    base = info.training.get("starts_from", {}).get("name")
    note = f"starts from the model {base}, whose training molecules are not among these" if base else ""
    return record_set(load_record(folder), name or folder.name, note)


def record_set(record: Known, name: str, note: str = "") -> LeakSet:
    """Molecules of a model's training record; it keeps neither structures nor where they came from."""
    return LeakSet(name, record.hashes, record.bits, rows=len(record.hashes), note=note)


def curated_set(table: pa.Table, name: str) -> LeakSet:
    """Molecules of the curated training table (``curation.table_schema``), row by row."""
    keys = table["connectivity"].to_pylist()
    bits = []
    for batch in table.select(["morgan_ids"]).to_batches(max_chunksize=_BATCH_ROWS):
        ids, offsets = batch.column(0).flatten().to_numpy(), batch.column(0).offsets.to_numpy()
        folded_ids = (ids % FOLDED_BITS).astype(np.uint16)
        starts = offsets - offsets[0]
        bits += [np.unique(folded_ids[i:j]) for i, j in pairwise(starts)]
    return LeakSet(name, _hashes(keys), folded(bits), keys, table["parent_smiles"].to_pylist(), table.num_rows)


def split_sets(table: pa.Table, folds: NDArray[np.int8], fold: int, name: str = "fold") -> tuple[LeakSet, LeakSet]:
    """Training and test part of a frozen split.

    Args:
        table: Curated training table.
        folds: Fold of each of its rows (``splits.read_folds``).
        fold: The fold held out.
        name: Beginning of the names of the parts, for example ``scaffold``.

    """
    whole = curated_set(table, name)
    return whole.part(f"{name} without fold {fold}", folds != fold), whole.part(f"{name} fold {fold}", folds == fold)


def result_set(
    folder: Path, name: str | None = None, *, options: StandardiseOptions = DEFAULTS, workers: int = 1
) -> LeakSet:
    """Molecules of a published result set; places are its ``record_id``."""
    rows = sum(pq.read_metadata(part).num_rows for part in folder.glob("compounds/part-*.parquet"))
    return _gathered(_parents(folder), name or folder.name, rows, "", options, workers)


def library_set(
    library: str,
    name: str | None = None,
    *,
    smiles_column: str | None = None,
    options: StandardiseOptions = DEFAULTS,
    workers: int = 1,
) -> LeakSet:
    """Molecules of a library of one file or several, as ``molsieve ingest`` reads it.

    Args:
        library: File, folder, glob or URL, with options after ``::``.
        name: What the set is called.
        smiles_column: Column of the structures, unless the options name one.
        options: Standardisation.
        workers: Worker processes that standardise.

    Raises:
        MolsieveError: A file is not there or not understood, or there is no usable structure.

    """
    files = [_with_column(file, smiles_column) for file in resolve([LibrarySource.parse(library)])]
    return _gathered(_records(files), name or library, None, library, options, workers)


def _gathered(
    records: Iterable[tuple[str, Given]],
    name: str,
    rows: int | None,
    where: str,
    options: StandardiseOptions,
    workers: int,
) -> LeakSet:
    """Distinct molecules in the order they occur first; ``rows`` is None to count the records."""
    waiting: deque[str] = deque()

    def structures() -> Iterator[Given]:
        for place, given in records:
            waiting.append(place)
            yield given

    found: dict[int, tuple[NDArray[np.uint16], str, str]] = {}
    read = unusable = 0
    for identity in identify(structures(), options, workers=workers):
        place = waiting.popleft()
        read += 1
        if identity.reason_code:
            unusable += 1
        else:
            found.setdefault(connectivity_hash(identity.connectivity), (identity.bits, place, identity.parent_smiles))
    if not found:
        raise MolsieveError(
            f"No usable structure in {counted(read, 'row')}.",
            where=where or name,
            fix="Look at the file with 'molsieve check'; name the column of the structures if another was taken.",
        )
    bits, places, smiles = zip(*found.values(), strict=True)
    note = f"{counted(unusable, 'row')} without a usable structure" if unusable else ""
    hashes = np.array(list(found), dtype=np.uint64)
    return LeakSet(name, hashes, folded(bits), places, smiles, read if rows is None else rows, note)


def _records(files: Iterable[ResolvedFile]) -> Iterator[tuple[str, Given]]:
    understood = [understand(file) for file in files]
    names = source_names([file.file for file in understood])
    for file, name in zip(understood, names, strict=True):
        row = 0
        prefix = f"{name} row" if len(names) > 1 else "row"
        for batch in file.batches():
            for index, structure in enumerate(batch.structures.to_pylist()):
                row += 1
                yield f"{prefix} {row}", Given(structure or "", file.structure_format, batch.errors.get(index))


def _parents(folder: Path) -> Iterator[tuple[str, Given]]:
    for part in sorted(folder.glob("compounds/part-*.parquet")):
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=["record_id", "status", "parent_smiles"]):
                for row in batch.to_pylist():
                    if row["status"] == "ok":
                        yield f"record {row['record_id']}", Given(row["parent_smiles"], "smiles")


def _with_column(file: ResolvedFile, smiles_column: str | None) -> ResolvedFile:
    is_sdf = FORMAT_SUFFIXES.get(split_name(file.name)[0]) == "sdf"
    if smiles_column is None or is_sdf or file.source.structure_column is not None:
        return file
    return file._replace(source=file.source.model_copy(update={"structure_column": smiles_column}))


def _is_curated(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(4) != b"PAR1":
            return False
    try:
        return set(_CURATED) <= set(pq.read_schema(path).names)
    except (OSError, pa.ArrowInvalid):  # the reader of libraries explains what is wrong with it
        return False


def _hashes(connectivity: Iterable[str]) -> NDArray[np.uint64]:
    return np.array([connectivity_hash(key) for key in connectivity], dtype=np.uint64)
