"""The lab in containers: `./lab containers COMMAND`. docs/CONTAINERS.md"""

import argparse
import json
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from labtools import images
from labtools.files import write_whole
from labtools.lab_toml import Lab, Target
from labtools.paths import ROOT
from labtools.say import LabError, say

# Suffix of a command -> targets, as in the justfile.
GROUPS = {"go": ["go"], "py": ["python"], "rust": ["rust-sqlx", "rust-tokio-postgres"]}
COMMANDS = {
    "build": "build the images",
    "up": "start Postgres and all services; up-go, up-py, up-rust: only these",
    "down": "stop everything; the database stays in its volume",
    "clean": "stop everything and delete the database's volume, after asking (--yes: without)",
    "logs": "show the services' logs; logs-go, logs-py, logs-rust: only these",
    "bench": "measure all services as `bench run` does, with its options; bench-go, bench-py, bench-rust: only these",
    "resume": "go on with an interrupted measurement: resume RUN",
    "compose": "pass the rest on to compose, with the files of the mode",
}
READY_S = 60


def compose_words() -> list[str]:
    """How compose is called: BENCH_COMPOSE, Docker's plugin, or podman-compose."""
    if chosen := os.environ.get("BENCH_COMPOSE"):
        return shlex.split(chosen)
    if shutil.which("docker"):
        asked = subprocess.run(["docker", "compose", "version"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if asked.returncode == 0:
            return ["docker", "compose"]
    if shutil.which("podman") and shutil.which("podman-compose"):
        return ["podman-compose"]
    raise LabError("neither `docker compose` nor `podman` with `podman-compose` is here: install one, or name one in BENCH_COMPOSE.")


def ensure_env(path: Path = ROOT / ".env") -> dict[str, str]:
    """The variables of `.env`, made from the example with passwords of its own when it is not there."""
    if not path.is_file():
        text = (ROOT / ".env.example").read_text(encoding="utf-8")
        for word in ("change-me-owner", "change-me-services"):
            text = text.replace(word, secrets.token_hex(16))
        write_whole(path, text)
        path.chmod(0o600)
        say("made .env from .env.example, with passwords of its own")
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


class Containers:
    """The compose path in one mode."""

    def __init__(self, mode: str) -> None:
        self.lab = Lab()
        if mode not in self.lab.modes:
            raise LabError(f"there is no mode `{mode}` in lab.toml; there are: {', '.join(self.lab.modes)}.")
        self.mode = mode
        self.env = ensure_env()
        words = compose_words()
        self.engine = ["podman"] if "podman" in Path(words[0]).name else ["docker"]
        self.compose = [*words, "-f", str(ROOT / "docker-compose.yml"), "-f", str(ROOT / f"docker-compose.{mode}.yml"), "--profile", "all"]
        self.images = {target.name: (target, image) for target, image in images.runnable(self.lab)}

    def run(self, *words: str) -> None:
        """Runs compose; its words are the user's to read."""
        done = subprocess.run([*self.compose, *words], cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise LabError(f"`compose {' '.join(words)}` ended with {done.returncode} (its words are above).")

    def chosen(self, names: list[str]) -> list[tuple[Target, images.Image]]:
        """Targets by name; all when none is named."""
        if unknown := [name for name in names if name not in self.images]:
            raise LabError(f"{', '.join(unknown)}: no target of lab.toml with a Dockerfile in containers/.")
        return [self.images[name] for name in names or self.images]

    def services(self, names: list[str]) -> list[str]:
        """Names in compose."""
        return [image.service for _, image in self.chosen(names)]

    def build(self, names: list[str], *others: str) -> None:
        """Builds the images of targets and of other services of compose; one that two targets share only once, which
        not every compose sees."""
        shared = {image.name: image.service for _, image in reversed(self.chosen(names))}
        self.run("build", *others, *sorted(shared.values()))

    def wait_for(self, ready: Callable[[], bool], container: str) -> None:
        """Asks until it is so; what the container said last is part of the error."""
        end = time.monotonic() + READY_S
        while not ready():
            if time.monotonic() > end:
                logs = subprocess.run([*self.engine, "logs", "--tail", "5", container], capture_output=True, text=True, check=False)
                raise LabError(f"{container} is not ready after {READY_S} s. It said last:\n{(logs.stdout + logs.stderr).strip()}")
            time.sleep(0.2)

    def start_postgres(self) -> None:
        """Starts the database and waits until it is seeded."""
        self.run("up", "-d", "postgres")
        ask = [*self.engine, "exec", "bench-postgres", "pg_isready", "-q", "-h", "127.0.0.1", "-d", self.lab.postgres["database"]]
        self.wait_for(lambda: subprocess.run(ask, capture_output=True, check=False).returncode == 0, "bench-postgres")

    def up(self, names: list[str]) -> None:
        """Starts Postgres, then the services, and waits until each is ready. Not by compose's own waiting: podman has
        no health without systemd."""
        self.start_postgres()
        for target, image in self.chosen(names):
            self.start(target.name)
            print(f"{image.service:<25}http://127.0.0.1:{target.port}")

    def start(self, name: str) -> None:
        """Starts one service beside a Postgres that runs, and waits until it is ready."""
        target, image = self.images[name]
        self.run("up", "-d", "--no-deps", image.service)
        self.wait_for(partial(answers, f"http://127.0.0.1:{target.port}/readyz"), f"bench-{image.service}")

    def bench(self, names: list[str], rest: list[str]) -> int:
        """`bench run` on containers, with what it says as the answer."""
        chosen = self.chosen(names)
        words = ["run", "--mode", self.mode, *(word for target, _ in chosen for word in ("--target", target.name)), *rest]
        if names:
            # One service alone: its summaries go where users of the native recipes find them.
            words += ["--k6-summary-dir", str(ROOT / "loadtest" / "results")]
        if "--list" in rest:
            return runner(words, {})
        self.build(names, "postgres", "k6")
        return self.measure(words)

    def measure(self, words: list[str]) -> int:
        """Starts what a measurement finds running, hands over to `bench`, and stops it all."""
        self.run("down")
        try:
            self.start_postgres()
            self.run("up", "-d", "--no-deps", "k6")
            with self.told() as path:
                return runner(words, {"BENCH_CONTAINERS": str(path)})
        finally:
            self.run("down")

    @contextmanager
    def told(self) -> Iterator[Path]:
        """A file that only its owner can read, with what `bench` must know of the containers: a password is in it."""
        port = int(os.environ.get("POSTGRES_PORT") or self.env.get("POSTGRES_PORT") or 5432)
        stack = {
            "compose": self.compose,
            "engine": self.engine,
            "postgres": {
                "container": "bench-postgres",
                "image": images.name("postgres"),
                "port": port,
                "user": "postgres",
                "password": self.env["POSTGRES_PASSWORD"],
            },
            "k6": {"container": "bench-k6", "image": images.name("k6")},
            "services": {
                name: {"service": image.service, "container": f"bench-{image.service}", "image": image.name, "port": target.port}
                for name, (target, image) in self.images.items()
            },
        }
        with tempfile.NamedTemporaryFile("w", prefix="bench-containers-", suffix=".json", encoding="utf-8") as file:
            json.dump(stack, file)
            file.flush()
            yield Path(file.name)


def runner(words: list[str], env: dict[str, str]) -> int:
    """Runs `bench`; its exit code. Ctrl-C reaches it from the terminal, and it ends in order: this only waits for it."""
    try:
        process = subprocess.Popen(["bench", "--lab", str(ROOT / "lab.toml"), *words], env=os.environ | env, cwd=ROOT)
    except FileNotFoundError as error:
        raise LabError("there is no `bench` on PATH: start through `./lab containers`.") from error

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            process.terminate()

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def mode_of(run: str) -> str:
    """The mode that an interrupted run was begun in."""
    try:
        return str(json.loads((Path(run) / "manifest.json").read_text(encoding="utf-8"))["mode"])
    except (OSError, ValueError, KeyError) as error:
        raise LabError(f"{run} is no folder of a run: {error}.") from error


def answers(url: str) -> bool:
    """Does it say 200?"""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def confirmed(yes: bool) -> bool:
    """May the volume go?"""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise LabError("no terminal to ask at, so nothing is deleted; say --yes.")
    return input("Delete the database's volume for good? [y/N] ").strip().lower() in ("y", "yes")


def run(command: str, options: argparse.Namespace, rest: list[str]) -> int:
    """Does one command."""
    verb, _, suffix = command.partition("-")
    names = GROUPS[suffix] if suffix else []
    containers = Containers(mode_of(rest[0]) if verb == "resume" and rest else options.mode)
    match verb:
        case "build":
            containers.build(names, *rest, "postgres", "k6")
        case "up":
            containers.build(names, "postgres")
            containers.up(names)
        case "down":
            containers.run("down", *rest)
        case "clean":
            if not confirmed(options.yes):
                print("containers: nothing is deleted.")
                return 1
            containers.run("down", "--volumes")
        case "logs":
            containers.run("logs", *rest, *containers.services(names))
        case "compose":
            containers.run(*rest)
        case "resume":
            return containers.measure(["resume", *rest])
        case _:
            return containers.bench(names, rest)
    return 0


def main(arguments: list[str]) -> int:
    """0: done; 1: the answer was no; 2: something is missing or failed; after `bench` its own code."""
    with_groups = [f"{verb}-{suffix}" for verb in ("up", "logs", "bench") for suffix in GROUPS]
    page = "\n".join(f"  {name:<9}{what}" for name, what in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="containers",
        description="The lab in containers (docs/CONTAINERS.md).",
        epilog=f"{page}\n\nWhat else stands in the line goes on to compose, or to `bench run` (./lab exec bench run --help).",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=[*COMMANDS, *with_groups], metavar="COMMAND")
    parser.add_argument("--mode", "-m", default="single", help="a mode of lab.toml [default: single]")
    parser.add_argument("--yes", action="store_true", help="clean: do not ask")
    options, rest = parser.parse_known_args(arguments)
    try:
        return run(options.command, options, rest)
    except LabError as error:
        say(str(error))
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
