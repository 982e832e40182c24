"""Arguments arrive as they were typed; mistakes are answered with the nearest right word."""

import json
import re
import shutil
import subprocess
import unittest

from labtools import recipes
from labtools.needs import BENCH, RECIPES, SERVICES, of_program

from .support import TREE, LabCase

AWKWARD = ["two words", 'a "quote"', "it's", "$HOME", "a;b", "*", "", "--flag=x y", "back\\slash", "`tick`"]


class CommandLine(LabCase):
    def test_recipe_gets_arguments_unchanged(self) -> None:
        done = self.lab("clean", *AWKWARD)
        self.assertTrue(done.stdout.endswith("[clean]" + "".join(f"[{word}]" for word in AWKWARD) + "\n"), done.stdout)

    def test_program_gets_arguments_unchanged(self) -> None:
        self.program("show", 'for word in "$@"; do printf "[%s]" "$word"; done')
        done = self.lab("exec", "show", *AWKWARD)
        self.assertEqual(done.stdout, "".join(f"[{word}]" for word in AWKWARD), done.stderr)

    def test_just_hands_arguments_on_unchanged(self) -> None:
        just = shutil.which("just")
        self.assertIsNotNone(just, "the stage sets up just")
        self.program("bench", 'for word in "$@"; do printf "[%s]" "$word"; done')
        done = subprocess.run(
            [str(just), "--justfile", str(self.tree / "justfile"), "bench-single", *AWKWARD],
            env=self.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual(done.stdout, "[run][--mode][single]" + "".join(f"[{word}]" for word in AWKWARD), done.stderr)

    def test_exit_code_is_the_programs_own(self) -> None:
        self.program("three", "exit 3")
        self.assertEqual(self.lab("exec", "three").returncode, 3)

    def test_exec_stays_in_the_callers_folder(self) -> None:
        self.program("where", "pwd")
        self.assertEqual(self.lab("exec", "where", cwd=self.folder).stdout.strip(), str(self.folder))

    def test_lab_works_through_a_link(self) -> None:
        (self.folder / "link").symlink_to(self.tree / "lab")
        done = subprocess.run([str(self.folder / "link"), "help"], env=self.environment(), capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_unknown_recipe(self) -> None:
        done = self.lab("bench-singel")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean `bench-single`?", done.stderr)
        self.assertEqual(self.installs(), 0)

    def test_exec_without_program(self) -> None:
        self.assertEqual(self.lab("exec").returncode, 2)

    def test_exec_of_a_program_that_is_nowhere(self) -> None:
        done = self.lab("exec", "no-such-program")
        self.assertEqual(done.returncode, 2)
        self.assertIn("`no-such-program`", done.stderr)

    def test_help_needs_nothing_and_makes_nothing(self) -> None:
        done = self.lab("help")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("bench-single  Compare all services", done.stdout)
        self.assertFalse(self.cache.exists())

    def test_inventory(self) -> None:
        self.lab("clean")
        path = self.tree / ".lab" / "inventory.json"
        inventory = json.loads(path.read_text())
        self.assertEqual(inventory["schema_version"], 1)
        self.assertEqual(inventory["kind"], "lab")
        self.assertEqual(inventory["root"], str(self.tree))
        self.assertEqual(inventory["cargo_target"], str(self.cache / "target"))
        self.assertEqual(sorted(inventory["programs"]), ["initdb", "k6", "pg_ctl", "postgres", "psql"])
        self.assertEqual(inventory["programs"]["postgres"]["version"], "18.6")
        self.assertEqual(inventory["programs"]["k6"]["version"], "1.1.0")
        before = path.stat()
        self.lab("clean")
        self.assertEqual(path.stat().st_ino, before.st_ino, "written although nothing changed")


class Tables(unittest.TestCase):
    """The justfile, the table of needs and the Makefile name the same recipes."""

    def test_every_recipe_has_its_needs(self) -> None:
        self.assertEqual(sorted(recipe.name for recipe in recipes.read()), sorted(RECIPES))

    def test_only_what_a_program_needs(self) -> None:
        self.assertEqual(of_program(["bench", "run", "--quick"]), SERVICES)
        self.assertEqual(of_program(["bench", "--lab", "my.toml", "up"]), SERVICES)
        self.assertEqual(of_program(["bench", "list"]), BENCH)
        self.assertEqual(of_program(["bench", "run", "--help"]), BENCH)
        self.assertNotIn("go", of_program(["analyze", "results/"]))
        self.assertEqual(of_program(["psql"]), {"core"})

    def test_every_recipe_has_a_group_and_a_comment(self) -> None:
        for recipe in recipes.read():
            self.assertTrue(recipe.group and recipe.comment, recipe)

    def test_makefile_forwards_every_recipe(self) -> None:
        text = (TREE / "Makefile").read_text().replace("\\\n", " ")
        found = re.search(r"^RECIPES := (.*)$", text, re.MULTILINE)
        assert found
        self.assertEqual(sorted(found[1].split()), sorted(RECIPES))

    def test_just_sees_the_same_recipes(self) -> None:
        just = shutil.which("just")
        self.assertIsNotNone(just, "the stage sets up just")
        done = subprocess.run([str(just), "--summary"], cwd=TREE, capture_output=True, text=True, check=True)
        self.assertEqual(sorted(done.stdout.split()), sorted(RECIPES))

    def test_pins_follow_the_lists(self) -> None:
        for wishes in (TREE / "tools").glob("requirements-*.in"):
            pins = wishes.with_suffix(".txt").read_text()
            for line in wishes.read_text().splitlines():
                if line and not line.startswith("#"):
                    self.assertRegex(pins, rf"(?m)^{re.escape(line)} \\$", "run: ./lab exec tools/lock-requirements")
            self.assertNotIn("://", pins, "pins name no host")


if __name__ == "__main__":
    unittest.main()
