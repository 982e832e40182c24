"""Formats everything that has a formatter here, in place."""

import shutil
import subprocess
import sys

from labtools.paths import ROOT
from test_stages import GO_MODULES, PYTHON_FOLDERS, nix_files


def main() -> int:
    """0 when every formatter ended well."""
    commands = [
        ["cargo", "fmt", "--all"],
        ["gofmt", "-w", *GO_MODULES],
        ["ruff", "format", *PYTHON_FOLDERS],
        ["just", "--fmt", "--unstable"],
    ]
    if shutil.which("nixfmt"):
        commands.append(["nixfmt", *nix_files()])
    else:
        print("fmt: nixfmt is not on PATH, so the Nix files stay as they are.", file=sys.stderr)
    failed = [command[0] for command in commands if subprocess.run(command, cwd=ROOT, check=False).returncode != 0]
    if failed:
        print(f"fmt: {', '.join(failed)} failed, see above.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
