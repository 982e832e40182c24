"""The system's Go is used when it is recent enough; pip's settings reach uv."""

import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from labtools import golang, package_index


class Versions(unittest.TestCase):
    def test_order(self) -> None:
        number = golang.number
        self.assertLess(number("go1.26rc2"), number("1.26.0"))
        self.assertLess(number("go1.9.7"), number("go1.26"))
        self.assertEqual(number("1.26"), number("go1.26.0"))
        self.assertEqual(number("devel"), (0,))


class WhichGo(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        self.folder = Path(folder)

    def which(self, says: str | None) -> Path:
        if says is not None:
            go = self.folder / "go"
            go.write_text(f"#!/bin/sh\necho {says}\n")
            go.chmod(0o755)
        with (
            mock.patch.object(golang, "wanted", return_value=(1, 26, 0)),
            mock.patch.object(golang, "fetch", return_value=Path("/pinned")) as fetch,
        ):
            found = golang.go_bin({"PATH": str(self.folder)})
            self.assertEqual(fetch.called, found == Path("/pinned/go/bin"))
        return found

    def test_recent(self) -> None:
        self.assertEqual(self.which("go1.26.8"), self.folder)

    def test_too_old(self) -> None:
        self.assertEqual(self.which("go1.24.1"), Path("/pinned/go/bin"))

    def test_none(self) -> None:
        self.assertEqual(self.which(None), Path("/pinned/go/bin"))

    def test_wanted_is_read_from_go_mod(self) -> None:
        self.assertGreaterEqual(golang.wanted(), (1, 25, 0))


class PackageIndex(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        self.home = Path(folder)
        (self.home / ".config" / "pip").mkdir(parents=True)
        self.file = self.home / ".config" / "pip" / "pip.conf"

    def settings(self, **env: str) -> dict[str, str]:
        return package_index.uv_settings({"HOME": str(self.home), "PIP_CERT": "", "XDG_CONFIG_DIRS": str(self.home), **env})

    def test_file(self) -> None:
        self.file.write_text(
            "[global]\nindex_url = https://a.example/simple\nextra-index-url =\n  https://b.example/1\n  https://b.example/2\n"
        )
        found = self.settings()
        self.assertEqual(found["UV_DEFAULT_INDEX"], "https://a.example/simple")
        self.assertEqual(found["UV_INDEX"], "https://b.example/1 https://b.example/2")

    def test_variable_beats_file(self) -> None:
        self.file.write_text("[global]\nindex-url = https://a.example/simple\n")
        self.assertEqual(self.settings(PIP_INDEX_URL="https://c.example/simple")["UV_DEFAULT_INDEX"], "https://c.example/simple")

    def test_what_uv_was_told_stays(self) -> None:
        self.assertNotIn("UV_DEFAULT_INDEX", self.settings(PIP_INDEX_URL="https://c.example", UV_DEFAULT_INDEX="https://d.example"))

    def test_no_file_wanted(self) -> None:
        self.file.write_text("[global]\nindex-url = https://a.example/simple\n")
        self.assertNotIn("UV_DEFAULT_INDEX", self.settings(PIP_CONFIG_FILE="/dev/null"))

    def test_broken_file(self) -> None:
        self.file.write_text("index-url without a section\n")
        self.assertNotIn("UV_DEFAULT_INDEX", self.settings())


if __name__ == "__main__":
    unittest.main()
