"""Every call with what it takes and gives, and whatever else it may be given."""

import inspect
import math
import os
import socket
import time

import pytest

import doozer


def test_every_call(node, client):
    rev = client.set("/a", b"one", 0)
    assert client.get("/a") == (b"one", rev)
    value, at = client.get("/a")
    assert (value, at) == (b"one", rev)
    assert client.set("/a", b"two", rev) == rev + 1
    assert client.get("/a", rev) == doozer.File(value=b"one", rev=rev)
    assert client.get("/a", rev=rev).value == b"one"
    assert client.add("/d/b", b"") == rev + 2
    assert client.get("/d/b") == (b"", rev + 2)
    assert client.get("/missing") == (None, 0)
    assert client.rev() == rev + 2
    assert client.del_("/a", -1) == rev + 3
    assert client.del_("/a", -1) == 0
    assert client.nop() is None
    assert client.self_id() == node.id


def test_reads_of_directories(client):
    rev = client.set("/d/a", b"xy", 0)
    client.set("/d/e/b", b"z", 0)
    assert client.getdir("/d") == ["a", "e"]
    assert client.getdir("/d", rev) == ["a"]
    file, directory, nothing = client.stat("/d/a"), client.stat("/d"), client.stat("/x")
    assert file == (2, rev) and file.is_file and not file.is_dir
    assert directory == (2, -2) and directory.is_dir and not directory.is_file
    assert nothing == (0, 0) and not nothing.is_dir and not nothing.is_file
    assert client.walk("/d/**") == [("/d/a", b"xy", rev, 2), ("/d/e/b", b"z", rev + 1, 1)]
    assert client.walk("/d/*", rev) == [doozer.Entry(path="/d/a", value=b"xy", rev=rev, len=2)]
    assert list(client.list("/d/**")) == client.walk("/d/**")
    assert [entry.path for entry in client.list("/d/**", limit=1)] == ["/d/a"]
    assert list(client.list("/d/a", keys_only=True)) == [("/d/a", None, rev, 2)]
    assert list(client.list("/nothing/**")) == []


def test_events(client):
    rev = client.set("/a", b"x", 0)
    client.del_("/a", rev)
    event = client.wait("/a", rev)
    assert event == ("/a", b"x", rev, "set") and event.is_set and not event.is_del
    event = client.wait("/a", rev + 1)
    assert event == ("/a", b"", rev + 1, "del") and event.is_del and not event.is_set


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (b"\0\xff", b"\0\xff"),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abcdef")[::2], b"ace"),
        ("ü\0", "ü\0".encode()),
        ("", b""),
    ],
)
def test_values(client, value, stored):
    rev = client.set("/v", value, -1)
    assert client.get("/v") == (stored, rev)
    assert type(client.get("/v").value) is bytes


@pytest.mark.parametrize("value", [None, 5, 1.5, ["x"], object()])
def test_what_is_no_value(client, value):
    with pytest.raises(TypeError, match="bytes, bytearray, memoryview or str"):
        client.set("/v", value, -1)
    assert client.get("/v") == (None, 0)


def test_wrong_types(client):
    for call in [
        lambda: client.get(5),
        lambda: client.get(b"/a"),
        lambda: client.get(None),
        lambda: client.get("/a", "1"),
        lambda: client.get("/a", 1.0),
        lambda: client.get(),
        lambda: client.get("/a", 1, 2),
        lambda: client.get("/a", nonsense=1),
        lambda: client.get("/a", timeout="1"),
        lambda: client.get("/a", consistency=1),
        lambda: client.set("/a", b""),
        lambda: client.set("/a", b"", None),
        lambda: client.del_("/a"),
        lambda: client.wait("/a"),
        lambda: client.watch("/a"),
        lambda: client.list("/a", limit="1"),
        lambda: client.access(None),
        lambda: doozer.connect(5),
        lambda: doozer.connect(nonsense=1),
        lambda: doozer.connect(timeout="1"),
        lambda: doozer.Client(),
        lambda: doozer.Lock(),
        lambda: doozer.Stream(),
        lambda: doozer.Node(nonsense=1),
        lambda: doozer.Node(history="1"),
    ]:
        with pytest.raises(TypeError):
            call()
    with pytest.raises(TypeError, match="argument 'history'"):
        doozer.Node(history="1")
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        doozer.connect(nonsense=1)
    assert client.nop() is None


def test_text_that_is_none(client):
    with pytest.raises(doozer.BadPath):
        client.get("/a\0b")
    with pytest.raises(doozer.BadPath):
        client.set("/a\0b", b"", -1)
    with pytest.raises(doozer.BadGlob):
        client.wait("/a\0b", 1)
    with pytest.raises(doozer.BadUri):
        doozer.connect("127.0.0.1\0:1")
    with pytest.raises(UnicodeEncodeError):
        client.get("/\ud800")
    with pytest.raises(UnicodeEncodeError):
        client.set("/a", "\ud800", -1)


def test_revisions_that_are_none(client):
    for call in [client.get, client.stat, client.getdir]:
        with pytest.raises(doozer.Range):
            call("/a", -1)
        with pytest.raises(OverflowError):
            call("/a", 2**63)
    with pytest.raises(doozer.RevMismatch):
        client.set("/a", b"", -2)
    with pytest.raises(OverflowError):
        client.set("/a", b"", -(2**63) - 1)
    with pytest.raises(doozer.Range):
        client.wait("/a", -1)
    with pytest.raises(doozer.Timeout):
        client.get("/a", 2**63 - 1, timeout=0.01)
    with pytest.raises(OverflowError):
        client.list("/a", limit=-1)


@pytest.mark.parametrize("timeout", [-1, -0.001, math.nan, -math.inf])
def test_times_that_are_none(node, client, timeout):
    for call in [
        lambda: client.get("/a", timeout=timeout),
        lambda: client.watch("/a", 1).next(timeout=timeout),
        lambda: doozer.connect(node.address, timeout=timeout),
        lambda: doozer.connect(node.address, connect_timeout=timeout),
    ]:
        with pytest.raises(ValueError, match="timeout"):
            call()


def test_long_times(node, client):
    assert client.get("/a", timeout=math.inf) == (None, 0)
    assert client.get("/a", timeout=1e15) == (None, 0)
    assert client.get("/a", timeout=10**6) == (None, 0)
    with pytest.raises(OverflowError, match="math.inf"):
        client.get("/a", timeout=1e300)
    client.set("/a", b"x", 0)
    assert client.watch("/a", 1).next(timeout=1e15).value == b"x"
    with doozer.connect(node.address, timeout=math.inf, connect_timeout=math.inf) as other:
        assert other.get("/a").value == b"x"


def test_a_call_ends_in_its_time(client):
    began = time.monotonic()
    with pytest.raises(doozer.Timeout) as caught:
        client.wait("/never", 1, timeout=0.1)
    assert 0.095 <= time.monotonic() - began < 5
    assert (caught.value.op, caught.value.path) == ("wait", "/never")


def test_the_clients_own_time(node):
    with doozer.connect(node.address, timeout=0.1) as client:
        with pytest.raises(doozer.Timeout):
            client.get("/a", 10**6)


def test_local_reads(client):
    client.set("/a", b"x", 0)
    for call in [client.get, client.stat]:
        assert call("/a", consistency="local") == call("/a", consistency="linearizable")
    with pytest.raises(ValueError, match="'linearizable' or 'local'"):
        client.get("/a", consistency="strong")


def test_no_server():
    with socket.socket() as taken:
        # Bound and not listening: nobody answers there.
        taken.bind(("127.0.0.1", 0))
        address = "%s:%d" % taken.getsockname()
        with pytest.raises(doozer.Disconnected, match=address) as caught:
            doozer.connect(address, connect_timeout=0.5)
        assert caught.value.op == "connect"


def test_a_server_that_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises((doozer.Timeout, doozer.Disconnected), match=str(silent.getsockname()[1])):
            doozer.connect("%s:%d" % silent.getsockname(), connect_timeout=0.3)
        assert time.monotonic() - began < 5


def test_secrets():
    with doozer.Node(listen="127.0.0.1:0", secret="rw", read_secret="ro") as node:
        with doozer.connect(node.address, secret=b"rw") as client:
            client.set("/a", b"x", 0)
        with doozer.connect(f"doozer:?ca={node.address}&sk=ro") as client:
            assert client.get("/a").value == b"x"
            with pytest.raises(PermissionError):
                client.set("/a", b"y", -1)
            client.access("rw")
            client.set("/a", b"y", -1)
        with pytest.raises(doozer.PermissionDenied):
            doozer.connect(node.address, secret="wrong")


def test_the_uri_of_the_environment(node, monkeypatch):
    monkeypatch.setenv("DOOZER_URI", node.address)
    with doozer.connect() as client:
        assert client.self_id() == node.id
    with doozer.connect(None) as client:
        assert client.self_id() == node.id


def test_closed(client):
    assert not client.is_closed
    client.close()
    client.close()
    assert client.is_closed
    for call in [
        lambda: client.get("/a"),
        lambda: client.set("/a", b"", -1),
        lambda: client.wait("/a", 1),
        lambda: client.watch("/a", 1).next(),
        lambda: client.lock("/a"),
    ]:
        with pytest.raises(doozer.Closed):
            call()
    assert "closed" in repr(client)


def test_a_with_block_closes(node):
    with pytest.raises(ZeroDivisionError):
        with doozer.connect(node.address) as client:
            raise ZeroDivisionError
    assert client.is_closed


def test_tls_options_go_together(node, tmp_path):
    with pytest.raises(ValueError, match="tls_ca"):
        doozer.connect(node.address, tls_cert="x", tls_key="y")
    with pytest.raises(ValueError, match="tls_cert and tls_key"):
        doozer.Node(tls_ca="x")
    with pytest.raises(doozer.Io, match="missing.pem"):
        doozer.connect(node.address, tls_ca=tmp_path / "missing.pem")
    with pytest.raises(doozer.Io, match="missing.pem"):
        doozer.connect(node.address, tls_ca=os.fspath(tmp_path / "missing.pem"))


def test_what_help_says():
    assert "rev=None" in str(inspect.signature(doozer.Client.get))
    assert "timeout=None" in str(inspect.signature(doozer.connect))
    assert "data_dir=None" in str(inspect.signature(doozer.Node))
    for thing in [doozer, doozer.connect, doozer.Client, doozer.Lock, doozer.Node, doozer.Stream]:
        assert thing.__doc__
    for each in [doozer.Client, doozer.Lock, doozer.Node, doozer.Stream]:
        for name, member in vars(each).items():
            assert name.startswith("_") or member.__doc__, f"{each.__name__}.{name} says nothing of itself"
