"""What calls give that is kept: streams, locks, leaders and the like."""

from __future__ import annotations

import typing
from typing import AsyncIterator, Dict, Optional, TypeVar

from .. import _handles
from .._errors import Closed, Timeout
from .._types import File, Value
from ._reactor import answer
from ._scope import Closing, Scoped

if typing.TYPE_CHECKING:
    from types import TracebackType

    from .. import _native

T = TypeVar("T")


class Stream(Closing, AsyncIterator[T]):
    """What a client's `watch`, `follow`, `config`, `observe` or `list` gives, one after another. See `doozer.Stream`."""

    def __init__(self, native: _native.LaterStream[T]) -> None:
        self._native = native

    async def next(self, *, timeout: Optional[float] = None) -> T:
        """The next item. Cancelled or timed out, it loses nothing. Raises StopAsyncIteration at the end."""
        while True:
            try:
                item = self._native._take()
            except StopIteration:
                raise StopAsyncIteration from None
            if item is not None:
                return item
            await answer(self._native._ready(timeout=timeout))

    async def close(self) -> None:
        """Ends it: nothing more is given, and whoever waits for the next item is at the end."""
        self._native.close()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._native.is_closed

    async def __anext__(self) -> T:
        return await self.next()

    async def __aexit__(self, *_raised: object) -> None:
        self._native.close()


class Lost(_handles.Lost):
    """The signal that something is not held any more, like an `asyncio.Event`. See `doozer.Lost`."""

    async def wait(self, timeout: Optional[float] = None) -> bool:
        """Waits until it is lost: True then, False once `timeout` is over. See `doozer.Lost.wait`."""
        try:
            return await answer(self._native.wait(timeout))
        except Timeout:
            return False


class Lock(_handles.Lock, Scoped):
    """A lock that is held. See `doozer.Lock`."""

    @property
    def lost(self) -> Lost:
        """The signal that it is not held any more."""
        return Lost(self._native.lost)

    async def unlock(self, *, timeout: Optional[float] = None) -> None:
        """Gives it back. See `doozer.Lock.unlock`."""
        return await answer(self._native.unlock(timeout=timeout))

    async def _give_back(self) -> None:
        await self.unlock()


class Leader(_handles.Leader, Scoped):
    """Who was elected. See `doozer.Leader`."""

    @property
    def lost(self) -> Lost:
        """The signal that it does not lead any more."""
        return Lost(self._native.lost)

    async def proclaim(self, value: Value, *, timeout: Optional[float] = None) -> int:
        """Says something else from now on. See `doozer.Leader.proclaim`."""
        return await answer(self._native.proclaim(value, timeout=timeout))

    async def resign(self, *, timeout: Optional[float] = None) -> None:
        """Leads no longer. See `doozer.Leader.resign`."""
        return await answer(self._native.resign(timeout=timeout))

    async def _give_back(self) -> None:
        await self.resign()


class Registration(_handles.Registration, Scoped):
    """A file that is there for as long as this is. See `doozer.Registration`."""

    async def deregister(self, *, timeout: Optional[float] = None) -> None:
        """Takes it back. See `doozer.Registration.deregister`."""
        return await answer(self._native.deregister(timeout=timeout))

    async def _give_back(self) -> None:
        await self.deregister()


class Entered(_handles.Entered, Scoped):
    """Who went through a barrier. See `doozer.Entered`."""

    @property
    def lost(self) -> Lost:
        """The signal that it counts as having left, though it did not leave."""
        return Lost(self._native.lost)

    async def leave(self, *, timeout: Optional[float] = None) -> None:
        """Leaves, and waits until all have left. See `doozer.Entered.leave`."""
        return await answer(self._native.leave(timeout=timeout))

    async def _give_back(self) -> None:
        await self.leave()

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if error is None:
            await super().__aexit__(kind, error, traceback)
        elif not self._is_over:
            # What the block raised is not to wait for the others.
            self._native._depart()


class Live(_handles.Live, Closing, AsyncIterator[Dict[str, File]]):
    """The files that match a glob, kept current in the background. See `doozer.Live`."""

    async def changed(self, *, timeout: Optional[float] = None) -> Dict[str, File]:
        """Waits until something has changed, and gives the files. Cancelled or timed out, it loses nothing. See
        `doozer.Live.changed`."""
        while True:
            files = self._native._take()
            if files is not None:
                return files
            await answer(self._native._ready(timeout=timeout))

    async def close(self) -> None:
        """Ends it: whoever waits for a change wakes up, and the files stay as they are."""
        self._native.close()

    async def __anext__(self) -> Dict[str, File]:
        try:
            return await self.changed()
        except Closed:
            # Else it is the client that was closed.
            if self.is_closed:
                raise StopAsyncIteration from None
            raise

    async def __aexit__(self, *_raised: object) -> None:
        self._native.close()


class Txn(_handles.Txn):
    """A transaction, made by a client's `txn`. See `doozer.Txn`."""

    async def commit(self, *, timeout: Optional[float] = None) -> typing.List[Optional[int]]:
        """Makes all changes, or none. See `doozer.Txn.commit`."""
        return await answer(self._native.commit(timeout=timeout))
