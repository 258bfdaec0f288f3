"""The guest's pure parts: its train, names, certificates, index and command lines."""

from __future__ import annotations

import ssl
import stat
import tomllib
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from clusters import private_engine, versions
from clusters.errors import VersionsError
from tests.guest import __main__ as command
from tests.guest import files, machines, network, trains, trust
from tests.guest.image import Image
from tests.guest.shell import Shell

TRAINS = versions.names()
LOCK = """\
# made by something
one==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via other
old==2.0 ; python_full_version < '3.12' \\
    --hash=sha256:cc
windows==3.0 ; sys_platform == 'win32' \\
    --hash=sha256:dd
new==4.0 ; python_full_version >= '3.12' and sys_platform == 'linux' \\
    --hash=sha256:ee
"""


def digests(train: versions.Train) -> dict[str, str]:
    return {
        train.reference(name): f"sha256:{number:064x}" for number, name in enumerate(train.images)
    }


@pytest.mark.parametrize("name", TRAINS)
def test_a_train_of_the_guest_differs_in_its_digests_alone(name: str) -> None:
    text, train = (versions.FOLDER / f"{name}.toml").read_text(), versions.load(name)
    before, after = (
        tomllib.loads(text),
        tomllib.loads(trains.rewritten(text, train, digests(train))),
    )
    assert {
        train.reference(image): entry["digest"] for image, entry in after["images"].items()
    } == digests(train)
    for part in (before, after):
        for entry in part["images"].values():
            entry.pop("digest", None)
    assert after == before


def test_an_image_that_the_registries_have_not_is_named() -> None:
    text, train = (versions.FOLDER / "2026-08.toml").read_text(), versions.load("2026-08")
    known = digests(train)
    del known[train.reference("echo")]
    with pytest.raises(VersionsError) as caught:
        trains.rewritten(text, train, known)
    assert train.reference("echo") in caught.value.expected


def test_an_image_that_stands_otherwise_in_the_file_is_named() -> None:
    train = versions.load("2026-08")
    text = (versions.FOLDER / "2026-08.toml").read_text().replace("\necho = {", "\necho  = {")
    with pytest.raises(VersionsError) as caught:
        trains.rewritten(text, train, digests(train))
    assert caught.value.seen == "not so: echo"


def test_every_registry_of_the_trains_is_named_in_the_guest() -> None:
    registries = {
        versions.load(name).reference(image).partition("/")[0]
        for name in TRAINS
        for image in versions.load(name).images
    }
    assert registries <= set(network.NAMES[network.REGISTRIES])
    assert "registry-1.docker.io" in network.NAMES[network.REGISTRIES]
    assert f"{network.FILES} pypi.org" in network.hosts()


def test_the_certificate_is_the_authoritys_and_for_the_names(tmp_path: Path) -> None:
    trust.certify(["quay.io", "index.example"], tmp_path)
    served = x509.load_pem_x509_certificate((tmp_path / "server.crt").read_bytes())
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    served.verify_directly_issued_by(authority)
    names = served.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["quay.io", "index.example"]
    assert stat.S_IMODE((tmp_path / "server.key").stat().st_mode) == 0o600


def shakes_hands(folder: Path, name: str) -> None:
    """A TLS handshake in memory, as a client that trusts the authority and asks for a name."""
    here, there = ssl.MemoryBIO(), ssl.MemoryBIO()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "server.crt", folder / "server.key")
    asking = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    asking.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT  # Python 3.13's own default
    sides = [
        asking.wrap_bio(here, there, server_hostname=name),
        serving.wrap_bio(there, here, server_side=True),
    ]
    for _ in range(4):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert sides[0].version() == "TLSv1.3"


def test_a_client_takes_the_certificate_for_its_names_only(tmp_path: Path) -> None:
    trust.certify(["quay.io"], tmp_path)
    shakes_hands(tmp_path, "quay.io")
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shakes_hands(tmp_path, "index.example")


def test_the_key_that_may_log_in_is_the_written_one(tmp_path: Path) -> None:
    public = trust.key(tmp_path / "key")
    private = serialization.load_ssh_private_key((tmp_path / "key").read_bytes(), password=None)
    there = private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    assert there.decode() == public
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_the_lock_is_read_for_the_guests_python() -> None:
    kept = files.wanted(LOCK)
    assert [line for line in kept.splitlines() if "==" in line] == ["one==1.0 \\", "new==4.0 \\"]
    assert "--hash=sha256:bb" in kept
    assert "--hash=sha256:cc" not in kept
    assert "--hash=sha256:dd" not in kept


def test_each_project_has_a_page_by_its_normalized_name() -> None:
    pages = files.index(
        ["Type_Two-1.0-py3-none-any.whl", "Type_Two-1.1-py3-none-any.whl", "plain-2.0.tar.gz"]
    )
    assert set(pages) == {"type-two", "plain"}
    assert pages["type-two"].count("<a href=") == 2
    assert 'href="https://files.pythonhosted.org/plain-2.0.tar.gz"' in pages["plain"]


def test_a_line_for_the_guest_goes_by_ssh_inside_its_network(tmp_path: Path) -> None:
    argv = Shell(tmp_path / "key", "dev").command("make e2e")
    assert argv[:3] == ["nsenter", f"--net={network.NAMESPACE}", "--"]
    assert argv[-2:] == [f"dev@{network.GUEST}", "make e2e"]


def test_a_virtual_machine_has_a_commas_meaning_taken_away(tmp_path: Path) -> None:
    kvm = machines.Virtual("kvm", "kvm", "host", 1)
    argv = kvm.command(Image(tmp_path), tmp_path / "a,b", "ssh-ed25519 K", tmp_path / "console")
    assert f"file={tmp_path}/a,,b,if=virtio,format=qcow2,cache=unsafe,discard=unmap" in argv
    assert argv[argv.index("-accel") + 1] == "kvm"
    assert argv[argv.index("-smp") + 1] == "2"


def test_where_nothing_can_run_a_guest_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_engine, "obstacle", lambda: "")
    monkeypatch.setattr(machines, "obstacle_to_kvm", lambda: "there is no /dev/kvm")
    monkeypatch.setattr(machines.Container, "obstacle", lambda _: "version 2")
    machine, reason = command.choose("auto")
    assert machine is None
    assert "no kvm: there is no /dev/kvm" in reason
    assert "no container: version 2" in reason


def test_without_kvm_a_container_stands_in_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_engine, "obstacle", lambda: "")
    monkeypatch.setattr(machines, "obstacle_to_kvm", lambda: "there is no /dev/kvm")
    monkeypatch.setattr(machines.Container, "obstacle", lambda _: "")
    machine, reason = command.choose("auto")
    assert machine is machines.MACHINES["container"]
    assert reason == "no kvm: there is no /dev/kvm; guest: container"
