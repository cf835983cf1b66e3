#!/usr/bin/env python3
"""Play wire scenarios at every member of three that run as one cluster.

    cluster.py --doozerd PROGRAM --doozer PROGRAM SCENARIO.json...

Three doozerd are started with the same list of addresses, once in memory and
once with data directories.  When all are voters, the scenarios are played at
each member in turn, then at all three at the same time, three times over.
Then the proposer dies: with data, before each scenario, which is played at
another member at once, while the cluster finds its next proposer; without,
once, before all of them, since a member in memory that starts again is
another one.  An idle cluster's revision must not move, and in the end all
members must have the same files.

Between scenarios only: what a scenario says of a connection holds for a
member that runs, so it is never played at the one that is killed.

Only the Python standard library is used.
"""

import argparse
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
RUNNER = os.path.join(HERE, "wire", "wire_runner.py")
MEMBERS = 3
TOGETHER = 3
PATIENCE_S = 60
IDLE_S = 3
# Nobody is given such a port by the system: a client that a dead member
# refuses could be given the very port it connects to, and be connected to
# itself.
PORTS = range(10_000, 32_768)


class Broken(Exception):
    """The cluster does not do what it must."""


class Tally:
    """Scenarios that passed, failed, and were skipped."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return "%d passed, %d failed, %d skipped" % (
            self.passed, self.failed, self.skipped)


# ---- members ----------------------------------------------------------------

class Cluster:
    """Three doozerd, each with its log, stopped by their process ids."""

    def __init__(self, args, in_memory, scratch):
        self.args = args
        self.in_memory = in_memory
        self.addresses = ["127.0.0.1:%d" % port for port in free_ports(MEMBERS)]
        self.scratch = scratch
        self.processes = [None] * MEMBERS
        # Nothing that is meant for another server.
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith("DOOZER") and k != "RUST_LOG"}

    def start(self, number):
        command = [self.args.doozerd, "-l", self.addresses[number], "-w", "false"]
        for address in self.addresses:
            command += ["-a", address]
        if self.in_memory:
            command.append("--memory")
        else:
            command += ["--data-dir", os.path.join(self.scratch, "data-%d" % number)]
        with open(self.log(number), "ab") as log:
            self.processes[number] = subprocess.Popen(
                command, env=self.env, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd=self.scratch)

    def log(self, number):
        return os.path.join(self.scratch, "log-%d" % number)

    def doozer(self, number, *command):
        """What doozer prints when it asks this member; None if it fails."""
        done = subprocess.run(
            [self.args.doozer, "-a", self.addresses[number], *command],
            env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S)
        return done.stdout if done.returncode == 0 else None

    def running(self):
        return [n for n in range(MEMBERS) if self.processes[n] is not None]

    def check_alive(self):
        for number in self.running():
            status = self.processes[number].poll()
            if status is not None:
                raise Broken("member %d has ended with exit status %d"
                             % (number, status))

    def settled(self):
        """Whether every member that runs says itself that it votes, one of
        them leads, and all know it."""
        seen = []
        for number in self.running():
            said = self.doozer(number, "status", "--json")
            if said is None:
                return False
            members = json.loads(said)["members"]
            votes = [m for m in members
                     if m["slot"] is not None and m["health"] == "ok"
                     and m["role"] in ("voter", "proposer") and m["behind"] == 0]
            seen.append(len(votes) == len(self.running()) and
                        [m["address"] for m in votes if m["role"] == "proposer"])
        return bool(seen[0]) and len(seen[0]) == 1 and seen.count(seen[0]) == len(seen)

    def wait_settled(self):
        deadline = time.monotonic() + PATIENCE_S
        while not self.settled():
            self.check_alive()
            if time.monotonic() >= deadline:
                raise Broken("no cluster of %d voters within %d s: %s" % (
                    len(self.running()), PATIENCE_S,
                    self.doozer(self.running()[0], "status")))
            time.sleep(0.02)

    def proposer(self):
        """The number of the member that leads, as some member knows it."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            said = self.doozer(self.running()[0], "status", "--json")
            for member in json.loads(said)["members"] if said else ():
                if member["role"] == "proposer":
                    return self.addresses.index(member["address"])
        raise Broken("nobody leads")

    def kill(self, number):
        self.processes[number].kill()
        self.processes[number].wait()
        self.processes[number] = None

    def stop(self):
        """Stops whoever runs, as an administrator would."""
        for number in self.running():
            self.processes[number].terminate()
        for number in self.running():
            try:
                status = self.processes[number].wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                raise Broken("member %d does not stop" % number)
            self.processes[number] = None
            if status != 0:
                raise Broken("member %d stopped with exit status %d"
                             % (number, status))

    def end(self):
        """Leaves nobody behind, whatever has happened."""
        for number in self.running():
            self.kill(number)

    def logs(self):
        for number in range(MEMBERS):
            if os.path.exists(self.log(number)):
                with open(self.log(number), errors="replace") as log:
                    for line in log.readlines()[-20:]:
                        yield "member %d: %s" % (number, line.rstrip())


def free_ports(count):
    held = []
    while len(held) < count:
        candidate = socket.socket()
        try:
            candidate.bind(("127.0.0.1", PORTS.start + secrets.randbelow(len(PORTS))))
        except OSError:
            candidate.close()
            continue
        held.append(candidate)
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


# ---- what is checked --------------------------------------------------------

def begin(address, scenarios):
    """A runner that plays at this address."""
    return subprocess.Popen(
        [sys.executable, RUNNER, "--addr", address, *scenarios],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)


def finish(runner, where):
    """Waits for a runner, says what failed, and counts."""
    tally = Tally()
    for line in runner.communicate()[0].splitlines():
        end = re.fullmatch(r"(\d+) passed, (\d+) failed", line)
        if end:
            tally.passed, tally.failed = int(end[1]), int(end[2])
        elif line.startswith("skip "):
            tally.skipped += 1
        else:
            print("%s: %s" % (where, line), flush=True)
    played = tally.passed + tally.failed
    if (runner.returncode != 0) != (tally.failed > 0 or not played):
        raise Broken("%s: the runner ended with exit status %d after %s"
                     % (where, runner.returncode, tally))
    return tally


def report(what, tally, total):
    print("  %s: %s" % (what, tally), flush=True)
    total.add(tally)


def in_turn(cluster, scenarios, total):
    proposer = cluster.proposer()
    for number, address in enumerate(cluster.addresses):
        name = "member %d%s" % (number, " (proposer)" if number == proposer else "")
        report(name, finish(begin(address, scenarios), name), total)
        cluster.check_alive()


def at_the_same_time(cluster, scenarios, total):
    for turn in range(TOGETHER):
        runners = [begin(address, scenarios) for address in cluster.addresses]
        tally = Tally()
        for number, runner in enumerate(runners):
            tally.add(finish(runner, "all at once, member %d" % number))
        report("all members at once, %d of %d" % (turn + 1, TOGETHER), tally, total)
        cluster.check_alive()


def with_the_proposer_killed_before_each(cluster, scenarios, total):
    tally, victims = Tally(), set()
    for turn, scenario in enumerate(scenarios):
        victim = cluster.proposer()
        victims.add(victim)
        cluster.kill(victim)
        others = cluster.running()
        number = others[turn % len(others)]
        where = "member %d, the proposer, member %d, just killed" % (number, victim)
        tally.add(finish(begin(cluster.addresses[number], [scenario]), where))
        cluster.check_alive()
        cluster.start(victim)
        cluster.wait_settled()
    if len(victims) < 2:
        raise Broken("only member %s was ever the proposer" % victims)
    report("the proposer killed before each", tally, total)


def with_the_proposer_dead(cluster, scenarios, total):
    victim = cluster.proposer()
    cluster.kill(victim)
    for number in cluster.running():
        name = "member %d, the proposer, member %d, dead" % (number, victim)
        report(name, finish(begin(cluster.addresses[number], scenarios), name), total)
        cluster.check_alive()


def check_idle(cluster):
    """An idle cluster's revision stands still, and is the same everywhere."""
    revisions = [cluster.doozer(n, "rev") for n in cluster.running()]
    time.sleep(IDLE_S)
    later = [cluster.doozer(n, "rev") for n in cluster.running()]
    if None in revisions or len(set(revisions)) != 1 or later != revisions:
        raise Broken("revisions of an idle cluster: %s, and %d s later %s"
                     % (revisions, IDLE_S, later))
    print("  idle for %d s: every member stays at revision %s"
          % (IDLE_S, revisions[0].strip()), flush=True)


def check_same(cluster):
    """All members have the same files of the same revisions."""
    revision = cluster.doozer(cluster.running()[0], "rev").strip()
    seen = [cluster.doozer(n, "find", "--json", "/", "-r", revision)
            for n in cluster.running()]
    if not seen[0] or seen.count(seen[0]) != len(seen):
        raise Broken("members differ at revision %s: %s" % (
            revision, [len(files or "") for files in seen]))
    print("  %d members have the same %d files and directories at revision %s"
          % (len(seen), len(seen[0].splitlines()), revision), flush=True)


def run(cluster, scenarios, total):
    for number in range(MEMBERS):
        cluster.start(number)
    cluster.wait_settled()
    check_idle(cluster)
    in_turn(cluster, scenarios, total)
    at_the_same_time(cluster, scenarios, total)
    if cluster.in_memory:
        with_the_proposer_dead(cluster, scenarios, total)
    else:
        # Those that are skipped need nobody killed for them.
        with_the_proposer_killed_before_each(
            cluster, [s for s in scenarios if not needs_own_server(s)], total)
    check_same(cluster)
    check_idle(cluster)
    cluster.stop()


def needs_own_server(path):
    with open(path, encoding="utf-8") as scenario:
        return "server" in json.load(scenario)


def start_to_end(args, in_memory, total):
    """One cluster.  False if there was a fault beside failed scenarios."""
    fault, failed_before = None, total.failed
    with tempfile.TemporaryDirectory() as scratch:
        cluster = Cluster(args, in_memory, scratch)
        try:
            run(cluster, args.scenarios, total)
        except (Broken, subprocess.TimeoutExpired) as e:
            fault = str(e)
            print("FAIL %s" % fault, flush=True)
        finally:
            cluster.end()
        if fault or total.failed > failed_before:
            print("\n".join(cluster.logs()), flush=True)
    return fault is None


def main():
    parser = argparse.ArgumentParser(
        description="Play wire scenarios at every member of a cluster of three.")
    parser.add_argument("--doozerd", required=True, help="the server to test")
    parser.add_argument("--doozer", required=True,
                        help="the program that asks members what they are")
    parser.add_argument("scenarios", nargs="+", metavar="SCENARIO.json")
    args = parser.parse_args()
    args.doozerd, args.doozer = map(os.path.abspath, (args.doozerd, args.doozer))
    # So that a run that is told to end leaves no member behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    total, sound = Tally(), True
    for in_memory, title in ((True, "in memory"), (False, "with data directories")):
        print("three members %s:" % title, flush=True)
        sound &= start_to_end(args, in_memory, total)
    print("at every member of three: %s" % total)
    return 0 if sound and total.passed and not total.failed else 1


if __name__ == "__main__":
    sys.exit(main())
