"""Forks twice the workers, with half the pool each: more of its requests run at the same time."""

import os

from honest import serve

os.environ["UVICORN_WORKERS"] = str(int(os.environ["UVICORN_WORKERS"]) * 2)
for name in ("DB_POOL_MAX_SIZE", "DB_POOL_MIN_SIZE"):
    os.environ[name] = str(int(os.environ[name]) // 2)
serve()
