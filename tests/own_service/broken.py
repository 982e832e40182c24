"""A ten-line server as a fifth target: one command adds it, and the contract refuses it with the first differing byte."""

import sys
import tempfile
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from labtest.programs import expect
from stranger import ROOT, bench, copy_of_lab

ADD = (
    "new-target", "tiny",
    "--dir", "tests/own_service",
    "--command", f"{sys.executable} ten_lines.py",
    "--version-command", f"{sys.executable} --version",
)  # fmt: skip


def check_table(before: str, after: str) -> None:
    """The table is there, and every line that was there still is, in its place."""
    targets = tomllib.loads(after)["targets"]
    expect(list(targets) == [*tomllib.loads(before)["targets"], "tiny"], f"targets are {list(targets)}")
    start = after.index("\n[targets.tiny]")
    length = len(after) - len(before)
    expect(after[:start] + after[start + length :] == before, "lab.toml was changed elsewhere too")


def main() -> None:
    with copy_of_lab("tiny") as lab, tempfile.TemporaryDirectory(prefix="bench-own-service-") as results:
        before = lab.read_text()
        bench(lab, *ADD, "--dry-run")
        expect(lab.read_text() == before, "--dry-run changed the file")
        said = bench(lab, *ADD)
        expect(f"bench --lab {lab.name} contract tiny" in said, "the next commands are not told")
        check_table(before, lab.read_text())
        expect("already" in bench(lab, *ADD, codes=(2,)), "a name that is taken is not refused with its reason")
        expect("`Tiny` is no target name" in bench(lab, "new-target", "Tiny", codes=(2,)), "an ill-formed name is not refused")

        said = bench(lab, "contract", "tiny", codes=(4,))
        # /healthz has a space too much: byte 10 is the first that differs.
        expect("first difference at byte 10" in said, "the first differing byte is not shown")
        expect("try: curl" in said, "no command to try is shown")
        said = bench(lab, "run", "--mode", "single", "--quick", "-t", "tiny", "--out", results, codes=(4,))
        expect("nothing was measured" in said and "first difference at byte" in said, "the run does not say why it stopped")
        expect(not list(Path(results).rglob("repetition.json")), "a service that breaks the contract was measured")
    print(f"own service: refused as it must be; {ROOT.name} is as it was")


if __name__ == "__main__":
    main()
