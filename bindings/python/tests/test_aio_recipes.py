"""Locks, elections, services, transactions and barriers for asyncio: the loop runs on, a cancelled task leaves nothing."""

import asyncio
import gc
import os

import pytest

import doozer
import doozer.aio

from .conftest import PATIENCE


@pytest.fixture
async def client(node):
    async with doozer.aio.connect(node.address) as client:
        yield client


async def come(holds):
    """Waits until a coroutine says so."""

    async def look():
        while not await holds():
            await asyncio.sleep(0.005)

    await asyncio.wait_for(look(), PATIENCE)


async def told(proxy, command):
    await asyncio.get_running_loop().run_in_executor(None, proxy.tell, command)


async def given_up(wait):
    """Begins a wait and cancels it, once it had its time."""
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(wait, 0.1)
    gc.collect()


async def test_locks_of_every_kind(client):
    async with client.lock("/l", timeout=PATIENCE) as lock:
        assert lock.is_held and lock.check() is None and 0 < lock.valid_for <= 10
        assert await client.try_lock("/l") is None
    lock = await client.try_lock("/l")
    assert repr(lock) == f"<doozer.aio.Lock /l rev={lock.rev}>"
    async with lock:
        pass
    with pytest.raises(doozer.LockLost):
        lock.check()
    async with client.read_lock("/rw"), client.read_lock("/rw"):
        with pytest.raises(doozer.Timeout):
            await client.write_lock("/rw", timeout=0.05)
    async with client.write_lock("/rw"), client.semaphore("/s", 1):
        with pytest.raises(doozer.Timeout):
            await client.read_lock("/rw", timeout=0.05)
        with pytest.raises(doozer.Timeout):
            await client.semaphore("/s", 1, timeout=0.05)


async def test_the_loss_is_waited_for(client):
    lock = await client.lock("/l")
    assert await lock.lost.wait(0) is False and await lock.lost.wait(timeout=0.05) is False
    waits = [asyncio.create_task(lock.lost.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    await client.del_("/l", lock.rev)
    assert await asyncio.gather(*waits) == [True, True]
    assert lock.lost.is_set() and not lock.is_held
    with pytest.raises(doozer.LockLost):
        await lock.unlock()


async def test_the_loss_is_known_to_who_does_something_else(client):
    lock = await client.lock("/l")
    lost = lock.lost
    assert not lost.is_set() and "doozer.aio.Lost" in repr(lost)
    await client.set("/l", b"mine", -1)

    async def is_set():
        return lost.is_set()

    await come(is_set)
    assert not lock.is_held


async def test_one_that_is_dropped_is_given_back(client):
    lock = await client.lock("/l")
    assert not lock.lost.is_set()
    rev = lock.rev
    del lock
    gc.collect()
    async with client.lock("/l", timeout=PATIENCE) as lock:
        assert lock.rev > rev


async def test_a_leader(client):
    seen = client.observe("/leader")
    assert await seen.next() == (None, 0)
    async with client.elect("/leader", b"one") as leader:
        assert leader.is_leading and leader.check() is None and leader.path == "/leader"
        assert await seen.next() == (b"one", leader.token)
        rev = await leader.proclaim("one, ready")
        assert await seen.next() == (b"one, ready", rev)
        second = asyncio.create_task(client.elect("/leader", b"two"))
        assert await client.set("/done", b"", 0, fence=leader) == rev + 1
        lost = asyncio.create_task(leader.lost.wait())
    assert await lost is True and not leader.is_leading
    await (await second).resign(timeout=PATIENCE)
    with pytest.raises(ZeroDivisionError) as caught:
        async with client.elect("/leader", b"three") as leader:
            await client.del_("/leader", leader.token)
            raise ZeroDivisionError
    assert isinstance(caught.value.__context__, doozer.LockLost)
    with pytest.raises(doozer.LockLost):
        async with client.elect("/leader", b"four") as leader:
            await client.del_("/leader", leader.token)


async def test_services(client):
    async with client.discover("/svc/*") as services:
        assert services.glob == "/svc/*" and services.files == {} and "doozer.aio.Live" in repr(services)
        async with client.register("/svc/1", "here") as registration:
            assert registration.path == "/svc/1"
            assert await services.changed() == services.files == {"/svc/1": (b"here", registration.rev)}
        assert registration.rev is None
        async for files in services:
            assert files == {}
            break
        with pytest.raises(doozer.Timeout):
            await services.changed(timeout=0.05)
        registration = await client.register("/svc/2", "there")
        await registration.deregister()
        with pytest.raises(doozer.Closed):
            await registration.deregister()
    assert services.is_closed
    assert [files async for files in services] == []
    services = await client.discover("/svc/*")

    async def each():
        return [files async for files in services]

    waits = [asyncio.create_task(each()), asyncio.create_task(services.changed())]
    await asyncio.sleep(0)
    await services.close()
    assert await waits[0] == []
    with pytest.raises(doozer.Closed):
        await waits[1]


async def test_a_client_that_is_closed(client):
    services = await client.discover("/svc/*")
    waiting = asyncio.create_task(services.__anext__())
    await asyncio.sleep(0)
    await client.close()
    with pytest.raises(doozer.Closed):
        await waiting


async def test_transactions(client):
    lock = await client.lock("/l")
    txn = client.txn().fence(lock).if_fence("/l", lock.rev).if_absent("/a").set("/a", "1", 0).del_("/none", -1)
    revs = await txn.commit()
    assert revs == [lock.rev + 1, None]
    more = client.txn().if_rev("/a", revs[0]).if_value("/a", "1").set_ephemeral("/e", b"", 0)
    assert await more.commit(timeout=PATIENCE) == [revs[0] + 1]
    with pytest.raises(doozer.CompareFailed) as caught:
        await txn.commit()
    assert caught.value.part == ("compare", 3)
    await lock.unlock()
    for call in [client.set("/a", b"", -1, fence=lock), client.del_("/a", -1, fence=lock)]:
        with pytest.raises(doozer.LockLost):
            await call
    for wrong in ["/l", client]:
        with pytest.raises(TypeError, match="a fence is a Lock or a Leader"):
            await client.set("/a", b"", -1, fence=wrong)
        with pytest.raises(TypeError, match="a fence is a Lock or a Leader"):
            client.txn().fence(wrong)


async def test_follow_and_rollback(client):
    rev = await client.set("/c", b"one", 0)
    await client.set("/c", b"two", -1)
    async with client.follow("/c") as changes:
        assert (await changes.next()).value == b"two"
        assert await client.rollback("/c", rev) == rev + 2
        assert await changes.next() == ("/c", b"one", rev + 2, "set")


async def test_a_barrier(client):
    async def go(number):
        async with client.barrier("/b", 3) as entered:
            assert entered.path == "/b" and "doozer.aio.Entered" in repr(entered)
            count.append(number)
        return len(count)

    count = []
    assert await asyncio.gather(*(go(number) for number in range(3))) == [3, 3, 3]
    assert await client.walk("/b/**") == []
    one, two = await asyncio.gather(client.barrier("/b", 2), client.barrier("/b", 2))
    with pytest.raises(ZeroDivisionError):
        async with one:
            raise ZeroDivisionError
    await two.leave(timeout=PATIENCE)
    one, two = await asyncio.gather(client.barrier("/b", 2), client.barrier("/b", 2))
    assert not one.lost.is_set()
    for entry in await client.walk("/b/members/*"):
        await client.del_(entry.path, entry.rev)
    assert await two.lost.wait(PATIENCE) and await one.lost.wait(PATIENCE)
    with pytest.raises(doozer.LockLost):
        async with one:
            pass


async def test_a_task_that_is_cancelled_in_a_barrier_does_not_wait_for_the_others(client):
    entered = asyncio.Event()

    async def go():
        async with client.barrier("/b", 2):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(go())
    async with client.barrier("/b", 2, timeout=PATIENCE):
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_wait_for_a_loss_that_is_cancelled(proxy):
    async with doozer.aio.connect(proxy.address) as client:
        lock = await client.lock("/l")
        task = asyncio.create_task(lock.lost.wait())
        await told(proxy, "expect WATCH")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await told(proxy, "expect CANCEL")
        assert lock.is_held
        await lock.unlock()


async def test_a_wait_for_a_change_that_is_cancelled_loses_nothing(client):
    services = await client.discover("/svc/*")
    await given_up(services.changed())
    rev = await client.set("/svc/1", b"x", 0)
    assert await services.changed(timeout=PATIENCE) == {"/svc/1": (b"x", rev)}


async def test_a_change_that_comes_as_its_task_is_cancelled_is_not_lost(client):
    services = await client.discover("/svc/*")
    for i in range(100):
        task = asyncio.create_task(services.changed())
        await asyncio.sleep(0)
        write = asyncio.create_task(client.set("/svc/1", str(i), -1))
        # Sometimes before it comes, sometimes after.
        for _ in range(i % 7):
            await asyncio.sleep(0)
        if i % 2:
            await write
        task.cancel()
        try:
            files = await task
        except asyncio.CancelledError:
            files = await services.changed(timeout=PATIENCE)
        await write
        assert files["/svc/1"].value == str(i).encode()


async def test_a_map_that_is_dropped_is_taken_back(proxy):
    async with doozer.aio.connect(proxy.address) as client:
        services = await client.discover("/svc/*")
        await told(proxy, "expect WATCH")
        await given_up(services.changed())
        del services
        gc.collect()
        await told(proxy, "expect CANCEL")


async def test_a_wait_before_a_gate_or_a_barrier_that_is_cancelled(client):
    async with client.write_lock("/rw"), client.semaphore("/s", 1):
        for wait in [client.read_lock("/rw"), client.write_lock("/rw"), client.semaphore("/s", 1), client.barrier("/b", 2)]:
            await given_up(wait)

    async def is_empty():
        return all([await client.walk(glob) == [] for glob in ("/rw/**", "/s/**", "/b/**")])

    await come(is_empty)
    one, two = await asyncio.gather(client.barrier("/b", 2), client.barrier("/b", 2))
    await given_up(one.leave())
    # It has left, and may go on to wait for the others.
    await asyncio.gather(one.leave(timeout=PATIENCE), two.leave(timeout=PATIENCE))


@pytest.mark.parametrize(
    "take",
    [
        lambda client: client.elect("/x", b"me"),
        lambda client: client.register("/x", b"me"),
        lambda client: client.try_lock("/x"),
        lambda client: client.semaphore("/x", 1),
        lambda client: client.barrier("/x", 1),
    ],
    ids=["elect", "register", "try_lock", "semaphore", "barrier"],
)
async def test_what_comes_as_its_task_is_cancelled_is_given_back(client, take):
    async def is_gone():
        # That a barrier was open is found, and ended, by who comes next.
        left = {entry.path for entry in await client.walk("/**") if entry.path.startswith("/x")}
        return left <= {"/x/ready"}

    for turns in range(20):
        task = asyncio.ensure_future(take(client))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        kept = None
        try:
            got = await task
        except asyncio.CancelledError as error:
            # Not even if the exception lives on.
            kept = error
        else:
            del got
        del task
        gc.collect()
        await come(is_gone)
        del kept


def test_after_a_fork(node, in_child):
    held = {}

    async def parent():
        client = held["client"] = await doozer.aio.connect(node.address)
        held["lock"] = await client.lock("/l")
        held["leader"] = await client.elect("/leader", b"me")
        held["services"] = await client.discover("/leader")
        assert not held["lock"].lost.is_set()

    async def child():
        lock, leader, services = held["lock"], held["leader"], held["services"]
        assert not lock.is_held and not leader.is_leading and lock.lost.is_set()
        for call in [lock.lost.wait, lock.unlock, leader.resign, services.changed, lambda: leader.proclaim(b"")]:
            with pytest.raises(doozer.Forked):
                await call()
        with pytest.raises(doozer.Forked):
            await held["client"].set("/a", b"", 0, fence=lock)
        async with lock, leader, services:
            pass
        async with held["client"].lock(f"/{os.getpid()}"):
            pass

    async def after():
        assert held["lock"].is_held and held["leader"].is_leading
        await held["lock"].unlock()
        await held["leader"].resign()

    asyncio.run(parent())
    in_child(lambda: asyncio.run(child()))
    asyncio.run(after())
