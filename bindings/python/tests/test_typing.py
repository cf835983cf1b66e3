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
    gone: int = c.del_("/a", -1)

with doozer.Node(data_dir=None, listen="127.0.0.1:0") as node:
    address: Optional[str] = node.address
    local: doozer.File = node.get_local("/a")

try:
    pass
except doozer.Timeout as error:
    kind: str = error.kind
    where: Optional[str] = error.path
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
        lock = await c.lock("/l")
        entries: list[doozer.Entry] = [entry async for entry in c.list("/**")]
    async with doozer.aio.Node.start(listen="127.0.0.1:0") as node, node.client() as inner:
        await inner.nop()


with doozer.gevent.connect() as g:
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
