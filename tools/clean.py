"""Deletes stored results, after asking. What is built or fetched stays: it costs minutes, not knowledge."""

import argparse
import shutil
import sys
from pathlib import Path

from labtools.paths import ROOT

FOLDERS = ("results", "loadtest/results", ".lab/test")


def inside(folder: Path) -> tuple[int, int]:
    """How many files, and how many bytes."""
    sizes = [path.lstat().st_size for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    return len(sizes), sum(sizes)


def main(arguments: list[str], root: Path = ROOT) -> int:
    """0: deleted or nothing there; 1: the answer was no; 2: nobody to ask."""
    parser = argparse.ArgumentParser(prog="clean", description="Delete stored results.")
    parser.add_argument("--yes", action="store_true", help="do not ask (for scripts)")
    options = parser.parse_args(arguments)
    # A link leads to results kept elsewhere: not ours to delete.
    folders = [root / name for name in FOLDERS if (root / name).is_dir() and not (root / name).is_symlink()]
    if not folders:
        print("clean: there is nothing to delete.")
        return 0
    for folder in folders:
        files, size = inside(folder)
        print(f"  {folder.relative_to(root)}/: {files} files, {size / 1e6:.1f} MB")
    if not options.yes:
        if not sys.stdin.isatty():
            print("clean: no terminal to ask at, so nothing is deleted; say --yes.", file=sys.stderr)
            return 2
        try:
            answer = input("Delete them for good? [y/N] ")
        except (EOFError, KeyboardInterrupt):
            answer = ""
        if answer.strip().lower() not in ("y", "yes"):
            print("clean: nothing is deleted.")
            return 1
    for folder in folders:
        shutil.rmtree(folder)
    print("clean: deleted.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
