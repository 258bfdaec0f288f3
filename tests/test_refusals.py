"""What a registry's words mean: as Docker 20 to 29, containerd and crane are known to say them."""

from __future__ import annotations

import pytest

from clusters.images.refusals import REASONS, is_of_engine, reason, refusal, registry_of

HUB = "https://registry-1.docker.io/v2/"
DAEMON = "Error response from daemon: "
SAID = {
    "credentials": [
        'error getting credentials - err: exec: "docker-credential-desktop": executable file '
        "not found in $PATH, out: ``",
    ],
    "room": ["write /var/lib/docker/tmp/GetImageBlob1: no space left on device"],
    "limit": [
        DAEMON + 'failed to resolve reference "m:5000/x:1": unexpected status from HEAD request to '
        "http://m:5000/v2/x/manifests/1: 429 Too Many Requests",
        DAEMON + "toomanyrequests: You have reached your pull rate limit. You may increase the "
        "limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit",
        f"failed to copy: httpReadSeeker: failed open: unexpected status code {HUB}x: "
        "429 Too Many Requests",
        "Error: GET https://quay.io/v2/x/manifests/1: TOOMANYREQUESTS: slow down",
    ],
    "plain": [
        DAEMON + 'Get "https://m:5000/v2/": http: server gave HTTP response to HTTPS client',
        DAEMON + 'Get "https://m:5000/v2/": tls: first record does not look like a TLS handshake',
    ],
    "authority": [
        DAEMON + 'Get "https://m:5000/v2/": x509: certificate signed by unknown authority',
        DAEMON + 'failed to resolve reference "m:5000/x:1": failed to do request: Head '
        '"https://m:5000/v2/x/manifests/1": tls: failed to verify certificate: x509: certificate '
        "has expired or is not yet valid",
    ],
    "platform": [
        DAEMON + "no matching manifest for linux/arm64/v8 in the manifest list entries",
    ],
    "denied": [
        DAEMON + 'failed to resolve reference "m:5000/x:1": unexpected status from HEAD request to '
        "http://m:5000/v2/x/manifests/1: 403 Forbidden",
        DAEMON + "pull access denied for a/b, repository does not exist or may require "
        "'docker login': denied: requested access to the resource is denied",
        DAEMON + 'Head "https://m:5000/v2/x/manifests/1": no basic auth credentials',
        DAEMON + "unauthorized: authentication required",
        "Error: GET https://m:5000/v2/: unexpected status code 403 Forbidden",
        "Error: pushing image: unsupported status code 401; body: no",
    ],
    "missing": [
        DAEMON + "manifest for m:5000/x:1 not found: manifest unknown: manifest unknown",
        DAEMON + 'failed to resolve reference "docker.io/x/y:1": docker.io/x/y:1: not found',
        "Error: GET https://m:5000/v2/x/manifests/1: MANIFEST_UNKNOWN: no such; map[Tag:1]",
        "Error: HEAD https://m:5000/v2/x/manifests/1: unexpected status code 404 Not Found",
        DAEMON + "repository m:5000/x not found: name unknown: repository name not known",
    ],
    "unreachable": [
        DAEMON + f'Get "{HUB}": dial tcp: lookup registry-1.docker.io: no such host',
        DAEMON + f'Get "{HUB}": dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: read udp '
        "10.0.0.2:4->10.0.0.1:53: i/o timeout",
        DAEMON + 'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
        DAEMON + f'Get "{HUB}": proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: no route',
    ],
    "slow": [
        DAEMON + f'Get "{HUB}": net/http: request canceled while waiting for connection '
        "(Client.Timeout exceeded while awaiting headers)",
        DAEMON + f'Get "{HUB}": context deadline exceeded',
        DAEMON + f'Get "{HUB}": net/http: TLS handshake timeout',
        DAEMON + 'Get "https://m:5000/v2/": dial tcp 10.1.1.1:5000: i/o timeout',
        "no answer within 30 s, and it was given up",
        "it was still running and was stopped",
    ],
    "trouble": [
        DAEMON + "received unexpected HTTP status: 503 Service Unavailable",
        DAEMON + 'Head "https://m:5000/v2/x/manifests/1": unexpected status: 502 Bad Gateway',
        'Error: Get "https://m:5000/v2/": read tcp 1.1.1.1:1->2.2.2.2:2: connection reset by peer',
        DAEMON + 'Get "https://m:5000/v2/": EOF',
    ],
    "other": ["it rained", f"sha256:{'429' * 21}a of localhost:503"],
}


@pytest.mark.parametrize(("name", "said"), [(n, s) for n, all_ in SAID.items() for s in all_])
def test_words_are_put_into_their_class(name: str, said: str) -> None:
    assert reason(said).name == name


def test_every_class_has_words_of_its_own() -> None:
    assert {each.name for each in REASONS} | {"other"} == SAID.keys()
    sentences = [each.sentence for each in REASONS]
    assert len(set(sentences)) == len(sentences)


def test_only_what_can_pass_by_itself_is_worth_another_try() -> None:
    assert {each.name for each in REASONS if each.passes} == {"limit", "slow", "trouble"}


@pytest.mark.parametrize(("name", "said"), [(n, all_[0]) for n, all_ in SAID.items()])
def test_an_error_has_the_registry_its_words_and_the_ways_out(name: str, said: str) -> None:
    error = refusal("docker pull docker.io/a/b:1", "docker.io", said, tries=1, seconds=3.2)
    assert error.reason == name
    assert error.expected == "docker.io to answer `docker pull docker.io/a/b:1`"
    assert reason(said).sentence in error.seen
    assert "(after 3 s)" in error.seen
    assert error.seen.endswith(
        f"In its own words:\n{said.removeprefix(DAEMON)}".replace("Error: ", "")
    )
    assert "`MIRROR=registry.example:5000`" in error.look
    assert "`IMAGES=forge`" in error.look
    assert "{registry}" not in error.look
    assert "{host}" not in error.look


@pytest.mark.parametrize(
    ("said", "look"),
    [
        ("toomanyrequests", "`docker login docker.io`"),
        ("unauthorized", "`docker login docker.io`"),
        ("x509: no", "/etc/docker/certs.d/docker.io/ca.crt"),
        ("x509: no", "SSL_CERT_FILE"),
        ("no such host", "`docker info --format '{{.HTTPSProxy}} {{.NoProxy}}'`"),
        ("i/o timeout", "`curl -m 30 https://registry-1.docker.io/v2/`"),
        ("manifest unknown", "`make mirror`"),
    ],
)
def test_the_first_way_out_is_the_one_for_it(said: str, look: str) -> None:
    assert look in refusal("docker pull x", "docker.io", said, tries=1, seconds=0).look


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("exit status 1\n2026/01/01 HEAD failed, GET\nError: GET x: UNAUTHORIZED: a\nb", "GET x"),
        ("exit status 1\nError response from daemon: GET x", "GET x"),
        ("Error response from daemon: GET x", "GET x"),
        ("GET x", "GET x"),
    ],
)
def test_its_own_words_come_without_what_programs_put_before_them(said: str, words: str) -> None:
    text = refusal("x", "m:5000", said, tries=1, seconds=0).seen
    assert text.partition("In its own words:\n")[2].startswith(words)


def test_it_says_how_often_and_how_long_it_tried() -> None:
    assert "(3 tries in 95 s)" in refusal("x", "m:5000", "timeout", tries=3, seconds=95.4).seen


@pytest.mark.parametrize(
    ("said", "engine"),
    [
        ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", True),
        ("permission denied while trying to connect to the Docker daemon socket at unix:///", True),
        ("failed to connect to the docker API at unix:///x; check if the path is correct", True),
        (DAEMON + "manifest unknown", False),
    ],
)
def test_an_engine_that_is_away_is_no_registrys_fault(said: str, engine: bool) -> None:
    assert is_of_engine(said) is engine


def test_a_registry_is_what_stands_first() -> None:
    assert registry_of("m:5000/hub/kindest/node:v1@sha256:0") == "m:5000"
