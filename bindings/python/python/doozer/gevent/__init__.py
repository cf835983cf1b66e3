"""Doozer for gevent: the same names as in `doozer`, whose waits let other greenlets run.

    import doozer.gevent

    with doozer.gevent.connect("127.0.0.1:8046") as c:
        gevent.spawn(c.wait, "/a", 1)

Nothing has to be patched. A greenlet that is killed while it waits, or whose `gevent.Timeout` comes, leaves nothing
behind: its request is taken back from the member. A client may be used in any number of threads' hubs. `doozer` itself
works under gevent too, but its waits hold up all greenlets of their thread.
"""

from __future__ import annotations

from ._client import Client, connect
from ._handles import Entered, Leader, Live, Lock, Lost, Registration, Stream, Txn
from ._node import Node

__all__ = ["Client", "Entered", "Leader", "Live", "Lock", "Lost", "Node", "Registration", "Stream", "Txn", "connect"]

# Where they are found, and not where they happen to be written.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
del _name
