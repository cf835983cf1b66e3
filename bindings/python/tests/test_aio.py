"""The API for asyncio: the loop runs on, and a cancelled task leaves nothing behind."""

import asyncio
import gc
import inspect
import os
import signal
import threading
import weakref

import pytest

import doozer
import doozer.aio

from .conftest import KINDS, PATIENCE


@pytest.fixture
async def client(node):
    async with doozer.aio.connect(node.address) as client:
        yield client


@pytest.fixture
async def proxied(node, proxy):
    async with doozer.aio.connect(proxy.address) as client:
        yield client


async def told(proxy, command):
    """Tells the proxy, while the loop runs on."""
    await asyncio.get_running_loop().run_in_executor(None, proxy.tell, command)


def same_words(one, other):
    """Compares what two functions can be told."""

    def words(function):
        parameters = list(inspect.signature(function).parameters.values())
        return [(each.name, each.kind, each.default) for each in parameters if each.name != "self"]

    return words(one) == words(other)


def public(kind):
    """What the class itself has, and what it has from the classes of this package that it is made of."""
    made_of = [each for each in kind.__mro__ if each.__module__.startswith("doozer")]
    return {name for each in made_of for name in vars(each) if not name.startswith("_")}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_names(kind):
    blocking, here = getattr(doozer, kind), getattr(doozer.aio, kind)
    names = public(blocking)
    assert names == public(here)
    if kind == "Node":
        names = {"get_local", "revision", "stop"}
    for name in names:
        one, other = inspect.getattr_static(blocking, name), inspect.getattr_static(here, name)
        if isinstance(other, property):
            assert not callable(one)
        else:
            assert same_words(one, other), name


def test_every_class_is_there():
    assert {name for name in doozer.aio.__all__ if name != "connect"} == set(KINDS)
    for kind in KINDS:
        assert getattr(doozer.aio, kind).__module__ == "doozer.aio"


async def test_every_call(node, client):
    rev = await client.set("/a", b"one", 0)
    assert await client.get("/a") == (b"one", rev)
    assert await client.get("/a", rev, timeout=5, consistency="local") == (b"one", rev)
    assert await client.add("/d/b", "x") == rev + 1
    assert await client.stat("/d") == (1, -2)
    assert await client.getdir("/d") == ["b"]
    assert await client.walk("/d/*") == [("/d/b", b"x", rev + 1, 1)]
    assert [entry async for entry in client.list("/d/*", limit=5)] == await client.walk("/d/*")
    assert await client.wait("/a", rev) == ("/a", b"one", rev, "set")
    assert await client.rev() == rev + 1
    assert await client.del_("/a", rev) == rev + 2
    assert await client.del_("/a", rev) == 0
    assert await client.nop() is None
    assert await client.self_id() == node.id
    with pytest.raises(PermissionError):
        await client.access("wrong")


async def test_errors(client):
    await client.set("/a", b"", 0)
    with pytest.raises(doozer.RevMismatch) as caught:
        await client.set("/a", b"", 0)
    assert (caught.value.op, caught.value.path) == ("set", "/a")
    with pytest.raises(TimeoutError):
        await client.wait("/never", 1, timeout=0.05)
    with pytest.raises(TypeError):
        await client.set("/a", 5, 0)
    with pytest.raises(OverflowError):
        await client.get("/a", 2**63)
    with pytest.raises(ValueError):
        await client.get("/a", timeout=-1)


async def test_the_loop_runs_on(client):
    rev = await client.rev()
    waits = [
        asyncio.create_task(client.wait("/a", rev + 1)),
        asyncio.create_task(client.get("/a", rev + 1)),
        asyncio.create_task(client.watch("/a", rev + 1).next()),
    ]
    await asyncio.sleep(0)
    await client.set("/a", b"x", 0)
    event, file, first = await asyncio.gather(*waits)
    assert event == first and event.value == file.value == b"x"


async def test_many_calls_at_once(client):
    revs = await asyncio.gather(*(client.set(f"/m/{i}", str(i), 0) for i in range(500)))
    assert len(set(revs)) == 500
    files = await asyncio.gather(*(client.get(f"/m/{i}") for i in range(500)))
    assert [file.value for file in files] == [str(i).encode() for i in range(500)]


WAITS = {
    "wait": lambda client: client.wait("/never", 1),
    "get": lambda client: client.get("/never", 10**9),
    "watch": lambda client: client.watch("/never", 1).next(),
    "lock": lambda client: client.lock("/held"),
    "elect": lambda client: client.elect("/held", b"me"),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
@pytest.mark.parametrize("end", ["cancel", "wait_for", "throw_away"])
async def test_a_cancelled_task_leaves_nothing_behind(node, proxy, proxied, wait, end):
    held = node.client().lock("/held")
    sent = {"get": "GET", "wait": "WAIT", "lock": "SET", "elect": "SET"}.get(next(name for name in WAITS if WAITS[name] is wait), "WATCH")
    if end == "wait_for":
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(wait(proxied), 0.1)
    elif end == "cancel":
        task = asyncio.ensure_future(wait(proxied))
        await told(proxy, f"expect {sent}")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        coroutine = wait(proxied)
        coroutine.send(None)
        await told(proxy, f"expect {sent}")
        coroutine.close()
        del coroutine
    gc.collect()
    await told(proxy, "expect CANCEL")
    assert await proxied.nop() is None
    held.unlock()
    # Nothing was left that would take it.
    assert (await proxied.lock("/held", timeout=PATIENCE)).rev == held.rev + 2


async def test_a_cancelled_next_loses_nothing(client):
    watch = client.watch("/w", 1)
    for i in range(100):
        task = asyncio.create_task(watch.next())
        await asyncio.sleep(0)
        write = asyncio.create_task(client.set("/w", str(i), -1))
        # Sometimes before it comes, sometimes after.
        for _ in range(i % 7):
            await asyncio.sleep(0)
        task.cancel()
        try:
            event = await task
        except asyncio.CancelledError:
            event = await watch.next(timeout=PATIENCE)
        await write
        assert event.value == str(i).encode()


async def test_streams(client):
    rev = await client.set("/w", b"1", 0)
    async with client.watch("/w", rev) as watch:
        async for event in watch:
            assert event.rev == rev
            break
        with pytest.raises(doozer.Timeout):
            await watch.next(timeout=0.05)
        assert not watch.is_closed
    assert watch.is_closed
    assert [event async for event in watch] == []
    with pytest.raises(StopAsyncIteration):
        await watch.next()
    live = client.config("/w")
    assert await live.__anext__() == (b"1", rev)
    ending = asyncio.create_task(live.next())
    await asyncio.sleep(0)
    await live.close()
    with pytest.raises(StopAsyncIteration):
        # As an iteration sees it: a task cannot hold a StopIteration.
        await ending


async def test_an_iteration_that_is_left_is_taken_back(proxy, proxied):
    await proxied.set("/w", b"1", 0)
    async for _ in proxied.watch("/w", 1):
        break
    gc.collect()
    await told(proxy, "expect CANCEL")
    assert await proxied.nop() is None


async def test_locks(client):
    async with client.lock("/l") as lock:
        assert lock.is_held and (await client.stat("/l")).rev == lock.rev
        assert "doozer.aio.Lock" in repr(lock)
    assert not lock.is_held
    first = await client.lock("/l")
    second = asyncio.create_task(client.lock("/l"))
    await first.unlock()
    async with await second as lock:
        assert lock.rev > first.rev
    with pytest.raises(ZeroDivisionError):
        async with client.lock("/l"):
            raise ZeroDivisionError
    assert await client.get("/l") == (None, 0)
    with pytest.raises(ZeroDivisionError) as caught:
        async with client.lock("/l") as lock:
            await client.del_("/l", lock.rev)
            raise ZeroDivisionError
    assert isinstance(caught.value.__context__, doozer.LockLost)
    with pytest.raises(doozer.LockLost):
        async with client.lock("/l") as lock:
            await client.del_("/l", lock.rev)
    with pytest.raises(doozer.LockLost):
        await lock.unlock()


async def test_a_lock_that_comes_as_its_task_is_cancelled_is_given_back(client):
    for turns in range(30):
        task = asyncio.create_task(client.lock("/l"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        kept = None
        try:
            await (await task).unlock()
        except asyncio.CancelledError as error:
            # Not even if the exception lives on.
            kept = error
        await (await client.lock("/l", timeout=PATIENCE)).unlock()
        del kept


async def test_closing_ends_waits(client):
    rev = await client.rev()
    waits = [asyncio.create_task(client.wait("/a", rev + 1)), asyncio.create_task(client.watch("/a", rev + 1).next())]
    await asyncio.sleep(0)
    await client.close()
    for wait in waits:
        with pytest.raises(doozer.Closed):
            await wait
    assert client.is_closed
    with pytest.raises(doozer.Closed):
        await client.get("/a")


async def test_an_embedded_member(tmp_path):
    async with doozer.aio.Node.start(data_dir=tmp_path, listen="127.0.0.1:0") as node:
        async with node.client(timeout=5) as client:
            rev = await client.set("/a", b"x", 0)
            assert await client.get("/a") == node.get_local("/a") == (b"x", rev)
            assert node.revision() == rev and node.cluster_name == "local"
            assert node.id in repr(node) and node.address in repr(node)
        async with doozer.aio.connect(node.address) as client:
            assert await client.self_id() == node.id
    with pytest.raises(doozer.Closed):
        node.get_local("/a")
    node = await doozer.aio.Node.start(data_dir=tmp_path)
    assert node.get_local("/a") == (b"x", rev)
    await node.stop()
    with pytest.raises(TypeError):
        await doozer.aio.Node.start(nonsense=1)


async def test_no_server():
    with pytest.raises(doozer.Disconnected, match="127.0.0.1:1"):
        await doozer.aio.connect("127.0.0.1:1", connect_timeout=0.3)


def test_one_client_in_one_loop_after_the_other(node):
    clients = []

    async def first():
        clients.append(await doozer.aio.connect(node.address))
        return await clients[0].set("/a", b"x", -1)

    async def later():
        return (await clients[0].get("/a")).rev

    rev = asyncio.run(first())
    assert asyncio.run(later()) == asyncio.run(later()) == rev
    asyncio.run(clients[0].close())


def test_one_client_in_several_loops_at_once(node, background):
    client = asyncio.run(collect(doozer.aio.connect(node.address)))

    async def work(number):
        for i in range(50):
            await client.set(f"/t/{number}", str(i), -1)
        return (await client.get(f"/t/{number}")).value

    threads = [background(lambda number=number: asyncio.run(work(number))) for number in range(4)]
    assert [thread.get() for thread in threads] == [b"49"] * 4


async def collect(awaitable):
    return await awaitable


def test_a_loop_that_is_thrown_away_takes_everything_with_it(node):
    def use():
        loop = asyncio.new_event_loop()
        client = loop.run_until_complete(collect(doozer.aio.connect(node.address)))
        # Still under way when the loop is closed.
        task = loop.create_task(client.wait("/never", 1))
        loop.run_until_complete(client.nop())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()
        return weakref.ref(loop)

    use()
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    loops = [use() for _ in range(20)]
    gc.collect()
    assert [loop() for loop in loops] == [None] * 20
    # Their pipes too; connections are closed in the background.
    assert len(os.listdir("/proc/self/fd")) < before + 40


def test_after_a_fork(node, in_child):
    clients = []

    async def first():
        clients.append(await doozer.aio.connect(node.address))
        await clients[0].set("/a", b"x", -1)

    async def later():
        assert (await clients[0].get("/a")).value == b"x"
        async with doozer.aio.connect(node.address) as other:
            await other.set(f"/{os.getpid()}", b"", -1)
            assert (await clients[0].get(f"/{os.getpid()}")).value == b""
            task = asyncio.create_task(other.wait("/never", 1))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(first())
    for _ in range(3):
        in_child(lambda: asyncio.run(later()))
    asyncio.run(later())


def test_a_fork_within_a_loop(node, in_child):
    async def main():
        async with doozer.aio.connect(node.address) as client:
            await client.set("/a", b"x", -1)

            async def child():
                assert (await client.get("/a")).value == b"x"

            in_child(lambda: asyncio.run(child()))
            assert (await client.get("/a")).value == b"x"

    asyncio.run(main())


def test_uvloop(node, proxy):
    uvloop = pytest.importorskip("uvloop")

    async def main():
        async with doozer.aio.connect(proxy.address) as client:
            rev = await client.set("/a", b"x", -1)
            waiting = asyncio.create_task(client.wait("/a", rev + 1))
            await asyncio.sleep(0)
            await client.set("/a", b"y", -1)
            assert (await waiting).value == b"y"
            task = asyncio.create_task(client.wait("/never", 1))
            await told(proxy, "expect WAIT")
            await told(proxy, "expect WAIT")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await told(proxy, "expect CANCEL")
            async for file in client.config("/a"):
                return file.value

    for _ in range(2):
        assert uvloop.run(main()) == b"y"


def test_ctrl_c(node):
    async def main():
        async with doozer.aio.connect(node.address) as client:
            main = threading.main_thread().ident
            threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT)).start()
            await client.wait("/never", 1)

    # It is ignored in what a shell runs in the background.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(main())
    finally:
        signal.signal(signal.SIGINT, before)
