"""The generated files follow from lab.toml, and a change of lab.toml is noticed."""

import contextlib
import io
import shutil
import tempfile
import unittest
from pathlib import Path

import generate
from labtools import compose
from labtools.lab_toml import Lab
from labtools.paths import ROOT
from labtools.say import LabError


class Generated(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        self.root = Path(folder)

    def lab(self, old: str = "", new: str = "") -> Lab:
        text = (ROOT / "lab.toml").read_text()
        self.assertIn(old, text)
        (self.root / "lab.toml").write_text(text.replace(old, new, 1))
        return Lab(self.root / "lab.toml")

    def generate(self, *arguments: str, root: Path) -> int:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as self.said:
            return generate.main(list(arguments), root)

    def test_what_is_committed_is_current(self) -> None:
        self.assertEqual(self.generate("--check", root=ROOT), 0, self.said.getvalue())

    def test_a_budget_that_changes_is_noticed_and_written(self) -> None:
        self.lab()
        self.assertEqual(self.generate(root=self.root), 0)
        self.assertEqual(self.generate("--check", root=self.root), 0)
        self.lab("db_connections = 30", "db_connections = 20")
        self.assertEqual(self.generate("--check", root=self.root), 1)
        self.assertIn(".env.single", self.said.getvalue())
        self.assertNotIn("DB_MAX_CONNS=20", (self.root / ".env.single").read_text(), "--check must not write")
        self.assertEqual(self.generate(root=self.root), 0)
        self.assertIn("DB_MAX_CONNS=20\n", (self.root / ".env.single").read_text())

    def test_pools_of_processes_are_divided(self) -> None:
        text = compose.mode_env(self.lab(), "multi")
        self.assertIn("DB_MAX_CONNS=40\n", text)
        self.assertIn("DB_POOL_MAX_SIZE=10\n", text)

    def test_a_pool_that_does_not_divide_is_an_error(self) -> None:
        with self.assertRaisesRegex(LabError, "do not divide"):
            compose.mode_env(self.lab("db_connections = 40", "db_connections = 41"), "multi")

    def test_targets_that_disagree_get_their_own_value(self) -> None:
        # Python now names its pool as Go does, but has four of them.
        lab = self.lab('DB_POOL_MAX_SIZE = "{pool_size}"', 'DB_MAX_CONNS = "{pool_size}"')
        self.assertNotIn("DB_MAX_CONNS", compose.mode_env(lab, "multi"))
        text = compose.overlay(lab, "multi")
        self.assertEqual(text.count('DB_MAX_CONNS: "40"'), 3)
        self.assertEqual(text.count('DB_MAX_CONNS: "10"'), 1)

    def test_postgres_has_room_for_all_services_at_once(self) -> None:
        lab = self.lab()
        most = max(mode["db_connections"] for mode in lab.modes.values())
        self.assertGreaterEqual(int(str(compose.postgres_settings(lab)["max_connections"])), len(lab.targets) * most + 10)

    def test_a_target_without_an_image_is_named(self) -> None:
        lab = self.lab("[targets.python]", '[targets.node]\ntitle="n"\nport=1\ncommand=["n"]\nworkers="threads"\nenv={}\n[targets.python]')
        self.assertIn("without a Dockerfile in containers/: node", compose.base(lab))

    def test_a_placeholder_without_meaning_is_an_error(self) -> None:
        with self.assertRaisesRegex(LabError, "cargo_target"):
            compose.base(self.lab('HOST = "{host}"', 'HOST = "{cargo_target}"'))


if __name__ == "__main__":
    unittest.main()
