"""python -m clusters: doctor, up, fetch, images, mirror, status, run, logs, down."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from io import TextIOWrapper
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from clusters import (
    adopt,
    bringup,
    doctor,
    engine,
    lock,
    providers,
    signals,
    teardown,
    tools,
    versions,
)
from clusters.components.charts import Charts
from clusters.errors import InputError, InterruptedRunError, PlumblineError, TopologyError
from clusters.home import Home
from clusters.images import mirror, mirrors, source
from clusters.kube import Kube
from clusters.plan import read_plan
from clusters.process import without_proxies
from clusters.progress import Progress, replace_unencodable
from clusters.providers import existing
from clusters.settings import Settings
from clusters.topology import Topology
from clusters.versions import Train

MARKS = {"good": "[green]✓[/]", "warning": "[yellow]![/]", "bad": "[red]✗[/]"}
PLAIN_MARKS = {"good": "ok", "warning": "!", "bad": "NO"}
ADOPTING = {
    "consent": "print what a person applies who agrees, and end",
    "rights": "print the rights that a run needs there, and end",
}
EXAMPLES = f"""
examples:
  python -m clusters doctor                 what this machine has and lacks
  python -m clusters up --versions TRAIN    clusters with Cilium, Istio and Gateway API
  python -m clusters run -- kubectl ...     a program where the clusters can be reached
  python -m clusters mirror registry.example:5000  every image into a registry of your own
  python -m clusters adopt site.toml        clusters that you have, in place of new ones
  python -m clusters down --engine          everything away, images too
  python -m clusters down --images          out of your Docker what we pulled and baked

environment: {", ".join(Settings.names())} (docs/settings.md)
"""


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status is 0, or 1 for an error of ours, 130 if interrupted."""
    replace_unencodable()
    if isinstance(sys.stdout, TextIOWrapper):  # a path may have what the locale cannot write
        sys.stdout.reconfigure(errors="backslashreplace")
    console = Console(stderr=True, highlight=False)
    try:
        options = parser().parse_args(argv)
        with signals.as_errors():
            return int(options.command(options, Home.of_user()) or 0)
    except InterruptedRunError as error:
        console.print(f"[yellow]interrupted[/]\n{escape(str(error))}", soft_wrap=True)
        return 130
    except PlumblineError as error:
        console.print(f"[red]{type(error).__name__}[/]", markup=True)
        console.print(str(error), markup=False, soft_wrap=True)
        return 1


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    root = argparse.ArgumentParser(
        prog="python -m clusters",
        description="Bring clusters up to a topology.json, look at them, take them down.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(required=True, metavar="COMMAND")

    def plain(name: str, function: object, text: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.set_defaults(command=function)
        return one

    def command(name: str, function: object, text: str) -> argparse.ArgumentParser:
        one = plain(name, function, text)
        one.add_argument(
            "--versions",
            default=versions.of_user(),
            help="release train, a file in clusters/versions ($VERSIONS, or the newest)",
        )
        return one

    def with_clusters(one: argparse.ArgumentParser) -> argparse.ArgumentParser:
        one.add_argument(
            "--mesh",
            dest="clustermesh",
            metavar="MESH",
            type=Path,
            default=Settings.of_user().clustermesh_file,
            help="the CiliumClustermeshConfig ($PLUMBLINE_CLUSTERMESH, that of $MANIFESTS, or the "
            "reference's)",
        )
        return one

    plain("doctor", _doctor, "say what this machine has, lacks, and how to mend it")
    up = with_clusters(command("up", _up, "bring the clusters up and write topology.json"))
    text = "of each cluster, or of some: aws-cluster=3 ($NODES, or 1)"
    up.add_argument("--nodes", default=Settings.of_user().nodes, help=text)
    up.add_argument("--also", default="", help="a train to upgrade to: its images too")
    plain("fetch", _fetch, "have the programs and charts of every train; it needs no engine")
    images = command("images", _images, "have some images in the engine, as a test needs them")
    images.add_argument("image", nargs="+", help="a recipe's name, such as echo")
    images.add_argument("--tool", action="append", default=[], help="a program too, such as crane")
    fill = command("mirror", _mirror, "fill a registry of your own with every image of the train")
    fill.add_argument("registry", metavar="HOST:PORT", help="or HOST:PORT/PREFIX, as in MIRROR=")
    fill.add_argument("--insecure", action="store_true", help="it has no TLS, or none to trust")
    command("status", _status, "say what is up")
    run = command("run", _run, "run a program where the clusters can be reached, by no proxy")
    run.add_argument("program", nargs=argparse.REMAINDER, help="-- PROGRAM [ARGUMENT ...]")
    text = "collect every log of the clusters into a folder"
    logs = with_clusters(command("logs", _logs, text))
    logs.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path("reports/out/logs"),
        help="(default: reports/out/logs)",
    )
    text = "take existing clusters, named in a file, for the suites' (what is in them stays)"
    adopting = command("adopt", _adopt, text)
    adopting.add_argument("site", type=Path, nargs="?", help="TOML: their kubeconfigs and contexts")
    for option, text in ADOPTING.items():
        adopting.add_argument(f"--{option}", action="store_true", help=text)
    text = "take out of existing clusters all that was made there, and keep their topology"
    plain("release", _release, text)
    text = "take the clusters away, or out of existing ones what was made; stop a private engine"
    down = command("down", _down, text)
    down.add_argument("--engine", action="store_true", help="its data and images too")
    down.add_argument(
        "--images", action="store_true", help="out of your Docker: what was pulled and baked here"
    )
    return root


def _begin(options: argparse.Namespace, home: Home) -> tuple[Train, Progress]:
    return versions.load(options.versions), Progress(home.root / "estimates.json")


def _doctor(_: argparse.Namespace, home: Home) -> int:
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    marks = PLAIN_MARKS if console.options.ascii_only else MARKS
    findings = doctor.examine(home, errors.print)
    table = Table("", "what", Column("seen", overflow="fold"))
    for each in findings:
        table.add_row(marks[each.level], each.name, escape(each.seen))
    console.print(table)
    for each in findings:
        if each.level != "good":  # below the table, where a command can be copied in one piece
            line = f"{marks[each.level]} {each.name}: {escape(each.mend)}"
            console.print(line, soft_wrap=True)
    bad = any(each.level == "bad" for each in findings)
    console.print("next: mend what is red, then make doctor" if bad else "next: make e2e")
    return 1 if bad else 0


def _up(options: argparse.Namespace, home: Home) -> None:
    train, progress = _begin(options, home)
    also = versions.load(options.also) if options.also else None
    with lock.hold(home, "up"):
        wanted = bringup.Wanted(options.clustermesh, options.nodes)
        bringup.up(home, train, bringup.new_run(), progress, wanted, also=also)
    progress.say(f"ready: {home.topology}")


def _fetch(_: argparse.Namespace, home: Home) -> None:
    progress = Progress(home.root / "estimates.json")
    with lock.hold(home, "fetch"):
        for train in map(versions.load, versions.names()):
            for name in tools.PACKAGES:
                tools.ensure(name, home, train, progress)
            Charts.of(train, home, progress)


def _images(options: argparse.Namespace, home: Home) -> None:
    train, progress = _begin(options, home)
    with lock.hold(home, "images"):
        running, sites = engine.ensure(home, progress.say), source.mirrors_of_user()
        source.ensure_images(home, running, train, progress, options.image, mirrors=sites)
        for name in options.tool:
            tools.ensure(name, home, train, progress)


def _mirror(options: argparse.Namespace, home: Home) -> None:
    trains = versions.load_some(options.versions)
    progress = Progress(home.root / "estimates.json")
    address = mirrors.check_address(options.registry)
    with lock.hold(home, "mirror"):
        crane = tools.ensure("crane", home, trains[-1], progress)
        docker = engine.find(home)
        way, why = source.decide(source.mode_of_user(), docker, mirrors.Mirrors())
        progress.say(f"images: {'copied' if way == 'pull' else 'built and pushed'}, because {why}")
        if way == "pull":
            bring = mirror.Mirror(address, crane, insecure=options.insecure).copy
        else:
            running = docker or engine.ensure(home)
            site = mirror.Mirror(address, crane, running, insecure=options.insecure)
            site.digest(trains[0].reference(source.NODE))  # it answers: to build takes a while
            for each in trains:
                source.ensure_images(
                    home, running, each, progress, tuple(each.images), mirrors=mirrors.Mirrors()
                )
            bring = partial(site.push, home.folder("mirror"))
        brought = mirror.fill(trains, progress, bring)
    progress.say(f"{len(brought)} brought, the others were there; now: make e2e MIRROR={address}")


def _status(_: argparse.Namespace, home: Home) -> int:
    topology = Topology.load(home.topology)
    running = None if providers.adopted(home) else engine.find(home)
    if running is not None:
        running.enter()
    table = Table("cluster", "node", "kubelet", "pods ready", "kubeconfig")
    for cluster in topology.clusters:
        for row in _nodes_of(Kube(cluster)):
            table.add_row(*map(escape, row))
    Console().print(escape(f"train {topology.train}, run {topology.run}"), table)
    return 0


def _nodes_of(kube: Kube) -> Iterator[tuple[str, ...]]:
    """What `status` says of each node of a cluster."""
    pods = kube.list("v1", "Pod")
    for node in kube.list("v1", "Node"):
        name, version = node["metadata"]["name"], node["status"]["nodeInfo"]["kubeletVersion"]
        own = [pod for pod in pods if pod["spec"].get("nodeName") == name]
        ready = sum(all(c["ready"] for c in p["status"].get("containerStatuses", [])) for p in own)
        place = kube.cluster
        yield place.name, name, version, f"{ready} of {len(own)}", str(place.kubeconfig)


def _run(options: argparse.Namespace, home: Home) -> None:
    words = _words(options.program)
    running = providers.reach(home)
    program = shutil.which(words[0]) if words else None
    if program is None:
        raise InputError("a program after --", seen=" ".join(words) or "nothing")
    environ = {**without_proxies(os.environ), **running.env} if running else dict(os.environ)
    os.execve(program, words, environ)  # noqa: S606 - this is what the command is for


def _words(program: list[str]) -> list[str]:
    """A program and its arguments, without the `--` that sets them off from our own options."""
    return program[1:] if program[:1] == ["--"] else program


def _logs(options: argparse.Namespace, home: Home) -> None:
    providers.see_none_adopted(home)
    train, progress = _begin(options, home)
    running = engine.ensure(home)
    program = tools.ensure(providers.PROGRAM, home, train, progress)
    provider = providers.of(home, running, train, program)
    for each in read_plan(options.clustermesh):
        provider.export_logs(each, options.folder / each.name)
    progress.say(f"logs: {options.folder}")


def _adopt(options: argparse.Namespace, home: Home) -> None:
    harness = adopt.harness_of(home)
    if options.consent or options.rights:
        print(existing.consent_document(harness) if options.consent else existing.rights())
        return
    if options.site is None:
        raise InputError("a site's file", seen="none", look="python -m clusters adopt site.toml")
    train, progress = _begin(options, home)
    with lock.hold(home, "adopt"):
        site = existing.read(options.site)
        topology = adopt.adopt(home, site, train, bringup.new_run(), progress.say)
    Console().print(_offers(topology))
    progress.say(f"ready: {home.topology}; next: make suites, and make down when you have done")


def _offers(topology: Topology) -> Table:
    """What each adopted cluster is asked for, and why not for the rest."""
    clusters = topology.clusters
    table = Table("needs", *(each.name for each in clusters), Column("why not", overflow="fold"))
    for feature in sorted({f for each in clusters for f in (*each.features, *each.not_offered)}):
        marks = ("yes" if feature in each.features else "" for each in clusters)
        reasons = dict.fromkeys(
            c.not_offered[feature] for c in clusters if feature in c.not_offered
        )
        table.add_row(feature, *marks, escape("; ".join(reasons)))
    return table


def _release(_: argparse.Namespace, home: Home) -> None:
    adopted = providers.adopted(home)
    if adopted is None:
        look = "make adopt LAB=site.toml"
        raise TopologyError("existing clusters", seen="none adopted", look=look)
    progress = Progress(home.root / "estimates.json")
    with lock.hold(home, "release"):
        adopt.release(adopted.clusters, adopt.harness_of(home), progress.say)


def _down(options: argparse.Namespace, home: Home) -> None:
    train, progress = _begin(options, home)
    if providers.adopted(home):
        _release(options, home)
        home.topology.unlink()
        return
    with lock.hold(home, "down"):
        teardown.down(home, train, progress, with_engine=options.engine, with_images=options.images)


if __name__ == "__main__":
    sys.exit(main())
