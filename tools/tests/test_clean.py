"""`clean` deletes results and nothing else, and only when told so."""

import contextlib
import io
import shutil
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import clean


class Clean(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        self.root = Path(folder)
        self.result = self.root / "results" / "run" / "manifest.json"
        self.result.parent.mkdir(parents=True)
        self.result.write_text("{}")
        self.other = self.root / "lab.toml"
        self.other.touch()

    def clean(self, *arguments: str) -> int:
        with contextlib.redirect_stdout(io.StringIO()) as self.out, contextlib.redirect_stderr(self.out):
            return clean.main(list(arguments), self.root)

    def test_nobody_to_ask(self) -> None:
        with open("/dev/null") as stdin, contextlib.ExitStack() as stack:  # noqa: PTH123
            stack.enter_context(unittest.mock.patch("sys.stdin", stdin))
            self.assertEqual(self.clean(), 2)
        self.assertTrue(self.result.exists())
        self.assertIn("--yes", self.out.getvalue())

    def test_yes(self) -> None:
        self.assertEqual(self.clean("--yes"), 0)
        self.assertFalse((self.root / "results").exists())
        self.assertTrue(self.other.exists())

    def test_answers(self) -> None:
        for answer, code in (("", 1), ("n", 1), ("yes please", 1), ("y", 0)):
            with (
                self.subTest(answer=answer),
                unittest.mock.patch("builtins.input", return_value=answer),
                unittest.mock.patch("sys.stdin.isatty", return_value=True, create=True),
            ):
                self.assertEqual(self.clean(), code)
                self.assertEqual(self.result.exists(), code == 1)

    def test_linked_results_stay(self) -> None:
        elsewhere = self.root / "elsewhere"
        (self.root / "results").rename(elsewhere)
        (self.root / "results").symlink_to(elsewhere)
        self.assertEqual(self.clean("--yes"), 0)
        self.assertTrue((elsewhere / "run" / "manifest.json").exists())


if __name__ == "__main__":
    unittest.main()
