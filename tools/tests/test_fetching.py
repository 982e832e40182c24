"""Pinned tools are whole or not there, fetched once, and never by two at a time."""

import os
import signal
import time
import unittest
from collections.abc import Callable
from subprocess import TimeoutExpired

from .support import LabCase, end


def wait_for(what: Callable[[], bool], seconds: float = 20) -> None:
    """Waits until it holds, or fails."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


class Fetching(LabCase):
    def half_begun(self) -> bool:
        return any((self.cache / "tools").glob(".partial-*/half"))

    def test_second_start_asks_no_registry(self) -> None:
        first = self.lab("clean")
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn("fetching PostgreSQL", first.stderr)
        second = self.lab("clean", FAKE_PIP="fail")
        self.assertEqual((second.returncode, second.stderr), (0, ""))
        self.assertEqual(self.installs(), 1)

    def test_changed_pins_are_fetched_anew(self) -> None:
        self.lab("clean")
        pins = self.tree / "tools" / "requirements-core.txt"
        pins.write_text(pins.read_text() + "# another line\n")
        self.lab("clean")
        self.assertEqual(self.installs(), 2)
        self.assertEqual(len(self.tools()), 2)

    def test_failed_download_leaves_nothing_and_says_so(self) -> None:
        failed = self.lab("clean", FAKE_PIP="fail")
        self.assertEqual(failed.returncode, 2)
        self.assertIn("ERROR: no network", failed.stderr)
        self.assertIn("run the same command again", failed.stderr)
        self.assertEqual(self.tools(), [])
        self.assertEqual(self.lab("clean").returncode, 0)

    def test_interrupted_download_leaves_nothing(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number.name):
                lab = self.start("clean", FAKE_PIP="hang")
                wait_for(self.half_begun)
                output = end(lab, number)
                self.assertEqual(lab.returncode, 130, output)
                self.assertEqual(self.tools(), [])
                self.assertNotIn('Traceback (most recent call last):\n  File "' + str(self.tree), output)

    def test_killed_download_is_swept_by_the_next_start(self) -> None:
        lab = self.start("clean", FAKE_PIP="hang")
        wait_for(self.half_begun)
        end(lab, signal.SIGKILL)
        self.assertTrue(self.half_begun())
        again = self.lab("clean")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertFalse(self.half_begun())
        self.assertEqual(len(self.tools()), 1)

    def test_pip_of_a_killed_start_keeps_the_lock(self) -> None:
        lab = self.start("clean", FAKE_PIP="hang")
        wait_for(self.half_begun)
        os.kill(lab.pid, signal.SIGKILL)
        try:
            with self.assertRaises(TimeoutExpired):
                self.lab("clean", timeout=2)
            self.assertTrue(self.half_begun())
        finally:
            end(lab, signal.SIGKILL)

    def test_two_starts_fetch_once(self) -> None:
        both = [self.start("clean"), self.start("clean")]
        for lab in both:
            output = lab.communicate(timeout=30)[0]
            self.assertEqual(lab.returncode, 0, output)
        self.assertEqual(self.installs(), 1)


if __name__ == "__main__":
    unittest.main()
