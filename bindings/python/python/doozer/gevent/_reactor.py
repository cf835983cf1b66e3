"""The calls that hubs' greenlets wait for."""

from __future__ import annotations

import itertools
import typing
from typing import Any, Dict, Optional, TypeVar

from gevent import get_hub
from gevent.event import AsyncResult

from .. import _native

T = TypeVar("T")

READABLE = 1
"""The event of a gevent loop's `io` watcher."""


class Reactor:
    """The calls that one hub's greenlets wait for. The hub keeps it."""

    def __init__(self, hub: Any) -> None:
        self._calls = _native.Calls()
        self._numbers = itertools.count()
        self._results: Dict[int, Any] = {}
        # It runs only while somebody waits: a hub ends when nothing runs any more.
        self._watcher = hub.loop.io(self._calls.fd, READABLE)

    @property
    def is_usable(self) -> bool:
        """Whether this is still the process it was made in."""
        return self._calls.fd >= 0

    def wait(self, call: _native.Call[T]) -> T:
        number = next(self._numbers)
        result = AsyncResult()
        self._results[number] = result
        if len(self._results) == 1:
            self._watcher.start(self._settle)
        try:
            call.submit(self._calls, number)
            return typing.cast(T, result.get())
        finally:
            # Still there: the greenlet was killed, or its time is over.
            if self._forget(number) is not None:
                call.cancel()
            # A lock that came at the last moment must not live on with an exception's frames.
            del result

    def _settle(self) -> None:
        for number, value, error in self._calls.take():
            result = self._forget(number)
            if result is None:
                continue
            if error is None:
                result.set(value)
            else:
                result.set_exception(error)

    def _forget(self, number: int) -> Any:
        result = self._results.pop(number, None)
        if not self._results:
            self._watcher.stop()
        return result


def answer(call: _native.Call[T]) -> T:
    """What a call gives."""
    hub = get_hub()
    reactor: Optional[Reactor] = getattr(hub, "_doozer", None)
    if reactor is None or not reactor.is_usable:
        reactor = hub._doozer = Reactor(hub)
    return reactor.wait(call)
