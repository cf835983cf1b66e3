"""What a scenario has opened, and how its steps are carried out."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import doozer
from conformance_outcomes import Failed, check, check_error, check_given, check_time, given_of, resolve, value_of
from conformance_ways import Made, made

SPEC = pathlib.Path(__file__).resolve().parents[1] / "spec"
CALL_MS, FORK_S, HUNG_S = 10_000, 20, 15
STREAMS = "watch config follow observe".split()
CALLS = (
    "set add del get rev stat getdir walk list wait nop self access rollback txn "
    "lock try_lock read_lock write_lock semaphore elect register discover enter"
).split()
VALUED = "set add elect register".split()
# What a call gives that is kept, and what is done with it, by the step's key for its name.
KEPT = dict.fromkeys("lock try_lock read_lock write_lock semaphore".split(), "lock")
KEPT.update(elect="leader", register="registration", discover="live", enter="entered")
ON_KEPT = {
    "unlock": ["lock"],
    "proclaim": ["leader"],
    "resign": ["leader"],
    "lost": ["lock", "leader", "entered"],
    "held": ["lock", "leader", "entered"],
    "deregister": ["registration"],
    "files": ["live"],
    "changed": ["live"],
    "leave": ["entered"],
}

# What the parts of a transaction name beside a path.
PARTS = {"if_rev": ["rev"], "if_value": ["value"], "if_absent": [], "if_fence": ["rev"], "del": ["rev"]}
PARTS.update(set=["value", "rev"], set_ephemeral=["value", "rev"])


class World:
    """What a scenario has opened, and its steps."""

    def __init__(self, way, scenario, via):
        self.way, self.scenario, self.via = way, scenario, via
        self.node = self.proxy = self.data = None
        self.clients, self.streams, self.background, self.saved = {}, {}, {}, {}
        self.kept = {kind: {} for kind in set(KEPT.values())}

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
        via, options = step.get("via", self.via), {"connect_timeout": timeout}
        options["session_ttl"] = step["session_ttl_ms"] / 1000 if "session_ttl_ms" in step else None
        options["session_label"] = step.get("session_label")
        if "uri" not in step and via == "embedded":
            return self.way.run(lambda: self.node.client(**options))
        address = self.proxied if via == "proxy" else self.node.address
        secret = f"&sk={step['secret']}" if "secret" in step else ""
        uri = step.get("uri", f"doozer:?ca={address}{secret}")
        return self.way.run(lambda: self.way.module.connect(uri, **options))

    def close(self):
        for background in self.background.values():
            background[0].cancel()
        self.streams.clear()
        self.kept.clear()
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
        if do in STREAMS:
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
        """What a call is: what its errors are to name, its time limit, and where what it gives is kept."""
        do = step["do"]
        begun = {"do": do, "op": do, "path": step.get("path", step.get("glob"))}
        if do == "next":
            begun["op"], begun["path"], _ = self.named(self.streams, step, "stream")
        if do in ON_KEPT:
            thing = self.thing(step)
            begun["path"] = thing.glob if hasattr(thing, "glob") else thing.path
        begun["timeout"], begun["limited"] = step.get("timeout_ms", CALL_MS) / 1000, "timeout_ms" in step
        if do in KEPT:
            begun["keep"] = (KEPT[do], step[KEPT[do]])
        return begun

    def call(self, step, begun):
        """The call itself, not made yet."""
        do, path, timeout = step["do"], begun["path"], {"timeout": begun["timeout"]}
        rev = resolve(step["rev"], self.saved) if "rev" in step else None
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
        if do in ON_KEPT:
            return on_kept(self.thing(step), step, begun)
        check(do in CALLS, "no step does this")
        client = self.client(step)
        if do == "list":
            more = {key: step[key] for key in ("limit", "keys_only") if key in step}
            return lambda: everything(client.list(path, *at, **more, **timeout))
        if do == "txn":
            return lambda: transaction(client.txn(), step["txn"], self.saved).commit(**timeout)
        name = {"del": "del_", "self": "self_id", "enter": "barrier"}.get(do, do)
        words = [path] if path is not None else []
        words += [value_of(step, "value")] if do in VALUED else []
        words += [step["n"]] if do in ("semaphore", "enter") else []
        words += [step["secret"]] if do == "access" else []
        more = {"fence": self.holder(step)} if "fence" in step else {}
        return lambda: getattr(client, name)(*words, *at, **more, **timeout)

    def open_stream(self, step):
        client, subject = self.client(step), step.get("path", step.get("glob"))
        at = [resolve(step["rev"], self.saved)] if "rev" in step else []
        opened = made(lambda: getattr(client, step["do"])(subject, *at))
        self.streams[step["stream"]] = (step["do"], subject, opened.error or opened.given)

    def client(self, step):
        return self.named(self.clients, {"client": "c", **step}, "client")

    def thing(self, step):
        """What is kept under the name that a step gives."""
        kind = next((kind for kind in ON_KEPT[step["do"]] if kind in step), None)
        check(kind, "it names nothing that was kept")
        return self.named(self.kept[kind], step, kind)

    def holder(self, step):
        """The lock or the leader on which a write depends."""
        return self.named({**self.kept["leader"], **self.kept["lock"]}, step, "fence")

    def named(self, among, step, key, remove=False):
        check(step.get(key) in among, "no %s is called `%s`", key, step.get(key))
        return among.pop(step[key]) if remove else among[step[key]]

    def settle(self, step, begun, ended: Made):
        check_time(begun, ended)
        if "error" in step:
            return check_error(step, begun, ended)
        check(ended.error is None, "it failed: %s", ended.error)
        given = given_of(begun["do"], ended.given)
        if "keep" in begun and ended.given is not None:
            kind, name = begun["keep"]
            self.kept[kind][name] = ended.given
        check_given(step, begun, given, self.saved, self.node and self.node.id)
        if "save" in step:
            self.saved[step["save"]] = given["rev"]
        return None


def in_round(value, i):
    return value.replace("{i}", str(i)) if isinstance(value, str) else value


def on_kept(thing, step, begun):
    """A call on something that is kept, not made yet."""
    do, timeout = step["do"], {"timeout": begun["timeout"]}
    if do == "proclaim":
        return lambda: thing.proclaim(value_of(step, "value"))
    if do == "lost":
        return lambda: then(thing.lost.wait(**timeout), lambda is_lost: in_time(is_lost, begun["path"]))
    if do == "held":
        return lambda: held(thing)
    if do == "files":
        return lambda: thing.files
    return lambda: getattr(thing, do)(**timeout)


def held(thing):
    """Whether it is held, by whatever name."""
    name = next(name for name in ("is_held", "is_leading", "is_inside") if hasattr(thing, name))
    is_held = getattr(thing, name)
    try:
        thing.check()
        checked = True
    except (doozer.LockLost, doozer.Forked):
        checked = False
    assert checked == is_held, f"{name} is {is_held}, and check says {checked}"
    return is_held


def in_time(is_lost, path):
    """The wait for a loss says that its time is over by what it gives."""
    if not is_lost:
        raise doozer.Timeout("not lost in time", "lost", path)


def transaction(txn, text, saved):
    """A transaction with the parts that a step gives, one a line."""
    for line in filter(None, text.split("\n")):
        name, path, *words = line.split(" ")
        check(name in PARTS and len(PARTS[name]) == len(words), "no part of a transaction: %s", line)
        given = [resolve(word, saved) if kind == "rev" else word for kind, word in zip(PARTS[name], words)]
        getattr(txn, "del_" if name == "del" else name)(path, *given)
    return txn


def then(result, step):
    """Goes on with what a call gives, or will give when awaited."""
    if not hasattr(result, "__await__"):
        return step(result)

    async def wait():
        return step(await result)

    return wait()


def everything(stream):
    """All items of a stream: a list, or what gives one when awaited."""
    if not hasattr(stream, "__aiter__"):
        return list(stream)

    async def collect():
        return [item async for item in stream]

    return collect()


def throw(error):
    raise error
