"""What is done in the guest: by its administrator, by its user, and what is brought home."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clusters import inotify
from clusters.errors import CommandError
from clusters.process import run
from clusters.progress import Progress
from clusters.versions import Train
from tests.guest import image, network, trains
from tests.guest.shell import Shell

PLACE = f"/home/{image.USER}/plumbline"


@dataclass(frozen=True)
class Visit:
    """One run's guest: its administrator, its user, and where reports go on this side."""

    root: Shell
    user: Shell
    progress: Progress
    out: Path

    def prepare(self, authority: Path, key: str, programs: Sequence[Path]) -> None:
        """Names, the site's authority, kind and helm on PATH, and the user's way in.

        Raises:
            CommandError: a command failed in the guest.
        """
        with self.progress.step("names, authority, programs"):
            self.root.ask("cat >> /etc/hosts", stdin=network.hosts())
            self.root.send([authority], "/usr/local/share/ca-certificates", "0644")
            self.root.send(programs, "/usr/local/bin")
            keys = f"/home/{image.USER}/.ssh"
            self.root.ask(
                f"update-ca-certificates >/dev/null && systemctl restart docker && "
                f"install -d -m 700 -o {image.USER} {keys} && "
                f"echo {shlex.quote(key)} > {keys}/authorized_keys && "
                f"chown -R {image.USER}: {keys}"
            )

    def bring(self, repository: Path, train: Train, digests: Mapping[str, str]) -> None:
        """The repository as it stands here, as a clone of the user's, with the guest's digests.

        Raises:
            CommandError: git failed, here or there.
            VersionsError: the train has an image that the registries have not.
        """
        bundle, changes = self.out / "repository.bundle", self.out / "changes.patch"
        run(["git", "bundle", "create", "--quiet", bundle, "HEAD"], cwd=repository)
        changes.write_text(run(["git", "diff", "--binary", "HEAD"], cwd=repository))
        self.user.send([bundle, changes], f"/home/{image.USER}", "0644")
        bundle.unlink()
        self.user.ask(
            f"git clone -q repository.bundle {PLACE} && cd {PLACE} && "
            "git apply --allow-empty ../changes.patch"
        )
        file = f"clusters/versions/{train.name}.toml"
        text = trains.rewritten((repository / file).read_text(), train, digests)
        self.user.ask(f"cat > {PLACE}/{file}", stdin=text)
        self.progress.say(f"{file} in the guest: the digests are those of the guest's registries")

    def mend_inotify(self) -> None:
        """doctor refuses the machine as it comes, in a sentence; its root does what that says.

        Raises:
            CommandError: doctor takes the machine, or says anything else of it.
        """
        with self.progress.step("doctor, on the machine as it comes"):
            status = self.user.stream(_made("make doctor"), self.out / "doctor.log", 1800)
        said = (self.out / "doctor.log").read_text()
        if status == 0 or "max_user_instances" not in said:
            raise CommandError("doctor to ask for inotify's limits", seen=said[-2000:])
        self.root.ask(inotify.mend().replace("sudo ", ""))
        with self.progress.step("doctor, mended"):
            status = self.user.stream(_made("make doctor"), self.out / "doctor.log", 600)
        if status:
            raise CommandError("doctor content", seen=f"exit status {status}")

    def carry_out(self, line: str, deadline: float) -> int:
        """Run the user's command; the result is its status."""
        with self.progress.step(line):
            return self.user.stream(_made(line), self.out / "output.log", deadline)

    def bring_home(self) -> None:
        """The reports, and the engine's log.

        Raises:
            CommandError: the guest does not answer.
        """
        with self.progress.step("reports fetched"):
            self.user.ask(f"mkdir -p {PLACE}/reports/out")
            self.user.fetch(f"{PLACE}/reports/out", self.out / "reports")
            journal = self.root.ask(
                "journalctl --no-pager -u docker | tail -n 2000; free -m; df -h /"
            )
            (self.out / "docker.log").write_text(journal)


def _made(line: str) -> str:
    return f"cd {PLACE} && {line}"
