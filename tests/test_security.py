"""The security practices' pure parts: presented certificates, and what a workload made of them."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clusters.components import authority
from clusters.components.authority import Authority
from fixtures.history.certificates import Chain, Handshake
from fixtures.history.verdict import Outcome
from fixtures.traffic.handshake import Peer
from fixtures.traffic.pod import handshake
from suites.security.believed import believes_alone
from suites.security.certificates import are_refused, are_their_own
from suites.security.denied import BY_NONE, are_denied, are_logged, denier
from suites.security.presented import CLIENT, NAME, RIGHT, Presented, Wanted, mint, to_present
from suites.security.subject import PUBLIC
from tests.histories import FAIL, INCONCLUSIVE, PASS, Answer, exchanges

DAY = timedelta(days=1)
ELSEWHERE = NAME.replace("cluster.local", "example.com")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority.of_lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def own(root: Authority) -> Authority:
    return root.sign("a cluster's")


@pytest.fixture(scope="module")
def presented(root: Authority, own: Authority) -> dict[str, Presented]:
    return to_present(own, loaded(root))


def loaded(one: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(one.certificate.encode())


def chain_of(presented: Presented) -> Chain:
    read = x509.load_pem_x509_certificates(presented.certificate.encode())
    return Chain.parse(tuple(each.public_bytes(Encoding.PEM).decode() for each in read))


def test_each_has_its_one_fault(presented: dict[str, Presented], root: Authority) -> None:
    now = datetime.now(UTC)
    chains = {name: chain_of(each) for name, each in presented.items() if each.certificate}
    for name, chain in chains.items():
        leaf = chain.leaf
        usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        faults = {
            "of-another-authority": not chain.leads_to(loaded(root)),
            "expired": leaf.not_valid_after_utc < now,
            "not-yet-valid": leaf.not_valid_before_utc > now,
            "of-another-trust-domain": chain.names
            == (NAME.replace("cluster.local", "example.com"),),
            "without-a-spiffe-name": chain.names == (),
            "not-for-clients": CLIENT not in usages,
        }
        assert [fault for fault, is_there in faults.items() if is_there] == [
            fault for fault in faults if fault == name
        ]
    assert set(presented) - set(chains) == {"none"}
    assert chains[RIGHT].names == (NAME,)


@contextmanager
def server(folder: Path, presented: Presented, root: Authority) -> Iterator[int]:
    """A TLS server that asks clients for a certificate of the root's; gives its port."""
    (folder / "own.pem").write_text(presented.certificate + presented.key)
    (folder / "root.pem").write_text(root.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem")
    context.load_verify_locations(folder / "root.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            with suppress(OSError), context.wrap_socket(plain, server_side=True) as secure:
                secure.recv(1_000)
                secure.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize(
    ("name", "served"),
    [
        (RIGHT, True),
        ("none", False),
        ("of-another-authority", False),
        ("expired", False),
        ("not-yet-valid", False),
        ("not-for-clients", False),
    ],
)
def test_a_server_that_looks_at_certificates_takes_the_right_one(
    name: str, served: bool, presented: dict[str, Presented], root: Authority, tmp_path: Path
) -> None:
    shown = presented[name]
    with server(tmp_path, presented[RIGHT], root) as port:
        peer = Peer("127.0.0.1", port, shown.certificate, shown.key, "GET / HTTP/1.1\r\n\r\n")
        said = Handshake.model_validate(handshake.shake(peer.plan))
    assert said.answer.startswith("HTTP/1.1 200") is served
    assert bool(said.error) is not served
    assert said.chain


def handshakes(**changes: Handshake) -> dict[str, Handshake]:
    shown = {RIGHT: Handshake(answer="HTTP/1.1 200 OK"), "expired": Handshake(error="reset")}
    return {**shown, **changes}


ARRIVED = frozenset({RIGHT})


@pytest.mark.parametrize(
    ("changes", "arrived", "outcome"),
    [
        ({}, ARRIVED, PASS),
        ({"expired": Handshake(answer="HTTP/1.1 200 OK")}, ARRIVED, FAIL),
        ({"expired": Handshake(answer="HTTP/1.1 403 Forbidden")}, ARRIVED, FAIL),
        ({}, ARRIVED | {"expired"}, FAIL),
        ({}, frozenset(), FAIL),
        ({RIGHT: Handshake(error="reset")}, ARRIVED, FAIL),
        ({RIGHT: Handshake(answer="")}, ARRIVED, FAIL),
        ({"expired": Handshake()}, ARRIVED, INCONCLUSIVE),
    ],
)
def test_one_client_is_served_and_no_other(
    changes: dict[str, Handshake], arrived: frozenset[str], outcome: Outcome
) -> None:
    assert are_refused(handshakes(**changes), arrived, RIGHT).outcome is outcome


def shown_by(issuer: Authority, root: Authority, name: str, lifetime: timedelta) -> Handshake:
    wanted = Wanted((x509.UniformResourceIdentifier(name),), -timedelta(0), lifetime)
    whole = mint(issuer, wanted, root.certificate)
    pems = [each.public_bytes(Encoding.PEM).decode() for each in chain_of(whole).certificates]
    return Handshake(chain=tuple(pems))


def test_workloads_are_themselves_for_a_day(own: Authority, root: Authority) -> None:
    names = {"a": "spiffe://cluster.local/ns/n/sa/a", "b": "spiffe://cluster.local/ns/n/sa/b"}
    shown = {w: shown_by(own, root, name, DAY) for w, name in names.items()}
    assert are_their_own(shown, names, loaded(root)).passed
    same = are_their_own({**shown, "b": shown["a"]}, dict.fromkeys(names, names["a"]), loaded(root))
    assert "2 workloads show 1 certificates" in same.reason


@pytest.mark.parametrize(
    ("name", "lifetime", "said"),
    [
        ("b", DAY, "it is spiffe"),
        ("a", 2 * DAY, "lives 2 days"),
        ("a", 400 * DAY, "lasts longer"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_told(
    name: str, lifetime: timedelta, said: str, own: Authority, root: Authority
) -> None:
    shown = {"a": shown_by(own, root, f"spiffe://cluster.local/ns/n/sa/{name}", lifetime)}
    verdict = are_their_own(shown, {"a": "spiffe://cluster.local/ns/n/sa/a"}, loaded(root))
    assert verdict.outcome is FAIL
    assert said in verdict.reason


@pytest.mark.parametrize("shown", [Handshake(error="refused"), Handshake(chain=("nonsense",))])
def test_a_workload_without_a_certificate_is_told(shown: Handshake, root: Authority) -> None:
    verdict = are_their_own({"a": shown}, {"a": "spiffe://x"}, loaded(root))
    assert verdict.reason.startswith("a shows no certificate")


def test_a_certificate_under_another_root_is_told(own: Authority, tmp_path: Path) -> None:
    other = authority.of_lab(tmp_path)
    shown = {"a": shown_by(own, other, "spiffe://x", DAY)}
    assert "does not lead" in are_their_own(shown, {"a": "spiffe://x"}, loaded(other)).reason


DENIED = "HTTP/1.1 403 Forbidden\r\nserver: istio-envoy\r\n\r\nRBAC: access denied"
SERVED = Handshake(answer="HTTP/1.1 200 OK\r\n\r\n{}")


@pytest.mark.parametrize(
    ("walk", "arrived", "outcome"),
    [
        (Handshake(answer=DENIED), {PUBLIC}, PASS),
        (Handshake(answer="HTTP/1.1 400 Bad Request\r\n\r\n"), {PUBLIC}, PASS),
        (SERVED, {PUBLIC}, FAIL),
        (Handshake(answer=DENIED), {PUBLIC, "/admin"}, FAIL),
        (Handshake(answer=DENIED), set(), FAIL),
        (Handshake(answer="HTTP/1.1 403 Forbidden\r\n\r\nno"), {PUBLIC}, INCONCLUSIVE),
        (Handshake(answer="HTTP/1.1 404 Not Found\r\n\r\n"), {PUBLIC}, INCONCLUSIVE),
        (Handshake(error="reset"), {PUBLIC}, INCONCLUSIVE),
    ],
)
def test_a_path_is_denied_or_refused(walk: Handshake, arrived: set[str], outcome: Outcome) -> None:
    shown = {PUBLIC: SERVED, "/admin": walk}
    assert are_denied(shown, arrived, [PUBLIC]).outcome is outcome


def test_a_denial_proves_nothing_where_nobody_is_served() -> None:
    shown = {PUBLIC: Handshake(error="reset"), "/admin": Handshake(answer=DENIED)}
    assert are_denied(shown, {PUBLIC}, [PUBLIC]).outcome is FAIL


BY_CLOSED = "GET /closed 403 - rbac_access_denied_matched_policy[ns[n]-policy[closed]-rule[0]] -"
BY_NOBODY = "GET /other 403 - rbac_access_denied_matched_policy[none] -"


@pytest.mark.parametrize(
    ("line", "policy"),
    [(BY_CLOSED, "closed"), (BY_NOBODY, BY_NONE), ("GET /open 200 - via_upstream -", "")],
)
def test_the_policy_that_denied_is_read(line: str, policy: str) -> None:
    assert denier(line) == policy


@pytest.mark.parametrize(
    ("logged", "outcome"),
    [
        ({"/closed": BY_CLOSED, "/other": BY_NOBODY}, PASS),
        ({"/closed": BY_NOBODY, "/other": BY_NOBODY}, FAIL),
        ({"/closed": BY_CLOSED, "/other": "403 -"}, FAIL),
        ({"/closed": BY_CLOSED}, INCONCLUSIVE),
    ],
)
def test_the_log_names_who_denied(logged: dict[str, str], outcome: Outcome) -> None:
    assert are_logged(logged, {"/closed": "closed", "/other": BY_NONE}).outcome is outcome


RIGHT_SERVER: Answer = {"status": 200, "service": "right"}
OTHER_SERVER: Answer = {"status": 200, "service": "other"}
UNBELIEVED: Answer = {"status": 503, "body": "upstream connect error"}
SAID = "503 UF remote_connection_failure|TLS_error:|1:SSL:CERTIFICATE_VERIFY_FAILED"


@pytest.mark.parametrize(
    ("answers", "arrived", "outcome"),
    [
        ((RIGHT_SERVER, UNBELIEVED), {"s-0"}, PASS),
        ((RIGHT_SERVER, OTHER_SERVER), {"s-0", "s-1"}, FAIL),
        ((RIGHT_SERVER, UNBELIEVED), {"s-0", "s-1"}, FAIL),
        ((UNBELIEVED, UNBELIEVED), set(), FAIL),
        ((RIGHT_SERVER, RIGHT_SERVER), {"s-0", "s-1"}, INCONCLUSIVE),
        ((RIGHT_SERVER, UNBELIEVED, UNBELIEVED), {"s-0"}, INCONCLUSIVE),
    ],
)
def test_one_server_is_believed(
    answers: tuple[Answer, ...], arrived: set[str], outcome: Outcome
) -> None:
    logged = {"s-0": SAID, "s-1": SAID, "s-2": "503 UF connection refused"}
    assert believes_alone("right", arrived, logged)(exchanges(*answers)).outcome is outcome
