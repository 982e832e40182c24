"""SPDX expressions, and licences by their text."""

import tempfile
import unittest
from pathlib import Path

from supply_chain import Package, go_licence, permitted, problem

ALLOWED = frozenset({"MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "ISC"})


class Expressions(unittest.TestCase):
    def test_what_is_permitted(self) -> None:
        for expression in (
            "MIT",
            "MIT OR GPL-3.0-only",
            "GPL-3.0-only OR MIT",
            "MIT/Unlicense",
            "Apache-2.0 / MIT",
            "MIT AND ISC",
            "(GPL-2.0-only OR MIT) AND Apache-2.0 WITH LLVM-exception",
        ):
            self.assertTrue(permitted(expression, ALLOWED), expression)

    def test_what_is_not(self) -> None:
        for expression in (
            "AGPL-3.0-only",
            "MIT AND AGPL-3.0-only",
            "AGPL-3.0-only AND MIT",
            "(MIT OR ISC) AND GPL-2.0-only",
            "Apache-2.0 WITH Classpath-exception-2.0",
        ):
            self.assertFalse(permitted(expression, ALLOWED), expression)

    def test_what_is_no_expression(self) -> None:
        for expression in ("", "MIT OR", "(MIT", "MIT ISC", "AND MIT)"):
            self.assertIsNotNone(problem(Package("crate", "x 1", expression), ALLOWED), expression)

    def test_a_package_without_a_licence_is_a_problem(self) -> None:
        self.assertIn("no licence", problem(Package("crate", "x 1", None), ALLOWED) or "")


class GoLicences(unittest.TestCase):
    def test_by_text(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self.assertIsNone(go_licence(folder))
            (folder / "LICENSE").write_text("Permission is hereby granted, free of charge, to any\nperson obtaining a copy of")
            self.assertEqual(go_licence(folder), "MIT")
            (folder / "LICENSE").write_text("GNU AFFERO GENERAL PUBLIC LICENSE")
            self.assertIsNone(go_licence(folder))


if __name__ == "__main__":
    unittest.main()
