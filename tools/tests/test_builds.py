"""Clones that share one build folder do not take each other's crates for their own."""

import tempfile
import unittest
from pathlib import Path

from labtools.builds import claim


class Claim(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.target = self.folder / "target"
        self.clones = [self.folder / "a", self.folder / "b"]
        for clone in self.clones:
            clone.mkdir()
            (clone / "Cargo.toml").write_text('[workspace]\nmembers = ["runner", "lab-model"]\n')

    def build(self) -> None:
        """What Cargo leaves, in two profiles."""
        for profile in ("release", "service"):
            for crate in ("runner-0123", "lab-model-4567", "serde-89ab", "runner-api-cdef"):
                (self.target / profile / ".fingerprint" / crate).mkdir(parents=True, exist_ok=True)

    def kept(self) -> set[str]:
        return {path.name for path in self.target.glob("*/.fingerprint/*")}

    def test_own_crates_go_when_the_clone_changes(self) -> None:
        claim(self.target, self.clones[0])
        self.build()
        whole = self.kept()
        claim(self.target, self.clones[0])
        self.assertEqual(self.kept(), whole, "the same clone goes on")
        claim(self.target, self.clones[1])
        self.assertEqual(self.kept(), {"serde-89ab", "runner-api-cdef"})
        self.build()
        claim(self.target, self.clones[0])
        self.assertEqual(self.kept(), {"serde-89ab", "runner-api-cdef"})


if __name__ == "__main__":
    unittest.main()
