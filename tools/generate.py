"""Writes what is generated from lab.toml: the compose files and what Kubernetes reads. `--check` only compares."""

import argparse
import sys
from pathlib import Path

from labtools import compose, kubernetes
from labtools.files import write_whole
from labtools.lab_toml import Lab
from labtools.paths import ROOT
from labtools.say import LabError


def files(lab: Lab) -> dict[str, str]:
    """Path below the root -> text, of everything that is generated."""
    return compose.files(lab) | kubernetes.files(lab)


def main(arguments: list[str], root: Path = ROOT) -> int:
    """0: written, or nothing differs; 1: something differs (--check); 2: lab.toml cannot be read."""
    parser = argparse.ArgumentParser(prog="generate", description="Write the files that follow from lab.toml.")
    parser.add_argument("--check", action="store_true", help="write nothing; name what differs, and end with 1")
    options = parser.parse_args(arguments)
    try:
        wanted = files(Lab(root / "lab.toml"))
    except (OSError, KeyError, ValueError, LabError) as error:
        print(f"generate: lab.toml: {error!r}; `./lab doctor` says where it is wrong.", file=sys.stderr)
        return 2
    stale = [name for name, text in wanted.items() if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != text]
    for name in stale:
        if options.check:
            print(f"generate: {name} does not follow from lab.toml: run `./lab generate`.", file=sys.stderr)
        else:
            write_whole(root / name, wanted[name])
            print(f"generate: wrote {name}")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
