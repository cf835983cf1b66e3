"""Watches, live values and lists as iterators."""

import gc
import itertools

import pytest

import doozer

from .conftest import PATIENCE, Background


def test_a_watch_gives_every_change_in_order(client):
    rev = client.rev()
    watch = client.watch("/w/*", rev + 1)
    revs = [client.set(f"/w/{i}", str(i), 0) for i in range(300)]
    events = list(itertools.islice(watch, 300))
    assert [event.rev for event in events] == revs
    assert [event.path for event in events] == [f"/w/{i}" for i in range(300)]
    assert iter(watch) is watch


def test_a_live_value(client):
    live = client.config("/c")
    assert next(live) == (None, 0)
    rev = client.set("/c", b"1", 0)
    assert next(live) == (b"1", rev)
    client.del_("/c", rev)
    assert next(live) == doozer.File(None, 0)


def test_next_with_a_time_limit_loses_nothing(client):
    watch = client.watch("/w", 1)
    with pytest.raises(doozer.Timeout) as caught:
        watch.next(timeout=0.05)
    assert (caught.value.op, caught.value.path) == ("watch", "/w")
    with pytest.raises(doozer.Timeout):
        watch.next(timeout=0)
    client.set("/w", b"1", 0)
    client.set("/w", b"2", -1)
    assert watch.next(timeout=PATIENCE).value == b"1"
    assert next(watch).value == b"2"


def test_closed(client):
    watch = client.watch("/w", 1)
    waiting = Background(lambda: list(watch))
    assert not watch.is_closed
    watch.close()
    watch.close()
    assert waiting.get() == []
    assert watch.is_closed
    assert list(watch) == []
    with pytest.raises(StopIteration):
        watch.next(timeout=PATIENCE)


def test_a_with_block_closes(client):
    client.set("/w", b"", 0)
    with pytest.raises(ZeroDivisionError):
        with client.watch("/w", 1) as watch:
            for _ in watch:
                raise ZeroDivisionError
    assert watch.is_closed


def leave(client):
    for _ in client.watch("/w", 1):
        break


def fail(client):
    with pytest.raises(ZeroDivisionError):
        for _ in client.watch("/w", 1):
            raise ZeroDivisionError
    gc.collect()


def stay(client):
    with client.watch("/w", 1) as watch:
        next(watch)


@pytest.mark.parametrize("use", [leave, fail, stay])
def test_an_iteration_that_is_left_is_taken_back(node, proxy, use):
    with doozer.connect(proxy.address) as client:
        client.set("/w", b"", 0)
        use(client)
        proxy.tell("expect CANCEL")
        assert client.nop() is None


def test_an_end_is_an_end(client):
    client.set("/a", b"", 0)
    entries = client.list("/a")
    assert [entry.path for entry in entries] == ["/a"]
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(entries)
    with pytest.raises(StopIteration):
        entries.next()


def test_an_error_comes_once(client):
    entries = client.list("a[")
    with pytest.raises(doozer.BadGlob):
        next(entries)
    assert list(entries) == []


def test_several_threads_on_one_stream(client):
    rev = client.rev()
    watch = client.watch("/w", rev + 1)
    readers = [Background(lambda: [next(watch).rev for _ in range(50)]) for _ in range(4)]
    revs = [client.set("/w", b"", -1) for _ in range(200)]
    assert sorted(rev for reader in readers for rev in reader.get()) == revs


def test_in_annotations():
    assert doozer.Stream[doozer.Event].__origin__ is doozer.Stream
