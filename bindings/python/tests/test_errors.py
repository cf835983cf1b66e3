"""Errors as exceptions."""

import copy
import pathlib
import pickle
import re

import pytest

import doozer
from doozer._errors import BY_NUMBER


def test_what_an_error_carries(client):
    client.set("/a", b"x", 0)
    with pytest.raises(doozer.RevMismatch) as caught:
        client.set("/a", b"y", 0)
    error = caught.value
    assert (error.kind, error.number, error.op, error.path) == ("REV_MISMATCH", 5, "set", "/a")
    assert error.retry is False and error.part is None
    assert str(error) == f"REV_MISMATCH: set /a: {error.detail}"
    assert isinstance(error, doozer.Error)
    with pytest.raises(doozer.Timeout) as caught:
        client.get("/a", 10**9, timeout=0.01)
    assert caught.value.retry is True


def test_builtins(client):
    with pytest.raises(TimeoutError):
        client.wait("/never", 1, timeout=0.01)
    assert issubclass(doozer.PermissionDenied, PermissionError)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
@pytest.mark.parametrize("kind", BY_NUMBER.values())
def test_errors_can_be_copied_and_pickled(kind, again):
    error = kind("X: get /a: why", "get", "/a", "why", True, ("compare", 2))
    other = again(error)
    assert type(other) is kind
    assert (str(other), other.op, other.path, other.detail, other.retry, other.part) == (
        "X: get /a: why",
        "get",
        "/a",
        "why",
        True,
        ("compare", 2),
    )


def test_one_made_by_hand():
    error = doozer.RevMismatch("no")
    assert (str(error), error.op, error.path, error.detail, error.retry) == ("no", None, None, "", False)
    assert error.part is None


def test_each_kind_of_the_table_is_there():
    table = pathlib.Path(__file__).resolve().parents[3] / "core" / "wire" / "errors.toml"
    text = table.read_text(encoding="utf-8")
    kinds = re.findall(r'\nnumber = (\d+)\nkind = "(\w+)"\nname = "(\w+)"', text)
    assert len(kinds) == len(BY_NUMBER) > 30
    for number, kind, name in kinds:
        error = getattr(doozer, kind)
        assert kind in doozer.__all__
        assert BY_NUMBER[int(number)] is error
        assert (error.number, error.kind) == (int(number), name)
