"""Tools from the package registry, pinned by hash: one folder a group, named by what is in it."""

import hashlib
import platform
import subprocess
import sys
from pathlib import Path

from .files import locked, whole_folder
from .machine import pip_command
from .paths import ROOT, cache_dir
from .say import LabError, say

# Group -> what the first start says.
GROUPS = {
    "core": "PostgreSQL, k6, just and uv (about 65 MB, some 10 seconds)",
    "go": "Go (about 70 MB, some 10 seconds)",
    "lint": "ruff, mypy and shellcheck (about 30 MB, some 10 seconds)",
    "containers": "podman-compose and the schemas of Kubernetes (about 10 MB, some 10 seconds)",
    "fuzz": "schemathesis (about 30 MB, some 10 seconds)",
}


def requirements(group: str) -> Path:
    """The committed file with versions and hashes; tools/lock-requirements writes it."""
    return ROOT / "tools" / f"requirements-{group}.txt"


def folder(group: str) -> Path:
    """Where the group stands once it is complete. Another pin, Python or machine is another folder."""
    digest = hashlib.sha256(requirements(group).read_bytes())
    digest.update(f"{platform.machine()} {sys.version_info[:2]}".encode())
    return cache_dir() / "tools" / f"{group}-{digest.hexdigest()[:16]}"


def fetch(group: str, env: dict[str, str]) -> Path:
    """The folder of the group, fetched when it is not there yet. No network when it is."""
    final = folder(group)
    if final.is_dir():
        return final
    pip = pip_command(env)
    with locked(final.parent / f"{group}.lock", GROUPS[group]) as lock:
        if final.is_dir():
            return final
        say(f"fetching {GROUPS[group]}")
        with whole_folder(final) as partial:
            _install(pip, group, partial, env, lock)
    return final


def _install(pip: list[str], group: str, target: Path, env: dict[str, str], lock: int) -> None:
    # Index, proxy and certificates are pip's own settings; only what would change *where* it installs is undone.
    command = [
        *pip, "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-warn-script-location",
        "--root-user-action=ignore", "--no-compile", "--no-deps", "--only-binary=:all:", "--require-hashes",
        "--target", str(target), "--requirement", str(requirements(group)),
    ]  # fmt: skip
    env = {**env, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    # The child holds the lock too: should we be killed, nobody sweeps the folder it is still writing.
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=sys.stderr, pass_fds=[lock], check=False)
    if done.returncode != 0:
        raise LabError(
            f"pip could not install {requirements(group).name} (its words are above). Nothing half is left: mend the cause "
            "(network, `pip config list`) and run the same command again."
        )
