"""One promise, three storages: memory, a file, Redis. Each keeps, forgets and isolates alike."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

import pytest
import responses

from checkmk_sync import Checkmk
from checkmk_sync.errors import SettingsError
from checkmk_sync.testing import SimulatedSite
from checkmk_sync.wire import Call, Kind

WRITE = Call("POST", "/x", Kind.WRITE, "hosts", "create")
KINDS = ("memory", "sqlite", "redis")
SHARED = ("sqlite", "redis")


@pytest.fixture
def caching(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Mapping[str, Any]]:
    """The settings for a kind of storage."""

    def settings(kind: str) -> Mapping[str, Any]:
        if kind == "redis":
            from checkmk_sync import SecretSource

            secret = tmp_path / "redis-password"
            secret.write_text("redis-geheim\n")
            secret.chmod(0o600)
            url = request.getfixturevalue("redis_url")
            return {"backend": "redis", "redis_url": url, "redis_secret": SecretSource(file=str(secret))}
        return {"backend": kind, "path": str(tmp_path / "cache" / "answers.sqlite")}

    return settings


@pytest.fixture
def site() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=3) as site:
        yield site


def _asked(site: SimulatedSite) -> int:
    return sum(1 for request in site.requests if request.path.startswith("/objects/host_config"))


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_kept_for_its_time(site: SimulatedSite, caching: Any, kind: str, clock: Any) -> None:
    with site.client(caching=caching(kind), clock=clock) as client:
        first = client.hosts.get("host00000")
        assert client.hosts.get("host00000") == first
        assert _asked(site) == 1
        clock.advance(61)
        assert client.hosts.get("host00000") == first
        assert _asked(site) == 2
        stats = client.metrics()["cache"]
        assert (stats["hits"], stats["misses"], stats["size"]) == (1, 2, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_patterns_and_clearing(site: SimulatedSite, caching: Any, kind: str) -> None:
    with site.client(caching=caching(kind)) as client:
        for name in ("host00000", "host00001"):
            client.hosts.get(name)
        assert client.invalidate_cache_pattern("hosts:*host00001*") == 1
        client.hosts.get("host00000")
        assert _asked(site) == 2
        client.hosts.get("host00001")
        assert _asked(site) == 3
        client.clear_cache()
        client.hosts.get("host00000")
        assert _asked(site) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_two_users_never_see_each_others_answers(caching: Any, kind: str) -> None:
    """Under load, on one storage, with a site that tells each user something else."""
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
                client._transport.cache.forget(WRITE)

    with responses.RequestsMock() as mocked:
        mocked.add_callback("GET", base, answer, content_type="application/json")
        users = ("alice", "bob")
        clients = {
            user: Checkmk("https://mon.example.com", "s", user, f"{user}s-secret", caching=settings) for user in users
        }
        if kind == "memory":  # which is otherwise never shared
            clients["bob"]._transport.cache.storage = clients["alice"]._transport.cache.storage
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
def test_a_write_makes_reads_of_other_processes_fresh(site: SimulatedSite, caching: Any, kind: str) -> None:
    settings = caching(kind)
    with site.client(caching=settings) as reader, site.client(caching=settings) as writer:
        assert "alias" not in reader.hosts.get("host00000").attributes
        assert _asked(site) == 1
        writer.hosts.get("host00000")
        assert _asked(site) == 1, "they share what was read"
        writer.hosts.update("host00000", update_attributes={"alias": "new"})
        assert reader.hosts.get("host00000").attributes["alias"] == "new"


def test_a_write_makes_reads_of_other_clients_in_this_process_fresh(site: SimulatedSite) -> None:
    with site.client() as reader, site.client() as writer:
        reader.hosts.get("host00000")
        writer.hosts.update("host00000", update_attributes={"alias": "new"})
        assert reader.hosts.get("host00000").attributes["alias"] == "new"


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_number_and_size_are_bounded(site: SimulatedSite, caching: Any, kind: str) -> None:
    with site.client(caching={**caching(kind), "max_size": 2}) as client:
        for name in ("host00000", "host00001", "host00002"):
            client.hosts.get(name)
        assert client.metrics()["cache"]["size"] == 2
    with site.client(caching={**caching(kind), "max_mb": 0.001}) as client:
        for name in ("host00000", "host00001", "host00002"):
            client.hosts.get(name)
        assert client.metrics()["cache"]["bytes"] <= 1049


@pytest.mark.parametrize("kind", KINDS)
def test_clearing_and_closing_while_many_read(site: SimulatedSite, caching: Any, kind: str) -> None:
    client = site.client(caching=caching(kind))
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
        client._transport.cache.cleanup()
        time.sleep(0.002)
    client._transport.cache.close()  # the storage goes, the client reads on
    time.sleep(0.05)
    stop.set()
    client.close()
    for thread in threads:
        thread.join(10)
    assert failures == []


# The file


def test_the_file_is_its_owners_and_holds_no_secret(site: SimulatedSite, tmp_path: Path, caching: Any) -> None:
    path = Path(caching("sqlite")["path"])
    with site.client(caching=caching("sqlite")) as client:
        client.hosts.get("host00000")
        files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
        assert len(files) >= 1
        for file in files:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert site.secret.encode() not in file.read_bytes()
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_can_read_is_made_private(site: SimulatedSite, tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    path.touch(0o644)
    with site.client(caching={"backend": "sqlite", "path": str(path)}) as client:
        client.hosts.get("host00000")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be taken for one" * 100, b""])
def test_a_damaged_file_is_begun_anew(
    site: SimulatedSite, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_bytes(content)
    with site.client(caching={"backend": "sqlite", "path": str(path)}) as client:
        client.hosts.get("host00000")
        client.hosts.get("host00000")
    assert _asked(site) == 1
    assert ("damaged" in caplog.text) == bool(content)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told(site: SimulatedSite, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SettingsError, match="cannot be used"):
        site.client(caching={"backend": "sqlite", "path": str(tmp_path / "no" / "answers.sqlite")})


def test_a_link_is_not_followed(site: SimulatedSite, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("do not touch")
    (tmp_path / "answers.sqlite").symlink_to(target)
    with pytest.raises(SettingsError, match="cannot be used"):
        site.client(caching={"backend": "sqlite", "path": str(tmp_path / "answers.sqlite")})
    assert target.read_text() == "do not touch"


def test_a_file_that_another_process_holds_costs_a_moment_and_no_truth(
    site: SimulatedSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    from checkmk_sync.cache import sqlite

    monkeypatch.setattr(sqlite, "BUSY_S", 0.05)
    path = tmp_path / "answers.sqlite"
    with site.client(caching={"backend": "sqlite", "path": str(path)}) as client:
        client.hosts.get("host00000")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        client.hosts.update("host00000", update_attributes={"alias": "new"})  # cannot be noted
        assert client.hosts.get("host00000").attributes["alias"] == "new"
        other.execute("ROLLBACK")
        other.close()
        assert client.hosts.get("host00000").attributes["alias"] == "new"
        asked = _asked(site)
        client.hosts.get("host00000")
        assert _asked(site) == asked
        assert client.metrics()["cache"]["failures"] > 0


def test_a_forked_process_opens_its_own(site: SimulatedSite, tmp_path: Path) -> None:
    code = (
        "import os, sys, warnings; warnings.simplefilter('ignore')\n"
        "from checkmk_sync import Checkmk\n"
        "caching = {'backend': 'sqlite', 'path': sys.argv[2]}\n"
        "cmk = Checkmk(sys.argv[1], 's', 'automation', sys.argv[3], caching=caching)\n"
        "cmk.hosts.get('host00000')\n"
        "child = os.fork()\n"
        "cmk.hosts.get('host00000'); cmk.hosts.get('host00001')\n"
        "if child: sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    command = [sys.executable, "-c", code, site.url, str(tmp_path / "answers.sqlite"), site.secret]
    subprocess.run(command, check=True, timeout=30)
    assert 2 <= _asked(site) <= 3


# Redis


def test_a_redis_that_goes_away_costs_no_truth(site: SimulatedSite) -> None:
    pytest.importorskip("redis")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with site.client(caching={"backend": "redis", "redis_url": f"redis://127.0.0.1:{port}"}) as client:
        client.hosts.get("host00000")
        client.hosts.update("host00000", update_attributes={"alias": "new"})
        assert client.hosts.get("host00000").attributes["alias"] == "new"
        assert client.metrics()["cache"]["failures"] > 0


def test_the_password_of_redis_is_nowhere_to_be_seen(
    site: SimulatedSite, caching: Any, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = caching("redis")
    with site.client(caching=settings) as client:
        client.hosts.get("host00000")
        shown = [repr(client.settings), client.settings.to_dict(), client.metrics(), vars(client._transport)]
    assert "redis-geheim" not in repr(shown) + caplog.text
    with pytest.raises(SettingsError, match="redis_password_file") as caught:
        site.client(caching={"backend": "redis", "redis_url": "redis://:redis-geheim@localhost"})
    assert "geheim" not in str(caught.value)


def test_answers_leave_redis_in_their_time(site: SimulatedSite, caching: Any, redis_url: str) -> None:
    import redis

    with site.client(caching={**caching("redis"), "stale_if_error": 100}) as client:
        client.hosts.get("host00000")
    with redis.Redis.from_url(redis_url, password="redis-geheim") as server:
        keys = [key for key in server.scan_iter() if b"answer" in key]
        assert len(keys) == 1 and 150_000 < server.pttl(keys[0]) <= 160_000
