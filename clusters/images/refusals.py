"""Why a registry gave no image: its own words, put into a class, with the ways out of it.

Pure: it asks nobody. What it cannot place it repeats, and the ways out are the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from clusters.errors import RegistryError
from clusters.talking import SILENT

WAYS = (
    "`MIRROR=registry.example:5000` for a registry of your own (docs/images.md), or "
    "`IMAGES=forge` to build every image from packages"
)


@dataclass(frozen=True)
class Reason:
    """One class of refusals.

    Attributes:
        words: what Docker, containerd or crane say of it; they repeat what the registry says.
        sentence: what it means.
        look: what mends it, before the ways around it; `{registry}` is its address.
        passes: it may pass by itself, so that it is worth another try.
    """

    name: str
    words: str
    sentence: str
    look: str
    passes: bool = False


# In this order: the first whose words are there is it.
REASONS = (
    Reason(
        "credentials", r"docker-credential-|error getting credentials",
        "Docker's helper for credentials failed",
        "see credsStore and credHelpers in ~/.docker/config.json",
    ),
    Reason(
        "room", r"no space left on device",
        "the disk of the engine is full",
        "`docker system df`",
    ),
    Reason(
        "limit", r"toomanyrequests|too many requests|pull rate limit",
        "it has given you as much as it gives in this time (Docker Hub counts pulls by address, "
        "and gives more to who is logged in)",
        "`docker login {registry}`",
        passes=True,
    ),
    Reason(
        "plain", r"server gave HTTP response to HTTPS client|does not look like a TLS handshake",
        "it has no TLS",
        "`insecure-registries` of Docker's daemon.json, for {registry}",
    ),
    Reason(
        "authority", r"x509:|failed to verify certificate|certificate verify failed",
        "its certificate is not one to be trusted here",
        "the authority's certificate as /etc/docker/certs.d/{registry}/ca.crt on the engine's "
        "machine, for Docker; `SSL_CERT_FILE=…` for crane and for Plumbline itself",
    ),
    Reason(
        "platform", r"no matching manifest for",
        "it has no such image for the engine's platform",
        "`docker version --format '{{{{.Server.Os}}}}/{{{{.Server.Arch}}}}'`",
    ),
    Reason(
        "denied",
        r"unauthorized|forbidden|denied|no basic auth|authentication required|status code 40[13]",
        "it does not give this to you, or has no such image and does not say so",
        "`docker login {registry}`",
    ),
    Reason(
        "missing",
        r"manifest[ _]unknown|name[ _]unknown|not_found|name not known|: not found|404 Not Found",
        "it has no image of this name and tag or digest",
        "`grep -r reference clusters/versions`; into a mirror of your own `make mirror` brings it",
    ),
    Reason(
        "unreachable",
        r"dial tcp: lookup|no such host|server misbehaving|connection refused"
        r"|network is unreachable|no route to host|proxyconnect",
        "the way to it is barred: name resolution, network or proxy",
        "`docker info --format '{{{{.HTTPSProxy}}}} {{{{.NoProxy}}}}'`: Docker's daemon has a "
        "proxy of its own (https://docs.docker.com/engine/daemon/proxy), crane has HTTPS_PROXY",
    ),
    Reason(
        "slow",
        rf"{SILENT}|was still running|time[- ]?out|timed out|deadline exceeded|awaiting headers",
        "it is slow or does not answer",
        "`curl -m 30 https://{host}/v2/`",
        passes=True,
    ),
    Reason(
        "trouble", r"\b5\d\d (Internal|Bad|Service|Gateway)|status(:| code) 5\d\d"
        r"|connection reset|broken pipe|unexpected EOF|: EOF",
        "it is in trouble itself",
        "`curl -m 30 https://{host}/v2/`",
        passes=True,
    ),
)  # fmt: skip
# Docker's, and crane's after what it tried before.
PREFIX = re.compile(r"\A((.*\n)*Error: |(exit status \d+\s+)?(Error response from daemon: )?)")
ENGINE = re.compile(r"docker (daemon|api)( socket)? at", re.IGNORECASE)
OTHER = Reason("other", "", "it gave no image", "`curl -m 30 https://{host}/v2/`")


def reason(said: str) -> Reason:
    """The class of what was said."""
    fits = (each for each in REASONS if re.search(each.words, said, re.IGNORECASE))
    return next(fits, OTHER)


def is_of_engine(said: str) -> bool:
    """Whether it was Docker that could not be reached, and no registry was asked."""
    return ENGINE.search(said) is not None


def refusal(what: str, registry: str, said: str, *, tries: int, seconds: float) -> RegistryError:
    """The error: the registry, what it means, its own words, and the ways out.

    Args:
        what: what was wanted, such as `docker pull quay.io/cilium/cilium:v1.20.2`.
        tries: how often it was asked for.
        seconds: how long all of that took.
    """
    why = reason(said)
    host = "registry-1.docker.io" if registry == "docker.io" else registry
    again = f"{tries} tries in {seconds:.0f} s" if tries > 1 else f"after {seconds:.0f} s"
    words = PREFIX.sub("", said).strip()
    return RegistryError(
        f"{registry} to answer `{what}`",
        seen=f"{why.sentence} ({again}). In its own words:\n{words}",
        look=f"{why.look.format(registry=registry, host=host)}; or {WAYS}",
        reason=why.name,
    )


def registry_of(reference: str) -> str:
    """The registry's name in a reference that has one."""
    return reference.partition("/")[0]
