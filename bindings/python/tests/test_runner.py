"""The runner of the scenarios: it fails what does not hold, and passes over nothing it does not know."""

import pathlib
import subprocess
import sys

import pytest

RUNNER = pathlib.Path(__file__).resolve().parents[1] / "conformance.py"

SET = 'do = "set"\npath = "/a"\nvalue = "x"\nrev = 0\nsave = "r"\n'

WRONG = {
    "another-value": 'do = "get"\npath = "/a"\nexpect_value = "y"\n',
    "an-empty-value": 'do = "get"\npath = "/a"\nexpect_value = ""\n',
    "another-revision": 'do = "get"\npath = "/a"\nexpect_rev = "r+1"\n',
    "no-revision-above": 'do = "get"\npath = "/a"\nexpect_rev_above = "r"\n',
    "not-missing": 'do = "get"\npath = "/a"\nexpect_missing = true\n',
    "missing": 'do = "get"\npath = "/b"\nexpect_value = ""\n',
    "no-error": 'do = "get"\npath = "/a"\nerror = "ISDIR"\n',
    "an-error": 'do = "add"\npath = "/a"\nvalue = "x"\n',
    "another-error": 'do = "add"\npath = "/a"\nvalue = "x"\nerror = "ISDIR"\n',
    "another-operation": 'do = "add"\npath = "/a"\nvalue = "x"\nerror = "REV_MISMATCH"\nerror_op = "set"\n',
    "another-path": 'do = "add"\npath = "/a"\nvalue = "x"\nerror = "REV_MISMATCH"\nerror_path = "/b"\n',
    "another-detail": 'do = "add"\npath = "/a"\nvalue = "x"\nerror = "REV_MISMATCH"\nerror_detail = "moon"\n',
    "another-change": 'do = "wait"\nglob = "/a"\nrev = 1\nexpect_change = "del"\n',
    "another-event": 'do = "wait"\nglob = "/a"\nrev = 1\nexpect_path = "/b"\n',
    "other-names": 'do = "getdir"\npath = "/"\nexpect_names = "a b ctl"\n',
    "no-names": 'do = "walk"\nglob = "/a"\nexpect_names = ""\n',
    "other-values": 'do = "walk"\nglob = "/a"\nexpect_values = "y"\n',
    "another-count": 'do = "walk"\nglob = "/a"\nexpect_count = 0\n',
    "another-length": 'do = "stat"\npath = "/a"\nexpect_len = 2\n',
    "not-held": 'do = "lock"\npath = "/l"\nlock = "l"\n[[scenario.step]]\ndo = "held"\nlock = "l"\nexpect_held = false\n',
    "no-fence": 'do = "lock"\npath = "/l"\nlock = "l"\n[[scenario.step]]\ndo = "set"\npath = "/l"\nvalue = "x"\nrev = 0\n'
    'fence = "l"\n',
    "no-such-lock": 'do = "set"\npath = "/b"\nvalue = "x"\nrev = 0\nfence = "l"\n',
    "nobody-holds-it": 'do = "try_lock"\npath = "/l"\nlock = "l"\nexpect_rev = 0\n',
    "never-lost": 'do = "lock"\npath = "/l"\nlock = "l"\n[[scenario.step]]\ndo = "lost"\nlock = "l"\ntimeout_ms = 50\n',
    "lost-too-soon": 'do = "lock"\npath = "/l"\nlock = "l"\n[[scenario.step]]\ndo = "unlock"\nlock = "l"\n'
    '[[scenario.step]]\ndo = "lost"\nlock = "l"\nerror = "TIMEOUT"\n',
    "other-revisions": 'do = "txn"\ntxn = "set /b x 0\\ndel /none -1"\nexpect_revs = "r+1 r+2"\n',
    "no-revisions": 'do = "txn"\ntxn = "set /b x 0"\nexpect_revs = ""\n',
    "another-part": 'do = "txn"\ntxn = "if_absent /a"\nerror = "COMPARE_FAILED"\nerror_part = "compare 2"\n',
    "no-part": 'do = "add"\npath = "/a"\nvalue = "x"\nerror = "REV_MISMATCH"\nerror_part = "operation 1"\n',
    "an-unknown-part": 'do = "txn"\ntxn = "swap /a /b"\n',
    "other-files": 'do = "discover"\nglob = "/a"\nlive = "m"\n[[scenario.step]]\ndo = "files"\nlive = "m"\n'
    'expect_names = ""\n',
    "another-label": 'do = "connect"\nclient = "d"\nsession_label = "d"\n[[scenario.step]]\ndo = "lock"\npath = "/l"\n'
    'lock = "l"\nclient = "d"\n[[scenario.step]]\ndo = "get"\npath = "/l"\nexpect_value = "e"\n',
    "a-ttl-that-is-none": 'do = "connect"\nclient = "d"\nsession_ttl_ms = 1\n',
    "an-unknown-key": 'do = "get"\npath = "/a"\nnonsense = 1\n',
    "an-unknown-step": 'do = "dance"\n',
    "an-unknown-form": 'do = "get"\npath = [1]\n',
    "a-child-that-fails": 'do = "fork"\n[[scenario.step]]\ndo = "get"\npath = "/a"\nexpect_value = "y"\n'
    '[[scenario.step]]\ndo = "join"\n',
}


@pytest.mark.parametrize("way", ["blocking", "asyncio", "gevent"])
def test_what_does_not_hold_fails(tmp_path, way):
    fine = f'[[scenario]]\nname = "fine"\nabout = "Fine."\n[[scenario.step]]\n{SET}'
    scenarios = [
        f'[[scenario]]\nname = "{name}"\nabout = "Wrong."\n[[scenario.step]]\n{SET}[[scenario.step]]\n{steps}'
        for name, steps in WRONG.items()
    ]
    (tmp_path / "some.toml").write_text("\n".join([fine, *scenarios]), encoding="utf-8")
    words = [sys.executable, str(RUNNER), "--way", way, str(tmp_path), str(tmp_path / "out.tsv")]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = [line.split("\t") for line in (tmp_path / "out.tsv").read_text(encoding="utf-8").splitlines()]
    assert lines[0] == ["fine", "pass", ""]
    assert [line[:2] for line in lines[1:]] == [[name, "fail"] for name in WRONG], done.stderr
    assert all(line[2] and "runner broke" not in line[2] for line in lines[1:]), lines
    assert done.returncode == 1
