"""The client: one coroutine for each call."""

from __future__ import annotations

import typing
from typing import Optional, Union

from .. import _native
from .._handles import native_of
from .._types import Entry, Event, File, Stat, Value
from ._handles import Entered, Leader, Live, Lock, Registration, Stream, Txn
from ._reactor import answer
from ._scope import Closing, Opening, opening

if typing.TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._types import ConnectOptions, Consistency


class Client(Closing):
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
        return call if isinstance(call, File) else await answer(call)

    async def set(
        self,
        path: str,
        value: Value,
        rev: int,
        *,
        fence: Optional[Union[Lock, Leader]] = None,
        timeout: Optional[float] = None,
    ) -> int:
        """Writes a file that has not changed since `rev`. See `doozer.Client.set`."""
        return await answer(self._native.set(path, value, rev, fence=native_of(fence), timeout=timeout))

    async def add(self, path: str, value: Value, *, timeout: Optional[float] = None) -> int:
        """Makes a file that does not exist yet. See `doozer.Client.add`."""
        return await answer(self._native.add(path, value, timeout=timeout))

    async def del_(
        self,
        path: str,
        rev: int,
        *,
        fence: Optional[Union[Lock, Leader]] = None,
        timeout: Optional[float] = None,
    ) -> int:
        """Deletes a file that has not changed since `rev`. See `doozer.Client.del_`."""
        return await answer(self._native.del_(path, rev, fence=native_of(fence), timeout=timeout))

    async def wait(self, glob: str, rev: int, *, timeout: Optional[float] = None) -> Event:
        """Waits for the first change on or after `rev`. See `doozer.Client.wait`."""
        return await answer(self._native.wait(glob, rev, timeout=timeout))

    async def rev(self, *, timeout: Optional[float] = None) -> int:
        """The current revision."""
        return await answer(self._native.rev(timeout=timeout))

    async def stat(
        self,
        path: str,
        rev: Optional[int] = None,
        *,
        timeout: Optional[float] = None,
        consistency: Optional[Consistency] = None,
    ) -> Stat:
        """Looks at a file or a directory. See `doozer.Client.stat`."""
        return await answer(self._native.stat(path, rev, timeout=timeout, consistency=consistency))

    async def getdir(
        self,
        path: str,
        rev: Optional[int] = None,
        *,
        timeout: Optional[float] = None,
        consistency: Optional[Consistency] = None,
    ) -> typing.List[str]:
        """The names in a directory, in order."""
        return await answer(self._native.getdir(path, rev, timeout=timeout, consistency=consistency))

    async def walk(
        self,
        glob: str,
        rev: Optional[int] = None,
        *,
        timeout: Optional[float] = None,
        consistency: Optional[Consistency] = None,
    ) -> typing.List[Entry]:
        """All files that match `glob`, in order of their paths."""
        return await answer(self._native.walk(glob, rev, timeout=timeout, consistency=consistency))

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

    def follow(self, glob: str, rev: Optional[int] = None) -> Stream[Event]:
        """The same, though changes are forgotten. See `doozer.Client.follow`."""
        return Stream(self._native.follow(glob, rev))

    def config(self, path: str) -> Stream[File]:
        """A file as a live value: a stream of it as it is, then after each change, without end."""
        return Stream(self._native.config(path))

    def observe(self, path: str) -> Stream[File]:
        """Who leads, and who leads next, as a live value. See `doozer.Client.observe`."""
        return Stream(self._native.observe(path))

    async def rollback(self, path: str, rev: int, *, timeout: Optional[float] = None) -> int:
        """Writes again what a file held at an older revision. See `doozer.Client.rollback`."""
        return await answer(self._native.rollback(path, rev, timeout=timeout))

    def txn(self) -> Txn:
        """A transaction without any part yet. See `doozer.Txn`."""
        return Txn(self._native.txn())

    def lock(self, path: str, *, timeout: Optional[float] = None) -> Opening[Lock]:
        """Takes a lock: `await` it, or put it behind `async with`. See `doozer.Client.lock`."""
        return opening(lambda: self._native.lock(path, timeout=timeout), Lock)

    async def try_lock(self, path: str, *, timeout: Optional[float] = None) -> Optional[Lock]:
        """Takes a lock if nobody holds it; None if somebody does. See `doozer.Client.try_lock`."""
        native = await answer(self._native.try_lock(path, timeout=timeout))
        return None if native is None else Lock(native)

    def read_lock(self, path: str, *, timeout: Optional[float] = None) -> Opening[Lock]:
        """Takes a read-write lock for reading: `await` it, or put it behind `async with`. See `doozer.Client.read_lock`."""
        return opening(lambda: self._native.read_lock(path, timeout=timeout), Lock)

    def write_lock(self, path: str, *, timeout: Optional[float] = None) -> Opening[Lock]:
        """Takes a read-write lock for writing: `await` it, or put it behind `async with`. See `doozer.Client.write_lock`."""
        return opening(lambda: self._native.write_lock(path, timeout=timeout), Lock)

    def semaphore(self, path: str, n: int, *, timeout: Optional[float] = None) -> Opening[Lock]:
        """Takes one of `n` places: `await` it, or put it behind `async with`. See `doozer.Client.semaphore`."""
        return opening(lambda: self._native.semaphore(path, n, timeout=timeout), Lock)

    def elect(self, path: str, value: Value, *, timeout: Optional[float] = None) -> Opening[Leader]:
        """Waits until it leads: `await` it, or put it behind `async with`. See `doozer.Client.elect`."""
        return opening(lambda: self._native.elect(path, value, timeout=timeout), Leader)

    def register(self, path: str, value: Value, *, timeout: Optional[float] = None) -> Opening[Registration]:
        """Registers a service: `await` it, or put it behind `async with`. See `doozer.Client.register`."""
        return opening(lambda: self._native.register(path, value, timeout=timeout), Registration)

    def discover(self, glob: str, *, timeout: Optional[float] = None) -> Opening[Live]:
        """A live map of files: `await` it, or put it behind `async with`. See `doozer.Client.discover`."""
        return opening(lambda: self._native.discover(glob, timeout=timeout), Live)

    def barrier(self, path: str, n: int, *, timeout: Optional[float] = None) -> Opening[Entered]:
        """Goes through a barrier: `await` it, or put it behind `async with`. See `doozer.Client.barrier`."""
        return opening(lambda: self._native.barrier(path, n, timeout=timeout), Entered)

    async def nop(self, *, timeout: Optional[float] = None) -> None:
        """Passes through the cluster's consensus without changing anything."""
        return await answer(self._native.nop(timeout=timeout))

    async def self_id(self, *, timeout: Optional[float] = None) -> str:
        """The id of the member this client is connected to."""
        return await answer(self._native.self_id(timeout=timeout))

    async def access(self, secret: Value, *, timeout: Optional[float] = None) -> None:
        """Presents a secret, now and on every connection to come."""
        return await answer(self._native.access(secret, timeout=timeout))

    async def close(self) -> None:
        """Closes it. See `doozer.Client.close`."""
        return await answer(self._native.close())

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._native.is_closed

    async def __aexit__(self, *_raised: object) -> None:
        await self.close()


def connect(uri: Optional[str] = None, **options: Unpack[ConnectOptions]) -> Opening[Client]:
    """Opens a client, with the arguments of `doozer.connect`: `await` it, or put it behind `async with`."""
    return opening(lambda: _native.connect_later(uri, **options), Client)
