"""What the machine must bring along: a C compiler, Rust, and pip. Each absence is one line with its remedy."""

import importlib.util
import shutil
import sys
from pathlib import Path

from .files import locked, whole_folder
from .paths import cache_dir
from .say import LabError, run

# Package manager -> what to type. The first one on PATH is shown.
INSTALL = {
    "cc": {
        "apt-get": "apt-get install build-essential",
        "dnf": "dnf install gcc",
        "zypper": "zypper install gcc",
        "pacman": "pacman -S base-devel",
        "apk": "apk add build-base",
    },
    "pip": {
        "apt-get": "apt-get install python3-pip",
        "dnf": "dnf install python3-pip",
        "zypper": "zypper install python3-pip",
        "pacman": "pacman -S python-pip",
        "apk": "apk add py3-pip",
    },
}


def install_hint(what: str) -> str:
    """The install command of this distribution, or Debian's as an example."""
    commands = INSTALL[what]
    for manager, command in commands.items():
        if shutil.which(manager):
            return command
    return f"for example {commands['apt-get']}"


def require_linux() -> None:
    """The limits that make a comparison fair are Linux's."""
    if not sys.platform.startswith("linux"):
        raise LabError("the lab needs Linux (cgroups, /proc): run it there, in a virtual machine or in a container.")


def require_rust(path: str) -> None:
    """Cargo and the linker that it calls."""
    if not shutil.which("cc", path=path):
        raise LabError(f"a C compiler is missing (no `cc` on PATH): {install_hint('cc')}.")
    if not shutil.which("cargo", path=path):
        raise LabError(
            "Rust is missing (no `cargo` on PATH): install it with rustup (https://rustup.rs); rust-toolchain.toml names the version."
        )


def pip_command(env: dict[str, str]) -> list[str]:
    """How to call pip: this Python's own, or one of a virtual environment made for it."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if not importlib.util.find_spec("ensurepip"):
        raise LabError(f"this Python ({sys.executable}) has no pip: {install_hint('pip')}.")
    final = cache_dir() / "tools" / f"pip-{sys.version_info.major}.{sys.version_info.minor}"
    with locked(cache_dir() / "tools" / "pip.lock", "pip"):
        if not final.is_dir():
            with whole_folder(final) as partial:
                run([sys.executable, "-m", "venv", str(partial)], "cannot make a virtual environment for pip", env=env)
    return [str(Path(final, "bin", "python3")), "-m", "pip"]
