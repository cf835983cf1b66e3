#!/usr/bin/env python3
"""Runs the scenarios of bindings/spec/conformance with this package; bindings/spec/README.md describes them.

    conformance.py [--way blocking|asyncio|gevent] [DIRECTORY] [OUTPUT] [PART]
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback

from conformance_ways import WAYS, Made, made

SPEC = pathlib.Path(__file__).resolve().parents[1] / "spec"
SCENARIO_S, CALL_MS, FORK_S, HUNG_S, LATE_S, EARLY_S = 60, 10_000, 20, 15, 5, 0.005
SKIPPED = {}  # beginnings of scenarios' names, and why this package cannot run them
CALLS = "set add del get rev stat getdir walk list wait next nop self access lock unlock".split()
SCENARIO_KEYS = set("name about via also_embedded history secret read_secret listen durable".split())
STEP_KEYS = set(
    "do client path glob value value_hex value_size rev limit keys_only stream lock call secret via uri command "
    "timeout_ms repeat save background expect_value expect_hex expect_size expect_missing expect_rev expect_rev_above expect_path "
    "expect_change expect_len expect_names expect_values expect_count expect_member error error_op error_path "
    "error_detail".split()
)


class Failed(Exception):
    """Why a scenario failed."""


def check(holds, why, *parts):
    if not holds:
        raise Failed(why % parts)


def load(path):
    """The scenarios of a file, each a dict with its steps under `step`."""
    scenarios, table = [], None
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line == "[[scenario]]":
            table, keys = {"step": [], "wrong": None, "file": path.name}, SCENARIO_KEYS
            scenarios.append(table)
        elif line == "[[scenario.step]]":
            table, keys = {}, STEP_KEYS
            scenarios[-1]["step"].append(table)
        else:
            pair = re.fullmatch(r'([a-z0-9_]+) = (-?[0-9]+|true|false|".*")', line)
            if not pair or pair[1] not in keys or pair[1] in table:
                scenarios[-1]["wrong"] = f"line {number} is not known: {line}"
            else:
                table[pair[1]] = json.loads(pair[2])
    return scenarios


def given_of(do, value):
    """What a call gave, by what the expectations call it."""
    if do in ("set", "add", "del", "rev", "revision"):
        return {"rev": value}
    if do == "stat":
        return {"rev": value.rev, "len": value.len}
    if do == "getdir":
        return {"names": value}
    if do in ("walk", "list"):
        return {"names": [entry.path for entry in value], "values": [entry.value for entry in value]}
    if do == "self":
        return {"text": value}
    if do == "lock":
        return {"rev": value.rev}
    if do in ("get", "get_local", "wait", "next"):
        more = {"path": value.path, "change": value.kind} if hasattr(value, "kind") else {}
        return {"value": value.value, "rev": value.rev, **more}
    return {}


class World:
    """What a scenario has opened, and its steps."""

    def __init__(self, way, scenario, via):
        self.way, self.scenario, self.via = way, scenario, via
        self.node = self.proxy = self.data = None
        self.clients, self.streams, self.locks, self.background, self.saved = {}, {}, {}, {}, {}

    def open(self):
        if self.scenario.get("durable"):
            self.data = tempfile.TemporaryDirectory()
        self.start()
        if self.via == "proxy":
            words = [sys.executable, SPEC / "proxy.py", self.node.address]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self.proxy = subprocess.Popen(words, text=True, bufsize=1, **pipes)
            self.proxied = self.proxy.stdout.readline().split()[1]
            client = self.way.run(self.node.client)
            self.way.run(lambda: client.set(f"/ctl/node/{self.node.id}/addr", self.proxied, -1))
            self.way.run(client.close)
        if self.via != "none":
            self.clients["c"] = self.connect({}, CALL_MS / 1000)

    def start(self):
        check(self.node is None, "the member runs already")
        options = {"listen": "127.0.0.1:0" if self.scenario.get("listen", True) else None}
        options["data_dir"] = self.data and self.data.name
        options.update({key: self.scenario.get(key) for key in ("history", "secret", "read_secret")})
        self.node = self.way.run(lambda: self.way.module.Node.start(**options))

    def connect(self, step, timeout):
        via = step.get("via", self.via)
        if "uri" not in step and via == "embedded":
            return self.way.run(lambda: self.node.client(connect_timeout=timeout))
        address = self.proxied if via == "proxy" else self.node.address
        secret = f"&sk={step['secret']}" if "secret" in step else ""
        uri = step.get("uri", f"doozer:?ca={address}{secret}")
        return self.way.run(lambda: self.way.module.connect(uri, connect_timeout=timeout))

    def close(self):
        for background in self.background.values():
            background[0].cancel()
        self.streams.clear()
        self.locks.clear()
        for client in self.clients.values():
            self.way.run(client.close)
        if self.proxy:
            self.proxy.stdin.close()
            self.proxy.wait(HUNG_S)
            self.proxy.stdout.close()
        if self.node:
            self.way.run(lambda: self.node.stop(timeout=HUNG_S))
        if self.data:
            self.data.cleanup()

    # Steps

    def carry_out(self, steps):
        at = 0
        while at < len(steps):
            step = steps[at]
            try:
                if step["do"] == "fork":
                    join = next(i for i in range(at, len(steps)) if steps[i]["do"] == "join")
                    self.fork(steps[at + 1 : join])
                    at = join
                else:
                    for i in range(1, step.get("repeat", 1) + 1):
                        self.once({key: in_round(value, i) for key, value in step.items()})
            except Failed as why:
                raise Failed(f"step {at + 1} ({step['do']}): {why}") from None
            at += 1

    def fork(self, steps):
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                self.way.renew()
                self.carry_out(steps)
                status = 0
            except Failed as why:
                print(f"in the child: {why}", file=sys.stderr, flush=True)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        end = time.monotonic() + FORK_S
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return check(status == 0, "the child failed: status %d", status)
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                raise Failed(f"the child did not end within {FORK_S} s")
            self.way.pause(lambda: time.sleep(0.01))

    def once(self, step):
        do = step["do"]
        if do == "proxy":
            return self.tell(step["command"])
        if do == "start":
            return self.start()
        if do == "stop":
            self.way.run(self.node.stop)
            self.node = None
            return None
        if do == "close":
            return self.way.run(self.client(step).close)
        if do == "close_stream":
            return self.way.run(self.named(self.streams, step, "stream", remove=True)[2].close)
        if do == "cancel":
            background = self.named(self.background, step, "call", remove=True)[0]
            return check(background.cancel(), "it did not end as cancelled: %s", vars(background))
        if do == "await":
            background, begun = self.named(self.background, step, "call", remove=True)
            ended = background.join(begun["timeout"] + HUNG_S)
            check(ended, "it did not end")
            return self.settle(step, begun, ended)
        if do in ("watch", "config"):
            return self.open_stream(step)
        begun = self.about(step)
        call = self.call(step, begun)
        if "background" in step:
            later = [other for other in self.scenario["step"] if other.get("call") == step["background"]]
            job = self.way.background(call, any(other["do"] == "cancel" for other in later))
            self.background[step["background"]] = (job, begun)
            return None
        return self.settle(step, begun, made(lambda: self.way.run(call)))

    def tell(self, command):
        self.proxy.stdin.write(command + "\n")
        answer = self.way.pause(self.proxy.stdout.readline).strip()
        check(answer == "ok", "the proxy says: %s", answer)

    def about(self, step):
        """What a call is: what its errors are to name, and its time limit."""
        begun = {"do": step["do"], "op": step["do"], "lock": step.get("lock")}
        begun["path"] = step.get("path", step.get("glob"))
        if step["do"] == "next":
            begun["op"], begun["path"], _ = self.named(self.streams, step, "stream")
        if step["do"] == "unlock":
            begun["path"] = self.named(self.locks, step, "lock").path
        begun["timeout"], begun["limited"] = step.get("timeout_ms", CALL_MS) / 1000, "timeout_ms" in step
        return begun

    def call(self, step, begun):
        """The call itself, not made yet."""
        do, path, timeout = step["do"], begun["path"], {"timeout": begun["timeout"]}
        rev = self.resolve(step["rev"]) if "rev" in step else None
        at = [] if rev is None else [rev]
        if do == "get_local":
            return lambda: self.node.get_local(path, *at)
        if do == "revision":
            return lambda: self.node.revision()
        if do == "connect":
            return lambda: self.clients.__setitem__(step["client"], self.connect(step, begun["timeout"]))
        if do == "next":
            stream = self.named(self.streams, step, "stream")[2]
            if isinstance(stream, Exception):
                return lambda: throw(stream)
            return lambda: stream.next(**timeout)
        if do == "unlock":
            lock = self.named(self.locks, step, "lock")
            return lambda: lock.unlock(**timeout)
        check(do in CALLS, "no step does this")
        client = self.client(step)
        if do == "list":
            more = {key: step[key] for key in ("limit", "keys_only") if key in step}
            return lambda: everything(client.list(path, *at, **more, **timeout))
        name = {"del": "del_", "self": "self_id"}.get(do, do)
        words = [path] if path is not None else []
        words += [value_of(step, "value")] if do in ("set", "add") else []
        words += [step["secret"]] if do == "access" else []
        return lambda: getattr(client, name)(*words, *at, **timeout)

    def open_stream(self, step):
        client, subject = self.client(step), step.get("path", step.get("glob"))
        at = [self.resolve(step["rev"])] if step["do"] == "watch" else []
        opened = made(lambda: getattr(client, step["do"])(subject, *at))
        self.streams[step["stream"]] = (step["do"], subject, opened.error or opened.given)

    def client(self, step):
        return self.named(self.clients, {"client": "c", **step}, "client")

    def named(self, among, step, key, remove=False):
        check(step.get(key) in among, "no %s is called `%s`", key, step.get(key))
        return among.pop(step[key]) if remove else among[step[key]]

    def resolve(self, rev):
        if isinstance(rev, int):
            return rev
        name, offset = re.fullmatch(r"([^+-]+)([+-][0-9]+)?", rev).groups()
        check(name in self.saved, "no revision was saved as `%s`", name)
        return self.saved[name] + int(offset or 0)

    # Outcomes

    def settle(self, step, begun, ended: Made):
        late = begun["limited"] and ended.took > begun["timeout"] + LATE_S
        check(not late, "it took %.3f s", ended.took)
        if "error" in step:
            return self.check_error(step, begun, ended)
        check(ended.error is None, "it failed: %s", ended.error)
        given = given_of(begun["do"], ended.given)
        if begun["do"] == "lock":
            self.locks[begun["lock"]] = ended.given
        self.check_given(step, begun, given)
        if "save" in step:
            self.saved[step["save"]] = given["rev"]
        return None

    def check_error(self, step, begun, ended):
        error = ended.error
        check(error is not None, "it did not fail with %s, it gave %s", step["error"], ended.given)
        check(error.kind == step["error"], "it failed with another error: %s", error)
        op, path = step.get("error_op", begun["op"]), step.get("error_path", begun["path"])
        check((error.op, error.path) == (op, path), "its error names %s %s: %s", error.op, error.path, error)
        check(step.get("error_detail", "") in error.detail, "its error's detail lacks something: %s", error)
        early = error.kind == "TIMEOUT" and begun["limited"] and ended.took + EARLY_S < begun["timeout"]
        check(not early, "it timed out after %.3f s", ended.took)

    def check_given(self, step, begun, given):
        def words(key):
            return step[key].split() if key in step else None

        values = words("expect_values")
        count = len(given["names"]) if "names" in given else None
        for what, expected, found in [
            ("path", step.get("expect_path"), given.get("path")),
            ("change", step.get("expect_change"), given.get("change")),
            ("len", step.get("expect_len"), given.get("len")),
            ("revision", self.resolve(step["expect_rev"]) if "expect_rev" in step else None, given.get("rev")),
            ("value", value_of(step, "expect"), given.get("value")),
            ("names", words("expect_names"), given.get("names")),
            ("values", values and [value.encode() for value in values], given.get("values")),
            ("count", step.get("expect_count"), count),
            ("id", self.node.id if "expect_member" in step else None, given.get("text")),
        ]:
            check(expected is None or expected == found, "%s: %.200r and not %.200r", what, found, expected)
        if "expect_missing" in step:
            missing = given.get("value", b"") is None and given["rev"] == 0
            check(missing, "it is not missing: %.200r", given)
        if "expect_rev_above" in step:
            check(given["rev"] > self.resolve(step["expect_rev_above"]), "revision: %d", given["rev"])
        if "expect_member" in step:
            check(len(given["text"]) >= 16, "the member's id is short")
        if begun["do"] == "list" and step.get("keys_only"):
            check(not any(value is not None for value in given["values"]), "values came")


def in_round(value, i):
    return value.replace("{i}", str(i)) if isinstance(value, str) else value


def value_of(step, prefix):
    """The bytes of `value`, `value_hex` or `value_size`, or of the like expectations; None if there is none of them."""
    text, digits, size = ("value", "value_hex", "value_size") if prefix == "value" else (
        "expect_value", "expect_hex", "expect_size")
    if text in step:
        return step[text].encode()
    if digits in step:
        return bytes.fromhex(step[digits])
    return b"x" * step[size] if size in step else None


def everything(stream):
    """All items of a stream: a list, or what gives one when awaited."""
    if not hasattr(stream, "__aiter__"):
        return list(stream)

    async def collect():
        return [item async for item in stream]

    return collect()


def throw(error):
    raise error


def run(way, scenario, via):
    def steps():
        world = World(way, scenario, via)
        why = None
        try:
            check(scenario["wrong"] is None, "%s", scenario["wrong"])
            world.open()
            world.carry_out(scenario["step"])
        except Failed as failed:
            why = str(failed)
        except Exception:
            why = f"the runner broke: {traceback.format_exc()}"
        try:
            world.close()
        except Exception:
            why = why or f"it could not be ended: {traceback.format_exc()}"
        return why

    return way.host(steps, SCENARIO_S)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--way", choices=WAYS, default="blocking")
    parser.add_argument("directory", nargs="?", type=pathlib.Path, default=SPEC / "conformance")
    parser.add_argument("output", nargs="?", default=os.devnull)
    parser.add_argument("part", nargs="?", default="")
    told = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("DOOZER")]:
        del os.environ[name]
    way, counts, lines = WAYS[told.way](), {"pass": 0, "fail": 0, "skip": 0}, []
    files = sorted(told.directory.glob("*.toml"))
    if not files:
        sys.exit(f"{told.directory}: there are no scenarios (*.toml)")
    for scenario in (scenario for path in files for scenario in load(path)):
        runs = [(scenario["name"], scenario.get("via", "tcp"))]
        runs += [(scenario["name"] + "@embedded", "embedded")] if scenario.get("also_embedded") else []
        for name, via in (each for each in runs if told.part in each[0]):
            why = next((why for start, why in SKIPPED.items() if name.startswith(start)), None)
            word, text = ("skip", why) if why else ("pass", "")
            if word == "pass" and (failed := run(way, scenario, via)):
                word, text = "fail", failed
                print(f"{scenario['file']}: {name}: {failed}", file=sys.stderr)
            counts[word] += 1
            lines.append(f"{name}\t{word}\t{' '.join(text.split())}\n")
    pathlib.Path(told.output).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(told.output).write_text("".join(lines), encoding="utf-8")
    print(f"scenarios, {told.way}: {counts['pass']} passed, {counts['fail']} failed, {counts['skip']} skipped")
    return 1 if counts["fail"] else 0


if __name__ == "__main__":
    sys.exit(main())
