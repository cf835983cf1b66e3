"""The ways in which the runner of the scenarios makes calls: blocking, asyncio, gevent.

Each has `module`, what the API is taken from; `run`, which makes a call; `background`, which begins one and gives a
`Background`; `host`, which carries a scenario out; and `renew`, to be called in the child of a fork.
"""

import queue
import signal
import threading
import time

import doozer

CANCELLED_S = 5  # within which a cancelled call must have ended


class Made:
    """How a call ended: `given` or `error`, and how long it took."""

    def __init__(self, given=None, error=None, began=None):
        self.given, self.error, self.took = given, error, time.monotonic() - began


def made(call):
    began = time.monotonic()
    try:
        return Made(given=call(), began=began)
    except doozer.Error as error:
        return Made(error=error, began=began)


class Interrupted(BaseException):
    """What the handler of the signal raises."""


class Blocking:
    """Threads. A call that is going to be cancelled is made on the main thread, where a signal can end it."""

    module = doozer

    def __init__(self):
        self.jobs = queue.SimpleQueue()
        self.running = None
        signal.signal(signal.SIGUSR1, self.interrupt)

    def run(self, call):
        return call()

    def pause(self, call):
        return call()

    def background(self, call, is_cancelled_later):
        job = Job(self, call)
        if is_cancelled_later:
            self.jobs.put(job)
        else:
            threading.Thread(target=job.make, daemon=True).start()
        return job

    def interrupt(self, *_):
        if self.running:
            raise Interrupted

    def host(self, scenario, limit):
        done = object()
        results = []

        def steps():
            results.append(scenario())
            self.jobs.put(done)

        threading.Thread(target=steps, daemon=True).start()
        end = time.monotonic() + limit
        while True:
            try:
                job = self.jobs.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                return f"it did not end within {limit} s"
            if job is done:
                return results[0]
            job.make()

    def renew(self):
        pass


class Job:
    """A call in the background of threads."""

    def __init__(self, way, call):
        self.way, self.call = way, call
        self.begun, self.ended = threading.Event(), threading.Event()
        self.made = None

    def make(self):
        try:
            self.way.running = threading.current_thread() is threading.main_thread()
            self.begun.set()
            self.made = made(self.call)
        except Interrupted:
            pass
        finally:
            self.way.running = False
            self.ended.set()

    def join(self, limit):
        return self.made if self.ended.wait(limit) else None

    def cancel(self):
        """Says whether it ended as cancelled."""
        self.begun.wait(CANCELLED_S)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
        return self.ended.wait(CANCELLED_S) and self.made is None


class Asyncio:
    """A loop on a thread of its own; cancelling is `Task.cancel`."""

    def __init__(self):
        import asyncio

        import doozer.aio

        self.asyncio, self.module = asyncio, doozer.aio
        self.renew()

    def renew(self):
        self.loop = self.asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, call):
        result = call()
        if not self.asyncio.iscoroutine(result):
            return result
        return self.asyncio.run_coroutine_threadsafe(result, self.loop).result()

    def pause(self, call):
        return call()

    def background(self, call, _):
        return TaskOf(self, call)

    def host(self, scenario, limit):
        results = []
        thread = threading.Thread(target=lambda: results.append(scenario()), daemon=True)
        thread.start()
        thread.join(limit)
        return results[0] if results else f"it did not end within {limit} s"


class TaskOf:
    """A call in the background of a loop."""

    def __init__(self, way, call):
        self.way, self.call = way, call
        self.task, self.ended = None, threading.Event()
        way.loop.call_soon_threadsafe(self.begin)

    def begin(self):
        self.task = self.way.loop.create_task(self.make())
        self.task.add_done_callback(lambda _: self.ended.set())

    async def make(self):
        began = time.monotonic()
        try:
            return Made(given=await self.call(), began=began)
        except doozer.Error as error:
            return Made(error=error, began=began)

    def join(self, limit):
        return self.task.result() if self.ended.wait(limit) else None

    def cancel(self):
        # In the loop's turn, so that the task is there.
        self.way.loop.call_soon_threadsafe(lambda: self.task.cancel())
        return self.ended.wait(CANCELLED_S) and self.task.cancelled()


class Gevent:
    """Greenlets; cancelling is `Greenlet.kill`."""

    def __init__(self):
        import gevent

        import doozer.gevent

        self.gevent, self.module = gevent, doozer.gevent

    def renew(self):
        self.gevent.reinit()

    def run(self, call):
        return call()

    def pause(self, call):
        """Something that blocks its thread and is no call, while greenlets run on."""
        return self.gevent.get_hub().threadpool.apply(call)

    def background(self, call, _):
        return GreenletOf(self.gevent.spawn(made, call))

    def host(self, scenario, limit):
        greenlet = self.gevent.spawn(scenario)
        greenlet.join(limit)
        if not greenlet.ready():
            greenlet.kill(block=False)
            return f"it did not end within {limit} s"
        return greenlet.get()


class GreenletOf:
    """A call in the background of a hub."""

    def __init__(self, greenlet):
        self.greenlet = greenlet

    def join(self, limit):
        self.greenlet.join(limit)
        return self.greenlet.get() if self.greenlet.ready() else None

    def cancel(self):
        self.greenlet.kill(timeout=CANCELLED_S)
        return self.greenlet.ready() and not isinstance(self.greenlet.value, Made)


WAYS = {"blocking": Blocking, "asyncio": Asyncio, "gevent": Gevent}
