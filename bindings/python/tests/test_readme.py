"""The programs in README.md do what they say."""

import pathlib
import re
import subprocess
import sys

import doozer

from .conftest import KINDS, PATIENCE

README = pathlib.Path(__file__).resolve().parents[1] / "README.md"


def programs():
    return re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def run(text, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(text, encoding="utf-8")
    words = [sys.executable, str(program)]
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE).stdout


def test_ten_lines(node, client, tmp_path):
    text = programs()[0]
    assert "127.0.0.1:8046" in text
    said = run(text.replace("127.0.0.1:8046", node.address), tmp_path).splitlines()
    value, rev = client.get("/myapp.conf")
    assert said[0] == f"somebody was faster: {value} {rev}"
    assert said[1].startswith("held with the fencing token ")
    assert client.get("/locks/myapp") == (None, 0)


def test_locks_elections_services(node, client, tmp_path):
    text = programs()[1]
    assert "127.0.0.1:8046" in text
    said = run(text.replace("127.0.0.1:8046", node.address), tmp_path).splitlines()
    assert re.fullmatch(r"held for [0-4]\.\d+ s more at least", said[0]), said
    assert re.fullmatch(r"leading with the token \d+", said[1]), said
    assert re.fullmatch(r"{'/services/web/1': File\(value=b'10.0.0.1:8080', rev=\d+\)}", said[2]), said
    assert said[3] == f"made [{client.get('/a').rev}, None]"
    assert client.get("/backup/last").value == b"today"
    # Whatever was held is given back.
    assert {entry.path for entry in client.walk("/**") if not entry.path.startswith("/ctl/")} == {"/backup/last", "/a"}


def test_the_embedded_member(tmp_path):
    text = programs()[2].replace("/var/lib/myapp", str(tmp_path / "data")).replace("127.0.0.1:8046", "127.0.0.1:0")
    assert run("import doozer\n" + text + "    print(value)\n", tmp_path) == "b'x'\n"
    with doozer.Node(data_dir=tmp_path / "data") as node:
        assert node.get_local("/a").value == b"x"


def test_every_call_is_in_the_table():
    text = README.read_text(encoding="utf-8")
    for kind in (getattr(doozer, name) for name in KINDS):
        for name in vars(kind):
            assert name.startswith("_") or re.search(rf"\b{name}\b", text), f"{kind.__name__}.{name}"
