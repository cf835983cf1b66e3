"""What calls give, and what they are given."""

from __future__ import annotations

from os import PathLike
from typing import Literal, NamedTuple, Optional, Tuple, TypedDict, Union

Value = Union[bytes, bytearray, memoryview, str]
"""What a file can be set to: bytes, or text as UTF-8."""

Consistency = Union[Literal["linearizable"], Literal["local"]]
"""How fresh a read must be: as if there were one member only, or as the member at hand has it."""

Part = Tuple[Literal["compare", "operation"], int]
"""A part of a transaction: conditions and changes are counted from 1, each by themselves."""

AnyPath = Union[str, PathLike[str]]
"""The name of a file on disk."""


class File(NamedTuple):
    """A file."""

    value: Optional[bytes]
    """What it holds; None if there is no such file."""

    rev: int
    """The revision that wrote it; 0 if there is no such file."""


class Event(NamedTuple):
    """A change of a file."""

    path: str
    """The file's path."""

    value: bytes
    """What it holds now; empty if it was deleted."""

    rev: int
    """The revision this change made."""

    kind: Literal["set", "del"]
    """What happened."""

    @property
    def is_set(self) -> bool:
        """Whether it was written."""
        return self.kind == "set"

    @property
    def is_del(self) -> bool:
        """Whether it was deleted."""
        return self.kind == "del"


class Entry(NamedTuple):
    """A file of a walk or a list."""

    path: str
    """Its path."""

    value: Optional[bytes]
    """What it holds; None if only the paths were asked for."""

    rev: int
    """The revision that wrote it."""

    len: int
    """The value's length in bytes, asked for or not."""


class Stat(NamedTuple):
    """A file, a directory, or nothing."""

    len: int
    """A file's length in bytes, or a directory's number of entries."""

    rev: int
    """The revision that wrote the file; -2 if it is a directory, 0 if there is nothing."""

    @property
    def is_dir(self) -> bool:
        """Whether it is a directory."""
        return self.rev == -2

    @property
    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.rev > 0


class OwnOptions(TypedDict, total=False):
    """The options of an embedded member's client, see `doozer.Node.client`."""

    timeout: Optional[float]
    connect_timeout: Optional[float]
    name: Optional[str]
    session_ttl: Optional[float]
    session_label: Optional[str]


class ConnectOptions(OwnOptions, total=False):
    """The options of `doozer.connect`, which explains them."""

    secret: Optional[Value]
    boot: Optional[str]
    tls_ca: Optional[AnyPath]
    tls_cert: Optional[AnyPath]
    tls_key: Optional[AnyPath]
    tls_server_name: Optional[str]


class NodeOptions(TypedDict, total=False):
    """The options of `doozer.Node`, which explains them."""

    data_dir: Optional[AnyPath]
    listen: Optional[str]
    cluster_name: Optional[str]
    history: Optional[int]
    history_bytes: Optional[int]
    max_value: Optional[int]
    secret: Optional[str]
    read_secret: Optional[str]
    tls_cert: Optional[AnyPath]
    tls_key: Optional[AnyPath]
    tls_ca: Optional[AnyPath]
    hostname: Optional[str]
