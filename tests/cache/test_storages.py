"""The three storages (memory, a file, Redis) behave alike: they store, remove and isolate answers."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any, Callable, Mapping

import pytest
import responses
from requests_cache.backends.base import BaseCache, BaseStorage
from requests_cache.models.response import CachedResponse

from checkmk_sync import Checkmk
from checkmk_sync.core.call import Call, CallKind
from checkmk_sync.errors import SettingsError
from checkmk_sync.testing import SimulatedSite
from tests.cache.conftest import host_requests

WRITE = Call("POST", "/x", CallKind.WRITE, "hosts", "create")
KINDS = ("memory", "sqlite", "redis")
SHARED = ("sqlite", "redis")


@pytest.fixture
def caching(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Mapping[str, Any]]:
    """Return the settings for a kind of storage."""

    def settings(kind: str) -> Mapping[str, Any]:
        if kind == "redis":
            from checkmk_sync import SecretSource

            secret = tmp_path / "redis-password"
            secret.write_text("redis-geheim\n")
            secret.chmod(0o600)
            url = request.getfixturevalue("redis_url")
            return {"backend": "redis", "redis_url": url, "redis_password": SecretSource(file=str(secret))}
        return {"backend": kind, "path": str(tmp_path / "cache" / "answers.sqlite")}

    return settings


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_cached_until_they_expire(live: SimulatedSite, caching: Any, kind: str, clock: Any) -> None:
    with live.client(caching=caching(kind), clock=clock) as client:
        first = client.hosts.get("host00000")
        assert client.hosts.get("host00000") == first
        assert host_requests(live) == 1
        clock.advance(61)
        assert client.hosts.get("host00000") == first
        assert host_requests(live) == 2
        stats = client.metrics()["cache"]
        # Counting the answers in Redis would require a scan of all its keys.
        assert (stats["hits"], stats["misses"], stats["size"]) == (1, 2, None if kind == "redis" else 1)


@pytest.mark.parametrize("kind", KINDS)
def test_patterns_and_clear_delete_entries(live: SimulatedSite, caching: Any, kind: str) -> None:
    with live.client(caching=caching(kind)) as client:
        for name in ("host00000", "host00001"):
            client.hosts.get(name)
        assert client.invalidate_cache_pattern("hosts:*host00001*") == 1
        client.hosts.get("host00000")
        assert host_requests(live) == 2
        client.hosts.get("host00001")
        assert host_requests(live) == 3
        client.clear_cache()
        client.hosts.get("host00000")
        assert host_requests(live) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_users_never_see_each_others_answers(caching: Any, kind: str) -> None:
    """This test uses one storage under load, and a site that answers each user differently."""
    base = "https://mon.example.com/s/check_mk/api/1.0/objects/host_config/h"

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        user = request.headers["Authorization"].split()[1]
        data = {"id": "h", "extensions": {"folder": "/", "attributes": {"alias": user}}}
        return 200, {}, json.dumps(data)

    wrong: list[Any] = []
    settings = {**caching(kind), "default_ttl": 60}

    def hammer(client: Checkmk, user: str) -> None:
        for number in range(150):
            found = client.hosts.get("h").attributes["alias"]
            if found != user:
                wrong.append((user, found))
            if number % 40 == 39:
                client._transport.cache.invalidate(WRITE)

    with responses.RequestsMock() as mocked:
        mocked.add_callback("GET", base, answer, content_type="application/json")
        users = ("alice", "bob")
        clients = {
            user: Checkmk("https://mon.example.com", "s", user, f"{user}s-secret", caching=settings) for user in users
        }
        if kind == "memory":  # memory is otherwise never shared by clients
            cache = clients["bob"]._transport.cache
            cache.responses = cache.storage = clients["alice"]._transport.cache.storage
        threads = [threading.Thread(target=hammer, args=(clients[user], user)) for user in users for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        hits = [client.metrics()["cache"]["hits"] for client in clients.values()]
        for client in clients.values():
            client.close()
    assert not wrong
    assert min(hits) > 300


@pytest.mark.parametrize("kind", SHARED)
def test_writes_invalidate_reads_of_other_processes(live: SimulatedSite, caching: Any, kind: str) -> None:
    settings = caching(kind)
    with live.client(caching=settings) as reader, live.client(caching=settings) as writer:
        assert "alias" not in reader.hosts.get("host00000").attributes
        assert host_requests(live) == 1
        writer.hosts.get("host00000")
        assert host_requests(live) == 1, "both clients share the answers"
        writer.hosts.update("host00000", update_attributes={"alias": "new"})
        assert reader.hosts.get("host00000").attributes["alias"] == "new"


def test_writes_invalidate_reads_of_other_clients_in_this_process(live: SimulatedSite) -> None:
    with live.client() as reader, live.client() as writer:
        reader.hosts.get("host00000")
        writer.hosts.update("host00000", update_attributes={"alias": "new"})
        assert reader.hosts.get("host00000").attributes["alias"] == "new"


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_number_and_size_are_bounded(live: SimulatedSite, caching: Any, kind: str) -> None:
    with live.client(caching={**caching(kind), "max_size": 2}) as client:
        for name in ("host00000", "host00001", "host00002"):
            client.hosts.get(name)
        assert client.metrics()["cache"]["size"] == 2
    with live.client(caching={**caching(kind), "max_mb": 0.005}) as client:
        for name in ("host00000", "host00001", "host00002"):
            client.hosts.get(name)
        assert 1000 < client.metrics()["cache"]["bytes"] <= 0.005 * 2**20
        assert client.metrics()["cache"]["size"] < 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_clearing_and_closing_during_reads_is_safe(live: SimulatedSite, caching: Any, kind: str) -> None:
    client = live.client(caching=caching(kind))
    failures: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                assert client.hosts.get(f"host0000{number % 3}").name == f"host0000{number % 3}"
            except BaseException as error:
                if not stop.is_set():
                    failures.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(60):
        client.clear_cache()
        client.invalidate_cache_pattern("hosts:*")
        client._transport.cache.storage.cleanup_expired()
        time.sleep(0.002)
    client._transport.cache.close()  # closes only the storage; the client continues to read
    time.sleep(0.05)
    stop.set()
    client.close()
    for thread in threads:
        thread.join(10)
    assert failures == []


# Redis


def test_a_lost_redis_causes_no_stale_answer(live: SimulatedSite) -> None:
    pytest.importorskip("redis")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with live.client(caching={"backend": "redis", "redis_url": f"redis://127.0.0.1:{port}"}) as client:
        client.hosts.get("host00000")
        client.hosts.update("host00000", update_attributes={"alias": "new"})
        assert client.hosts.get("host00000").attributes["alias"] == "new"
        assert client.metrics()["cache"]["failures"] > 0


def test_the_redis_password_is_hidden(
    live: SimulatedSite, caching: Any, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = caching("redis")
    with live.client(caching=settings) as client:
        client.hosts.get("host00000")
        shown = [repr(client.settings), client.settings.to_dict(), client.metrics(), vars(client._transport)]
    assert "redis-geheim" not in repr(shown) + caplog.text
    with pytest.raises(SettingsError, match="redis_password_file") as caught:
        live.client(caching={"backend": "redis", "redis_url": "redis://:redis-geheim@localhost"})
    assert "geheim" not in str(caught.value)


def test_answers_expire_in_redis(live: SimulatedSite, caching: Any, redis_url: str) -> None:
    import redis

    with live.client(caching={**caching("redis"), "stale_if_error": 100}) as client:
        client.hosts.get("host00000")
    with redis.Redis.from_url(redis_url, password="redis-geheim") as server:
        keys = [key for key in server.scan_iter() if b"answer" in key]
        assert len(keys) == 1 and 150_000 < server.pttl(keys[0]) <= 160_000


def test_a_hanging_redis_is_tried_once_per_interval(live: SimulatedSite, clock: Any) -> None:
    pytest.importorskip("redis")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"redis://127.0.0.1:{deaf.getsockname()[1]}"
        with live.client(caching={"backend": "redis", "redis_url": address}, clock=clock) as client:
            started = time.monotonic()
            for _ in range(8):
                client.hosts.get("host00000")
                client.hosts.update("host00000", update_attributes={"alias": "new"})
                client.metrics()
            assert time.monotonic() - started < 5, "Redis is tried once, not for each call"
            assert client.metrics()["cache"]["failures"] == 1
            clock.advance(5)
            client.hosts.get("host00000")
            assert client.metrics()["cache"]["failures"] == 2


@pytest.mark.parametrize("damage", ["", "[1]", "\udcff"])
def test_damaged_redis_entries_are_dropped(
    live: SimulatedSite, caching: Any, redis_url: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    import redis

    with (
        redis.Redis.from_url(redis_url, password="redis-geheim") as server,
        live.client(caching=caching("redis")) as client,
    ):
        client.hosts.get("host00000")
        for key in server.scan_iter("*answer*"):
            server.set(key, damage.encode(errors="surrogateescape"))
        assert client.hosts.get("host00000").name == "host00000"
        assert host_requests(live) == 2
    assert "damaged" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_pending_invalidations_of_a_closed_client_are_written_by_other_clients(
    live: SimulatedSite, caching: Any, kind: str, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The storage fails when a write must be recorded, and works again after that client is closed."""
    with live.client(caching=caching(kind), clock=clock) as reader:
        reader.hosts.get("host00000")
        writer = live.client(caching=caching(kind), clock=clock)
        storage = writer._transport.cache.storage

        def fails(scope: str) -> None:
            raise OSError("just now")

        with monkeypatch.context() as broken:
            broken.setattr(storage, "advance", fails)
            broken.setattr(storage, "errors", (OSError,))
            writer.hosts.update("host00000", update_attributes={"alias": "new"})
            writer.close()
        assert reader.hosts.get("host00000").attributes["alias"] == "new"


@pytest.mark.parametrize("kind", KINDS)
def test_repeated_reads_are_answered_by_the_storages_of_requests_cache(
    live: SimulatedSite, caching: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each read makes one look-up, and no other cache answers before it."""
    found: list[Any] = []
    look_up = BaseCache.get_response

    def counted(cache: BaseCache, key: str, default: Any = None) -> Any:
        assert isinstance(cache.responses, BaseStorage)
        found.append(look_up(cache, key, default))
        return found[-1]

    monkeypatch.setattr(BaseCache, "get_response", counted)
    with live.client(caching=caching(kind)) as client:
        for _ in range(51):
            client.hosts.get("host00000")
        assert [type(response) for response in found] == [type(None), *[CachedResponse] * 50]
        assert client.metrics()["cache"]["hits"] == 50
    assert host_requests(live) == 1


@pytest.mark.parametrize("forget", ["clear_cache", "invalidate_cache_pattern"])
def test_redis_returns_no_invalidated_answer_after_an_outage(
    live: SimulatedSite, caching: Any, clock: Any, monkeypatch: pytest.MonkeyPatch, forget: str
) -> None:
    with live.client(caching=caching("redis"), clock=clock) as client:
        client.hosts.get("host00000")
        with monkeypatch.context() as away:
            away.setattr(client._transport.cache.storage.connection, "scan_iter", _no_connection)
            getattr(client, forget)(*(["hosts:*"] if forget != "clear_cache" else []))
        clock.advance(5)
        client.hosts.get("host00000")
        assert host_requests(live) == 2


def _no_connection(*_: Any, **__: Any) -> Any:
    raise ConnectionError("gone")
