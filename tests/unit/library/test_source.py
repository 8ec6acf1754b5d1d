import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from molsieve.errors import MolsieveError
from molsieve.library.source import LibrarySource, resolve, source_names


def test_options_follow_the_path():
    source = LibrarySource.parse("data/screen.csv::structure_column=SMILES,skip_rows=1,header=true,delimiter=tab")
    assert source.path == "data/screen.csv"
    assert source.structure_column == "SMILES"
    assert source.skip_rows == 1
    assert source.header is True
    assert source.delimiter == "\t"


@pytest.mark.parametrize("path", ["a.csv", "http://[::1]:8000/a.smi", "rdkit:NCI/first_5K.smi", "odd::name.csv", "C::"])
def test_a_path_without_options_is_a_path(path):
    source = LibrarySource.parse(path)
    assert source == LibrarySource(path=path.removesuffix("::"))


def test_unknown_option_names_the_nearest():
    with pytest.raises(MolsieveError, match="did you mean 'structure_column'") as caught:
        LibrarySource.parse("a.csv::structure_colum=SMILES")
    assert caught.value.where == "a.csv::structure_colum=SMILES"
    assert "id_column" in caught.value.fix


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("skip_rows=-1", "skip_rows"),
        ("skip_rows=two", "skip_rows"),
        ("header=perhaps", "header"),
        ("format=xls", "format"),
        ("delimiter=ab", "delimiter"),
        ("encoding=klingon", "encoding"),
        ("sha256=abc", "sha256"),
        ("header=true,SMILES", "'SMILES' is not an option"),
    ],
)
def test_wrong_value_is_named(options, told):
    with pytest.raises(MolsieveError, match=told):
        LibrarySource.parse(f"a.csv::{options}")


def test_a_mapping_refuses_unknown_keys():
    with pytest.raises(ValidationError):
        LibrarySource.model_validate({"path": "a.csv", "colour": "red"})


printable = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(
    path=printable,
    structure_column=st.none() | printable,
    id_column=st.none() | printable,
    delimiter=st.sampled_from([None, ",", "\t", ";", "|", " ", ":", "%", "="]),
    skip_rows=st.none() | st.integers(0, 10_000),
    header=st.none() | st.booleans(),
    format=st.sampled_from([None, "smiles", "csv", "tsv", "sdf", "parquet"]),
    sha256=st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
)
def test_argument_is_the_inverse_of_parse(**values):
    source = LibrarySource(**values)
    assert LibrarySource.parse(source.argument()) == source


def test_folder_gives_recognised_files_below_sorted(write, tmp_path):
    for name in [
        "b.smi",
        "a.csv.gz",
        "sub/c.SDF",
        "sub/deeper/d.parquet",
        "README.txt",
        "notes.md",
        ".hidden.smi",
        "_x.csv",
    ]:
        write(f"lib/{name}", "")
    write("lib/.git/e.smi", "")
    files = resolve([LibrarySource(path=str(tmp_path / "lib"))])
    assert [str(file.path.relative_to(tmp_path / "lib")) for file in files] == [
        "a.csv.gz",
        "b.smi",
        "sub/c.SDF",
        "sub/deeper/d.parquet",
    ]


def test_glob_is_sorted_and_recursive(write, tmp_path):
    for name in ["z.smi", "a.smi", "sub/b.smi", "c.csv"]:
        write(name, "")
    files = resolve([LibrarySource(path=str(tmp_path / "**" / "*.smi"))])
    assert [file.path.name for file in files] == ["a.smi", "b.smi", "z.smi"]


def test_a_file_whose_name_looks_like_a_glob(write):
    path = write("set[1].smi", "CCO")
    assert resolve([LibrarySource(path=str(path))])[0].path == path


def test_order_is_the_users_and_a_file_is_read_once(write, tmp_path):
    b, a = write("b.smi", ""), write("a.smi", "")
    files = resolve([LibrarySource(path=str(b)), LibrarySource(path=str(tmp_path / "*.smi"))])
    assert [file.path for file in files] == [b, a]


def test_a_file_with_two_sets_of_options_is_read_twice(write):
    path = str(write("a.csv", ""))
    assert len(resolve([LibrarySource(path=path, id_column="x"), LibrarySource(path=path, id_column="y")])) == 2


def test_urls_are_not_fetched():
    (file,) = resolve([LibrarySource(path="https://nowhere.invalid/set.smi.gz?x=1")])
    assert file.path is None
    assert file.name == "set.smi.gz"


@pytest.mark.parametrize("path", ["missing.smi", "*.nothing"])
def test_nothing_there_is_an_error(path, tmp_path, write):
    write("missin.smi", "")
    with pytest.raises(MolsieveError) as caught:
        resolve([LibrarySource(path=str(tmp_path / path))])
    assert caught.value.fix
    if path == "missing.smi":
        assert "missin.smi" in caught.value.fix


def test_folder_without_libraries_is_an_error(write, tmp_path):
    write("empty/notes.md", "x")
    with pytest.raises(MolsieveError, match="holds no library file"):
        resolve([LibrarySource(path=str(tmp_path / "empty"))])


def test_dangling_link_is_an_error(tmp_path):
    (tmp_path / "link.smi").symlink_to(tmp_path / "gone.smi")
    with pytest.raises(MolsieveError, match="link"):
        resolve([LibrarySource(path=str(tmp_path / "link.smi"))])


def test_no_permission_is_an_error(write, monkeypatch):
    # Root may read everything, so the refusal is made here.
    path = write("secret.smi", "CCO")

    def refuse(self, *args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(MolsieveError, match="no permission"):
        resolve([LibrarySource(path=str(path))])


def test_sha256_of_several_files_is_refused(write, tmp_path):
    write("lib/a.smi", "C")
    write("lib/b.smi", "C")
    with pytest.raises(MolsieveError, match="2 files"):
        resolve([LibrarySource(path=str(tmp_path / "lib"), sha256="0" * 64)])


def test_rdkit_files():
    (file,) = resolve([LibrarySource(path="rdkit:NCI/first_5K.smi")])
    assert file.path.is_file()
    with pytest.raises(MolsieveError) as caught:
        resolve([LibrarySource(path="rdkit:NCI/first5K.smi")])
    assert "rdkit:NCI/first_5K.smi" in caught.value.fix


def test_names_tell_files_apart(write, tmp_path):
    paths = [write(name, "") for name in ["one/lib.smi", "two/lib.smi", "two/other.smi"]]
    files = resolve([LibrarySource(path=str(path)) for path in paths])
    assert source_names(files) == ["one/lib.smi", "two/lib.smi", "other.smi"]


@pytest.mark.parametrize("column", ["::", "a::header=true", ":", "x,y%:"])
def test_separators_within_a_column_name_survive(column):
    source = LibrarySource(path="a.csv", id_column=column)
    assert LibrarySource.parse(source.argument()) == source
