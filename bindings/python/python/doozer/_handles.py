"""What the handles of `doozer.aio` and `doozer.gevent` share: all that makes no request."""

from __future__ import annotations

import typing
from typing import Any, Dict, Generic, Optional, TypeVar, Union

from ._types import File, Value

if typing.TYPE_CHECKING:
    from typing_extensions import Self

    from . import _native

Native = TypeVar("Native")


class Handle(Generic[Native]):
    """A handle before a native one, which gives calls."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def __repr__(self) -> str:
        return repr(self._native).replace("doozer.", f"{type(self).__module__}.", 1)


def native_of(handle: Any) -> Any:
    """What stands behind a handle; anything else as it is, for the native part to refuse."""
    return handle._native if isinstance(handle, Handle) else handle


class Lock(Handle["_native.LaterLock"]):
    """A lock that is held."""

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
        """Whether it surely is held. Asks nobody. See `doozer.Lock.is_held`."""
        return self._native.is_held

    @property
    def valid_for(self) -> float:
        """For how many seconds it surely is held. Asks nobody. See `doozer.Lock.valid_for`."""
        return self._native.valid_for

    def check(self) -> None:
        """Raises LockLost unless it surely is held. Asks nobody. See `doozer.Lock.check`."""
        self._native.check()

    @property
    def _is_over(self) -> bool:
        return self._native._is_over


class Leader(Handle["_native.LaterLeader"]):
    """Who was elected."""

    @property
    def path(self) -> str:
        """The file of the election."""
        return self._native.path

    @property
    def token(self) -> int:
        """The fencing token: greater for each leader than for the one before, and the same however often it proclaims."""
        return self._native.token

    @property
    def is_leading(self) -> bool:
        """Whether it surely leads. Asks nobody. See `doozer.Leader.is_leading`."""
        return self._native.is_leading

    def check(self) -> None:
        """Raises LockLost unless it surely leads. Asks nobody. See `doozer.Leader.check`."""
        self._native.check()

    @property
    def _is_over(self) -> bool:
        return self._native._is_over


class Registration(Handle["_native.LaterRegistration"]):
    """A file that is there for as long as this is."""

    @property
    def path(self) -> str:
        """The file's path."""
        return self._native.path

    @property
    def rev(self) -> Optional[int]:
        """The file's revision, None while it may be gone. Asks nobody. See `doozer.Registration.rev`."""
        return self._native.rev

    @property
    def _is_over(self) -> bool:
        return self._native._is_over


class Entered(Handle["_native.LaterEntered"]):
    """Who went through a barrier."""

    @property
    def path(self) -> str:
        """The barrier's directory."""
        return self._native.path

    @property
    def is_inside(self) -> bool:
        """Whether it surely counts as inside. Asks nobody. See `doozer.Entered.is_inside`."""
        return self._native.is_inside

    def check(self) -> None:
        """Raises LockLost unless it surely is inside. Asks nobody. See `doozer.Entered.check`."""
        self._native.check()

    @property
    def _is_over(self) -> bool:
        return self._native._is_over


class Lost(Handle["_native.LaterLost"]):
    """The signal that something is not held any more."""

    def is_set(self) -> bool:
        """Whether it is lost. It never waits. See `doozer.Lost.is_set`."""
        return self._native.is_set()


class Live(Handle["_native.LaterLive"]):
    """The files that match a glob, kept current in the background."""

    @property
    def glob(self) -> str:
        """What it is a map of."""
        return self._native.glob

    @property
    def files(self) -> Dict[str, File]:
        """The files as they are now, by path. Asks nobody. See `doozer.Live.files`."""
        return self._native.files

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._native.is_closed


class Txn(Handle["_native.LaterTxn"]):
    """A transaction: each method here adds a part, and returns it."""

    def if_rev(self, path: str, rev: int) -> Self:
        """Only if the file's revision is this one; 0: nothing is there."""
        self._native.if_rev(path, rev)
        return self

    def if_value(self, path: str, value: Value) -> Self:
        """Only if the file holds this value."""
        self._native.if_value(path, value)
        return self

    def if_absent(self, path: str) -> Self:
        """Only if nothing is there, no directory either."""
        self._native.if_absent(path)
        return self

    def if_fence(self, path: str, token: int) -> Self:
        """Only if the file is held with this fencing token, such as a lock's `rev`."""
        self._native.if_fence(path, token)
        return self

    def fence(self, held: Union[Lock, Leader]) -> Self:
        """Only while a Lock is held, or a Leader leads."""
        self._native.fence(native_of(held))
        return self

    def set(self, path: str, value: Value, rev: int) -> Self:
        """Writes a file, by the rule of a client's `set`."""
        self._native.set(path, value, rev)
        return self

    def set_ephemeral(self, path: str, value: Value, rev: int) -> Self:
        """Writes a file that goes when the client's session ends."""
        self._native.set_ephemeral(path, value, rev)
        return self

    def del_(self, path: str, rev: int) -> Self:
        """Deletes a file, by the rule of a client's `del_`."""
        self._native.del_(path, rev)
        return self
