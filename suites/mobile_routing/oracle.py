"""What VirtualService/advanced-routing means, for every request, and the space of requests.

Pure: from the values of a request to what it must get. Sources: Istio's reference of
VirtualService (istio.io/latest/docs/reference/config/networking/virtual-service): a route's
conditions are ANDed, one that is not given holds for every request, the first route that matches
is taken; `regex` is RE2 and must match the whole value; names of headers know no case, their
values do; a header of several lines is matched as Envoy joins them (`samples.joined`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fixtures.checks.expectations import Expectation, Served
from fixtures.checks.samples import (
    COOKIES,
    HEADERS,
    METHODS,
    PATHS,
    QUERIES,
    VERSIONS,
    Space,
    joined,
    ports_of,
)
from fixtures.history.streams import Headers
from suites.mobile_routing.matches import PORTS
from suites.mobile_routing.subject import HOST

FOR_MOBILE = Served(frozenset({"mobile-service-v2"}))
FOR_WEB = Served(frozenset({"web-service-v1"}))
AGENT = re.compile(".*Mobile.*")  # RE2's `.` takes no line feed either, and no header has one

AGENTS: Headers = {
    "phone": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Mobile/15E148 Safari/604.1",
    "android": "Mozilla/5.0 (Linux; Android 16; Pixel 9) Chrome/142.0.0.0 Mobile Safari/537.36",
    "old phone": "Opera/9.80 (J2ME/MIDP; Opera Mini/9; U; en) Presto/2.8.119",
    "tablet": "Mozilla/5.0 (Linux; Android 16; Tablet; rv:145.0) Gecko/145.0 Firefox/145.0",
    "ipad": "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) Mobile/15E148 Safari/604.1",
    "desktop": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "mac": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15",
    "bot": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "mobile bot": "Mozilla/5.0 (Linux; Android 6.0.1) Mobile (compatible; Googlebot/2.1)",
    "program": "curl/8.14.1",
    "bare": "Mobile",
    "first": "MobileSafari/1.0",
    "last": "Opera Mobile",
    "within": "xMobilex",
    "twice": "Mobile Mobile",
    "lower": "mobile",
    "upper": "MOBILE",
    "cut": "Mobil e",
    "odd": "(^.*$)[Mobile]\\d+|?",
    "beyond ascii": "Möbile/1 モバイル",
    "beyond ascii too": "モバイル Mobile",
    "long": f"{'x' * 2000} Mobile",
    "long without": "x" * 2000,
    "empty": "",
    "two lines, mobile first": ("Mobile", "curl/8.14.1"),
    "two lines, mobile last": ("curl/8.14.1", "Mobile"),
}
HOSTS = {"plain": {}, "port": {"Host": f"{HOST}:80"}, "upper": {"Host": HOST.upper()}}

SPACE: Space = {
    "port": ports_of(PORTS),
    "http": VERSIONS,
    "method": METHODS,
    "path": {**PATHS, "mobile": "/Mobile", "mobile page": "/m/index.html"},
    "query": {**QUERIES, "agent": "user-agent=Mobile"},
    "host": HOSTS,
    "agent": {
        **{name: {"User-Agent": agent} for name, agent in AGENTS.items()},
        "another case of the name": {"USER-AGENT": "Mobile"},
        "absent": {},
    },
    "header": {**HEADERS, "another agent's": {"X-User-Agent": "Mobile"}},
    "cookie": COOKIES,
}


def expectation(request: Mapping[str, Any]) -> Expectation:
    """Whoever's agent has "Mobile" in it is served by mobile-service v2, all others by web-service
    v1, whatever else a request says."""
    agent = joined(next(iter(request.get("agent", {}).values()), ""))
    return FOR_MOBILE if AGENT.fullmatch(agent) else FOR_WEB
