"""The API for gevent: other greenlets run on, and a killed one leaves nothing behind."""

import gc
import inspect
import os
import threading

import pytest

import doozer

gevent = pytest.importorskip("gevent")

import doozer.gevent  # noqa: E402

from .conftest import KINDS, PATIENCE  # noqa: E402


@pytest.fixture
def client(node):
    with doozer.gevent.connect(node.address) as client:
        yield client


@pytest.fixture
def proxied(node, proxy):
    with doozer.gevent.connect(proxy.address) as client:
        yield client


def told(proxy, command):
    """Tells the proxy, while greenlets run on."""
    gevent.get_hub().threadpool.apply(proxy.tell, (command,))


def public(kind):
    """What the class itself has, and what it has from the classes of this package that it is made of."""
    made_of = [each for each in kind.__mro__ if each.__module__.startswith("doozer")]
    return {name for each in made_of for name in vars(each) if not name.startswith("_")}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_names(kind):
    blocking, here = getattr(doozer, kind), getattr(doozer.gevent, kind)
    names = public(blocking)
    assert names == public(here)
    for name in names - {"client", "start"}:
        one, other = inspect.getattr_static(blocking, name), inspect.getattr_static(here, name)
        if not isinstance(other, property):
            assert list(inspect.signature(one).parameters) == list(inspect.signature(other).parameters), name


def test_every_class_is_there():
    assert {name for name in doozer.gevent.__all__ if name != "connect"} == set(KINDS)
    for kind in KINDS:
        assert getattr(doozer.gevent, kind).__module__ == "doozer.gevent"


def test_every_call(node, client):
    rev = client.set("/a", b"one", 0)
    assert client.get("/a") == client.get("/a", rev) == (b"one", rev)
    assert client.add("/d/b", "x") == rev + 1
    assert client.stat("/d") == (1, -2)
    assert client.getdir("/d") == ["b"]
    assert client.walk("/d/*") == list(client.list("/d/*")) == [("/d/b", b"x", rev + 1, 1)]
    assert client.wait("/a", rev) == ("/a", b"one", rev, "set")
    assert client.rev() == rev + 1
    assert client.del_("/a", rev) == rev + 2
    assert client.nop() is None
    assert client.self_id() == node.id
    with pytest.raises(PermissionError):
        client.access("wrong")
    with pytest.raises(doozer.RevMismatch):
        client.set("/d/b", b"", 0)
    with pytest.raises(TimeoutError):
        client.wait("/never", 1, timeout=0.05)


def test_other_greenlets_run_on(client):
    rev = client.rev()
    held = client.lock("/l")
    waits = [
        gevent.spawn(client.wait, "/a", rev + 2),
        gevent.spawn(client.get, "/a", rev + 2),
        gevent.spawn(next, client.watch("/a", rev + 2)),
        gevent.spawn(lambda: client.lock("/l").unlock()),
    ]
    gevent.sleep(0)
    client.set("/a", b"x", 0)
    held.unlock()
    event, file, first, _ = [wait.get(timeout=PATIENCE) for wait in waits]
    assert event == first and event.value == file.value == b"x"


def test_many_greenlets(client):
    revs = [wait.get(timeout=PATIENCE) for wait in [gevent.spawn(client.set, f"/m/{i}", "", 0) for i in range(300)]]
    assert len(set(revs)) == 300


WAITS = {
    "wait": lambda client: client.wait("/never", 1),
    "get": lambda client: client.get("/never", 10**9),
    "watch": lambda client: next(client.watch("/never", 1)),
    "lock": lambda client: client.lock("/held"),
    "elect": lambda client: client.elect("/held", b"me"),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
@pytest.mark.parametrize("end", ["timeout", "kill"])
def test_what_is_given_up_leaves_nothing_behind(node, proxy, proxied, wait, end):
    held = node.client().lock("/held")
    if end == "timeout":
        with pytest.raises(gevent.Timeout):
            with gevent.Timeout(0.1):
                wait(proxied)
    else:
        greenlet = gevent.spawn(wait, proxied)
        told(proxy, "expect " + {"get": "GET", "wait": "WAIT", "lock": "SET", "elect": "SET"}.get(next(n for n in WAITS if WAITS[n] is wait), "WATCH"))
        greenlet.kill(timeout=PATIENCE)
        assert greenlet.ready()
        del greenlet
    gc.collect()
    told(proxy, "expect CANCEL")
    assert proxied.nop() is None
    held.unlock()
    assert proxied.lock("/held", timeout=PATIENCE).rev == held.rev + 2


def test_a_next_that_is_given_up_loses_nothing(client):
    watch = client.watch("/w", 1)
    for i in range(20):
        with gevent.Timeout(0.001 * (i % 3), False):
            watch.next()
            pytest.fail("there is nothing")
        client.set("/w", str(i), -1)
        assert watch.next(timeout=PATIENCE).value == str(i).encode()


def test_streams_and_locks(client):
    client.set("/w", b"1", 0)
    with client.watch("/w", 1) as watch:
        for event in watch:
            assert event.value == b"1"
            break
    assert watch.is_closed and list(watch) == []
    assert next(client.config("/w")).value == b"1"
    with client.lock("/l") as lock:
        assert lock.is_held and "doozer.gevent.Lock" in repr(lock)
    assert not lock.is_held
    with pytest.raises(ZeroDivisionError) as caught:
        with client.lock("/l") as lock:
            client.del_("/l", lock.rev)
            raise ZeroDivisionError
    assert isinstance(caught.value.__context__, doozer.LockLost)
    with pytest.raises(doozer.LockLost):
        with client.lock("/l") as lock:
            client.del_("/l", lock.rev)


def test_an_embedded_member():
    with doozer.gevent.Node.start() as node, node.client() as client:
        rev = client.set("/a", b"x", 0)
        assert client.get("/a") == node.get_local("/a") == (b"x", rev)
        assert node.revision() == rev
    with pytest.raises(doozer.Closed):
        node.revision()


def test_the_loop_ends_when_nothing_runs_any_more(client):
    """An idle client keeps no hub alive; a wait does."""
    client.nop()
    assert gevent.wait(timeout=PATIENCE)
    waiting = gevent.spawn(client.wait, "/a", 1)
    threading.Timer(0.1, lambda: doozer_set(client)).start()
    assert gevent.wait(timeout=PATIENCE)
    assert waiting.value.value == b"x"


def doozer_set(client):
    # In another thread, with a hub of its own.
    client.set("/a", b"x", -1)


def test_several_threads_with_hubs_of_their_own(client, background):
    def work(number):
        spawned = [gevent.spawn(client.set, f"/t/{number}/{i}", "", 0) for i in range(20)]
        return len({each.get(timeout=PATIENCE) for each in spawned})

    threads = [background(lambda number=number: work(number)) for number in range(4)]
    assert [thread.get() for thread in threads] == [20] * 4


def test_after_a_fork(client, in_child):
    client.set("/a", b"x", 0)

    def child():
        gevent.reinit()
        assert client.get("/a").value == b"x"
        waiting = gevent.spawn(client.wait, f"/{os.getpid()}", 1)
        client.set(f"/{os.getpid()}", b"y", 0)
        assert waiting.get(timeout=PATIENCE).value == b"y"

    for _ in range(2):
        in_child(child)
        assert client.get("/a").value == b"x"
