"""The versions files: every one loads, and a wrong one is refused by file, line and reason."""

from __future__ import annotations

import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from clusters import upgrading, versions
from clusters.errors import VersionsError
from clusters.versions import COMPONENTS, FOLDER, IMAGES
from tests.test_recipes import module_folder

TRAIN = "2026-08"
REAL = (FOLDER / f"{TRAIN}.toml").read_text()
REFERENCE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+/[a-z0-9._/-]+:[\w.-]+")


def keys(section: str) -> list[str]:
    return list(tomllib.loads(REAL)[section])


def spoiled(section: str, key: str, line: str) -> tuple[str, int]:
    """The real file with one key's line replaced, and the number of that line."""
    lines = REAL.splitlines()
    table = lines.index(f"[{section}]")
    at = next(n for n in range(table, len(lines)) if lines[n].startswith(f"{key} ="))
    lines[at] = line
    return "\n".join(lines), at + 1


def refusal(folder: Path, text: str) -> str:
    """What the error says of a train with this text."""
    (folder / "bad.toml").write_text(text)
    with pytest.raises(VersionsError) as caught:
        versions.load("bad", folder)
    assert str(folder / "bad.toml") in caught.value.expected
    return str(caught.value)


def test_there_are_trains() -> None:
    assert TRAIN in versions.names()


@pytest.mark.parametrize("name", versions.names())
def test_every_train_loads_and_its_references_are_whole(name: str) -> None:
    train = versions.load(name)
    assert train.name == name
    assert train.images
    for image in train.images:
        assert REFERENCE.fullmatch(train.reference(image))


def test_several_are_read_in_the_order_given() -> None:
    assert [train.name for train in versions.load_some("2026-08, 2026-04")] == [
        "2026-08", "2026-04",
    ]  # fmt: skip
    with pytest.raises(VersionsError, match="''; there are"):
        versions.load_some("2026-08,")


NODES: dict[str, dict[str, str]] = tomllib.loads(
    (FOLDER.parent / "images/kind-nodes.toml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", versions.names())
def test_a_trains_node_is_one_that_its_kind_release_lists(name: str) -> None:
    """Any other tag may never have been published, or was built for another kind."""
    train = versions.load(name)
    listed = NODES[train.versions.kind]
    assert train.reference("node") == f"docker.io/kindest/node:v{train.versions.kubernetes}"
    assert train.images["node"].digest == listed[train.versions.kubernetes]


@pytest.mark.parametrize("name", versions.names())
def test_the_list_of_nodes_has_the_one_that_kind_takes_by_itself(name: str) -> None:
    """Read from kind's own source, so that the list is not of another release."""
    train = versions.load(name)
    source = module_folder("kind", train) / "pkg/apis/config/defaults/image.go"
    default = re.search(r"kindest/node:v([\d.]+)@(sha256:[0-9a-f]{64})", source.read_text())
    assert default is not None
    assert NODES[train.versions.kind][default[1]] == default[2]


def test_a_reference_carries_the_version() -> None:
    train = versions.load(TRAIN)
    assert train.reference("cilium") == f"quay.io/cilium/cilium:v{train.versions.cilium}"


def test_an_image_that_is_not_in_the_file_is_named() -> None:
    with pytest.raises(VersionsError, match=r"images\.nothing in versions/2026-08\.toml"):
        versions.load(TRAIN).reference("nothing")


@pytest.mark.parametrize("key", keys("versions"))
def test_a_malformed_version_is_refused_by_its_line(key: str, tmp_path: Path) -> None:
    text, line = spoiled("versions", key, f'{key} = "v1"')
    assert f"line {line}: versions.{key}: " in refusal(tmp_path, text)


@pytest.mark.parametrize("key", keys("deadlines"))
@pytest.mark.parametrize("value", ["0", "-1", '"soon"'])
def test_a_malformed_deadline_is_refused_by_its_line(key: str, value: str, tmp_path: Path) -> None:
    text, line = spoiled("deadlines", key, f"{key} = {value}")
    said = refusal(tmp_path, text)
    assert f"line {line}: deadlines.{key}: " in said
    assert f"seen:     {value.strip(chr(34))}" in said.replace("'", "")


@pytest.mark.parametrize("key", keys("images"))
def test_a_malformed_digest_is_refused_by_its_line(key: str, tmp_path: Path) -> None:
    bad = f'{key} = {{ reference = "quay.io/a/b:1", digest = "sha256:12" }}'
    text, line = spoiled("images", key, bad)
    assert f"line {line}: images.{key}.digest: " in refusal(tmp_path, text)


@pytest.mark.parametrize("braces", ["{nothing}", "{", "{}"])
def test_unknown_braces_are_refused_by_their_line(braces: str, tmp_path: Path) -> None:
    text, line = spoiled("images", "echo", f'echo = {{ reference = "quay.io/a/b:{braces}" }}')
    assert f"line {line}: images.echo to name known versions" in refusal(tmp_path, text)


def test_a_key_that_another_begins_with_is_not_taken_for_it(tmp_path: Path) -> None:
    text = spoiled("images", "cilium", "cilium = 5")[0].splitlines()
    operator = next(line for line in text if line.startswith("cilium-operator"))
    text.remove(operator)
    text.insert(text.index("[images]") + 1, operator)
    line = next(n for n, each in enumerate(text, 1) if each == "cilium = 5")
    assert f"line {line}: images.cilium: " in refusal(tmp_path, "\n".join(text))


def test_a_key_in_a_comment_is_not_taken_for_it(tmp_path: Path) -> None:
    text, line = spoiled("versions", "kind", 'kind = "?"')
    assert f"line {line + 1}: versions.kind" in refusal(tmp_path, f"# versions kind = 1\n{text}")


@pytest.mark.parametrize("section", ["versions", "deadlines"])
def test_a_missing_key_is_refused_by_its_table(section: str, tmp_path: Path) -> None:
    key = keys(section)[0]
    text, _ = spoiled(section, key, "")
    line = text.splitlines().index(f"[{section}]") + 1
    assert f"line {line}: {section}.{key}: Field required\nseen:     no {key}\n" in refusal(
        tmp_path, text
    )


@pytest.mark.parametrize("section", ["versions", "deadlines"])
def test_an_unknown_key_is_refused_by_its_line(section: str, tmp_path: Path) -> None:
    text = REAL.replace(f"[{section}]", f'[{section}]\nflannel = "1.0"')
    line = text.splitlines().index('flannel = "1.0"') + 1
    said = refusal(tmp_path, text)
    assert f"line {line}: {section}.flannel: a key that is known\n" in said
    assert "seen:     flannel = '1.0'\n" in said


def test_a_misspelt_key_is_told_with_the_one_that_is_missing(tmp_path: Path) -> None:
    text, line = spoiled("versions", "istio", 'istoi = "1.31.0"')
    said = refusal(tmp_path, text)
    assert f"line {line}: versions.istoi: a key that is known\n" in said
    assert "seen:     istoi = '1.31.0', and no istio\n" in said


def test_a_budget_for_no_component_is_refused_by_its_line(tmp_path: Path) -> None:
    text, line = spoiled("budgets", "istio", "istoi = { closed = 1 }")
    said = refusal(tmp_path, text)
    assert f"line {line}: budgets.istoi: one of {', '.join(COMPONENTS)}\n" in said
    assert "seen:     istoi\n" in said


def test_a_program_that_nobody_runs_is_refused_by_its_line(tmp_path: Path) -> None:
    said = refusal(tmp_path, REAL.replace("programs.kind", "programs.knid"))
    line = REAL.splitlines().index("[programs.kind]") + 1
    assert f"line {line}: programs.knid: one of kind, helm, crane\n" in said


def test_a_programs_url_names_its_version_and_platform(tmp_path: Path) -> None:
    said = refusal(tmp_path, REAL.replace("kind-{os}-{arch}", "kind-{os}-{chip}"))
    line = next(n for n, text in enumerate(REAL.splitlines(), 1) if "kind-{os}" in text)
    assert f"line {line}: programs.kind.url: no other words in braces than version" in said


def test_a_misspelt_key_of_a_budget_is_refused_by_its_line(tmp_path: Path) -> None:
    text, line = spoiled("budgets", "istio", "istio = { closd = 1 }")
    said = refusal(tmp_path, text)
    assert f"line {line}: budgets.istio.closd: a key that is known\n" in said
    assert "seen:     closd = 1, and no closed\n" in said


@pytest.mark.parametrize("image", IMAGES)
def test_a_missing_image_is_refused_by_its_table(image: str, tmp_path: Path) -> None:
    text, _ = spoiled("images", image, "")
    said = refusal(tmp_path, text)
    assert f": images.{image}: where it is published\nseen:     no such line\n" in said


def test_an_image_that_nobody_asks_for_is_refused_by_its_line(tmp_path: Path) -> None:
    text = REAL.replace("[images]", '[images]\ncilum = { reference = "quay.io/a/b:1" }')
    line = text.splitlines().index("[images]") + 2
    assert f"line {line}: images.cilum: one of node, cilium" in refusal(tmp_path, text)


def test_a_file_that_is_not_utf_8_is_refused_by_its_line(tmp_path: Path) -> None:
    text = f"# gepr\xfcft\n{REAL}".encode("latin-1", errors="replace")
    (tmp_path / "bad.toml").write_bytes(text)
    with pytest.raises(VersionsError) as caught:
        versions.load("bad", tmp_path)
    assert caught.value.expected == f"{tmp_path / 'bad.toml'}, line 1: text in UTF-8"
    assert caught.value.seen == "the byte 0xfc"


@pytest.mark.parametrize("name", ["../../pyproject", "", ".", "2026-08.toml", "/etc/passwd"])
def test_a_name_is_no_way_to_another_folder(name: str) -> None:
    with pytest.raises(VersionsError, match="there are: 2026-04, ") as caught:
        versions.load(name)
    assert caught.value.look == f"make e2e VERSIONS={versions.newest()}"


# --- which version, and which train ------------------------------------------------------------

CANDIDATES = {"istio": "1.32.0-rc.1", "cilium": "1.21.0-rc.0", "kubernetes": "1.37.0-beta.2"}


def test_a_vendors_candidate_is_taken(tmp_path: Path) -> None:
    text = REAL
    for key, version in CANDIDATES.items():
        text = re.sub(rf'(?m)^{key} = "[^"]*"', f'{key} = "{version}"', text, count=1)
    (tmp_path / "2026-11-rc.toml").write_text(text, encoding="utf-8")
    train = versions.load("2026-11-rc", tmp_path)
    assert train.reference("istio-pilot") == "docker.io/istio/pilot:1.32.0-rc.1"
    assert train.reference("cilium") == "quay.io/cilium/cilium:v1.21.0-rc.0"
    assert train.reference("node").startswith("docker.io/kindest/node:v1.37.0-beta.2")


GOOD = ["1.0", "3.10", "1.31.0", "1.32.0-rc.1", "1.0.0-0.3.7", "1.0.0-x-y-z.--", "1.0.0-alpha"]
WRONG = [
    "", "v1.31.0", "1", "1.0-rc.1", "1.32.0-", "1.32.0-rc..1", "1.32.0-01", "01.2.3",
    "1.32.0+build", "1.32.0-rc.1+build", "1.32.0-rc_1", "latest", "1.31.0\n", "1.31.0 ",
]  # fmt: skip


@pytest.mark.parametrize("version", GOOD)
def test_a_version_of_semver_is_taken(version: str, tmp_path: Path) -> None:
    text, _ = spoiled("versions", "istio", f'istio = "{version}"')
    (tmp_path / "good.toml").write_text(text, encoding="utf-8")
    assert versions.load("good", tmp_path).versions.istio == version


@pytest.mark.parametrize("version", WRONG)
def test_what_is_no_version_is_refused_with_one_that_is(version: str, tmp_path: Path) -> None:
    text, line = spoiled("versions", "istio", f"istio = {json.dumps(version)}")
    said = refusal(tmp_path, text)
    assert f"line {line}: versions.istio: a version such as 1.31.0 or 1.32.0-rc.1" in said
    assert f"seen:     {version!r}\n" in said


def test_a_candidate_comes_before_its_release() -> None:
    # Item 11's own example, with what surrounds it.
    rising = [
        "0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
        "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1-rc.1", "1.9", "1.10.0",
    ]  # fmt: skip
    assert all(versions.order(one) < versions.order(next_) for one, next_ in pairwise(rising))
    assert versions.order("1.0") == versions.order("1.0.0")


@pytest.mark.parametrize("version", ["1.21.0-rc.0", "1.21.3", "1.21"])
def test_a_line_of_releases_is_known_by_two_numbers(version: str) -> None:
    assert versions.minor(version) == "1.21"


@pytest.mark.parametrize(
    ("files", "said", "train"),
    [
        (["2031-01", "2031-02"], None, "2031-02"),
        (["2031-01", "2031-02"], "", "2031-02"),
        (["2031-01", "2031-02"], "2031-01", "2031-01"),
        (["2031-01", "2031-02", "2031-02-rc", "mine"], None, "2031-02"),
        (["mine"], None, "mine"),
        ([], None, ""),
    ],
)
def test_the_newest_train_is_meant_where_none_is_named(
    files: list[str],
    said: str | None,
    train: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("VERSIONS", raising=False)
    if said is not None:
        monkeypatch.setenv("VERSIONS", said)
    monkeypatch.setattr(versions, "FOLDER", tmp_path)
    for name in files:
        (tmp_path / f"{name}.toml").touch()
    assert versions.of_user() == train


def test_no_other_place_says_which_train_is_meant_where_none_is_named() -> None:
    """Neither a parser's default nor a variable of make: each would be a second newest train."""
    root = versions.FOLDER.parent.parent
    folders = ("clusters", "fixtures", "reports", "suites", "tests")
    files = [path for folder in folders for path in (root / folder).rglob("*.py")]
    default = re.compile(r"""default=["']\d{4}-\d{2}""")
    assert [path for path in files if default.search(path.read_text())] == []
    lines = (root / "Makefile").read_text().splitlines()
    assert not any(re.match(r"(export )?VERSIONS\s*[?:+]?=", line) for line in lines)
    usage = next(line for line in lines if "usage: make" in line)
    assert not any(name in usage for name in versions.names())


def test_every_component_may_have_a_budget() -> None:
    assert set(COMPONENTS) == set(upgrading.VERSIONS)


def test_a_train_is_named_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "file.toml").write_text(f'name = "another"\n{REAL}')
    assert versions.load("file", tmp_path).name == "file"


def test_what_is_no_toml_is_refused_by_its_line(tmp_path: Path) -> None:
    assert "at line 2, column" in refusal(tmp_path, "[versions]\nkind = = 1\n")


def test_an_unknown_train_is_refused_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "2031-01.toml").write_text(REAL)
    with pytest.raises(VersionsError, match=r"'nope'; there are: 2031-01"):
        versions.load("nope", tmp_path)
