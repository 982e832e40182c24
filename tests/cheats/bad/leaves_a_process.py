"""Ends on SIGTERM as it should, and leaves a process behind."""

import os
import time

from honest import serve

if os.fork() == 0:
    os.setsid()
    time.sleep(120)
    os._exit(0)
serve()
