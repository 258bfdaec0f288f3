"""Nothing of what was measured is lost: Ctrl-C twice, a full disk, an API server that is gone."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clusters import api_server, files
from clusters.errors import UnreachableError
from clusters.kube import Kube
from clusters.topology import Cluster
from reports.reading import FILE
from reports.schema import Results
from tests.sessions import GREEN, HEAD, PACKAGE, topology

PLUGINS = ("options", "reporting", "session")
HANGS = """
import pathlib, time

@requirement("A2", source="Kind/name")
def test_a2(judge, cluster):
    '''It holds.'''
    pathlib.Path(f"begun-{cluster}").touch()
    time.sleep(60)
"""

FILLS = """
@pytest.fixture(autouse=True)
def filled(request, cluster):
    if request.node.originalname == "test_a2" or cluster == "azure-cluster":
        with pytest.raises(OSError, match="No space left"), open("out/big", "ab", 0) as big:
            while True:
                big.write(bytes(1 << 16))

@requirement("A2", source="Kind/name")
def test_a2(judge, cluster):
    '''It holds.'''
    judge(ONE, lambda history: passed("held"))
"""

ASKS = """
@requirement("A2", source="Kind/name")
def test_a2(judge, lab, cluster):
    '''It holds.'''
    judge(ONE, lambda history: passed("held"))
"""


@pytest.fixture
def session(tmp_path: Path) -> list[str]:
    """The words of a session of pytest over a suite of its own; it is `shape` in the folder."""
    topology(tmp_path).save(tmp_path / "topology.json")
    folder = tmp_path / "shape"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE.replace("FEATURES", '{"istio"}'), encoding="utf-8")
    plugins = [word for name in PLUGINS for word in ("-p", f"fixtures.plugin.{name}")]
    return [
        sys.executable, "-m", "pytest", "shape", *plugins, "-p", "no:cacheprovider",
        "-p", "no:locust", "--no-report",
        "--topology=topology.json", "--out=out", f"--rootdir={tmp_path}",
    ]  # fmt: skip


def suite(folder: Path, text: str) -> None:
    (folder / "shape" / "test_shape.py").write_text(HEAD + text, encoding="utf-8")


def environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def verdicts(results: Path) -> dict[str, str]:
    return {each.key: each.verdict for each in Results.load(results).requirements}


@pytest.mark.parametrize("pause", [0.0, 0.3])
def test_ctrl_c_twice_loses_nothing(session: list[str], pause: float, tmp_path: Path) -> None:
    """A terminal tells all processes, and whoever runs the suites tells pytest once more."""
    suite(tmp_path, GREEN + HANGS)
    with subprocess.Popen(
        [*session, "-v", "-n", "2", "--dist=loadgroup"], cwd=tmp_path, env=environ(),
        start_new_session=True, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        for _ in range(2):  # until both clusters' first has come in
            assert next(line for line in process.stdout if "PASSED" in line)
        while len(list(tmp_path.glob("begun-*"))) < 2:
            time.sleep(0.02)
        for _ in range(3):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(pause)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, said
    assert Results.load(tmp_path / "out" / FILE).status == "interrupted"
    assert verdicts(tmp_path / "out" / FILE) == {
        "A1[aws-cluster]": "pass",
        "A1[azure-cluster]": "pass",
        "A2[aws-cluster]": "inconclusive",
        "A2[azure-cluster]": "inconclusive",
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_disk_that_fills_mid_run_costs_only_what_came_after(
    session: list[str], tmp_path: Path
) -> None:
    """The disk is one of this test's own processes, which take it along."""
    suite(tmp_path, GREEN + FILLS)
    (tmp_path / "out").mkdir()
    reserve = "from pathlib import Path; from clusters import files; files.reserve(Path('out'))"
    line = f"""mount -t tmpfs -o size={files.ROOM + 1_000_000} none out
        {shlex.join([sys.executable, "-c", reserve])}
        {shlex.join(session)}
        cp out/{FILE} kept.json && ls out/histories >kept.txt"""
    words = ["unshare", "--mount", "--propagation=private", "sh", "-c", line]
    subprocess.run(words, cwd=tmp_path, env=environ(), check=True, stdout=subprocess.DEVNULL)
    kept = Results.load(tmp_path / "kept.json")
    assert kept.status == "failed"
    one, *others = [(each.verdict, each.reason) for each in kept.requirements]
    assert one == ("pass", "held")
    for verdict, reason in others:
        assert verdict == "inconclusive"
        assert reason.startswith("held; its history was not kept: ")
        assert "No space left on device" in reason
    histories = (tmp_path / "kept.txt").read_text(encoding="utf-8").split()
    assert histories == ["A1-aws-cluster.jsonl"], "half of one is there"


def kubeconfig_for(port: int, file: Path) -> Path:
    cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    content = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "k", "context": {"cluster": "c", "user": "u"}}],
    }
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def test_an_api_server_that_went_away_costs_only_what_came_after(
    session: list[str], tmp_path: Path
) -> None:
    """Also where the evidence of what is red cannot be had, nor anything be taken away."""
    suite(tmp_path, GREEN + ASKS)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    there = topology(tmp_path)
    kubeconfig = kubeconfig_for(port, tmp_path / "kubeconfig")
    clusters = (
        c.model_copy(update={"kubeconfig": kubeconfig, "context": "k"}) for c in there.clusters
    )
    there.model_copy(update={"clusters": tuple(clusters)}).save(tmp_path / "topology.json")
    done = subprocess.run(
        session, cwd=tmp_path, env=environ(), check=False, capture_output=True, text=True
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    entries = sorted(Results.load(tmp_path / "out" / FILE).requirements, key=lambda e: e.key)
    assert [each.verdict for each in entries[:2]] == ["pass", "pass"]
    for each in entries[2:]:
        assert each.verdict == "inconclusive"
        assert f"the API server at https://127.0.0.1:{port} to answer" in each.reason
        assert list((tmp_path / "out" / each.evidence).rglob("missing.txt"))


@pytest.mark.parametrize("hangs", [False, True])
def test_an_api_server_that_went_away_is_told_in_time(
    hangs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_server, "PATIENCE", (0.2, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as listening:  # and accepts nobody
        port = listening.getsockname()[1]
        if not hangs:
            listening.close()
        kubeconfig = kubeconfig_for(port, tmp_path / "kubeconfig")
        kube = Kube(Cluster(name="aws-cluster", kubeconfig=kubeconfig, context="k"))
        with pytest.raises(UnreachableError, match=f"at https://127.0.0.1:{port}") as told:
            kube.list("v1", "Pod")
        assert ("timed out" if hangs else "refused") in told.value.seen
