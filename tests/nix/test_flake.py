"""The flake as a whole: lock, syntax, format, lint, every output of both systems."""

import json
import subprocess
import unittest

import host

IMAGES = {f"image-{name}" for name in ("go-api", "py-api", "rust-api", "postgres", "k6")}
PROGRAMS = {"go-api", "py-api", "rust-api", "bench", "analyze", "k6", "postgresql", "load-assets"}


class Lock(unittest.TestCase):
    """flake.lock and flake.nix belong together, without asking anybody."""

    def metadata(self, tree: object) -> subprocess.CompletedProcess[str]:
        return host.nix("flake", "metadata", "--json", "--no-update-lock-file", "--offline", f"path:{tree}", check=False)

    def test_lock_fits_the_flake(self) -> None:
        done = self.metadata(host.SETUP.tree)
        self.assertEqual(done.returncode, 0, done.stderr)
        node = json.loads(done.stdout)["locks"]["nodes"]["nixpkgs"]
        self.assertEqual(node["locked"]["rev"], "74cc63f702f7d60a557e152a57b40fb1fd0f72ac")
        self.assertEqual(node["original"]["ref"], "nixos-26.05")

    def test_another_branch_needs_another_lock(self) -> None:
        tree = host.changed_tree("other-branch", {"flake.nix": ("nixos-26.05", "nixos-25.11")})
        self.assertNotEqual(self.metadata(tree).returncode, 0)


class Text(unittest.TestCase):
    """Files as files."""

    def test_every_file_parses(self) -> None:
        for file in host.nix_files(host.SETUP.tree):
            # Evaluates to a function or a set; the syntax of all of it is read first.
            done = host.nix("eval", "--impure", "--expr", f"builtins.typeOf (import {file})", check=False)
            self.assertEqual(done.returncode, 0, f"{file}: {done.stderr}")

    def test_format(self) -> None:
        if not (nixfmt := host.linter("nixfmt")):
            self.skipTest("nixfmt is not on PATH, and there is no cargo to build it")
        done = subprocess.run([nixfmt, "--check", *host.nix_files(host.SETUP.tree)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_no_dead_code(self) -> None:
        if not (deadnix := host.linter("deadnix")):
            self.skipTest("deadnix is not on PATH, and there is no cargo to build it")
        ours = [file for file in host.nix_files(host.SETUP.tree) if "/tests/" not in file.removeprefix(str(host.SETUP.tree / "nixos"))]
        done = subprocess.run([deadnix, "--fail", *ours], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_only_lists_not_import_from_derivation(self) -> None:
        """`--no-allow-import-from-derivation` evaluates all drivers and checks."""
        for system in host.SYSTEMS:
            names = "checks: map (name: checks.${name}.drvPath) (builtins.attrNames checks)"
            host.flake("eval", "--json", "--no-allow-import-from-derivation", "--apply", names, attribute=f"#checks.{system}")


class Outputs(unittest.TestCase):
    """What the flake offers."""

    def test_flake_check(self) -> None:
        done = host.flake("flake", "check", "--no-build", "--all-systems", check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        for system in host.SYSTEMS:
            self.assertIn(f"checks.{system}.three-machines", done.stderr)

    def test_flake_show(self) -> None:
        shown = json.loads(host.flake("flake", "show", "--json", "--all-systems").stdout)
        for system in host.SYSTEMS:
            self.assertLessEqual(IMAGES | PROGRAMS, set(shown["packages"][system]))
            apps = shown["apps"][system]
            self.assertLessEqual({"bench-single", "bench-multi", "analyze", "contract", "doctor", "images"}, set(apps))
            self.assertLessEqual({"single", "multi", "three-machines"}, set(shown["checks"][system]))
            for name, app in apps.items():
                self.assertTrue(app.get("description"), f"app {name} has no description")
        self.assertEqual(set(shown["nixosModules"]), {"bench-postgres", "bench-api", "bench-lab"})

    def test_images_are_reproducible_and_unprivileged(self) -> None:
        for name in IMAGES:
            for system in host.SYSTEMS:
                attribute = f"packages.{system}.{name}"
                image = {key: host.evaluate(f"{attribute}.{key}") for key in ("config", "tag", "created", "imageName")}
                self.assertEqual(image["created"], "1970-01-01T00:00:01Z")
                self.assertEqual(image["config"]["User"], "65534:65534")
                self.assertTrue(image["tag"])
                self.assertIn("org.opencontainers.image.revision", image["config"]["Labels"])
                environment = " ".join(image["config"].get("Env", []))
                self.assertNotIn("{", environment)
                self.assertNotIn("DATABASE_URL", environment)
                if name != "image-k6":
                    self.assertEqual(image["config"]["Healthcheck"]["Test"][0], "CMD")
