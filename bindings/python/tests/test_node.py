"""The embedded member."""

import pytest

import doozer

from .conftest import PATIENCE


def test_in_memory_without_a_socket():
    with doozer.Node() as node:
        assert node.address is None
        assert node.cluster_name == "local" and len(node.id) >= 16
        with node.client(name="me", timeout=5) as client:
            rev = client.set("/a", b"x", 0)
            assert client.get("/a") == node.get_local("/a") == (b"x", rev)
            assert node.get_local("/missing") == (None, 0)
            assert node.revision() == rev
            assert client.self_id() == node.id
        assert node.id in repr(node)


def test_start_is_the_same():
    with doozer.Node.start(cluster_name="x", listen="127.0.0.1:0") as node:
        assert node.cluster_name == "x"
        assert node.address.startswith("127.0.0.1:") and not node.address.endswith(":0")
        with doozer.connect(node.address) as client:
            assert client.self_id() == node.id


def test_get_local_at_a_revision():
    with doozer.Node(history=2) as node, node.client() as client:
        revs = [client.set("/a", str(i), -1) for i in range(5)]
        assert node.get_local("/a", revs[-1]).value == b"4"
        assert node.get_local("/a", rev=revs[-2]).value == b"3"
        for path, rev, error in [
            ("/a", revs[0], doozer.TooLate),
            ("/a", revs[-1] + 1, doozer.Timeout),
            ("/a", -1, doozer.Range),
            ("/a\0", None, doozer.BadPath),
            ("/ctl", None, doozer.IsDir),
        ]:
            with pytest.raises(error) as caught:
                node.get_local(path, rev)
            assert caught.value.op == "get_local"
        with pytest.raises(TypeError):
            node.get_local(5)
        with pytest.raises(OverflowError):
            node.get_local("/a", 2**64)


def test_data_stay(tmp_path):
    with doozer.Node(data_dir=tmp_path / "data") as node, node.client() as client:
        rev = client.set("/a", b"x", 0)
        with pytest.raises(doozer.Io, match="data"):
            doozer.Node(data_dir=str(tmp_path / "data"))
    with doozer.Node(data_dir=str(tmp_path / "data")) as node:
        assert node.get_local("/a") == (b"x", rev)


def test_options():
    options = {"max_value": 10, "history_bytes": 1 << 20, "hostname": "here", "cluster_name": "c"}
    with doozer.Node(**options) as node, node.client() as client:
        with pytest.raises(doozer.TooLarge):
            client.set("/a", b"x" * 11, 0)
        assert client.get(f"/ctl/node/{node.id}/hostname").value == b"here"
        assert client.get("/ctl/name").value == b"c"
    for options in [{"history": -1}, {"max_value": 2**64}]:
        with pytest.raises(OverflowError):
            doozer.Node(**options)


def test_an_address_that_is_taken():
    with doozer.Node(listen="127.0.0.1:0") as node:
        with pytest.raises(doozer.Io, match=node.address):
            doozer.Node(listen=node.address)


def test_stopped():
    node = doozer.Node(listen="127.0.0.1:0")
    client = node.client()
    address = node.address
    node.stop(timeout=PATIENCE)
    node.stop()
    assert node.address == address
    for call in [
        lambda: node.get_local("/a"),
        node.revision,
        node.client,
    ]:
        with pytest.raises(doozer.Closed):
            call()
    with pytest.raises((doozer.Closed, doozer.Disconnected)):
        client.get("/a", timeout=1)
    # The port is free again.
    doozer.Node(listen=address).stop()
