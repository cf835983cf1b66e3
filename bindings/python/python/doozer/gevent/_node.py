"""The embedded member."""

from __future__ import annotations

import typing
from typing import Optional

from .. import _native
from .._types import File
from ._client import Client
from ._reactor import answer

if typing.TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .._types import NodeOptions, OwnOptions


class Node:
    """A member within this process, made by `Node.start`. See `doozer.Node`."""

    def __init__(self, native: _native.LaterNode) -> None:
        self._native = native

    @classmethod
    def start(cls, **options: Unpack[NodeOptions]) -> Self:
        """Starts a member, with the arguments of `doozer.Node`."""
        return cls(answer(_native.Node._start_later(**options)))

    def client(self, **options: Unpack[OwnOptions]) -> Client:
        """A client of it, without a socket, with the arguments of `doozer.Node.client`."""
        return Client(answer(self._native.client(**options)))

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
        return answer(self._native.stop(timeout=timeout))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        if self._native._is_ours:
            self.stop()

    def __repr__(self) -> str:
        return repr(self._native).replace("doozer.", "doozer.gevent.", 1)
