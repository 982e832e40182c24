"""What is missing is said in one line, with the remedy, before anything is fetched."""

import unittest

from .support import LabCase


class Missing(LabCase):
    def one_line(self, recipe: str, **env: str) -> str:
        done = self.lab(recipe, cwd=None, timeout=60, **env)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertEqual(self.installs(), 0)
        return done.stderr

    def test_no_compiler(self) -> None:
        self.link("cargo")
        self.assertIn(
            "a C compiler is missing (no `cc` on PATH): for example apt-get install build-essential", self.one_line("bench-single")
        )

    def test_no_compiler_on_another_distribution(self) -> None:
        self.program("dnf", "exit 0")
        # The hint looks at the real PATH of the program, which is the test's.
        self.assertIn("dnf install gcc", self.one_line("bench-single"))

    def test_no_rust(self) -> None:
        self.link("cc")
        self.assertIn("Rust is missing (no `cargo` on PATH)", self.one_line("analyze"))

    def test_no_python(self) -> None:
        self.assertIn("Python 3.11 or newer is missing", self.one_line("help", BENCH_PYTHON="/nowhere/python3"))

    def test_old_python(self) -> None:
        self.program("python3", "exit 0")  # prints nothing: the version check said no
        self.assertIn("Python 3.11 or newer is missing", self.one_line("help", BENCH_PYTHON="python3"))

    def test_cache_that_postgres_could_not_reach(self) -> None:
        closed = self.folder / "closed"
        closed.mkdir(mode=0o700)
        done = self.lab("clean", BENCH_CACHE=str(closed / "cache"))
        if done.returncode == 0:
            self.skipTest("only root's PostgreSQL runs as another user")
        self.assertIn(f"chmod o+x {closed}", done.stderr)

    def test_cache_that_cannot_be_made(self) -> None:
        file = self.folder / "file"
        file.touch()
        self.assertIn("cannot make the cache folder", self.one_line("clean", BENCH_CACHE=str(file / "cache")))


if __name__ == "__main__":
    unittest.main()
