"""Transactions: all or nothing."""

import pickle

import pytest

import doozer


def test_all_of_it(client):
    txn = client.txn()
    assert txn.if_absent("/a").set("/a", "1", 0).set("/b", bytearray(b"2"), 0).del_("/none", -1) is txn
    revs = txn.commit()
    rev = client.stat("/a").rev
    assert revs == [rev, rev + 1, None]
    assert client.get("/b") == (b"2", rev + 1)
    assert client.txn().if_rev("/a", rev).if_value("/b", "2").del_("/a", rev).commit(timeout=5) == [rev + 2]
    assert client.txn().commit() == []


def test_nothing_of_it(client):
    client.set("/a", b"1", 0)
    with pytest.raises(doozer.CompareFailed) as caught:
        client.txn().if_absent("/b").if_value("/a", "2").set("/a", "x", -1).commit()
    error = caught.value
    assert (error.op, error.path, error.part) == ("txn", None, ("compare", 2))
    assert pickle.loads(pickle.dumps(error)).part == ("compare", 2)
    with pytest.raises(doozer.RevMismatch) as caught:
        client.txn().set("/b", "x", 0).set("/a", "x", 0).commit()
    assert caught.value.part == ("operation", 2)
    with pytest.raises(doozer.BadPath) as caught:
        client.txn().set("/b", "x", 0).del_("c", 0).commit()
    assert caught.value.part == ("operation", 2)
    assert client.get("/a").value == b"1" and client.get("/b") == (None, 0)
    with pytest.raises(doozer.RevMismatch) as caught:
        client.set("/a", "x", 0)
    assert caught.value.part is None


def test_one_that_is_made_again(client):
    txn = client.txn().set("/a", "1", -1)
    (first,), (second,) = txn.commit(), txn.commit()
    assert second == first + 1
    # What is added later is of the next one.
    assert txn.if_rev("/a", second).commit() == [second + 1]
    with pytest.raises(doozer.CompareFailed):
        txn.commit()


@pytest.mark.parametrize("hold", [lambda client: client.lock("/l"), lambda client: client.elect("/l", b"me")])
def test_under_what_is_held(client, hold):
    with hold(client) as held:
        token = getattr(held, "rev", None) or held.token
        client.txn().fence(held).if_fence("/l", token).set("/a", "1", -1).commit()
    with pytest.raises(doozer.CompareFailed) as caught:
        client.txn().fence(held).set("/a", "late", -1).commit()
    assert caught.value.part == ("compare", 1)
    assert client.get("/a").value == b"1"
    with pytest.raises(TypeError, match="a fence is a Lock or a Leader, not str"):
        client.txn().fence("/l")


def test_what_goes_with_the_session(node, client):
    with doozer.connect(node.address) as other:
        (rev,) = other.txn().set_ephemeral("/e", "x", 0).commit()
        assert client.get("/e") == (b"x", rev)
    assert client.wait("/e", rev + 1, timeout=30).is_del


def test_what_is_refused_at_once(client):
    txn = client.txn()
    for wrong in [
        lambda: txn.set("/a", 5, 0),
        lambda: txn.if_rev("/a", "1"),
        lambda: txn.if_absent(b"/a"),
        lambda: txn.del_("/a"),
    ]:
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(OverflowError):
        txn.if_rev("/a", 2**63)
    assert txn.commit() == []
    for _ in range(129):
        txn.if_absent("/a")
    with pytest.raises(doozer.TooLarge, match="128"):
        txn.commit()
