"""The calls that event loops wait for."""

from __future__ import annotations

import asyncio
import itertools
import weakref
from typing import Any, Dict, TypeVar

from .. import _native

T = TypeVar("T")


class Reactor:
    """The calls that one event loop waits for. The loop keeps it, until it is closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._calls = _native.Calls()
        self._numbers = itertools.count()
        self._futures: Dict[int, asyncio.Future[Any]] = {}
        loop.add_reader(self._calls.fd, self._settle)

    @property
    def is_usable(self) -> bool:
        """Whether this is still the process it was made in."""
        return self._calls.fd >= 0

    async def wait(self, call: _native.Call[T], future: asyncio.Future[T]) -> T:
        number = next(self._numbers)
        self._futures[number] = future
        try:
            call.submit(self._calls, number)
            return await future
        finally:
            # Still there: the task was cancelled, or is thrown away.
            if self._futures.pop(number, None) is not None:
                call.cancel()
            # A lock that came at the last moment must not live on with an exception's frames.
            del future

    def _settle(self) -> None:
        for number, value, error in self._calls.take():
            future = self._futures.pop(number, None)
            if future is None or future.done():
                continue
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)


# Weak on both sides: a loop that is thrown away takes its reactor with it.
_reactors: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[Reactor]] = weakref.WeakKeyDictionary()


def _reactor(loop: asyncio.AbstractEventLoop) -> Reactor:
    known = _reactors.get(loop)
    reactor = known() if known is not None else None
    if reactor is None or not reactor.is_usable:
        reactor = Reactor(loop)
        _reactors[loop] = weakref.ref(reactor)
    return reactor


async def answer(call: _native.Call[T]) -> T:
    """What a call gives."""
    loop = asyncio.get_running_loop()
    return await _reactor(loop).wait(call, loop.create_future())
