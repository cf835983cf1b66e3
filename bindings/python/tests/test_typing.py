"""What a type checker makes of programs that use the package."""

import pathlib
import shutil
import subprocess
import sys

import pytest

import doozer

FINE = '''
import asyncio
import math
from typing import Optional

import doozer
import doozer.aio
import doozer.gevent

with doozer.connect("127.0.0.1:8046", timeout=math.inf, secret=b"x", tls_ca="ca.pem") as c:
    rev: int = c.set("/a", "text", 0)
    value, at = c.get("/a")
    maybe: Optional[bytes] = value
    same: int = at
    event: doozer.Event = c.wait("/a", rev, timeout=1)
    assert event.is_set
    names: list[str] = c.getdir("/")
    entries: list[doozer.Entry] = c.walk("/**", rev, consistency="local")
    for one in c.watch("/**", rev):
        path: str = one.path
    for file in c.config("/a"):
        held: Optional[bytes] = file.value
    stream: doozer.Stream[doozer.Entry] = c.list("/**", keys_only=True)
    with c.lock("/l") as lock:
        token: int = lock.rev
        sure: float = lock.valid_for
        fenced: int = c.set("/a", b"", -1, fence=lock)
        over: bool = lock.lost.is_set() or lock.lost.wait(0.1) or lock.lost.wait(timeout=1)
    tried: Optional[doozer.Lock] = c.try_lock("/l")
    several: list[doozer.Lock] = [c.read_lock("/rw"), c.write_lock("/rw", timeout=1), c.semaphore("/s", 2)]
    with c.elect("/leader", "me") as leader:
        said: int = leader.proclaim(b"ready") + leader.token
        c.del_("/a", -1, fence=leader)
    with c.register("/svc/1", b"") as registration, c.discover("/svc/*") as services:
        there: Optional[int] = registration.rev
        files: dict[str, doozer.File] = services.files
        for files in services:
            files = services.changed(timeout=1)
    with c.barrier("/b", 3) as entered:
        entered.leave(timeout=1)
    revs: list[Optional[int]] = c.txn().if_absent("/a").fence(leader).set("/a", b"1", 0).commit()
    for told in c.follow("/svc/*"):
        path = told.path
    gone: int = c.del_("/a", -1)

with doozer.Node(data_dir=None, listen="127.0.0.1:0") as node:
    address: Optional[str] = node.address
    local: doozer.File = node.get_local("/a")

try:
    pass
except doozer.Timeout as error:
    kind: str = error.kind
    where: Optional[str] = error.path
    if error.part is not None:
        what, counted = error.part
        assert what == "compare" and counted + 1
except (TimeoutError, PermissionError):
    pass


async def main() -> None:
    async with doozer.aio.connect("127.0.0.1:8046", timeout=5) as c:
        file: doozer.File = await c.get("/a")
        task: asyncio.Task[doozer.Event] = asyncio.create_task(c.wait("/a", file.rev))
        await task
        async for event in c.watch("/**", 1):
            rev: int = event.rev
        async with c.lock("/l") as lock:
            token: int = lock.rev
            lost: bool = lock.lost.is_set() or await lock.lost.wait()
            await c.set("/a", b"", -1, fence=lock)
        lock = await c.lock("/l")
        tried: Optional[doozer.aio.Lock] = await c.try_lock("/l")
        async with c.elect("/leader", b"me") as leader, c.barrier("/b", 1):
            said: int = await leader.proclaim(b"ready")
        async with c.register("/svc/1", b"") as registration, c.discover("/svc/*") as services:
            there: Optional[int] = registration.rev
            async for files in services:
                known: Optional[doozer.File] = files.get("/svc/1")
        revs: list[Optional[int]] = await c.txn().fence(leader).set("/a", b"1", 0).commit()
        entries: list[doozer.Entry] = [entry async for entry in c.list("/**")]
    async with doozer.aio.Node.start(listen="127.0.0.1:0") as node, node.client() as inner:
        await inner.nop()


with doozer.gevent.connect(session_ttl=5, session_label="g") as g:
    with g.lock("/l") as taken, g.elect("/leader", b"me") as first:
        lost: bool = taken.lost.wait(1) or first.lost.is_set()
        g.txn().fence(taken).fence(first).commit()
    number: int = g.add("/a", b"")
'''

# Each line with what is wrong with it.
WRONG = {
    "doozer.connect().set('/a', b'x')": "Missing positional argument",
    "doozer.connect().set('/a', 5, 0)": "incompatible type",
    "doozer.connect().get(b'/a')": "incompatible type",
    "doozer.connect(nonsense=1)": "Unexpected keyword argument",
    "doozer.connect().get('/a', consistency='strong')": "incompatible type",
    "doozer.connect().get('/a').value.decode()": "has no attribute",
    "doozer.connect().set('/a', b'', 0, fence='/l')": "incompatible type",
    "doozer.connect().elect('/leader')": "Missing positional argument",
    "doozer.connect().try_lock('/l').unlock()": "has no attribute",
    "doozer.connect().txn().set('/a', b'')": "Missing positional argument",
    "doozer.aio.connect(nonsense=1)": "Unexpected keyword argument",
    "doozer.Node(history='1')": "incompatible type",
    "x: str = doozer.connect().rev()": "Incompatible types",
}


@pytest.fixture
def check(tmp_path):
    """Runs mypy --strict on a program, with the package as it is installed."""

    def run(text):
        program = tmp_path / "program.py"
        program.write_text(text, encoding="utf-8")
        words = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache")]
        done = subprocess.run([*words, str(program)], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        return done.returncode, done.stdout

    return run


def test_the_package_says_that_it_is_typed():
    assert (pathlib.Path(doozer.__file__).parent / "py.typed").exists()


@pytest.mark.skipif(shutil.which("mypy", path=str(pathlib.Path(sys.executable).parent)) is None, reason="no mypy here")
class TestPrograms:
    def test_a_sample_program(self, check):
        status, said = check(FINE)
        assert status == 0, said

    def test_mistakes(self, check):
        lines = "\n".join(WRONG)
        status, said = check(f"import doozer\nimport doozer.aio\n{lines}\n")
        assert status == 1
        for number, (line, why) in enumerate(WRONG.items(), 3):
            found = [each for each in said.splitlines() if each.startswith(f"program.py:{number}:")]
            assert any(why in each for each in found), f"{line}: {said}"
