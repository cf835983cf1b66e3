"""What calls give that is kept: streams, locks, leaders and the like."""

from __future__ import annotations

import typing
from typing import Dict, Generic, Iterator, Optional, TypeVar

from .. import _handles
from .._base import both
from .._errors import Closed, Timeout
from .._types import File, Value
from ._reactor import answer

if typing.TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from .. import _native

T = TypeVar("T")


class Stream(Iterator[T], Generic[T]):
    """What a client's `watch`, `follow`, `config`, `observe` or `list` gives, one after another. See `doozer.Stream`."""

    def __init__(self, native: _native.LaterStream[T]) -> None:
        self._native = native

    def next(self, *, timeout: Optional[float] = None) -> T:
        """The next item. Killed or timed out, it loses nothing. Raises StopIteration at the end."""
        while True:
            item = self._native._take()
            if item is not None:
                return item
            answer(self._native._ready(timeout=timeout))

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


class Scoped:
    """What a block gives back at its end, unless that was done. What the block raised goes before what that would raise."""

    @property
    def _is_over(self) -> bool:
        raise NotImplementedError

    def _give_back(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self._is_over:
            return
        try:
            self._give_back()
        except Exception as failed:
            if error is None:
                raise
            both(error, failed)


class Lost(_handles.Lost):
    """The signal that something is not held any more, like an `threading.Event`. See `doozer.Lost`."""

    def wait(self, timeout: Optional[float] = None) -> bool:
        """Waits until it is lost: True then, False once `timeout` is over. See `doozer.Lost.wait`."""
        try:
            return answer(self._native.wait(timeout))
        except Timeout:
            return False


class Lock(_handles.Lock, Scoped):
    """A lock that is held. See `doozer.Lock`."""

    @property
    def lost(self) -> Lost:
        """The signal that it is not held any more."""
        return Lost(self._native.lost)

    def unlock(self, *, timeout: Optional[float] = None) -> None:
        """Gives it back. See `doozer.Lock.unlock`."""
        return answer(self._native.unlock(timeout=timeout))

    def _give_back(self) -> None:
        self.unlock()


class Leader(_handles.Leader, Scoped):
    """Who was elected. See `doozer.Leader`."""

    @property
    def lost(self) -> Lost:
        """The signal that it does not lead any more."""
        return Lost(self._native.lost)

    def proclaim(self, value: Value, *, timeout: Optional[float] = None) -> int:
        """Says something else from now on. See `doozer.Leader.proclaim`."""
        return answer(self._native.proclaim(value, timeout=timeout))

    def resign(self, *, timeout: Optional[float] = None) -> None:
        """Leads no longer. See `doozer.Leader.resign`."""
        return answer(self._native.resign(timeout=timeout))

    def _give_back(self) -> None:
        self.resign()


class Registration(_handles.Registration, Scoped):
    """A file that is there for as long as this is. See `doozer.Registration`."""

    def deregister(self, *, timeout: Optional[float] = None) -> None:
        """Takes it back. See `doozer.Registration.deregister`."""
        return answer(self._native.deregister(timeout=timeout))

    def _give_back(self) -> None:
        self.deregister()


class Entered(_handles.Entered, Scoped):
    """Who went through a barrier. See `doozer.Entered`."""

    @property
    def lost(self) -> Lost:
        """The signal that it counts as having left, though it did not leave."""
        return Lost(self._native.lost)

    def leave(self, *, timeout: Optional[float] = None) -> None:
        """Leaves, and waits until all have left. See `doozer.Entered.leave`."""
        return answer(self._native.leave(timeout=timeout))

    def _give_back(self) -> None:
        self.leave()

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if error is None:
            super().__exit__(kind, error, traceback)
        elif not self._is_over:
            # What the block raised is not to wait for the others.
            self._native._depart()


class Live(_handles.Live, Iterator[Dict[str, File]]):
    """The files that match a glob, kept current in the background. See `doozer.Live`."""

    def changed(self, *, timeout: Optional[float] = None) -> Dict[str, File]:
        """Waits until something has changed, and gives the files. Killed or timed out, it loses nothing. See
        `doozer.Live.changed`."""
        while True:
            files = self._native._take()
            if files is not None:
                return files
            answer(self._native._ready(timeout=timeout))

    def close(self) -> None:
        """Ends it: whoever waits for a change wakes up, and the files stay as they are."""
        self._native.close()

    def __next__(self) -> Dict[str, File]:
        try:
            return self.changed()
        except Closed:
            # Else it is the client that was closed.
            if self.is_closed:
                raise StopIteration from None
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._native.close()


class Txn(_handles.Txn):
    """A transaction, made by a client's `txn`. See `doozer.Txn`."""

    def commit(self, *, timeout: Optional[float] = None) -> typing.List[Optional[int]]:
        """Makes all changes, or none. See `doozer.Txn.commit`."""
        return answer(self._native.commit(timeout=timeout))
