"""Two versions of a target become two targets of one file, and nothing else of the file changes."""

import tomllib
import unittest
from typing import Any

import ab
from labtools.paths import ROOT
from labtools.say import LabError


class TwoSided(unittest.TestCase):
    def setUp(self) -> None:
        self.text = (ROOT / "lab.toml").read_text()
        self.old = tomllib.loads(self.text)

    def made(self, target: str) -> dict[str, Any]:
        return tomllib.loads(ab.two_sided(self.text, target, ("base-tree", "new-tree")))

    def test_every_target(self) -> None:
        for name, target in self.old["targets"].items():
            with self.subTest(name):
                new = self.made(name)
                self.assertEqual(list(new["targets"]), ["base", "new"])
                self.assertNotEqual(new["targets"]["base"]["port"], new["targets"]["new"]["port"])
                for side in ("base", "new"):
                    got = new["targets"][side]
                    self.assertEqual(got["env"], target["env"])
                    self.assertEqual(got["workers"], target["workers"])
                    self.assertIn(f"{side}-tree", got["dir"])
                    self.assertNotIn("{cargo_target}", str(got), "both sides would share one program")

    def test_the_rest_stays(self) -> None:
        new = self.made("go")
        self.assertEqual(new["plan"].pop("baseline"), "base")
        del new["targets"], self.old["targets"], self.old["plan"]["baseline"]
        self.assertEqual(new, self.old)

    def test_rust_builds_apart(self) -> None:
        base = self.made("rust-sqlx")["targets"]["base"]
        self.assertEqual(base["build"][-2:], ["--target-dir", "target"])
        self.assertEqual(base["command"][0], "target/service/rust-api")

    def test_unknown_target(self) -> None:
        with self.assertRaisesRegex(LabError, "there are: go"):
            self.made("perl")


if __name__ == "__main__":
    unittest.main()
