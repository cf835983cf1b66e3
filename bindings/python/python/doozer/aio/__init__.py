"""Doozer for asyncio: the same names as in `doozer`, as coroutines.

    import doozer.aio

    async with doozer.aio.connect("127.0.0.1:8046") as c:
        rev = await c.set("/greeting", b"hello", -1)
        async for event in c.watch("/**", rev):
            print(event)

A task that is cancelled while it waits leaves nothing behind: its request is taken back from the member. A client may
be used in any number of loops, one after the other or at once. Works with every loop that has `add_reader`.
"""

from __future__ import annotations

from .. import _native
from ._client import Client, connect
from ._handles import Entered, Leader, Live, Lock, Lost, Registration, Stream, Txn
from ._node import Node
from ._reactor import answer as _answer

__all__ = ["Client", "Entered", "Leader", "Live", "Lock", "Lost", "Node", "Registration", "Stream", "Txn", "connect"]

# Where they are found, and not where they happen to be written.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
del _name


async def _noop_async() -> None:
    """Goes to the runtime and back: what a call costs by itself."""
    return await _answer(_native._noop_later())
