"""What the tests share: a member, a client of it, the fault proxy, and ways to wait that have an end."""

import os
import pathlib
import subprocess
import sys
import threading
import time

import pytest

import doozer

PATIENCE = 30
"""So many seconds that only a bug reaches them."""

KINDS = ["Client", "Entered", "Leader", "Live", "Lock", "Lost", "Node", "Registration", "Stream", "Txn"]
"""The classes that each way of waiting has."""

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"

for name in [name for name in os.environ if name.startswith("DOOZER")]:
    del os.environ[name]


def eventually(holds):
    """Waits until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it does not come to hold"
        time.sleep(0.005)


class Proxy:
    """The fault proxy before a member."""

    def __init__(self, node):
        words = [sys.executable, str(SPEC / "proxy.py"), node.address]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.address = self.process.stdout.readline().split()[1]
        # What clients learn of the member's address leads to the proxy too.
        with node.client() as client:
            client.set(f"/ctl/node/{node.id}/addr", self.address, -1)

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        assert self.process.stdout.readline() == "ok\n"

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class Background(threading.Thread):
    """A call on a thread of its own."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self.call, self.result, self.error = call, None, None
        self.start()

    def run(self):
        try:
            self.result = self.call()
        except BaseException as error:
            self.error = error

    def get(self):
        self.join(PATIENCE)
        assert not self.is_alive(), "it does not end"
        if self.error is not None:
            raise self.error
        return self.result


@pytest.fixture
def node():
    with doozer.Node(listen="127.0.0.1:0") as node:
        yield node


@pytest.fixture
def client(node):
    with doozer.connect(node.address) as client:
        yield client


@pytest.fixture
def proxy(node):
    proxy = Proxy(node)
    yield proxy
    proxy.close()


@pytest.fixture
def background():
    return Background


@pytest.fixture
def in_child():
    """Runs something in a forked child, which must do it without raising, and ends there."""

    def run(work):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                work()
                status = 0
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        # Killed if it hangs: then its status says so.
        timer = threading.Timer(PATIENCE, os.kill, (pid, 9))
        timer.start()
        _, status = os.waitpid(pid, 0)
        timer.cancel()
        assert status == 0

    return run
