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

import asyncio
import itertools
import typing
import weakref
from typing import Any, AsyncIterator, Coroutine, Dict, Generator, Generic, Optional, TypeVar

from . import _native
from ._base import both
from ._types import Entry, Event, File, Stat, Value

if typing.TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from ._types import ConnectOptions, Consistency, NodeOptions, OwnOptions

__all__ = ["Client", "Lock", "Node", "Stream", "connect"]

T = TypeVar("T")
Opened = TypeVar("Opened", bound="_Closing")


class _Reactor:
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
_reactors: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[_Reactor]] = weakref.WeakKeyDictionary()


def _reactor(loop: asyncio.AbstractEventLoop) -> _Reactor:
    known = _reactors.get(loop)
    reactor = known() if known is not None else None
    if reactor is None or not reactor.is_usable:
        reactor = _Reactor(loop)
        _reactors[loop] = weakref.ref(reactor)
    return reactor


async def _answer(call: _native.Call[T]) -> T:
    """What a call gives."""
    loop = asyncio.get_running_loop()
    return await _reactor(loop).wait(call, loop.create_future())


class _Closing:
    """What ends with an `async with` block."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        raise NotImplementedError


class _Opening(Coroutine[Any, Any, Opened], Generic[Opened]):
    """A coroutine that can also stand behind `async with`, which then ends what it gives."""

    def __init__(self, coroutine: Coroutine[Any, Any, Opened]) -> None:
        self._coroutine = coroutine
        self._opened: Optional[Opened] = None

    def send(self, value: Any) -> Any:
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        try:
            return self._coroutine.throw(*error)
        finally:
            # It would be part of its own frames.
            del error

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Opened]:
        return self._coroutine.__await__()

    async def __aenter__(self) -> Opened:
        self._opened = await self._coroutine
        return self._opened

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self._opened is not None:
            await self._opened.__aexit__(kind, error, traceback)


class Client(_Closing):
    """A client of one cluster, made by `connect`. See `doozer.Client`."""

    def __init__(self, native: _native.LaterClient) -> None:
        self._native = native

    async def get(
        self,
        path: str,
        rev: Optional[int] = None,
        *,
        timeout: Optional[float] = None,
        consistency: Optional[Consistency] = None,
    ) -> File:
        """Reads a file, now or at a revision. See `doozer.Client.get`."""
        call = self._native.get(path, rev, timeout=timeout, consistency=consistency)
        # An embedded member has given it at once.
        return call if isinstance(call, File) else await _answer(call)

    async def set(self, path: str, value: Value, rev: int, *, timeout: Optional[float] = None) -> int:
        """Writes a file that has not changed since `rev`. See `doozer.Client.set`."""
        return await _answer(self._native.set(path, value, rev, timeout=timeout))

    async def add(self, path: str, value: Value, *, timeout: Optional[float] = None) -> int:
        """Makes a file that does not exist yet. See `doozer.Client.add`."""
        return await _answer(self._native.add(path, value, timeout=timeout))

    async def del_(self, path: str, rev: int, *, timeout: Optional[float] = None) -> int:
        """Deletes a file that has not changed since `rev`. See `doozer.Client.del_`."""
        return await _answer(self._native.del_(path, rev, timeout=timeout))

    async def wait(self, glob: str, rev: int, *, timeout: Optional[float] = None) -> Event:
        """Waits for the first change on or after `rev`. See `doozer.Client.wait`."""
        return await _answer(self._native.wait(glob, rev, timeout=timeout))

    async def rev(self, *, timeout: Optional[float] = None) -> int:
        """The current revision."""
        return await _answer(self._native.rev(timeout=timeout))

    async def stat(
        self,
        path: str,
        rev: Optional[int] = None,
        *,
        timeout: Optional[float] = None,
        consistency: Optional[Consistency] = None,
    ) -> Stat:
        """Looks at a file or a directory. See `doozer.Client.stat`."""
        return await _answer(self._native.stat(path, rev, timeout=timeout, consistency=consistency))

    async def getdir(
        self,
        path: str,
        rev: Optional[int] = None,
        *,
        timeout: Optional[float] = None,
        consistency: Optional[Consistency] = None,
    ) -> typing.List[str]:
        """The names in a directory, in order."""
        return await _answer(self._native.getdir(path, rev, timeout=timeout, consistency=consistency))

    async def walk(
        self,
        glob: str,
        rev: Optional[int] = None,
        *,
        timeout: Optional[float] = None,
        consistency: Optional[Consistency] = None,
    ) -> typing.List[Entry]:
        """All files that match `glob`, in order of their paths."""
        return await _answer(self._native.walk(glob, rev, timeout=timeout, consistency=consistency))

    def list(
        self,
        glob: str,
        rev: Optional[int] = None,
        *,
        limit: Optional[int] = None,
        keys_only: bool = False,
        timeout: Optional[float] = None,
        consistency: Optional[Consistency] = None,
    ) -> Stream[Entry]:
        """The same as a stream, for many or large files. See `doozer.Client.list`."""
        return Stream(
            self._native.list(
                glob, rev, limit=limit, keys_only=keys_only, timeout=timeout, consistency=consistency
            )
        )

    def watch(self, glob: str, rev: int) -> Stream[Event]:
        """A stream of every change from `rev` on, in order, without end."""
        return Stream(self._native.watch(glob, rev))

    def config(self, path: str) -> Stream[File]:
        """A file as a live value: a stream of it as it is, then after each change, without end."""
        return Stream(self._native.config(path))

    def lock(self, path: str, *, timeout: Optional[float] = None) -> _Opening[Lock]:
        """Takes a lock: `await` it, or put it behind `async with`. See `doozer.Client.lock`."""

        async def take() -> Lock:
            return Lock(await _answer(self._native.lock(path, timeout=timeout)))

        return _Opening(take())

    async def nop(self, *, timeout: Optional[float] = None) -> None:
        """Passes through the cluster's consensus without changing anything."""
        return await _answer(self._native.nop(timeout=timeout))

    async def self_id(self, *, timeout: Optional[float] = None) -> str:
        """The id of the member this client is connected to."""
        return await _answer(self._native.self_id(timeout=timeout))

    async def access(self, secret: Value, *, timeout: Optional[float] = None) -> None:
        """Presents a secret, now and on every connection to come."""
        return await _answer(self._native.access(secret, timeout=timeout))

    async def close(self) -> None:
        """Closes it. See `doozer.Client.close`."""
        return await _answer(self._native.close())

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._native.is_closed

    async def __aexit__(self, *_raised: object) -> None:
        await self.close()


class Stream(_Closing, AsyncIterator[T]):
    """What a client's `watch`, `config` or `list` gives, one after another. See `doozer.Stream`."""

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
            await _answer(self._native._ready(timeout=timeout))

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


class Lock(_Closing):
    """A lock that is held. See `doozer.Lock`."""

    def __init__(self, native: _native.LaterLock) -> None:
        self._native = native

    @property
    def path(self) -> str:
        """The lock's file."""
        return self._native.path

    @property
    def rev(self) -> int:
        """The fencing token: the revision of the lock's file, which grows from holder to holder."""
        return self._native.rev

    @property
    def is_held(self) -> bool:
        """Whether it is still to be given back."""
        return self._native.is_held

    async def unlock(self, *, timeout: Optional[float] = None) -> None:
        """Gives it back. See `doozer.Lock.unlock`."""
        return await _answer(self._native.unlock(timeout=timeout))

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if not self.is_held:
            return
        try:
            await self.unlock()
        except Exception as failed:
            if error is None:
                raise
            both(error, failed)

    def __repr__(self) -> str:
        return repr(self._native).replace("doozer.", "doozer.aio.", 1)


class Node(_Closing):
    """A member within this process, made by `Node.start`. See `doozer.Node`."""

    def __init__(self, native: _native.LaterNode) -> None:
        self._native = native

    @classmethod
    def start(cls, **options: Unpack[NodeOptions]) -> _Opening[Node]:
        """Starts a member, with the arguments of `doozer.Node`: `await` it, or put it behind `async with`."""

        async def start() -> Node:
            return cls(await _answer(_native.Node._start_later(**options)))

        return _Opening(start())

    def client(self, **options: Unpack[OwnOptions]) -> _Opening[Client]:
        """A client of it, without a socket, with the arguments of `doozer.Node.client`."""

        async def open() -> Client:
            return Client(await _answer(self._native.client(**options)))

        return _Opening(open())

    def get_local(self, path: str, rev: Optional[int] = None) -> File:
        """Reads a file from this member's state, without a request. It never waits, so it is no coroutine."""
        return self._native.get_local(path, rev)

    def revision(self) -> int:
        """The revision of this member's state. It never waits, so it is no coroutine."""
        return self._native.revision()

    @property
    def id(self) -> str:
        """Its id, as `self_id` of a client gives it."""
        return self._native.id

    @property
    def cluster_name(self) -> str:
        """The name its cluster was born with."""
        return self._native.cluster_name

    @property
    def address(self) -> Optional[str]:
        """Where it listens, "HOST:PORT" with the port it got; None if it does not."""
        return self._native.address

    async def stop(self, *, timeout: Optional[float] = None) -> None:
        """Ends it in good order. See `doozer.Node.stop`."""
        return await _answer(self._native.stop(timeout=timeout))

    async def __aexit__(self, *_raised: object) -> None:
        if self._native._is_ours:
            await self.stop()

    def __repr__(self) -> str:
        return repr(self._native).replace("doozer.", "doozer.aio.", 1)


def connect(uri: Optional[str] = None, **options: Unpack[ConnectOptions]) -> _Opening[Client]:
    """Opens a client, with the arguments of `doozer.connect`: `await` it, or put it behind `async with`."""

    async def open() -> Client:
        return Client(await _answer(_native.connect_later(uri, **options)))

    return _Opening(open())


async def _noop_async() -> None:
    """Goes to the runtime and back: what a call costs by itself."""
    return await _answer(_native._noop_later())
