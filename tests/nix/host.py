"""What the checks need from this machine: Nix, the lib of nixpkgs, a copy of the tree, the stand-in for nixpkgs."""

import fcntl
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STUB = Path(__file__).resolve().parent / "stub"
LIB_FLAKE = "github:nix-community/nixpkgs.lib/de42d44212d207476489bce163375d8306a26d59"
SYSTEMS = ("x86_64-linux", "aarch64-linux")
LEAST = (2, 24)
DEBIAN_WITH_NEW_NIX = "trixie"
LINTERS = {"nixfmt": "nixfmt_rs", "deadnix": "deadnix"}
# `statix` and `nil` are unrelated crates: never these.


class Unavailable(Exception):
    """The checks cannot run here; the message says why."""


def cache() -> Path:
    """Kept between runs, as the rest of the repository does it."""
    base = os.environ.get("BENCH_CACHE") or ("/var/cache/bench-frameworks" if os.geteuid() == 0 else "~/.cache/bench-frameworks")
    folder = Path(base).expanduser() / "nix"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Setup:
    """Filled by `prepared`."""

    nix: str
    tree: Path
    stub: Path
    work: Path
    environment: dict[str, str]


SETUP = Setup()


def version_of(program: str) -> tuple[int, ...]:
    """Of `nix --version`; empty when it does not run."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ()
    found = re.search(r"(\d+)\.(\d+)", said)
    return tuple(int(part) for part in found.groups()) if found else ()


def find_nix() -> str:
    """A Nix that is new enough."""
    for candidate in (os.environ.get("NIX"), shutil.which("nix")):
        if candidate and version_of(candidate) >= LEAST:
            return candidate
    wrapper = cache() / "nix-bin" / "nix"
    with (cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (wrapper.exists() and version_of(str(wrapper)) >= LEAST):
            unpack_nix(wrapper)
    return str(wrapper)


def unpack_nix(wrapper: Path) -> None:
    """Debian's package and its libraries in a folder of their own: nothing is installed, and any libc will do."""
    if os.geteuid() != 0 or not shutil.which("mmdebstrap") or os.uname().machine != "x86_64":
        raise Unavailable(
            f"no Nix of {LEAST[0]}.{LEAST[1]} or newer on PATH (NIX names one); as root on Debian x86-64 with mmdebstrap it "
            "would be unpacked from Debian's packages"
        )
    shutil.rmtree(wrapper.parent, ignore_errors=True)
    root = wrapper.parent / "root"
    root.parent.mkdir(parents=True)
    command = ["mmdebstrap", "--quiet", "--variant=extract", "--include=nix-bin", DEBIAN_WITH_NEW_NIX, str(root)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"Debian's package of Nix cannot be had: {done.stderr.strip().splitlines()[-1:]}")
    libraries = root / "usr/lib/x86_64-linux-gnu"
    wrapper.write_text(f'#!/bin/sh\nexec {libraries}/ld-linux-x86-64.so.2 --library-path {libraries} --argv0 nix {root}/usr/bin/nix "$@"\n')
    wrapper.chmod(0o755)


def find_lib() -> Path:
    """The `lib` of nixpkgs: pure, and all that our code needs of nixpkgs to be evaluated."""
    for base in (os.environ.get("NIXPKGS_LIB"), cache() / "nixpkgs.lib"):
        for folder in (Path(base), Path(base) / "lib") if base else ():
            if (folder / "modules.nix").is_file():
                return folder
    done = nix("flake", "prefetch", "--json", LIB_FLAKE, check=False, seconds=60)
    if done.returncode == 0:
        fetched = Path(json.loads(done.stdout)["storePath"])
        shutil.copytree(fetched / "lib", cache() / "nixpkgs.lib/lib")
        return cache() / "nixpkgs.lib/lib"
    raise Unavailable(f"the lib of nixpkgs cannot be fetched ({LIB_FLAKE}); name a checkout in NIXPKGS_LIB")


def copy_tree(target: Path) -> Path:
    """The files that a flake sees: those that git tracks, as they are now."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    return target


@contextmanager
def prepared() -> Iterator[None]:
    """Everything that all checks share, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="bench-nix-") as folder:
        work = Path(folder)
        SETUP.work = work
        # A store of its own: no root, no daemon, no /nix.
        config = work / "conf"
        config.mkdir()
        (config / "nix.conf").write_text(
            "experimental-features = nix-command flakes\nbuild-users-group =\nsandbox = false\nsubstituters =\n"
            "flake-registry =\nwarn-dirty = false\n"
        )
        SETUP.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(work / "home"),
            "NIX_CONF_DIR": str(config),
            "NIX_STORE_DIR": str(work / "store"),
            "NIX_STATE_DIR": str(work / "state"),
            "NIX_LOG_DIR": str(work / "log"),
            "NIX_DATA_DIR": str(work / "data"),
        }
        (work / "home").mkdir()
        SETUP.nix = find_nix()
        # It starts itself for some of its work, and must not ask the loader that started it.
        SETUP.environment["NIX_BIN_DIR"] = str(Path(SETUP.nix).parent)
        SETUP.tree = copy_tree(work / "tree")
        SETUP.stub = work / "stub"
        shutil.copytree(STUB, SETUP.stub)
        shutil.copytree(find_lib(), SETUP.stub / "lib")
        version = nix("--version").stdout.strip()
        print(f"{version}; lib of nixpkgs {(SETUP.stub / 'lib/.version').resolve().read_text().strip()}", flush=True)
        try:
            yield
        finally:
            # Nix makes its store read-only.
            subprocess.run(["chmod", "-R", "u+w", str(work)], check=False)


def nix(*arguments: str, check: bool = True, seconds: float = 600, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs Nix in its own small world."""
    done = subprocess.run(
        [SETUP.nix, *arguments],
        env=SETUP.environment | (env or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"nix {shlex.join(arguments)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done


def flake(*arguments: str, tree: Path | None = None, attribute: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """A flake command on the tree, with the stand-in for nixpkgs."""
    place = f"path:{tree or SETUP.tree}{attribute}"
    stand_in = ["--impure", "--no-write-lock-file", "--override-input", "nixpkgs", f"path:{SETUP.stub}"]
    return nix(*arguments, *stand_in, place, **options)


def evaluate(attribute: str, tree: Path | None = None) -> Any:
    """An attribute of the flake, as JSON."""
    return json.loads(flake("eval", "--json", tree=tree, attribute=f"#{attribute}").stdout)


def expression(body: str, tree: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Evaluates an expression that sees lib, nixos, pkgs, lab (nix/default.nix) and modules; JSON on success."""
    place = tree or SETUP.tree
    text = f"""
        let
          lib = import {SETUP.stub}/lib;
          nixos = import {SETUP.stub}/nixos.nix {{ inherit lib; }};
          pkgs = import {SETUP.stub}/pkgs.nix {{ inherit lib nixos; system = "x86_64-linux"; }};
          lab = import {place}/nix {{ self = {{ }}; inherit pkgs; }};
          modules = import {place}/nixos {{ inherit lib; labs.x86_64-linux = lab; }};
          system = configuration: (nixos.nixosSystem {{
            inherit pkgs;
            modules = lib.attrValues modules ++ [ configuration ];
          }}).config;
        in
        {body}
    """
    return nix("eval", "--json", "--impure", "--expr", text, check=False)


def changed_tree(name: str, changes: dict[str, tuple[str, str]]) -> Path:
    """A copy of the tree in which, for each file, the first text is replaced by the second, everywhere."""
    target = SETUP.work / name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(SETUP.tree, target, symlinks=True)
    for file, (old, new) in changes.items():
        text = (target / file).read_text()
        assert old in text, f"{file} has no {old!r}"
        (target / file).write_text(text.replace(old, new))
    return target


def linter(name: str) -> str | None:
    """A formatter or linter for Nix: from PATH, from the cache, or built once by cargo."""
    if found := shutil.which(name):
        return found
    folder = cache() / "tools"
    program = folder / "bin" / name
    if not program.exists() and shutil.which("cargo"):
        command = ["cargo", "install", "--quiet", "--locked", "--root", str(folder), LINTERS[name]]
        subprocess.run(command, env=os.environ | {"CARGO_TARGET_DIR": str(cache() / "target")}, check=False, capture_output=True)
    return str(program) if program.exists() else None


def nix_files(tree: Path) -> list[str]:
    """All of ours."""
    return sorted(str(path) for pattern in ("*.nix", "nix/**/*.nix", "nixos/**/*.nix", "tests/nix/**/*.nix") for path in tree.glob(pattern))
