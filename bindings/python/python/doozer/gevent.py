"""Doozer for gevent: the same names as in `doozer`, whose waits let other greenlets run.

    import doozer.gevent

    with doozer.gevent.connect("127.0.0.1:8046") as c:
        gevent.spawn(c.wait, "/a", 1)

Nothing has to be patched. A greenlet that is killed while it waits, or whose `gevent.Timeout` comes, leaves nothing
behind: its request is taken back from the member. A client may be used in any number of threads' hubs. `doozer` itself
works under gevent too, but its waits hold up all greenlets of their thread.
"""

from __future__ import annotations

import itertools
import typing
from typing import Any, Dict, Generic, Iterator, Optional, TypeVar

from gevent import get_hub
from gevent.event import AsyncResult

from . import _native
from ._base import both
from ._types import Entry, Event, File, Stat, Value

if typing.TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from ._types import ConnectOptions, Consistency, NodeOptions, OwnOptions

__all__ = ["Client", "Lock", "Node", "Stream", "connect"]

T = TypeVar("T")

READABLE = 1
"""The event of a gevent loop's `io` watcher."""


class _Reactor:
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


def _answer(call: _native.Call[T]) -> T:
    """What a call gives."""
    hub = get_hub()
    reactor: Optional[_Reactor] = getattr(hub, "_doozer", None)
    if reactor is None or not reactor.is_usable:
        reactor = hub._doozer = _Reactor(hub)
    return reactor.wait(call)


class Client:
    """A client of one cluster, made by `connect`. See `doozer.Client`."""

    def __init__(self, native: _native.LaterClient) -> None:
        self._native = native

    def get(
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
        return call if isinstance(call, File) else _answer(call)

    def set(self, path: str, value: Value, rev: int, *, timeout: Optional[float] = None) -> int:
        """Writes a file that has not changed since `rev`. See `doozer.Client.set`."""
        return _answer(self._native.set(path, value, rev, timeout=timeout))

    def add(self, path: str, value: Value, *, timeout: Optional[float] = None) -> int:
        """Makes a file that does not exist yet. See `doozer.Client.add`."""
        return _answer(self._native.add(path, value, timeout=timeout))

    def del_(self, path: str, rev: int, *, timeout: Optional[float] = None) -> int:
        """Deletes a file that has not changed since `rev`. See `doozer.Client.del_`."""
        return _answer(self._native.del_(path, rev, timeout=timeout))

    def wait(self, glob: str, rev: int, *, timeout: Optional[float] = None) -> Event:
        """Waits for the first change on or after `rev`. See `doozer.Client.wait`."""
        return _answer(self._native.wait(glob, rev, timeout=timeout))

    def rev(self, *, timeout: Optional[float] = None) -> int:
        """The current revision."""
        return _answer(self._native.rev(timeout=timeout))

    def stat(
        self,
        path: str,
        rev: Optional[int] = None,
        *,
        timeout: Optional[float] = None,
        consistency: Optional[Consistency] = None,
    ) -> Stat:
        """Looks at a file or a directory. See `doozer.Client.stat`."""
        return _answer(self._native.stat(path, rev, timeout=timeout, consistency=consistency))

    def getdir(
        self,
        path: str,
        rev: Optional[int] = None,
        *,
        timeout: Optional[float] = None,
        consistency: Optional[Consistency] = None,
    ) -> typing.List[str]:
        """The names in a directory, in order."""
        return _answer(self._native.getdir(path, rev, timeout=timeout, consistency=consistency))

    def walk(
        self,
        glob: str,
        rev: Optional[int] = None,
        *,
        timeout: Optional[float] = None,
        consistency: Optional[Consistency] = None,
    ) -> typing.List[Entry]:
        """All files that match `glob`, in order of their paths."""
        return _answer(self._native.walk(glob, rev, timeout=timeout, consistency=consistency))

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

    def lock(self, path: str, *, timeout: Optional[float] = None) -> Lock:
        """Takes a lock, which a `with` block gives back at its end. See `doozer.Client.lock`."""
        return Lock(_answer(self._native.lock(path, timeout=timeout)))

    def nop(self, *, timeout: Optional[float] = None) -> None:
        """Passes through the cluster's consensus without changing anything."""
        return _answer(self._native.nop(timeout=timeout))

    def self_id(self, *, timeout: Optional[float] = None) -> str:
        """The id of the member this client is connected to."""
        return _answer(self._native.self_id(timeout=timeout))

    def access(self, secret: Value, *, timeout: Optional[float] = None) -> None:
        """Presents a secret, now and on every connection to come."""
        return _answer(self._native.access(secret, timeout=timeout))

    def close(self) -> None:
        """Closes it. See `doozer.Client.close`."""
        return _answer(self._native.close())

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._native.is_closed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()


class Stream(Iterator[T], Generic[T]):
    """What a client's `watch`, `config` or `list` gives, one after another. See `doozer.Stream`."""

    def __init__(self, native: _native.LaterStream[T]) -> None:
        self._native = native

    def next(self, *, timeout: Optional[float] = None) -> T:
        """The next item. Killed or timed out, it loses nothing. Raises StopIteration at the end."""
        while True:
            item = self._native._take()
            if item is not None:
                return item
            _answer(self._native._ready(timeout=timeout))

    def close(self) -> None:
        """Ends it: nothing more is given, and whoever waits for the next item is at the end."""
        self._native.close()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._native.is_closed

    def __next__(self) -> T:
        return self.next()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()


class Lock:
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

    def unlock(self, *, timeout: Optional[float] = None) -> None:
        """Gives it back. See `doozer.Lock.unlock`."""
        return _answer(self._native.unlock(timeout=timeout))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if not self.is_held:
            return
        try:
            self.unlock()
        except Exception as failed:
            if error is None:
                raise
            both(error, failed)

    def __repr__(self) -> str:
        return repr(self._native).replace("doozer.", "doozer.gevent.", 1)


class Node:
    """A member within this process, made by `Node.start`. See `doozer.Node`."""

    def __init__(self, native: _native.LaterNode) -> None:
        self._native = native

    @classmethod
    def start(cls, **options: Unpack[NodeOptions]) -> Self:
        """Starts a member, with the arguments of `doozer.Node`."""
        return cls(_answer(_native.Node._start_later(**options)))

    def client(self, **options: Unpack[OwnOptions]) -> Client:
        """A client of it, without a socket, with the arguments of `doozer.Node.client`."""
        return Client(_answer(self._native.client(**options)))

    def get_local(self, path: str, rev: Optional[int] = None) -> File:
        """Reads a file from this member's state, without a request. It never waits."""
        return self._native.get_local(path, rev)

    def revision(self) -> int:
        """The revision of this member's state. It never waits."""
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

    def stop(self, *, timeout: Optional[float] = None) -> None:
        """Ends it in good order. See `doozer.Node.stop`."""
        return _answer(self._native.stop(timeout=timeout))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        if self._native._is_ours:
            self.stop()

    def __repr__(self) -> str:
        return repr(self._native).replace("doozer.", "doozer.gevent.", 1)


def connect(uri: Optional[str] = None, **options: Unpack[ConnectOptions]) -> Client:
    """Opens a client, with the arguments of `doozer.connect`."""
    return Client(_answer(_native.connect_later(uri, **options)))
