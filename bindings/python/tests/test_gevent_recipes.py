"""Locks, elections, services, transactions and barriers for gevent: greenlets run on, a killed one leaves nothing."""

import gc

import pytest

import doozer

gevent = pytest.importorskip("gevent")

import doozer.gevent  # noqa: E402

from .conftest import PATIENCE  # noqa: E402


@pytest.fixture
def client(node):
    with doozer.gevent.connect(node.address) as client:
        yield client


def come(holds):
    """Waits until something holds, while greenlets run on."""
    with gevent.Timeout(PATIENCE):
        while not holds():
            gevent.sleep(0.005)


def told(proxy, command):
    gevent.get_hub().threadpool.apply(proxy.tell, (command,))


def given_up(wait):
    """Begins a wait and gives it up, once it had its time."""
    with pytest.raises(gevent.Timeout):
        with gevent.Timeout(0.1):
            wait()
    gc.collect()


def test_locks_of_every_kind(client):
    with client.lock("/l", timeout=PATIENCE) as lock:
        assert lock.is_held and lock.check() is None and 0 < lock.valid_for <= 10
        assert client.try_lock("/l") is None
    with client.try_lock("/l") as lock:
        assert repr(lock) == f"<doozer.gevent.Lock /l rev={lock.rev}>"
    with pytest.raises(doozer.LockLost):
        lock.check()
    with client.read_lock("/rw"), client.read_lock("/rw"):
        with pytest.raises(doozer.Timeout):
            client.write_lock("/rw", timeout=0.05)
    with client.write_lock("/rw"), client.semaphore("/s", 1):
        with pytest.raises(doozer.Timeout):
            client.semaphore("/s", 1, timeout=0.05)


def test_losses(client):
    lock = client.lock("/l")
    assert lock.lost.wait(0) is False and lock.lost.wait(timeout=0.05) is False
    waiting = gevent.spawn(lock.lost.wait)
    gevent.sleep(0)
    client.del_("/l", lock.rev)
    assert waiting.get(timeout=PATIENCE) is True and lock.lost.is_set()
    with pytest.raises(doozer.LockLost):
        lock.unlock()
    # Though nobody waits for it.
    lost = (lock := client.lock("/l")).lost
    assert not lost.is_set() and "doozer.gevent.Lost" in repr(lost)
    client.set("/l", b"mine", -1)
    come(lost.is_set)
    assert not lock.is_held


def test_one_that_is_dropped_is_given_back(client):
    lock = client.lock("/l")
    assert not lock.lost.is_set()
    rev = lock.rev
    del lock
    gc.collect()
    with client.lock("/l", timeout=PATIENCE) as lock:
        assert lock.rev > rev


def test_a_leader(client):
    seen = client.observe("/leader")
    assert next(seen) == (None, 0)
    with client.elect("/leader", b"one") as leader:
        assert leader.is_leading and leader.check() is None and leader.path == "/leader"
        assert next(seen) == (b"one", leader.token)
        rev = leader.proclaim("one, ready")
        assert next(seen) == (b"one, ready", rev)
        second = gevent.spawn(client.elect, "/leader", b"two")
        assert client.set("/done", b"", 0, fence=leader) == rev + 1
    assert leader.lost.wait(PATIENCE) and not leader.is_leading
    second.get(timeout=PATIENCE).resign(timeout=PATIENCE)
    with pytest.raises(ZeroDivisionError) as caught:
        with client.elect("/leader", b"three") as leader:
            client.del_("/leader", leader.token)
            raise ZeroDivisionError
    assert isinstance(caught.value.__context__, doozer.LockLost)
    with pytest.raises(doozer.LockLost):
        with client.elect("/leader", b"four") as leader:
            client.del_("/leader", leader.token)


def test_services(client):
    with client.discover("/svc/*") as services:
        assert services.glob == "/svc/*" and services.files == {} and "doozer.gevent.Live" in repr(services)
        with client.register("/svc/1", "here") as registration:
            assert registration.path == "/svc/1"
            assert services.changed() == services.files == {"/svc/1": (b"here", registration.rev)}
        assert registration.rev is None
        for files in services:
            assert files == {}
            break
        with pytest.raises(doozer.Timeout):
            services.changed(timeout=0.05)
        client.register("/svc/2", "there").deregister()
    assert services.is_closed and list(services) == []
    services = client.discover("/svc/*")
    waits = [gevent.spawn(list, services), gevent.spawn(services.changed)]
    gevent.sleep(0)
    services.close()
    assert waits[0].get(timeout=PATIENCE) == []
    waits[1].join(timeout=PATIENCE)
    assert isinstance(waits[1].exception, doozer.Closed)


def test_transactions(client):
    with client.lock("/l") as lock:
        txn = client.txn().fence(lock).if_absent("/a").set("/a", "1", 0).del_("/none", -1)
        revs = txn.commit()
        assert revs == [lock.rev + 1, None]
        with pytest.raises(doozer.CompareFailed) as caught:
            txn.commit(timeout=PATIENCE)
        assert caught.value.part == ("compare", 2)
    for call in [lambda: client.set("/a", b"", -1, fence=lock), lambda: client.del_("/a", -1, fence=lock)]:
        with pytest.raises(doozer.LockLost):
            call()
    with pytest.raises(TypeError, match="a fence is a Lock or a Leader"):
        client.set("/a", b"", -1, fence=client)
    rev = client.set("/a", "2", revs[0])
    assert client.rollback("/a", revs[0]) == rev + 1
    assert next(client.follow("/a")).value == b"1"


def test_a_barrier(client):
    def go(number):
        with client.barrier("/b", 3) as entered:
            assert entered.path == "/b" and "doozer.gevent.Entered" in repr(entered)
            count.append(number)
        return len(count)

    def pair():
        waiting = gevent.spawn(client.barrier, "/b", 2)
        return client.barrier("/b", 2, timeout=PATIENCE), waiting.get(timeout=PATIENCE)

    count = []
    assert [each.get(timeout=PATIENCE) for each in [gevent.spawn(go, number) for number in range(3)]] == [3, 3, 3]
    one, two = pair()
    with pytest.raises(ZeroDivisionError):
        with one:
            raise ZeroDivisionError
    two.leave(timeout=PATIENCE)
    one, two = pair()
    for entry in client.walk("/b/members/*"):
        client.del_(entry.path, entry.rev)
    assert two.lost.wait(PATIENCE) and one.lost.wait(PATIENCE)
    with pytest.raises(doozer.LockLost):
        with one:
            pass


def test_a_greenlet_that_is_killed_in_a_barrier_does_not_wait_for_the_others(client):
    entered = gevent.event.Event()

    def go():
        with client.barrier("/b", 2):
            entered.set()
            gevent.event.Event().wait()

    greenlet = gevent.spawn(go)
    with client.barrier("/b", 2, timeout=PATIENCE):
        assert entered.wait(PATIENCE)
        greenlet.kill(timeout=PATIENCE)
        assert greenlet.ready()


def test_a_wait_for_a_loss_that_is_given_up(proxy):
    with doozer.gevent.connect(proxy.address) as client:
        lock = client.lock("/l")
        waiting = gevent.spawn(lock.lost.wait)
        told(proxy, "expect WATCH")
        waiting.kill(timeout=PATIENCE)
        assert waiting.ready()
        told(proxy, "expect CANCEL")
        assert lock.is_held
        lock.unlock()


def test_a_wait_for_a_change_that_is_given_up_loses_nothing(client):
    services = client.discover("/svc/*")
    given_up(services.changed)
    given_up(lambda: next(services))
    rev = client.set("/svc/1", b"x", 0)
    assert services.changed(timeout=PATIENCE) == {"/svc/1": (b"x", rev)}


def test_a_change_that_comes_as_its_time_ends_is_not_lost(client):
    services = client.discover("/svc/*")
    for i in range(50):
        with gevent.Timeout(0.001 * (i % 3), False):
            gevent.spawn(client.set, "/svc/1", str(i), -1)
            services.changed()
            continue
        assert services.changed(timeout=PATIENCE)["/svc/1"].value == str(i).encode()


def test_a_wait_before_a_gate_or_a_barrier_that_is_given_up(client):
    with client.write_lock("/rw"), client.semaphore("/s", 1):
        given_up(lambda: client.read_lock("/rw"))
        given_up(lambda: client.write_lock("/rw"))
        given_up(lambda: client.semaphore("/s", 1))
        given_up(lambda: client.barrier("/b", 2))
    come(lambda: all(client.walk(glob) == [] for glob in ("/rw/**", "/s/**", "/b/**")))
    waiting = gevent.spawn(client.barrier, "/b", 2)
    one, two = client.barrier("/b", 2), waiting.get(timeout=PATIENCE)
    given_up(one.leave)
    # It has left, and may go on to wait for the others.
    leaving = gevent.spawn(one.leave)
    two.leave(timeout=PATIENCE)
    leaving.get(timeout=PATIENCE)


def test_after_a_fork(client, in_child):
    lock, leader, services = client.lock("/l"), client.elect("/leader", b"me"), client.discover("/leader")
    assert not lock.lost.is_set()

    def child():
        gevent.reinit()
        assert not lock.is_held and not leader.is_leading and lock.lost.is_set()
        for call in [lock.lost.wait, lock.unlock, leader.resign, services.changed, lambda: leader.proclaim(b"")]:
            with pytest.raises(doozer.Forked):
                call()
        with lock, leader, services:
            pass
        with client.lock("/of-the-child"):
            pass

    in_child(child)
    assert lock.is_held and leader.is_leading
    lock.unlock()
    leader.resign()
