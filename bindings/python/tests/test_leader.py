"""Elections: who leads, and who is told."""

import gc

import pytest

import doozer

from .conftest import PATIENCE, Background, eventually


def test_a_block(client):
    with client.elect("/leader", b"me") as leader:
        assert leader.is_leading and leader.path == "/leader" and leader.check() is None
        assert client.get("/leader") == (b"me", leader.token)
        assert repr(leader) == f"<doozer.Leader /leader token={leader.token}>"
    assert not leader.is_leading and "not leading" in repr(leader)
    assert client.get("/leader") == (None, 0)
    with pytest.raises(doozer.Closed):
        leader.resign()
    with pytest.raises(doozer.Closed):
        leader.proclaim(b"still")


def test_one_after_the_other(client):
    seen = client.observe("/leader")
    assert next(seen) == (None, 0)
    first = client.elect("/leader", "one")
    assert next(seen) == (b"one", first.token)
    waiting = Background(lambda: client.elect("/leader", "two"))
    with pytest.raises(doozer.Timeout) as caught:
        client.elect("/leader", "three", timeout=0.05)
    assert (caught.value.op, caught.value.path) == ("elect", "/leader")
    rev = first.proclaim("one, ready", timeout=PATIENCE)
    assert next(seen) == (b"one, ready", rev) and rev > first.token
    assert first.is_leading
    client.set("/done", b"", 0, fence=first)
    first.resign(timeout=PATIENCE)
    second = waiting.get()
    assert second.token > first.token
    assert [file for file in iter(seen.next, (b"two", second.token))] in ([], [(None, 0)])
    with pytest.raises(doozer.LockLost):
        client.set("/done", b"late", -1, fence=first)
    second.resign()


def test_one_that_is_deposed(client):
    with pytest.raises(doozer.LockLost) as caught:
        with client.elect("/leader", b"me") as leader:
            assert not leader.lost.is_set()
            rev = client.set("/leader", b"somebody else", -1)
            eventually(leader.lost.is_set)
            assert not leader.is_leading
            for call in [leader.check, lambda: leader.proclaim(b"still here")]:
                with pytest.raises(doozer.LockLost):
                    call()
    assert (caught.value.op, caught.value.path) == ("resign", "/leader")
    assert client.get("/leader") == (b"somebody else", rev)


def test_what_the_block_raises_goes_first(client):
    with pytest.raises(ZeroDivisionError) as caught:
        with client.elect("/leader", b"me") as leader:
            client.del_("/leader", leader.token)
            raise ZeroDivisionError
    assert isinstance(caught.value.__context__, doozer.LockLost)
    with pytest.raises(ZeroDivisionError):
        with client.elect("/leader", b"me"):
            raise ZeroDivisionError
    assert client.get("/leader") == (None, 0)


def test_one_that_is_dropped_resigns(client):
    leader = client.elect("/leader", b"one")
    token, lost = leader.token, leader.lost
    assert not lost.is_set()
    del leader, lost
    gc.collect()
    with client.elect("/leader", b"two", timeout=PATIENCE) as leader:
        assert leader.token > token
