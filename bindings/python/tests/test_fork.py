"""Forks: what a child may use, and what is its parent's alone."""

import multiprocessing
import os
import socket
import subprocess
import sys
import threading

import pytest

import doozer

from .conftest import PATIENCE, Background


def test_a_client_in_a_child(client, in_child):
    client.set("/a", b"x", 0)

    def child():
        assert client.get("/a").value == b"x"
        rev = client.set(f"/{os.getpid()}", b"y", 0)
        assert client.wait(f"/{os.getpid()}", 1).rev == rev
        assert next(client.watch("/a", 1)).value == b"x"
        with client.lock("/l"):
            pass
        client.close()

    for _ in range(3):
        in_child(child)
    assert client.get("/a").value == b"x"


def test_a_preforking_server(node):
    """The client is opened in the master, and used there and in several children at once: gunicorn --preload."""
    client = doozer.connect(node.address)
    client.set("/config", b"v1", 0)
    waiting = Background(lambda: client.wait("/done/*", 1))
    children = []
    for number in range(4):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                assert client.get("/config").value == b"v1"
                for i in range(50):
                    client.set(f"/worker/{number}", str(i), -1)
                    assert client.get(f"/worker/{number}").value == str(i).encode()
                with client.lock("/turn"):
                    count = int(client.get("/count").value or b"0")
                    client.set("/count", str(count + 1), -1)
                client.set(f"/done/{number}", b"", 0)
                status = 0
            finally:
                os._exit(status)
        children.append(pid)
    for i in range(50):
        client.set("/worker/master", str(i), -1)
    for pid in children:
        assert os.waitpid(pid, 0) == (pid, 0)
    assert client.get("/count").value == b"4"
    assert waiting.get().path.startswith("/done/")
    client.close()


def test_what_is_the_parents_alone(client, in_child):
    watch, lock = client.watch("/a", 1), client.lock("/l")

    def child():
        with pytest.raises(doozer.Forked) as caught:
            watch.next()
        assert (caught.value.op, caught.value.path) == ("watch", "/a")
        with pytest.raises(doozer.Forked):
            lock.unlock()
        assert not lock.is_held
        # Leaving a block in the child is no way to give the parent's lock back.
        with lock:
            pass
        watch.close()

    in_child(child)
    assert lock.is_held and not watch.is_closed
    client.set("/a", b"x", 0)
    assert next(watch).value == b"x"
    lock.unlock()


def test_what_is_held_is_the_parents_alone(client, in_child):
    lock, leader = client.lock("/l"), client.elect("/leader", b"me")
    registration, services = client.register("/svc/1", b"me"), client.discover("/svc/*")
    waiting = Background(lambda: client.barrier("/b", 2))
    entered, other = client.barrier("/b", 2), waiting.get()
    assert not lock.lost.is_set() and not leader.lost.is_set()

    def child():
        assert not lock.is_held and not leader.is_leading
        assert lock.valid_for == 0.0 and registration.rev is None and services.is_closed
        assert all(each.lost.is_set() for each in (lock, leader, entered, other))
        for call, op in {
            lock.lost.wait: "lost",
            lock.check: "check",
            lambda: client.set("/a", b"", 0, fence=lock): "fence",
            lambda: client.txn().fence(leader): "fence",
            leader.lost.wait: "lost",
            leader.check: "check",
            lambda: leader.proclaim(b"x"): "proclaim",
            leader.resign: "resign",
            registration.deregister: "deregister",
            lambda: services.files: "discover",
            services.changed: "discover",
            lambda: next(services): "discover",
            entered.leave: "leave",
            entered.lost.wait: "lost",
        }.items():
            with pytest.raises(doozer.Forked) as caught:
                call()
            assert caught.value.op == op
        # Leaving a block in the child is no way to give the parent's things back.
        for each in (lock, leader, registration, services, entered):
            with each:
                pass
        services.close()
        # A client's own, in the child's session.
        (rev,) = client.txn().set_ephemeral("/mine", b"x", 0).commit()
        with client.elect("/other", b"child") as own:
            assert own.token > rev and own.is_leading
        assert client.try_lock("/l") is None

    in_child(child)
    assert lock.is_held and leader.is_leading and not services.is_closed
    assert services.files == {"/svc/1": (b"me", registration.rev)}
    assert client.stat("/l").rev == lock.rev and client.stat("/leader").rev == leader.token
    lock.unlock()
    leader.resign()
    registration.deregister()
    assert services.changed(timeout=PATIENCE) == {}
    leaving = Background(other.leave)
    entered.leave()
    leaving.get()


def test_an_embedded_member_is_the_parents(in_child):
    with doozer.Node(listen="127.0.0.1:0") as node:
        inner = node.client()
        inner.set("/a", b"x", 0)

        def child():
            for call in [
                lambda: node.get_local("/a"),
                node.revision,
                node.client,
                node.stop,
                lambda: inner.get("/a"),
                lambda: inner.set("/a", b"y", -1),
            ]:
                with pytest.raises(doozer.Forked):
                    call()
            assert node.id and node.address
            with node:
                pass
            with doozer.connect(node.address) as client:
                client.set("/b", b"z", 0)
            # A member of its own.
            with doozer.Node() as own, own.client() as client:
                client.set("/c", b"", 0)

        in_child(child)
        assert node.get_local("/b").value == b"z"
        assert inner.get("/a").value == b"x"


def test_a_fork_while_threads_are_busy(client, in_child):
    over = threading.Event()

    def spin():
        while not over.is_set():
            client.set("/busy", b"", -1)

    threads = [Background(spin) for _ in range(3)]
    try:
        for _ in range(10):
            in_child(lambda: client.set(f"/{os.getpid()}", b"", 0))
    finally:
        over.set()
    for thread in threads:
        thread.get()
    assert client.nop() is None


POOL = """
import multiprocessing
import sys

import doozer


def work(address, name):
    with doozer.connect(address) as client:
        return client.add(f"/worker/{name}", name)


if __name__ == "__main__":
    method, address = sys.argv[1:]
    with multiprocessing.get_context(method).Pool(2) as pool:
        results = [pool.apply_async(work, (address, f"{method}{i}")) for i in range(4)]
        assert len({result.get(30) for result in results}) == 4
        try:
            pool.apply_async(work, (address, f"{method}0")).get(30)
        except doozer.RevMismatch as error:
            # It has come through a pipe.
            print(error.path, error)
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_pools_of_processes(node, client, tmp_path, method):
    program = tmp_path / "program.py"
    program.write_text(POOL, encoding="utf-8")
    words = [sys.executable, str(program), method, node.address]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, timeout=2 * PATIENCE)
    assert done.stdout.startswith(f"/worker/{method}0 REV_MISMATCH: add ")
    assert len(client.walk("/worker/*")) == 4


def inherited(client, name):
    return client.add(f"/worker/{name}", name)


def test_a_process_with_the_parents_client(client):
    process = multiprocessing.get_context("fork").Process(target=inherited, args=(client, "y"))
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == 0
    assert client.get("/worker/y").value == b"y"


def test_a_child_that_exits_leaves_the_parents_connection(node, client):
    """The interpreter's whole clean-up runs in the child, with everything open."""
    rev = client.rev()
    waiting = Background(lambda: client.wait("/a", rev + 1))
    program = (
        "import doozer, os, sys\n"
        "c = doozer.connect(sys.argv[1]); n = doozer.Node(); l = c.lock('/l'); w = c.watch('/a', 1)\n"
        "e = c.elect('/e', b'me'); r = c.register('/r', b'me'); m = c.discover('/*'); b = c.barrier('/b', 1)\n"
        "assert not l.lost.is_set() and not e.lost.is_set()\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    c.set('/a', b'child', -1)\n"
        "    sys.exit(0)\n"
        "status = os.waitpid(pid, 0)[1]\n"
        "assert status == 0, status\n"
        "assert next(w).value == b'child'\n"
        "assert l.is_held and c.stat('/l').rev == l.rev\n"
        "assert e.is_leading and c.stat('/r').rev == r.rev and m.files['/e'] == (b'me', e.token)\n"
        "b.leave(); r.deregister(); e.resign(); l.unlock(); n.stop()\n"
    )
    subprocess.run([sys.executable, "-c", program, node.address], check=True, timeout=PATIENCE)
    assert waiting.get().value == b"child"


def test_no_descriptor_of_the_parents_is_closed_in_a_child(node, in_child):
    client = doozer.connect(node.address)

    def child():
        nonlocal client
        # Nothing runs here that would open or close one meanwhile.
        before = os.listdir("/proc/self/fd")
        del client
        assert os.listdir("/proc/self/fd") == before

    in_child(child)
    assert client.nop() is None
    with socket.create_connection(node.address.rsplit(":", 1)):
        pass
