"""Hashes: the vendored Go modules, recomputed; a stale one is caught. go-api and rust-api built by the flake's own expressions."""

import json
import os
import shutil
import subprocess
import tomllib
import unittest
from collections.abc import Callable
from pathlib import Path

import host
from labtest import toolchains


def environment_of(program: str, toolchain: Callable[[], toolchains.Toolchain], variable: str) -> dict[str, str]:
    """A toolchain of this machine, for the stand-in's builders; `variable` names what it has fetched."""
    if not shutil.which(program):
        raise unittest.SkipTest(f"{program} is not on PATH")
    found = toolchain()
    return {"BENCH_STUB_HOST_PATH": f"{found.root}/bin:/usr/bin:/bin", variable: found.fetched}


def go_environment() -> dict[str, str]:
    """Go of this machine."""
    return environment_of("go", toolchains.go, "BENCH_STUB_GOMODCACHE")


def rust_environment() -> dict[str, str]:
    """Rust of this machine."""
    return environment_of("cargo", toolchains.rust, "BENCH_STUB_CARGO_REGISTRY")


def check_hash(tree: Path) -> subprocess.CompletedProcess[str]:
    """tools/nix/vendor-hash --check in a tree."""
    env = os.environ | host.SETUP.environment | {"NIX": host.SETUP.nix, "HOME": os.environ.get("HOME", "/")}
    command = [str(tree / "tools/nix/vendor-hash"), "--check"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


class Vendor(unittest.TestCase):
    """nix/vendor-hash.json."""

    def setUp(self) -> None:
        go_environment()

    def test_recomputed(self) -> None:
        done = check_hash(host.SETUP.tree)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_changed_sum_without_a_new_hash_is_refused(self) -> None:
        line = (host.ROOT / "go-api/go.sum").read_text().splitlines()[-1]
        for name, file, change in (
            ("sum", "go-api/go.sum", (line, "")),
            ("mod", "go-api/go.mod", ("go 1.25.0", "go 1.25.1")),
        ):
            with self.subTest(name):
                tree = host.changed_tree(f"changed-{name}", {file: change})
                done = host.flake("eval", tree=tree, attribute="#packages.x86_64-linux.go-api.drvPath", check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("run tools/nix/vendor-hash", done.stderr)

    def test_a_wrong_hash_is_noticed(self) -> None:
        """The sums are right, the hash is not: the script says so, and so does Nix when it builds."""
        right = json.loads((host.ROOT / "nix/vendor-hash.json").read_text())["vendorHash"]
        wrong = "sha256-" + "A" * 43 + "="
        tree = host.changed_tree("wrong-hash", {"nix/vendor-hash.json": (right, wrong)})
        done = check_hash(tree)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(right, done.stderr)
        built = host.flake("build", "--no-link", tree=tree, attribute="#go-api", env=go_environment(), check=False)
        self.assertNotEqual(built.returncode, 0)
        self.assertIn("hash mismatch", built.stderr)
        self.assertIn(right, built.stderr)


class Build(unittest.TestCase):
    """With the tools of this machine and no sandbox: source filter, lock files, sub-package, mainProgram. Not more."""

    def test_go_api_builds_and_starts(self) -> None:
        out = host.flake("build", "--no-link", "--print-out-paths", attribute="#go-api", env=go_environment()).stdout.strip()
        said = subprocess.run([f"{out}/bin/go-api", "--version"], capture_output=True, text=True, check=True).stdout
        version = host.evaluate("packages.x86_64-linux.go-api.version")
        self.assertTrue(said.startswith(f"go-api {version} go1."), said)
        self.assertEqual(sorted(path.name for path in Path(out, "bin").iterdir()), ["go-api"])

    def test_rust_api_builds_and_starts(self) -> None:
        done = host.flake("build", "--no-link", "--print-out-paths", attribute="#rust-api", env=rust_environment(), seconds=900)
        out = done.stdout.strip()
        said = subprocess.run([f"{out}/bin/rust-api", "--version"], capture_output=True, text=True, check=True).stdout
        version = host.evaluate("packages.x86_64-linux.rust-api.version")
        self.assertTrue(said.startswith(f"rust-api {version} (rustc 1."), said)
        self.assertEqual([path.name for path in Path(out, "bin").iterdir()], ["rust-api"])

    def test_nothing_of_docs_or_tests_is_in_the_sources(self) -> None:
        """An edit of the docs rebuilds nothing."""
        listing = host.expression(
            f"lib.mapAttrs (_: s: builtins.attrNames (builtins.readDir s)) (import {host.SETUP.tree}/nix/sources.nix {{ inherit lib; }})"
        )
        self.assertEqual(listing.returncode, 0, listing.stderr)
        found = json.loads(listing.stdout)
        self.assertEqual(found["go"], ["cmd", "go.mod", "go.sum", "http", "id.go", "id_test.go", "postgres", "user.go"])
        self.assertEqual(found["python"], ["pyproject.toml", "src"])
        self.assertEqual(found["assets"], ["api-contract", "db", "lab.toml", "loadtest"])
        members = tomllib.loads((host.ROOT / "Cargo.toml").read_text())["workspace"]["members"]
        self.assertLessEqual(set(members), set(found["rust"]), "a crate is missing in nix/sources.nix")
        for name, entries in found.items():
            self.assertNotIn("docs", entries, name)
            self.assertNotIn("README.md", entries, name)
