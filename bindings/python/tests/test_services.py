"""Services that are registered, and live maps of them."""

import gc

import pytest

import doozer

from .conftest import PATIENCE, Background, eventually


def test_a_block(client):
    with client.register("/svc/1", b"here") as registration:
        assert registration.path == "/svc/1"
        assert client.get("/svc/1") == (b"here", registration.rev)
        assert repr(registration) == f"<doozer.Registration /svc/1 rev={registration.rev}>"
    assert registration.rev is None and "taken back" in repr(registration)
    assert client.get("/svc/1") == (None, 0)
    with pytest.raises(doozer.Closed):
        registration.deregister()


def test_a_block_that_raises_takes_it_back(client):
    with pytest.raises(ZeroDivisionError):
        with client.register("/svc/1", b"here"):
            raise ZeroDivisionError
    assert client.get("/svc/1") == (None, 0)


def test_a_block_may_take_it_back_itself(client):
    with client.register("/svc/1", b"here") as registration:
        registration.deregister(timeout=PATIENCE)
        rev = client.set("/svc/1", b"another's", 0)
    assert client.get("/svc/1") == (b"another's", rev)


def test_one_that_is_dropped_is_taken_back(client):
    registration = client.register("/svc/1", b"here")
    rev = registration.rev
    del registration
    gc.collect()
    assert client.wait("/svc/1", rev + 1, timeout=PATIENCE).is_del


def test_one_whose_session_is_lost_comes_back(node, proxy):
    with node.client() as near, doozer.connect(proxy.address, session_ttl=1) as client:
        with client.register("/svc/1", b"here") as registration:
            first = registration.rev
            proxy.tell("refuse")
            gone = near.wait("/svc/1", first + 1, timeout=PATIENCE)
            assert gone.is_del
            eventually(lambda: registration.rev is None)
            assert "not there" in repr(registration)
            proxy.tell("accept")
            again = near.wait("/svc/1", gone.rev + 1, timeout=PATIENCE)
            assert again.value == b"here"
            eventually(lambda: registration.rev == again.rev)
        assert near.get("/svc/1") == (None, 0)


def test_a_live_map(client):
    rev = client.set("/svc/1", b"one", 0)
    with client.discover("/svc/*") as services:
        assert services.glob == "/svc/*" and repr(services) == "<doozer.Live /svc/*>"
        assert services.files == {"/svc/1": doozer.File(b"one", rev)}
        assert isinstance(services.files["/svc/1"], doozer.File)
        with client.register("/svc/0", b"zero") as registration:
            files = services.changed()
            assert files == {"/svc/0": (b"zero", registration.rev), "/svc/1": (b"one", rev)}
            assert list(files) == ["/svc/0", "/svc/1"]
        assert services.changed(timeout=PATIENCE) == {"/svc/1": (b"one", rev)}
        # It is the caller's own.
        services.files.clear()
        files.clear()
        assert services.files == {"/svc/1": (b"one", rev)}
        with pytest.raises(doozer.Timeout) as caught:
            services.changed(timeout=0.05)
        assert (caught.value.op, caught.value.path) == ("discover", "/svc/*")
    assert services.is_closed and "closed" in repr(services)


def test_each_change(client):
    with client.discover("/svc/*") as services:
        seen = []
        client.set("/svc/1", b"1", 0)
        for files in services:
            seen.append(sorted(file.value for file in files.values()))
            if len(files) == 3:
                break
            client.set(f"/svc/{len(files) + 1}", str(len(files) + 1), 0)
        assert seen == [[b"1"], [b"1", b"2"], [b"1", b"2", b"3"]]
        assert iter(services) is services


def test_a_map_that_is_closed(client):
    client.set("/svc/1", b"1", 0)
    services = client.discover("/svc/*")
    changed, each = Background(lambda: services.changed()), Background(lambda: list(services))
    services.close()
    services.close()
    assert each.get() == []
    with pytest.raises(doozer.Closed) as caught:
        changed.get()
    assert (caught.value.op, caught.value.path) == ("discover", "/svc/*")
    with client.discover("/svc/*") as other:
        client.set("/svc/2", b"2", 0)
        other.changed(timeout=PATIENCE)
    assert list(services.files) == ["/svc/1"]
    assert list(services) == []


@pytest.mark.parametrize("how", ["close", "drop"])
def test_a_map_is_taken_back_from_the_member(proxy, how):
    with doozer.connect(proxy.address) as client:
        services = client.discover("/svc/*")
        proxy.tell("expect WATCH")
        if how == "close":
            services.close()
        else:
            del services
            gc.collect()
        proxy.tell("expect CANCEL")
        assert client.nop() is None


def test_a_client_that_is_closed(client):
    services = client.discover("/svc/*")
    waits = [Background(services.changed), Background(lambda: next(services))]
    client.close()
    for wait in waits:
        with pytest.raises(doozer.Closed):
            wait.get()
    assert services.files == {} and not services.is_closed


def test_several_threads_on_one_map(client):
    services = client.discover("/svc/*")
    readers = [Background(lambda: services.changed(timeout=PATIENCE)) for _ in range(3)]
    number = 0
    while any(reader.is_alive() for reader in readers):
        number += 1
        client.set(f"/svc/{number % 5}", str(number), -1)
    for reader in readers:
        assert reader.get()


def test_what_is_refused(client):
    with pytest.raises(doozer.BadGlob):
        client.discover("/svc/")
    with pytest.raises(doozer.BadPath):
        client.register("svc", b"")
    with pytest.raises(TypeError):
        client.register("/svc", 5)
