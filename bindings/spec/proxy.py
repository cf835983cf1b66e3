#!/usr/bin/env python3
"""A relay between client and member that breaks connections when it is told to. README.md says which commands there are.

    python3 proxy.py HOST:PORT

One thread does everything, so that a command takes effect between two bytes: when `hold` has been answered, no reply
can still be on its way through here.
"""

import os
import selectors
import socket
import struct
import sys
import time

VERBS = {
    1: "GET", 2: "SET", 3: "DEL", 5: "REV", 6: "WAIT", 7: "NOP", 9: "WALK", 14: "GETDIR", 16: "STAT", 20: "SELF",
    99: "ACCESS", 32: "HELLO", 33: "CANCEL", 34: "LIST", 35: "WATCH", 36: "TXN", 37: "SESSION",
    38: "STATUS", 39: "PING",
}
CONNECT_S = 5
EXPECT_S = 10
READ_BYTES = 64 << 10
# A side that does not read holds the other up, as without the relay.
BUFFERED_BYTES_MAX = 1 << 20


def varint(data, at):
    """The number at a place of a protobuf message, and the place behind it."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at


def verb_of(message):
    """The verb (field 2) of a request."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        if key & 7 == 0:
            number, at = varint(message, at)
            if key >> 3 == 2:
                return VERBS.get(number, str(number))
        elif key & 7 == 2:
            length, at = varint(message, at)
            at += length
        else:
            at += {1: 8, 5: 4}[key & 7]
    return "none"


class Frames:
    """The verbs of the requests in a stream of bytes."""

    def __init__(self):
        self.data = bytearray()

    def feed(self, data):
        self.data += data
        while len(self.data) >= 4:
            end = 4 + struct.unpack_from(">I", self.data)[0]
            if len(self.data) < end:
                return
            try:
                yield verb_of(bytes(self.data[4:end]))
            except (IndexError, KeyError):
                yield "nonsense"
            del self.data[:end]


class Pair:
    """A client's connection and its connection to the member."""

    def __init__(self, client, member):
        self.client, self.member = client, member
        self.pending = {client: bytearray(), member: bytearray()}  # what each is still to be sent
        self.ended = set()  # sides that send nothing more
        self.frames = Frames()
        self.is_held = False  # replies may have been swallowed

    def other(self, side):
        return self.member if side is self.client else self.client


class Proxy:
    def __init__(self, member):
        self.member = member
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        self.pairs = {}  # of each of its two sockets
        self.seen = {}  # requests of each verb that no `expect` has answered for
        self.expected = None  # the verb that is waited for, and until when
        self.typed = b""
        self.is_refusing = self.is_holding = self.is_over = False

    def run(self):
        say("listening %s:%d" % self.listener.getsockname())
        while not self.is_over:
            timeout = None if self.expected is None else max(0.0, self.expected[1] - time.monotonic())
            for key, events in self.selector.select(timeout):
                if key.fileobj is self.listener:
                    self.accept()
                elif key.fd == sys.stdin.fileno():
                    self.read_commands()
                elif key.fileobj in self.pairs:  # not closed by what came before
                    self.relay(key.fileobj, events)
            self.check_expected()
            self.obey_typed()

    # Commands

    def read_commands(self):
        data = os.read(sys.stdin.fileno(), 4096)
        self.is_over = not data
        self.typed += data

    def obey_typed(self):
        # One at a time: while an `expect` is open, the next command waits for its answer.
        while self.expected is None and not self.is_over and b"\n" in self.typed:
            line, self.typed = self.typed.split(b"\n", 1)
            self.obey(line.decode("utf-8", "replace").strip())

    def obey(self, line):
        command, _, argument = line.partition(" ")
        if command == "expect":
            if argument not in VERBS.values():
                return say("error no verb is called %r" % argument)
            self.expected = (argument, time.monotonic() + EXPECT_S)
            return self.check_expected()
        if command not in ("cut", "refuse", "accept", "hold", "pass", "forget", "quit") or argument:
            return say("error no command is called %r" % line)
        getattr(self, "do_" + command)()
        say("ok")

    def do_cut(self):
        for pair in set(self.pairs.values()):
            self.close(pair)

    def do_refuse(self):
        self.is_refusing = True
        self.do_cut()
        self.drop_waiting()

    def do_accept(self):
        self.drop_waiting()
        self.is_refusing = False

    def do_hold(self):
        self.is_holding = True
        for pair in set(self.pairs.values()):
            self.hold(pair)

    def do_pass(self):
        self.is_holding = False
        for pair in set(self.pairs.values()):
            if pair.is_held:
                self.close(pair)

    def do_forget(self):
        self.seen.clear()

    def do_quit(self):
        self.is_over = True

    def check_expected(self):
        if self.expected is None:
            return
        verb, until = self.expected
        if self.seen.get(verb, 0) > 0:
            self.seen[verb] -= 1
            say("ok")
        elif time.monotonic() >= until:
            say("error no %s was sent within %d s" % (verb, EXPECT_S))
        else:
            return
        self.expected = None

    # Connections

    def accept(self):
        try:
            client, _ = self.listener.accept()
        except BlockingIOError:
            return
        if self.is_refusing:
            return reset(client)
        try:
            member = socket.create_connection(self.member, CONNECT_S)
        except OSError:
            return reset(client)
        pair = Pair(client, member)
        for side in (client, member):
            side.setblocking(False)
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.pairs[side] = pair
            self.selector.register(side, selectors.EVENT_READ)
        if self.is_holding:
            self.hold(pair)

    def drop_waiting(self):
        """Refuses what has connected but was not accepted yet."""
        while True:
            try:
                reset(self.listener.accept()[0])
            except BlockingIOError:
                return

    def hold(self, pair):
        pair.is_held = True
        pair.pending[pair.client].clear()

    def close(self, pair):
        """Closes both connections with a reset: nothing that was under way is delivered."""
        self.forget(pair)
        reset(pair.client)
        reset(pair.member)

    def forget(self, pair):
        for side in (pair.client, pair.member):
            self.watch(side, 0)
            del self.pairs[side]

    def relay(self, side, events):
        pair = self.pairs[side]
        try:
            if events & selectors.EVENT_READ:
                self.read(pair, side)
            if side in self.pairs and events & selectors.EVENT_WRITE:
                self.write(pair, side)
        except OSError:
            self.close(pair)
        if side in self.pairs:
            self.settle(pair)

    def read(self, pair, side):
        try:
            data = side.recv(READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            pair.ended.add(side)
        elif side is pair.client or not pair.is_held:
            other = pair.other(side)
            pair.pending[other] += data
            self.write(pair, other)

    def write(self, pair, side):
        """Sends what there is for one side, as far as it takes it."""
        pending = pair.pending[side]
        try:
            sent = side.send(pending) if pending else 0
        except BlockingIOError:
            sent = 0
        if side is pair.member:
            for verb in pair.frames.feed(pending[:sent]):
                self.seen[verb] = self.seen.get(verb, 0) + 1
        del pending[:sent]

    def settle(self, pair):
        """Sees to it that whatever can be done next is done. Once a side has ended and all it sent is relayed, so
        is its end."""
        if any(not pair.pending[pair.other(side)] for side in pair.ended):
            self.forget(pair)
            pair.client.close()
            pair.member.close()
            return
        for side in (pair.client, pair.member):
            wanted = 0
            if side not in pair.ended and len(pair.pending[pair.other(side)]) < BUFFERED_BYTES_MAX:
                wanted |= selectors.EVENT_READ
            if pair.pending[side]:
                wanted |= selectors.EVENT_WRITE
            self.watch(side, wanted)

    def watch(self, side, wanted):
        registered = side in self.selector.get_map()
        if wanted and registered:
            self.selector.modify(side, wanted)
        elif wanted:
            self.selector.register(side, wanted)
        elif registered:
            self.selector.unregister(side)


def reset(connection):
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        connection.close()


def say(line):
    print(line, flush=True)


def main():
    host, separator, port = sys.argv[1].rpartition(":") if len(sys.argv) == 2 else ("", "", "")
    if not separator or not port.isdigit():
        sys.exit("usage: proxy.py HOST:PORT (of the member)")
    Proxy((host.strip("[]"), int(port))).run()


if __name__ == "__main__":
    main()
