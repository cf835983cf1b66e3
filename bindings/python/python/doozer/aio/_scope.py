"""What stands behind `async with`: what ends with the block, and what gives that."""

from __future__ import annotations

import typing
from typing import Any, Callable, Coroutine, Generator, Generic, Optional, TypeVar

from .._base import both
from ._reactor import answer

if typing.TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from .. import _native

Native = TypeVar("Native")
Opened = TypeVar("Opened", bound="Closing")


class Closing:
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


class Opening(Coroutine[Any, Any, Opened], Generic[Opened]):
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


def opening(call: Callable[[], _native.Call[Native]], made: Callable[[Native], Opened]) -> Opening[Opened]:
    """What opens something: `call` is made when it is awaited, and `made` makes the handle of what that gives."""

    async def open() -> Opened:
        return made(await answer(call()))

    return Opening(open())


class Scoped(Closing):
    """What a block gives back at its end, unless that was done. What the block raised goes before what that would raise."""

    @property
    def _is_over(self) -> bool:
        raise NotImplementedError

    async def _give_back(self) -> None:
        raise NotImplementedError

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self._is_over:
            return
        try:
            await self._give_back()
        except Exception as failed:
            if error is None:
                raise
            both(error, failed)
