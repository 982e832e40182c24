"""Opens two connections more than its budget, in each worker."""

import os

from honest import serve

for name in ("DB_POOL_MAX_SIZE", "DB_POOL_MIN_SIZE"):
    os.environ[name] = str(int(os.environ[name]) + 2)
serve()
