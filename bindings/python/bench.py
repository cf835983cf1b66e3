#!/usr/bin/env python3
"""What calls cost in Python. Prints lines `NAME VALUE`.

    bench.py URI

Of a no-op call and an embedded read, the median of batches; of round trips, the median, one after another.
"""

import asyncio
import gc
import os
import statistics
import sys
import time

import doozer
import doozer.aio

BATCH, BATCHES = 1_000, 200
ROUND_TRIPS = 10_000
MIXED, WARM_UP = 100_000, 20_000
VALUE = b"x" * 128


def report(name, value):
    print(name, round(value), flush=True)


def batched_ns(call, *arguments):
    """The median over batches of what one call takes."""
    batches = []
    for _ in range(BATCHES):
        began = time.perf_counter_ns()
        for _ in range(BATCH):
            call(*arguments)
        batches.append((time.perf_counter_ns() - began) / BATCH)
    return statistics.median(batches)


def round_trip_ns(call, *arguments):
    """The median of calls, each timed by itself."""
    took = []
    for _ in range(ROUND_TRIPS):
        began = time.perf_counter_ns()
        call(*arguments)
        took.append(time.perf_counter_ns() - began)
    return statistics.median(took)


async def awaited_ns(call, *arguments):
    """The same of coroutines."""
    took = []
    for _ in range(ROUND_TRIPS):
        began = time.perf_counter_ns()
        await call(*arguments)
        took.append(time.perf_counter_ns() - began)
    return statistics.median(took)


def embedded():
    with doozer.Node() as node:
        with node.client() as client:
            for i in range(1_000):
                client.set(f"/bench/{i}", VALUE, -1)
        paths = [f"/bench/{i}" for i in range(BATCH)]
        get_local, batches = node.get_local, []
        for _ in range(BATCHES):
            began = time.perf_counter_ns()
            for path in paths:
                get_local(path)
            batches.append((time.perf_counter_ns() - began) / BATCH)
        report("embedded_get_ns", statistics.median(batches))


async def asynchronous(uri):
    report("aio_noop_async_ns", await awaited_ns(doozer.aio._noop_async))
    async with doozer.aio.connect(uri) as client:
        report("aio_remote_get_ns", await awaited_ns(client.get, "/bench"))


def mixed(client, operations):
    """One of each, over and over."""
    for i in range(operations // 10):
        rev = client.set("/mixed", VALUE, -1)
        client.get("/mixed")
        client.get("/mixed", rev)
        client.get("/missing")
        client.stat("/mixed")
        client.rev()
        client.wait("/mixed", rev)
        with client.watch("/mixed", rev) as watch:
            next(watch)
        try:
            client.add("/mixed", VALUE)
        except doozer.RevMismatch:
            pass
        client.walk("/mixed")


def resident_kb():
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def main(uri):
    report("noop_ns", batched_ns(doozer._noop))
    embedded()
    report("noop_async_ns", round_trip_ns(doozer._noop_async))
    with doozer.connect(uri) as client:
        client.set("/bench", VALUE, -1)
        report("remote_get_ns", round_trip_ns(client.get, "/bench"))
        asyncio.run(asynchronous(uri))
        mixed(client, WARM_UP)
        report("rss_before_kb", resident_kb())
        mixed(client, MIXED)
        report("rss_after_kb", resident_kb())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: bench.py URI")
    main(sys.argv[1])
