"""The lab's authority: kept while it is good, made anew when not, and clusters with it."""

from __future__ import annotations

import base64
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from clusters.api_server import has_kubeconfig
from clusters.components import authority
from clusters.errors import KubeconfigError
from clusters.kube import Kube
from clusters.topology import Cluster


def written(folder: Path, days: float) -> dict[str, str]:
    """An authority that ends in so many days, kept in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=366))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    both = {"cert": certificate.public_bytes(pem), "key": private}
    kept = {name: base64.b64encode(content).decode() for name, content in both.items()}
    (folder / authority.FILE).write_text(json.dumps(kept), encoding="utf-8")
    return kept


def ends(kept: dict[str, str]) -> datetime:
    return x509.load_pem_x509_certificate(base64.b64decode(kept["cert"])).not_valid_after_utc


@pytest.fixture
def clusters(tmp_path: Path) -> list[Path]:
    """The kubeconfigs of two clusters that are up."""
    files = [tmp_path / f"{name}.kubeconfig" for name in ("aws-cluster", "azure-cluster")]
    for file in files:
        file.touch()
    return files


def test_one_that_lasts_is_kept_and_so_are_the_clusters(
    tmp_path: Path, clusters: list[Path]
) -> None:
    kept = written(tmp_path, 31)
    assert authority.of_lab(tmp_path).encoded == kept
    assert all(file.exists() for file in clusters)


@pytest.mark.parametrize("days", [-1, 0.1, 29])
def test_one_that_ends_soon_is_made_anew_and_so_are_the_clusters(
    days: float, tmp_path: Path, clusters: list[Path]
) -> None:
    old = written(tmp_path, days)
    new = authority.of_lab(tmp_path).encoded
    assert new != old
    assert ends(new) - datetime.now(UTC) > timedelta(days=360)
    assert not any(file.exists() for file in clusters)
    assert authority.of_lab(tmp_path).encoded == new


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"cert": "", "key": ""}', b"\xff", b'{"cert": 1}']
)
def test_one_that_was_cut_short_is_made_anew(
    content: bytes, tmp_path: Path, clusters: list[Path]
) -> None:
    file = tmp_path / authority.FILE
    file.write_bytes(content)
    new = authority.of_lab(tmp_path).encoded
    assert set(new) == {"cert", "key"}
    assert authority.of_lab(tmp_path).encoded == new
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not any(file.exists() for file in clusters)


def test_one_whose_key_is_anothers_is_made_anew(tmp_path: Path) -> None:
    one, other = written(tmp_path, 100), written(tmp_path, 100)
    mixed = {"cert": one["cert"], "key": other["key"]}
    (tmp_path / authority.FILE).write_text(json.dumps(mixed), encoding="utf-8")
    assert authority.of_lab(tmp_path).encoded not in (one, other, mixed)


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"apiVersion: v1\nkind: Config\n", b"\xff\xfe", b"- 1\n"]
)
def test_a_kubeconfig_that_was_cut_short_is_told_in_one_line(
    content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "aws-cluster.kubeconfig"
    if content is not None:
        path.write_bytes(content)
    cluster = Cluster(name="aws-cluster", kubeconfig=path, context="kind-plumbline-aws-cluster")
    with pytest.raises(KubeconfigError) as caught:
        Kube(cluster)
    assert str(path) in caught.value.expected
    assert len(caught.value.seen.splitlines()) == 1
    assert caught.value.look == "make up"
    assert not has_kubeconfig(cluster), "a bring-up makes such a cluster anew"
