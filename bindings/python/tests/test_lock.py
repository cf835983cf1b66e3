"""The lock as a `with` block and without."""

import functools
import gc
import traceback

import pytest

import doozer

from .conftest import PATIENCE, Background, eventually


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
    # That is said once: nothing is left to be given back.
    with lock:
        pass


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


def test_one_that_is_only_tried(client):
    with client.try_lock("/l") as lock:
        assert client.try_lock("/l") is None
        assert client.stat("/l").rev == lock.rev
    with client.try_lock("/l", timeout=PATIENCE) as again:
        assert again.rev > lock.rev


def test_readers_and_writers(node, client):
    with node.client() as other:
        with client.read_lock("/rw") as one, other.read_lock("/rw") as two:
            assert one.path != two.path and {one.path, two.path} == {entry.path for entry in client.walk("/rw/holders/*")}
            with pytest.raises(doozer.Timeout) as caught:
                client.write_lock("/rw", timeout=0.05)
            assert (caught.value.op, caught.value.path) == ("write_lock", "/rw")
        with client.write_lock("/rw") as writer:
            assert writer.rev > max(one.rev, two.rev)
            with pytest.raises(doozer.Timeout):
                other.read_lock("/rw", timeout=0.05)


def test_so_many_at_a_time(client):
    with client.semaphore("/s", 2) as one, client.semaphore("/s", 2):
        with pytest.raises(doozer.Timeout):
            client.semaphore("/s", 2, timeout=0.05)
        waiting = Background(lambda: client.semaphore("/s", 2))
        one.unlock()
        waiting.get().unlock()
    with pytest.raises(doozer.Range):
        client.semaphore("/s", 0)
    with pytest.raises(ValueError, match="n is how many are let in, not -1"):
        client.semaphore("/s", -1)
    with pytest.raises(TypeError):
        client.semaphore("/s", "2")


def test_how_long_it_is_sure(node):
    with doozer.connect(node.address, session_ttl=5) as client:
        lock = client.lock("/l")
        assert 0 < lock.valid_for <= 5
        assert lock.check() is None
        lock.unlock()
        assert lock.valid_for == 0.0
        with pytest.raises(doozer.LockLost) as caught:
            lock.check()
        assert (caught.value.op, caught.value.path) == ("check", "/l")


def test_the_loss_is_waited_for(client):
    lock = client.lock("/l")
    assert lock.lost.wait(0) is False
    assert lock.lost.wait(timeout=0.05) is False
    with pytest.raises(ValueError):
        lock.lost.wait(-1)
    waiting = Background(lambda: lock.lost.wait())
    client.del_("/l", lock.rev)
    assert waiting.get() is True
    assert lock.lost.is_set() and lock.lost.wait(0) is True
    assert not lock.is_held and lock.valid_for == 0.0
    with pytest.raises(doozer.LockLost):
        lock.check()
    with pytest.raises(doozer.LockLost):
        lock.unlock()


def test_the_loss_is_known_to_who_does_something_else(client):
    lock = client.lock("/l")
    lost = lock.lost
    assert not lost.is_set() and "set" not in repr(lost) and "/l" in repr(lost)
    client.set("/l", b"mine", -1)
    # Nobody waits, and nothing else is called on it.
    eventually(lost.is_set)
    assert ", set" in repr(lost) and "not held" in repr(lock)
    with pytest.raises(doozer.LockLost):
        lock.check()
    assert client.get("/l").value == b"mine"


def test_the_loss_of_who_cannot_reach_the_member(node, proxy):
    with doozer.connect(proxy.address, session_ttl=1) as client:
        lock = client.lock("/l")
        waiting = Background(lambda: lock.lost.wait(timeout=PATIENCE))
        proxy.tell("refuse")
        assert waiting.get() is True
        assert not lock.is_held and lock.lost.is_set()
        proxy.tell("accept")
        with pytest.raises(doozer.LockLost):
            lock.unlock()


def test_giving_back_ends_the_wait_for_the_loss(client):
    lock = client.lock("/l")
    waiting = Background(lock.lost.wait)
    assert not lock.lost.is_set()
    lock.unlock()
    assert waiting.get() is True and lock.lost.is_set()


def test_closing_the_client_loses_it(node):
    client = doozer.connect(node.address)
    lock = client.lock("/l")
    waiting = Background(lock.lost.wait)
    client.close()
    assert waiting.get() is True
    assert not lock.is_held and lock.lost.is_set()


def test_one_that_is_dropped_is_given_back_though_its_loss_is_watched(client):
    lock = client.lock("/l")
    assert not lock.lost.is_set()
    with pytest.raises(doozer.Timeout):
        client.lock("/l", timeout=0.05)
    rev = lock.rev
    del lock
    gc.collect()
    with client.lock("/l", timeout=PATIENCE) as lock:
        assert lock.rev > rev


def test_the_signal_keeps_it(client):
    lost = client.lock("/l").lost
    gc.collect()
    with pytest.raises(doozer.Timeout):
        client.lock("/l", timeout=0.05)
    assert not lost.is_set()
    del lost
    gc.collect()
    client.lock("/l", timeout=PATIENCE).unlock()


def test_writes_under_a_lock(node, client):
    with node.client() as other:
        lock = client.lock("/l")
        rev = client.set("/a", b"1", 0, fence=lock)
        assert client.get("/a") == (b"1", rev)
        with pytest.raises(doozer.RevMismatch):
            client.set("/a", b"2", 0, fence=lock)
        # Whoever writes: what counts is the lock.
        assert other.set("/a", b"2", rev, fence=lock) == rev + 1
        assert client.del_("/none", -1, fence=lock) == 0
        other.del_("/l", lock.rev)
        with pytest.raises(doozer.LockLost, match="/l is not held") as caught:
            client.set("/a", b"3", -1, fence=lock)
        assert (caught.value.op, caught.value.path) == ("set", "/a")
        with pytest.raises(doozer.LockLost):
            client.del_("/a", -1, fence=lock, timeout=PATIENCE)
        assert client.get("/a").value == b"2"
    for wrong in ["/l", 5, client]:
        with pytest.raises(TypeError, match="a fence is a Lock or a Leader, not"):
            client.set("/a", b"", -1, fence=wrong)


def test_whose_it_is(node):
    with doozer.connect(node.address, session_label="worker 7") as client, client.lock("/l"):
        assert client.get("/l").value == b"worker 7"
    with node.client(session_label="inner", session_ttl=2.5) as client, client.lock("/l") as lock:
        assert client.get("/l").value == b"inner"
        assert lock.valid_for <= 2.5


@pytest.mark.parametrize("way", ["tcp", "embedded"])
def test_what_is_no_session(node, way):
    opened = node.client if way == "embedded" else functools.partial(doozer.connect, node.address)
    for ttl in [0, 0.5, 86401, float("inf")]:
        with pytest.raises(doozer.BadTtl):
            opened(session_ttl=ttl)
    for ttl in [-1, float("nan")]:
        with pytest.raises(ValueError, match="session_ttl"):
            opened(session_ttl=ttl)
    with pytest.raises(TypeError, match="session_ttl"):
        opened(session_ttl="5")
    with pytest.raises(TypeError, match="session_label"):
        opened(session_label=5)
    opened(session_ttl=86400).close()
    opened(session_ttl=None, session_label=None).close()
