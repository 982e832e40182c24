"""Does not end on SIGTERM."""

import signal

from honest import serve
from py_api import supervisor

supervisor._STOP = {signal.SIGINT}
supervisor._WATCHED = {signal.SIGINT, signal.SIGCHLD}
signal.signal(signal.SIGTERM, signal.SIG_IGN)
serve()
