"""The lock as a `with` block and without."""

import gc
import traceback

import pytest

import doozer

from .conftest import PATIENCE, Background


def test_a_block(client):
    with client.lock("/l") as lock:
        assert lock.is_held and lock.path == "/l"
        assert client.stat("/l").rev == lock.rev
    assert not lock.is_held
    assert client.get("/l") == (None, 0)
    assert "not held" in repr(lock) and "/l" in repr(lock)


def test_without_a_block(client):
    first = client.lock("/l")
    waiting = Background(lambda: client.lock("/l"))
    first.unlock()
    second = waiting.get()
    assert second.rev > first.rev
    second.unlock(timeout=PATIENCE)
    with pytest.raises(doozer.Closed):
        second.unlock()


def test_a_block_that_raises_gives_it_back(client):
    with pytest.raises(ZeroDivisionError):
        with client.lock("/l"):
            raise ZeroDivisionError
    assert client.get("/l") == (None, 0)


def test_a_block_may_give_it_back_itself(client):
    with client.lock("/l") as lock:
        lock.unlock()
        other = client.lock("/l")
    assert client.stat("/l").rev == other.rev
    other.unlock()


def test_a_lock_that_was_lost(client):
    with pytest.raises(doozer.LockLost) as caught:
        with client.lock("/l") as lock:
            client.del_("/l", lock.rev)
    assert (caught.value.op, caught.value.path) == ("unlock", "/l")
    assert not lock.is_held


def test_a_lock_that_was_lost_does_not_hide_what_the_block_raised(client):
    with pytest.raises(ZeroDivisionError) as caught:
        with client.lock("/l") as lock:
            client.del_("/l", lock.rev)
            try:
                raise KeyError("before")
            except KeyError:
                raise ZeroDivisionError
    error = caught.value
    assert isinstance(error.__context__, KeyError)
    assert isinstance(error.__context__.__context__, doozer.LockLost)
    assert "LOCK_LOST" in "".join(traceback.format_exception(type(error), error, error.__traceback__))


def test_one_that_is_dropped_is_given_back(client):
    lock = client.lock("/l")
    rev = lock.rev
    del lock
    gc.collect()
    with client.lock("/l", timeout=PATIENCE) as lock:
        assert lock.rev > rev


def test_a_time_limit(client):
    with client.lock("/l") as lock:
        with pytest.raises(doozer.Timeout, match=f"held since revision {lock.rev}"):
            client.lock("/l", timeout=0.05)
        with pytest.raises(ValueError, match="timeout"):
            lock.unlock(timeout=-1)
        assert lock.is_held
