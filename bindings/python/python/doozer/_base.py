"""What every error of Doozer carries."""

from __future__ import annotations

import typing
from typing import Optional

if typing.TYPE_CHECKING:
    from ._types import Part


class Error(Exception):
    """A call that failed. Its subclasses are the kinds of errors, the same in every language."""

    kind: str = "OTHER"
    """The name of its kind."""

    number: int = 127
    """The number of its kind, the same for good."""

    op: Optional[str]
    """The operation that failed, such as "set"."""

    path: Optional[str]
    """The path or glob it was about, if it was about one."""

    detail: str
    """What there is to say beyond the kind; may be empty."""

    retry: bool
    """Whether the same call may be made again as it is, without looking first."""

    part: Optional[Part]
    """Which part of a transaction refused it, such as ("compare", 2) or ("operation", 1); None if it was none."""

    def __init__(
        self,
        message: str = "",
        op: Optional[str] = None,
        path: Optional[str] = None,
        detail: str = "",
        retry: bool = False,
        part: Optional[Part] = None,
    ) -> None:
        super().__init__(message)
        # Pickled along, as whatever is in an exception's __dict__.
        self.op = op
        self.path = path
        self.detail = detail
        self.retry = retry
        self.part = part


def both(first: BaseException, second: BaseException) -> None:
    """Lets `second`, raised while `first` was under way, be seen in its traceback: as what was there before it."""
    end = first
    seen = {id(second)}
    while end.__context__ is not None and id(end) not in seen:
        seen.add(id(end))
        end = end.__context__
    if id(end) not in seen:
        end.__context__ = second
