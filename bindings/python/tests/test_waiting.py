"""Waits: the interpreter is free meanwhile, signals end them, and what is given up is taken back from the member."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import doozer

from .conftest import PATIENCE, Background, eventually


class Stop(Exception):
    """What the handler of a signal raises here."""


@pytest.fixture
def alarm():
    """Lets `Stop` be raised on this thread after some time."""

    def stop(*_):
        raise Stop

    before = signal.signal(signal.SIGALRM, stop)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_other_threads_run_on(client):
    # The wait can end only if this thread does something meanwhile.
    waiting = Background(lambda: client.wait("/a", 1))
    client.set("/a", b"x", 0)
    assert waiting.get().value == b"x"


def test_other_threads_run_on_during_every_wait(node, client):
    held = client.lock("/l")
    rev = client.rev()
    waits = [
        Background(lambda: client.wait("/a", rev + 1)),
        Background(lambda: client.get("/a", rev + 1)),
        Background(lambda: client.stat("/a", rev + 1)),
        Background(lambda: next(client.watch("/a", rev + 1))),
        Background(lambda: client.watch("/a", rev + 1).next(timeout=PATIENCE)),
        Background(lambda: client.lock("/l").unlock()),
        Background(lambda: client.elect("/l", b"me").resign()),
        Background(lambda: held.lost.wait()),
        Background(lambda live=client.discover("/a"): live.changed()),
        Background(lambda live=client.discover("/a"): next(live)),
    ]
    client.set("/a", b"x", 0)
    held.unlock()
    for wait in waits:
        wait.get()


def test_other_threads_run_on_at_a_barrier(client):
    waiting = Background(lambda: client.barrier("/b", 2))
    entered = client.barrier("/b", 2)
    leaving = Background(waiting.get().leave)
    entered.leave()
    leaving.get()


def test_other_threads_run_on_before_a_gate(client):
    writer, place = client.write_lock("/rw"), client.semaphore("/s", 1)
    waits = [
        Background(lambda: client.read_lock("/rw").unlock()),
        Background(lambda: client.write_lock("/rw").unlock()),
        Background(lambda: client.semaphore("/s", 1).unlock()),
    ]
    writer.unlock()
    place.unlock()
    for wait in waits:
        wait.get()


def test_many_threads_on_one_client(client):
    def work(number):
        for i in range(50):
            rev = client.set(f"/t/{number}", str(i), -1)
            assert client.get(f"/t/{number}") == (str(i).encode(), rev)
        return number

    threads = [Background(lambda number=number: work(number)) for number in range(16)]
    assert [thread.get() for thread in threads] == list(range(16))
    assert len(client.walk("/t/*")) == 16


@pytest.mark.parametrize(
    "wait",
    [
        lambda client: client.wait("/never", 1),
        lambda client: client.get("/never", 10**9),
        lambda client: next(client.watch("/never", 1)),
        lambda client: client.watch("/never", 1).next(timeout=PATIENCE),
        lambda client: client.lock("/held"),
        lambda client: client.elect("/held", b"me"),
    ],
    ids=["wait", "get", "watch", "next", "lock", "elect"],
)
def test_a_signal_ends_a_wait(node, proxy, alarm, wait):
    with node.client() as holder, doozer.connect(proxy.address) as client:
        lock = holder.lock("/held")
        began = time.monotonic()
        alarm(0.1)
        with pytest.raises(Stop):
            wait(client)
        assert time.monotonic() - began < 5
        # Whatever held on to it is gone: the exception's frames.
        gc.collect()
        proxy.tell("expect CANCEL")
        assert client.nop() is None
        lock.unlock()
        # Nothing was left that would take it.
        assert holder.lock("/held", timeout=PATIENCE).rev == lock.rev + 2


def stopped(alarm, wait):
    """Has a wait ended by a signal."""
    alarm(0.1)
    with pytest.raises(Stop):
        wait()
    # Whatever held on to it is gone: the exception's frames.
    gc.collect()


def once_sent(proxy, verb):
    """In place of `alarm`: the signal comes once the member was sent such a request, whatever the time."""
    main = threading.main_thread().ident

    def tell():
        proxy.tell(f"expect {verb}")
        signal.pthread_kill(main, signal.SIGALRM)

    return lambda _: Background(tell)


@pytest.mark.parametrize("hold", [lambda client: client.lock("/l"), lambda client: client.elect("/l", b"me")])
def test_a_signal_ends_the_wait_for_a_loss(proxy, alarm, hold):
    with doozer.connect(proxy.address) as client:
        held = hold(client)
        stopped(once_sent(proxy, "WATCH"), held.lost.wait)
        proxy.tell("expect CANCEL")
        assert held.check() is None and not held.lost.is_set()
        client.del_("/l", -1)
        assert held.lost.wait(PATIENCE) is True


def test_a_signal_ends_what_follows(proxy, alarm):
    with doozer.connect(proxy.address) as client:
        changes = client.follow("/a")
        stopped(once_sent(proxy, "WATCH"), changes.next)
        rev = client.set("/a", b"x", 0)
        assert changes.next(timeout=PATIENCE).rev == rev
        del changes
        gc.collect()
        proxy.tell("expect CANCEL")


@pytest.mark.parametrize("wait", [lambda live: live.changed(), next], ids=["changed", "next"])
def test_a_signal_ends_the_wait_for_a_change_which_is_not_lost(client, alarm, wait):
    live = client.discover("/svc/*")
    stopped(alarm, lambda: wait(live))
    rev = client.set("/svc/1", b"x", 0)
    assert live.changed(timeout=PATIENCE) == {"/svc/1": (b"x", rev)}


@pytest.mark.parametrize(
    "wait",
    [
        lambda client: client.read_lock("/held"),
        lambda client: client.write_lock("/held"),
        lambda client: client.semaphore("/held", 1),
    ],
    ids=["read_lock", "write_lock", "semaphore"],
)
def test_a_signal_ends_the_wait_before_a_gate(client, alarm, wait):
    writer = client.write_lock("/held")
    stopped(alarm, lambda: wait(client))
    writer.unlock()
    # Nothing is left of it, not even in the queue.
    client.write_lock("/held", timeout=PATIENCE).unlock()
    assert client.walk("/held/**") == []


def test_a_signal_ends_the_wait_at_a_barrier(client, alarm):
    stopped(alarm, lambda: client.barrier("/b", 2))
    eventually(lambda: client.walk("/b/**") == [])
    waiting = Background(lambda: client.barrier("/b", 2))
    one, two = client.barrier("/b", 2), waiting.get()
    stopped(alarm, one.leave)
    # It has left, and may go on to wait for the others.
    eventually(lambda: len(client.walk("/b/members/*")) == 1)
    leaving = Background(one.leave)
    two.leave(timeout=PATIENCE)
    leaving.get()
    assert client.walk("/b/**") == []


def test_what_a_handler_raises_is_not_taken_for_the_end_of_the_time(client, alarm):
    def late(*_):
        raise TimeoutError("of its own")

    lock = client.lock("/l")
    signal.signal(signal.SIGALRM, late)
    alarm(0.1)
    with pytest.raises(TimeoutError, match="of its own"):
        lock.lost.wait(PATIENCE)


def test_a_signal_that_raises_nothing_does_not_end_a_wait(client, alarm):
    seen = []
    signal.signal(signal.SIGALRM, lambda *_: seen.append(client.set("/a", b"x", -1)))
    alarm(0.1)
    assert client.wait("/a", 1, timeout=PATIENCE).value == b"x"
    assert len(seen) == 1


def test_ctrl_c_in_a_program_of_its_own(node, client):
    program = (
        "import doozer, signal, sys\n"
        # It is ignored in what a shell runs in the background.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "c = doozer.connect(sys.argv[1])\n"
        "try:\n"
        "    c.set('/ready', b'', -1)\n"
        "    c.wait('/never', 1)\n"
        "except KeyboardInterrupt:\n"
        "    print(c.get('/ready').rev)\n"
    )
    words = [sys.executable, "-c", program, node.address]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    rev = client.wait("/ready", 1, timeout=PATIENCE).rev
    # It may come before the wait has begun: that is the same to it.
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said) == (0, f"{rev}\n")


def test_a_program_can_end_while_threads_wait(node):
    program = (
        "import doozer, sys, threading\n"
        "c = doozer.connect(sys.argv[1])\n"
        "for glob in ('/a', '/b'):\n"
        "    threading.Thread(target=c.wait, args=(glob, 1), daemon=True).start()\n"
        "threading.Thread(target=lambda: next(c.watch('/c', 1)), daemon=True).start()\n"
        "c.nop()\n"
        "print('over')\n"
    )
    words = [sys.executable, "-c", program, node.address]
    done = subprocess.run(words, stdout=subprocess.PIPE, timeout=PATIENCE, check=True, text=True)
    assert done.stdout == "over\n"


def test_a_timeout_takes_the_wait_back(node, proxy):
    with doozer.connect(proxy.address) as client:
        with pytest.raises(doozer.Timeout):
            client.wait("/never", 1, timeout=0.1)
        proxy.tell("expect CANCEL")
        assert client.nop() is None


def test_closing_ends_waits(client):
    rev = client.rev()
    waits = [
        Background(lambda: client.wait("/a", rev + 1)),
        Background(lambda: client.get("/a", rev + 1)),
        Background(lambda: next(client.watch("/a", rev + 1))),
    ]
    client.close()
    for wait in waits:
        with pytest.raises(doozer.Closed):
            wait.get()


def test_handles_dropped_while_somebody_waits(node):
    """The last name of a client, a watch and a member goes while threads wait with them."""
    client = doozer.connect(node.address)
    stream = client.watch("/a", 1)
    waits = [Background(lambda wait=client.wait: wait("/a", 1)), Background(stream.__next__)]
    del client, stream
    gc.collect()
    with doozer.connect(node.address) as other:
        other.set("/a", b"x", 0)
    for wait in waits:
        assert wait.get().value == b"x"

    member = doozer.Node()
    waiting = Background(lambda wait=member.client().wait: wait("/a", 1, timeout=0.5))
    del member
    gc.collect()
    with pytest.raises(doozer.Disconnected):
        waiting.get()


def test_no_switch_for_an_embedded_read(node):
    """What is there at once is not waited for: a busy thread must not get the interpreter in between."""
    client = node.client()
    client.set("/a", b"x", 0)
    interval = sys.getswitchinterval()
    over = threading.Event()

    def spin():
        while not over.is_set():
            pass

    sys.setswitchinterval(0.05)
    try:
        busy = Background(spin)
        began = time.perf_counter()
        for _ in range(1000):
            client.get("/a")
        took = time.perf_counter() - began
    finally:
        sys.setswitchinterval(interval)
        over.set()
    busy.get()
    # A switch for each of them would take 50 s.
    assert took < 25


def test_memory_stays():
    """20,000 operations of all kinds leave memory where it was, as far as a small allowance goes."""

    def work(rounds):
        for _ in range(rounds):
            rev = client.set("/m", b"x" * 100, -1)
            client.get("/m")
            client.wait("/m", rev)
            client.stat("/m")
            node.get_local("/m")
            with client.watch("/m", rev) as watch:
                next(watch)
            with client.lock("/l") as lock:
                assert not lock.lost.is_set()
                client.txn().fence(lock).set("/m", b"x", -1).commit()
            with client.discover("/m") as live:
                assert len(live.files) == 1
            with client.elect("/l", b"me") as leader:
                assert leader.lost.wait(0) is False
            with pytest.raises(doozer.RevMismatch):
                client.set("/m", b"", 0)
            list(client.list("/m"))
            client.walk("/m")

    def resident_kb():
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024

    # The member's history is part of this process: it is filled first.
    with doozer.Node(listen="127.0.0.1:0", history=100) as node, doozer.connect(node.address) as client:
        work(500)
        gc.collect()
        before = resident_kb()
        work(2000)
        gc.collect()
        assert resident_kb() - before < 4096
