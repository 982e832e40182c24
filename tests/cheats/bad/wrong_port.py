"""Listens on another port."""

import os

from honest import serve

os.environ["PORT"] = str(int(os.environ["PORT"]) % 60000 + 1100)
serve()
