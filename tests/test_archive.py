"""Archives of images: whole, owned by root, with the modes that programs need."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.images.archive import Archive

PATHS = st.lists(st.sampled_from(["a", "b", ".c", "d.d"]), min_size=1, max_size=4).map("/".join)
FOLDERS = st.lists(st.tuples(PATHS, st.sampled_from([0o755, 0o1777])), max_size=6)


def members(path: Path) -> dict[str, tarfile.TarInfo]:
    """An archive's members by name; none may be there twice."""
    with tarfile.open(path) as tar:
        infos = tar.getmembers()
    names = [member.name for member in infos]
    assert sorted(names) == sorted(set(names))
    return {member.name: member for member in infos}


def content(path: Path, name: str) -> str:
    with tarfile.open(path) as tar:
        file = tar.extractfile(name)
        assert file
        return file.read().decode()


@given(folders=FOLDERS, files=st.sets(PATHS, max_size=6), cut=st.integers(0, 12))
def test_no_path_is_there_twice_and_parents_come_first(
    tmp_path_factory: pytest.TempPathFactory,
    folders: list[tuple[str, int]],
    files: set[str],
    cut: int,
) -> None:
    """However folders and files are mixed, and whenever the archive is closed and opened again."""
    path = tmp_path_factory.mktemp("a") / "a.tar"
    steps = [*folders, *((f"{file}/file", -1) for file in sorted(files))]
    for part in (steps[:cut], steps[cut:]):
        with Archive(path) as archive:
            for name, mode in part:
                if mode < 0:
                    archive.text(f"/{name}", name)
                else:
                    archive.folder(f"/{name}", mode)
    order = list(members(path))
    for number, name in enumerate(order):
        assert not name.startswith(("/", "./"))
        parent = name.rpartition("/")[0]
        assert not parent or parent in order[:number]


def test_the_first_mode_of_a_folder_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with Archive(path) as archive:
        archive.folder("/tmp", 0o1777)  # noqa: S108 - a path in the image
        archive.text("/tmp/x", "x")  # noqa: S108
        archive.folder("/tmp")  # noqa: S108
    assert members(path)["tmp"].mode == 0o1777


def test_files_are_roots_and_bear_no_time(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    (tmp_path / "source").write_text("x")
    with Archive(path) as archive:
        archive.file(tmp_path / "source", "/etc/x")
        archive.link("/etc/y", "x")
    for member in members(path).values():
        assert (member.uid, member.gid, member.mtime) == (0, 0, 0)


@pytest.mark.parametrize(
    ("text", "mode", "expected"),
    [
        ("plain", 0o444, 0o644),
        ("#!/bin/sh\n", 0o444, 0o755),  # as the Go module cache keeps it
        ("program", 0o755, 0o755),
        ("", 0o644, 0o644),
    ],
)
def test_scripts_and_programs_stay_executable(
    tmp_path: Path, text: str, mode: int, expected: int
) -> None:
    source, path = tmp_path / "source", tmp_path / "a.tar"
    source.write_text(text)
    source.chmod(mode)
    with Archive(path) as archive:
        archive.file(source, "/bin/it")
    assert members(path)["bin/it"].mode == expected
    assert content(path, "bin/it") == text


def test_a_tree_brings_everything_below_it(tmp_path: Path) -> None:
    source, path = tmp_path / "source", tmp_path / "a.tar"
    (source / "sub" / "empty").mkdir(parents=True)
    (source / "sub" / "file").write_text("é")
    (source / "link").symlink_to("sub/file")
    (source / "to folder").symlink_to("sub")
    with Archive(path) as archive:
        archive.tree(source, "/opt/it/")
        archive.tree(source / "sub" / "file", "/opt/single")
    by_name = members(path)
    assert sorted(by_name) == [
        "opt", "opt/it", "opt/it/link", "opt/it/sub", "opt/it/sub/empty", "opt/it/sub/file",
        "opt/it/to folder", "opt/single",
    ]  # fmt: skip
    assert by_name["opt/it/link"].linkname == "sub/file"
    assert by_name["opt/it/to folder"].issym()
    assert content(path, "opt/it/sub/file") == content(path, "opt/single") == "é"


@pytest.mark.parametrize("prefix", ["", "./"])
def test_appending_keeps_what_is_there(tmp_path: Path, prefix: str) -> None:
    """mmdebstrap names what it writes with a leading `./`."""
    path = tmp_path / "root.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("./", "etc", ".hidden"):
            entry = tarfile.TarInfo(prefix + name if name != "./" else name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o700
            tar.addfile(entry)
    with Archive(path) as archive:
        archive.folder("/")
        archive.folder("/etc")
        archive.text("/etc/x", "x")
        archive.text("/.hidden/x", "x")
    names = [name.removeprefix("./") for name in members(path)]
    assert names[-4:] == ["etc", ".hidden", "etc/x", ".hidden/x"]
    assert len(names) == 5, "the root itself is there once"


@pytest.mark.parametrize("below", ["/", "/opt"])
@pytest.mark.parametrize("prefix", ["", "./"])
def test_another_archive_is_unpacked_with_its_modes(
    tmp_path: Path, below: str, prefix: str
) -> None:
    inner, path = tmp_path / "inner.tar", tmp_path / "a.tar"
    with tarfile.open(inner, "w") as tar:
        for name, kind in (("var", b"5"), ("var/run", b"5"), ("var/run/link", b"2")):
            entry = tarfile.TarInfo(prefix + name)
            entry.type, entry.mode, entry.linkname = kind, 0o777, "x" if kind == b"2" else ""
            tar.addfile(entry)
    with Archive(path) as archive:
        archive.text("/var/x", "x")
        archive.unpack(inner, below)
        archive.text(f"{below}/var/run/y", "y")
    by_name = members(path)
    start = "opt/" if below == "/opt" else ""
    assert {"var", "var/x", f"{start}var/run", f"{start}var/run/link"} <= set(by_name)
    assert by_name[f"{start}var/run"].mode == 0o777
    assert by_name[f"{start}var/run/link"].linkname == "x"


def test_an_archive_opened_again_knows_its_root(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    for _ in range(2):
        with Archive(path) as archive:
            archive.folder("/")
            archive.folder("/etc")
    assert list(members(path)) == ["etc"]
