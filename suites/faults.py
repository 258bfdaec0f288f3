"""Faults made on purpose during a watch, to show that it sees them for what they are.

Each says which stream must see it, of what kind, and between which bounds it truly lasted, by
the clock of the one who made it. The watch knows nothing of them. For a lab of our own alone:
some are made on the nodes.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clusters.engine import Engine
from clusters.errors import FaultsError
from clusters.steps import cilium, clustermesh, istio
from fixtures import convergence
from fixtures.callers.vitals import LOST
from fixtures.hubble import Agent
from fixtures.lab import FRONTEND, STRANGER, Lab
from fixtures.watched import LEAST_WATCHED
from reports.upgrade_schema import Fault, Kind, Phase, Stream
from suites.cross_cluster_policy.conftest import AWS, AZURE, Guarded
from suites.mobile_routing.conftest import URL
from suites.rbac_denial.conftest import Api, protected
from suites.stations import FEATURES, SPACING
from suites.watch import Watch

SETTLE = 1.5  # seconds between two faults, so that their episodes are two
NODE = """
pod={address}
for ns in $(ls /var/run/netns); do
  if nsenter --net=/var/run/netns/$ns ip -4 -o addr | grep -qF " $pod/"; then break; fi
done
rule="INPUT -p tcp --dport 3000 -j {target}"
sleep {settle}  # the search took the cores from who must see it
firewall() {{ nsenter --net=/var/run/netns/$ns iptables -w $1 $rule; }}
a=$(date +%s%N); firewall -I; b=$(date +%s%N)
sleep {seconds}
c=$(date +%s%N); firewall -D; d=$(date +%s%N)
echo $a $b $c $d
"""


@dataclass(frozen=True)
class Made:
    """A fault as it was made: epoch times, and the bounds of its length in seconds."""

    name: str
    sentence: str
    stream: str
    kind: Kind | str
    began: float
    ended: float
    least: float
    most: float


@dataclass(frozen=True)
class Faults:
    """Makes faults in the lab that is being watched."""

    lab: Lab
    engine: Engine
    watch: Watch
    guarded: Guarded

    def make(self, makers: Iterable[Maker]) -> list[Made]:
        """Make some, one after another, each as a phase of the watch."""
        made = []
        for maker in makers:
            with self.watch.phase(_name(maker)):
                made.append(maker(self))
                time.sleep(SETTLE)
        return made

    # --- on a node -------------------------------------------------------------------------

    def dropped_for_10_ms(self) -> Made:
        """frontend's packets are dropped for 10 ms."""
        return self._made(self.dropped_for_10_ms, f"{AZURE}/backend", "dropped", self._drop(0.010))

    def dropped_for_200_ms(self) -> Made:
        """frontend's packets are dropped for 200 ms."""
        return self._made(self.dropped_for_200_ms, f"{AZURE}/backend", "dropped", self._drop(0.200))

    def _drop(self, seconds: float) -> Sequence[float]:
        address = str(self.guarded.target["status"]["podIP"])
        return self._on_node(AWS, address, "DROP", seconds)

    def refused_for_20_ms(self) -> Made:
        """A route leads to a backend that refuses connections for 20 ms."""
        space = self.lab.space("mobile_routing", AWS)
        pod = space.kube.pod(space.namespace, "app=web-service,version=v1")
        address = str(pod["status"]["podIP"])
        times = self._on_node(AWS, address, "REJECT --reject-with tcp-reset", 0.020)
        return self._made(self.refused_for_20_ms, f"{AWS}/desktop-kept", "refused", times)

    def _on_node(self, cluster: str, address: str, target: str, seconds: float) -> Sequence[float]:
        """A rule in a pod's own network for a while: before and after it came, and went."""
        node = self.lab.kube(cluster).list("v1", "Node")[0]["metadata"]["name"]
        script = NODE.format(address=address, target=target, seconds=seconds, settle=SETTLE)
        told = self.engine.docker("exec", node, "bash", "-c", script)
        return [int(word) / 1e9 for word in told.split()[-4:]]

    # --- by the API ------------------------------------------------------------------------

    def policy_deleted_for_50_ms(self) -> Made:
        """The network policy is deleted, and applied again after 50 ms."""
        space, former, began = self.guarded.space, self._admitted(), time.time()
        space.kube.delete(self.guarded.policy.document, space.namespace)
        time.sleep(0.050)
        self.guarded.uid = ""
        self.guarded.protect()
        ended = time.time()
        # Cilium may put both changes into one: then nothing was open, and nothing must be found.
        if not self._admitted() - former:
            return self._made(self.policy_deleted_for_50_ms, "", "", (began,) * 4)
        bounds = (began, ended, ended, ended)
        return self._made(self.policy_deleted_for_50_ms, f"{AWS}/backend", "leak", bounds)

    def _admitted(self) -> frozenset[int]:
        """The connections that frontend's node let in although the policy forbids them."""
        address = str(self.guarded.target["status"]["podIP"])
        return self.guarded.agent.admitted(self.guarded.address(f"{AWS}/backend"), address)

    def rbac_deleted(self) -> Made:
        """The authorization policy is deleted, and applied again once it is gone."""
        api: Api = protected(self.lab, AWS)
        began = time.time()
        api.expose()
        gone = time.time()
        api.protect()
        return self._made(
            self.rbac_deleted, f"{AWS}/stranger-kept", "leak", (began, gone, gone, time.time())
        )

    def misrouted(self) -> Made:
        """The route leads mobile agents to web-service until it is put right."""
        space = self.lab.space("mobile_routing", AWS)
        caller = self.lab.caller(AWS, FRONTEND)
        right, deadline = self.lab.manifests.given("virtualservice"), self.guarded.deadline
        document = to_web(right.document)
        began = time.time()
        wrong = replace(right, document=document)
        convergence.virtual_service(space, wrong, [caller], URL, deadline)
        here = time.time()
        convergence.virtual_service(space, right, [caller], URL, deadline)
        return self._made(
            self.misrouted, f"{AWS}/mobile-kept", "misrouted", (began, here, here, time.time())
        )

    # --- control planes and callers --------------------------------------------------------

    def istiod_killed(self) -> Made:
        """istiod is killed: nothing opens and nothing shuts."""
        kube, began = self.lab.kube(AWS), time.time()
        kube.end_pod(istio.NAMESPACE, istio.ISTIOD_LABEL)
        istio.wait_ready(kube, self.guarded.deadline)
        return self._made(self.istiod_killed, "", "", (began,) * 4)

    def agent_killed(self) -> Made:
        """Cilium's agent is killed: nothing opens and nothing shuts."""
        kube, began = self.lab.kube(AWS), time.time()
        kube.end_pod(clustermesh.NAMESPACE, "k8s-app=cilium")
        cilium.wait_ready(kube, self.lab.deadline("cilium"))
        self.guarded.agent = Agent.of(kube, self.guarded.target)
        return self._made(self.agent_killed, "", "", (began,) * 4)

    def mesh_cut(self) -> Made:
        """The mesh's control planes are away for a while: nothing opens, and what was, stays."""
        began = time.time()
        with self.guarded.without_mesh():
            time.sleep(SETTLE)
        return self._made(self.mesh_cut, "", "", (began,) * 4)

    def caller_stopped(self) -> Made:
        """A caller is kept from running for a second: it says so, and blames nobody."""
        post, began = self.watch.post(AWS, STRANGER), time.time()
        post.stop(1.0)
        ended = time.time()
        # What was due in its last moments is sent late, and not given up.
        times = (began, began, began + 1.0 - LOST, ended)
        return self._made(self.caller_stopped, f"{AWS}/stranger-kept", "starved", times)

    def _made(
        self, fault: Callable[[], Made], stream: str, kind: Kind | str, times: Sequence[float]
    ) -> Made:
        began, here, going, gone = times
        sentence = (fault.__doc__ or "").strip()
        least, most = max(0.0, going - here), gone - began
        return Made(_name(fault), sentence, stream, kind, began, gone, least, most)


Maker = Callable[[Faults], Made]


@dataclass(frozen=True)
class Choice:
    """Faults to make, and the suites whose streams are watched for it."""

    makers: tuple[Maker, ...]
    suites: Collection[str] = tuple(FEATURES)


NONE = Choice(())
# Long enough that a machine of two cores, busy with all that it watches, sees them, and what they
# show in is enough to watch, so that a slow one can send it.
SHORT = Choice(
    (Faults.dropped_for_200_ms, Faults.rbac_deleted), {"cross_cluster_policy", "rbac_denial"}
)
ALL = Choice(
    (
        Faults.dropped_for_10_ms,
        Faults.refused_for_20_ms,
        Faults.rbac_deleted,
        Faults.misrouted,
        Faults.istiod_killed,
        Faults.agent_killed,
        Faults.mesh_cut,
        Faults.caller_stopped,
        Faults.policy_deleted_for_50_ms,  # the last: what it cut off leaks for minutes (`renewed`)
    )
)


def choice(which: str) -> Choice:
    """The faults of a name: none, short, all, or one's own.

    Raises:
        FaultsError: there are none of that name.
    """
    alone = {maker.__name__: Choice((maker,)) for maker in (*SHORT.makers, *ALL.makers)}
    every = {"none": NONE, "short": SHORT, "all": ALL, **alone}
    if which not in every:
        raise FaultsError(f"FAULTS to be one of {', '.join(every)}", seen=which, look="make help")
    return every[which]


def _name(maker: Callable[..., Made]) -> str:
    """A fault's name as a phase and a report have it."""
    name: str = getattr(maker, "__name__", "")
    return name.replace("_", " ")


def found(made: Made, streams: Sequence[Stream], phases: Sequence[Phase]) -> Fault:
    """What the watch made of a fault: pure.

    It is found if the stream has an episode of its kind in its time whose bounds agree with
    those of the fault. One that must change nothing passes if no stream has an episode and each
    was sent throughout. What a generator that fell behind may have missed is inconclusive.
    """
    phase = made.name
    stream = next((s for s in streams if s.key == made.stream), None)
    episodes = [e for e in (stream.episodes if stream else ()) if e.phase == phase]
    told = {
        "name": made.name, "sentence": made.sentence, "stream": made.stream, "kind": made.kind,
        "least": made.least, "most": made.most,
    }  # fmt: skip
    if not made.kind:
        verdict, reason = _unchanged(phase, streams, phases)
        return Fault.model_validate({**told, "verdict": verdict, "reason": reason})
    fitting = [e for e in episodes if e.kind == made.kind]
    if not fitting and (stream is None or stream.blind >= max(made.least, SPACING * 1.5)):
        reason = "its stream did not send for as long as the fault lasted"
        return Fault.model_validate({**told, "verdict": "inconclusive", "reason": reason})
    if not fitting:
        others = ", ".join(sorted({e.kind for e in episodes})) or "nothing"
        return Fault.model_validate({**told, "verdict": "fail", "reason": f"found: {others}"})
    low, high = sum(e.low for e in fitting), sum(e.high for e in fitting)
    agrees = low <= made.most and high >= made.least
    reason = f"{sum(e.n for e in fitting)} requests, the first {fitting[0].seen}"
    # A machine that can't even send in time drops by itself too.
    blind = stream is not None and stream.watched < LEAST_WATCHED
    disagrees = "inconclusive" if blind else "fail"
    return Fault.model_validate(
        {
            **told,
            "found": made.kind,
            "found_low": low,
            "found_high": high,
            "verdict": "pass" if agrees else disagrees,
            "reason": reason,
        }
    )


def _unchanged(phase: str, streams: Sequence[Stream], phases: Sequence[Phase]) -> tuple[str, str]:
    """Whether nothing opened, shut or led astray in a phase, and somebody asked throughout."""
    seen = [(s.key, e) for s in streams for e in s.episodes if e.phase == phase]
    bad = [(key, e) for key, e in seen if e.kind not in ("late", "starved", "unproven")]
    if bad:
        return "fail", "; ".join(f"{key}: {e.kind} for {e.high:.3f} s" for key, e in bad)
    spans = [(p.started, p.started + p.seconds) for p in phases if p.name == phase]
    unseen = [s.key for s in streams if s.watched < LEAST_WATCHED or _away(s, spans)]
    if unseen or not streams or not spans:
        return "inconclusive", f"not watched throughout: {', '.join(unseen) or 'no stream'}"
    return "pass", "nothing"


def _away(stream: Stream, spans: Iterable[tuple[float, float]]) -> bool:
    """Whether nobody sent a stream for some of these times."""
    return any(
        since < end and until > start for since, until in stream.gaps for start, end in spans
    )


def to_web(document: Mapping[str, Any]) -> dict[str, Any]:
    """The route with every rule leading where its last one does."""
    made = copy.deepcopy(dict(document))
    rules = made["spec"]["http"]
    for rule in rules:
        rule["route"] = copy.deepcopy(rules[-1]["route"])
    return made
