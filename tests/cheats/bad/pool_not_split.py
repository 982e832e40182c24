"""Gives each worker the whole budget instead of its part."""

import os

from honest import serve

for name in ("DB_POOL_MAX_SIZE", "DB_POOL_MIN_SIZE"):
    os.environ[name] = str(int(os.environ[name]) * int(os.environ["UVICORN_WORKERS"]))
serve()
