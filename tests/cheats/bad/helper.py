"""Has a helper that works beside it: forked twice, in a session of its own, so that it is no child any more."""

import os
import time
from pathlib import Path

from honest import serve

main = os.getpid()
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    # Works less than the service, so that the service still answers; until the service is gone.
    while Path(f"/proc/{main}").exists():
        busy = time.monotonic() + 0.02
        while time.monotonic() < busy:
            pass
        time.sleep(0.04)
    os._exit(0)
os.wait()
serve()
