"""An answer from before an invalidation is never returned after it, whatever happens in between."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import responses

from checkmk_sync import Checkmk
from checkmk_sync.cache import sqlite
from checkmk_sync.cache.replies import PendingInvalidations
from checkmk_sync.cache.single_flight import SingleFlight
from checkmk_sync.cache.sqlite import SQLiteStorage
from checkmk_sync.core.clock import SystemClock
from checkmk_sync.errors import SettingsError, TransportError, UnexpectedReplyError
from checkmk_sync.testing import Fault, SimulatedSite
from tests.cache.conftest import another_process, rename


def _alias(client: Checkmk) -> Any:
    return client.hosts.get("host00000").attributes.get("alias")


def test_a_write_is_recorded_although_the_storage_failed_shortly_before(
    live: SimulatedSite, path: Path, caching: Any
) -> None:
    with another_process(live, path) as ask, live.client(caching=caching) as writer:
        assert [ask(), ask()] == ["None 0", "None 1"]
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            writer.folders.get("/")  # cannot be stored, and suspends the storage
            other.execute("ROLLBACK")
        assert writer.metrics()["cache"]["failures"] > 0
        rename(writer, "new")
        assert ask() == "new 1"


def test_a_write_that_is_added_while_an_earlier_one_is_recorded_stays_pending() -> None:
    pending = PendingInvalidations()
    pending.add(["hosts"])
    number = pending.scopes["hosts"]
    pending.recorded("hosts", number)
    pending.add(["hosts"])
    pending.recorded("hosts", number)  # by a second thread, which has recorded the first write too
    assert "hosts" in pending.scopes


def test_clearing_starts_new_generations(path: Path) -> None:
    """Answers that other clients are reading during the clear are not used either."""
    path.parent.mkdir()
    storage = SQLiteStorage(str(path), 10, 1e6, 0, SystemClock())
    before = storage.generation("hosts")
    storage.clear()
    assert storage.generation("hosts") != before
    storage.close()


def test_an_answer_that_is_removed_while_it_is_stored_is_not_kept(
    live: SimulatedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live.client() as client:
        storage = client._transport.cache.storage
        store = type(storage).__setitem__

        def clearing(self: Any, key: str, response: Any) -> None:
            monkeypatch.undo()
            client.clear_cache()
            store(self, key, response)

        monkeypatch.setattr(type(storage), "__setitem__", clearing)
        _alias(client)
        _alias(client)
        assert client.metrics()["cache"]["hits"] == 0


def test_an_expired_answer_is_not_used_after_it_was_removed(live: SimulatedSite, clock: Any) -> None:
    with live.client(caching={"default_ttl": 1, "stale_if_error": 1000}, clock=clock) as client:
        _alias(client)
        clock.advance(2)
        live.set_faults([Fault("status", status=503, path="host_config")])
        wait = clock.sleep

        def sleep(seconds: float) -> bool:
            client.clear_cache()
            return wait(seconds)

        clock.sleep = sleep
        with pytest.raises(TransportError):
            _alias(client)


def test_an_older_answer_does_not_replace_a_fresh_one(live: SimulatedSite) -> None:
    with live.client() as client:
        client.version()
        live.set_faults([Fault("drip", path="host_config", seconds=0.001, times=1)])
        slow = threading.Thread(target=lambda: _alias(client))
        slow.start()
        while not live.state.faults.matched:
            pass
        live.state.configuration.hosts["host00000"].attributes["alias"] = "changed in the GUI"
        assert client.hosts.get("host00000", fresh=True).attributes["alias"] == "changed in the GUI"
        slow.join()
        assert _alias(client) == "changed in the GUI"


def test_a_result_is_shared_only_with_callers_that_were_already_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    flight: SingleFlight[str] = SingleFlight()
    under_way: list[bool] = []
    set_result = Future.set_result

    def observed(future: Any, result: Any) -> None:
        under_way.append(flight.is_under_way("key"))
        set_result(future, result)

    monkeypatch.setattr(Future, "set_result", observed)
    assert flight.run("key", lambda: "result") == ("result", False)
    assert under_way == [False]


def test_all_callers_that_share_an_empty_answer_get_the_same_error() -> None:
    url = "https://mon.example.com/s/check_mk/api/1.0/objects/host_config/h"
    arrived = threading.Barrier(3)

    def answer(_request: Any) -> tuple[int, dict[str, str], str]:
        while len(client._transport.cache._single_flight._flights) < 1 or waiting._value:
            pass
        return 204, {}, ""

    waiting = threading.Semaphore(2)
    failures: list[Exception] = []

    def ask() -> None:
        arrived.wait()
        waiting.acquire(blocking=False)
        try:
            client.hosts.get("h")
        except Exception as error:
            failures.append(error)

    with responses.RequestsMock() as mocked, Checkmk("https://mon.example.com", "s", "u", "secret") as client:
        mocked.add_callback("GET", url, answer)
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {type(error) for error in failures} == {UnexpectedReplyError}


def test_answers_with_half_a_surrogate_are_stored(caching: Any) -> None:
    """json accepts them, although they are not valid in UTF-8."""
    url = "https://mon.example.com/s/check_mk/api/1.0/objects/host_config/h"
    body = b'{"id": "h", "extensions": {"folder": "/", "attributes": {"alias": "\xed\xa0\x80"}}}'
    with (
        responses.RequestsMock() as mocked,
        Checkmk("https://mon.example.com", "s", "u", "secret", caching=caching) as client,
    ):
        mocked.get(url, body=body, content_type="application/json")
        for _ in range(2):
            assert client.hosts.get("h").attributes["alias"] == "\ud800"
        assert client.metrics()["cache"]["hits"] == 1


def test_a_ttl_beyond_the_last_year_of_datetime_is_accepted(live: SimulatedSite) -> None:
    with live.client(caching={"default_ttl": 1e15}) as client:
        _alias(client)
        _alias(client)
        assert client.metrics()["cache"]["hits"] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_log_of_another_user_beside_the_file_is_refused(live: SimulatedSite, path: Path, caching: Any) -> None:
    """SQLite would read the other user's answers from it."""
    live.client(caching=caching).close()
    log = path.with_name(path.name + "-wal")
    log.touch()
    os.chown(log, 65534, 65534)
    with pytest.raises(SettingsError, match="it belongs to another user"):
        live.client(caching=caching)


def test_a_file_that_is_removed_while_it_is_opened_is_not_used(
    live: SimulatedSite, caching: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live.client(caching=caching) as client:
        _alias(client)
        client._transport.cache.storage._disconnect()
        monkeypatch.setattr(sqlite, "_identity", lambda _path: None)
        _alias(client)
        assert client.metrics()["cache"]["hits"] == 0


def test_processes_stop_using_a_file_with_a_damaged_header(live: SimulatedSite, path: Path, caching: Any) -> None:
    with another_process(live, path) as ask:
        assert [ask(), ask()] == ["None 0", "None 1"]
        with path.open("r+b") as file:
            file.write(b"\xff" * 16)
        with live.client(caching=caching) as writer:
            rename(writer, "new")
        assert ask() == "new 1"


def test_wrong_totals_in_the_file_do_not_fail_calls(live: SimulatedSite, path: Path, caching: Any) -> None:
    with live.client(caching=caching) as client:
        for statement in ("UPDATE totals SET number = 5000", "DELETE FROM totals"):
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute(statement)
            client.clear_cache()
            assert client.hosts.get("host00000").name == "host00000"


def test_a_damaged_file_is_kept_under_another_name(path: Path) -> None:
    """A user may have copied another file over the cache."""
    path.parent.mkdir()
    storage = SQLiteStorage(str(path), 10, 1e6, 0, SystemClock())
    path.write_text("somebody's notes")
    storage._replace_damaged(sqlite3.DatabaseError("database disk image is malformed"))
    (kept,) = path.parent.glob("*.damaged")
    assert kept.read_text() == "somebody's notes"
    assert storage.stats()["size"] == 0
    storage.close()
