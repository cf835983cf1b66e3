"""Barriers: who comes waits for the others, and who leaves does too."""

import gc

import pytest

import doozer

from .conftest import PATIENCE, Background, eventually


@pytest.fixture
def through(client):
    """Lets two go through a barrier, and gives what they got."""

    def enter():
        waiting = Background(lambda: client.barrier("/b", 2))
        return client.barrier("/b", 2, timeout=PATIENCE), waiting.get()

    return enter


def is_empty(client):
    return client.walk("/b/**") == []


def test_blocks(client):
    inside = []

    def go():
        with client.barrier("/b", 3) as entered:
            assert entered.path == "/b" and repr(entered) == "<doozer.Entered /b>"
            inside.append(entered)
        assert "not inside" in repr(entered)
        # Whoever is through with it, all others have come to its end.
        return len(inside)

    threads = [Background(go) for _ in range(3)]
    assert [thread.get() for thread in threads] == [3, 3, 3]
    assert is_empty(client)


def test_nobody_leaves_alone(through, client):
    one, two = through()
    with pytest.raises(doozer.Timeout) as caught:
        one.leave(timeout=0.05)
    assert (caught.value.op, caught.value.path) == ("leave", "/b")
    waiting = Background(one.leave)
    two.leave()
    waiting.get()
    assert is_empty(client)


def test_who_raises_does_not_wait_for_the_others(through, client):
    one, two = through()
    with pytest.raises(ZeroDivisionError):
        with one:
            raise ZeroDivisionError
    # It has left all the same.
    eventually(lambda: len(client.walk("/b/members/*")) == 1)
    two.leave(timeout=PATIENCE)
    assert is_empty(client)


def test_who_is_dropped_has_left(through, client):
    one, two = through()
    assert not one.lost.is_set()
    del one
    gc.collect()
    two.leave(timeout=PATIENCE)


def test_who_is_taken_for_gone(through, client):
    one, two = through()
    assert not one.lost.is_set() and one.lost.wait(0) is False
    assert one.is_inside and one.check() is None and "not inside" not in repr(one)
    for entry in client.walk("/b/members/*"):
        client.del_(entry.path, entry.rev)
    eventually(one.lost.is_set)
    assert two.lost.wait(PATIENCE) is True
    for entered in [one, two]:
        assert not entered.is_inside and "not inside" in repr(entered)
        with pytest.raises(doozer.LockLost) as caught:
            entered.check()
        assert (caught.value.op, caught.value.path) == ("check", "/b")
        with pytest.raises(doozer.LockLost) as caught:
            with entered:
                pass
        assert (caught.value.op, caught.value.path) == ("leave", "/b")


def test_nobody_and_nowhere(client):
    with pytest.raises(doozer.Range):
        client.barrier("/b", 0)
    with pytest.raises(doozer.BadPath):
        client.barrier("b", 1)
    with pytest.raises(doozer.Timeout) as caught:
        client.barrier("/b", 2, timeout=0.05)
    assert (caught.value.op, caught.value.path) == ("enter", "/b")
    eventually(lambda: is_empty(client))
