"""Entry of ./lab; see labtools/cli.py."""

import sys

from labtools.cli import main

sys.exit(main(sys.argv[1:]))
