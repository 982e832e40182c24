"""Takes its CPU quota away under load, when it has been looked at. Only root can."""

import cgroups
from honest import LOAD, rewriting, serve

done = []


def raise_once(_, status, kind, body):
    if LOAD.seen and not done:
        done.append(True)
        cgroups.unlimit()
    return status, kind, body


serve(rewriting(raise_once))
