"""The cache saves requests without wrong answers: across users, after writes, and for ETags, jobs and errors."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk
from checkmk_sync.cache import LRUCache
from checkmk_sync.errors import NotFoundError
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite


def _gets(site: SimulatedSite) -> int:
    return sum(request.method == "GET" for request in site.requests)


@pytest.fixture
def filled(site: SimulatedSite, cmk: Checkmk) -> SimulatedSite:
    cmk.folders.create("/a")
    cmk.hosts.create("web01", "/a", {"alias": "one"})
    return site


def test_second_reads_send_no_request(filled: SimulatedSite, cmk: Checkmk) -> None:
    first = cmk.hosts.get("web01")
    before = _gets(filled)
    assert cmk.hosts.get("web01") == first
    assert _gets(filled) == before
    counters = cmk.metrics()["counters"]
    assert counters["cache_hits"] == 1
    assert cmk.metrics()["cache"]["hits"] == 1


def test_caching_can_be_bypassed_and_disabled(filled: SimulatedSite, cmk: Checkmk, connect: Any) -> None:
    before = _gets(filled)
    cmk.hosts.get("web01")
    cmk.hosts.get("web01", fresh=True)
    assert _gets(filled) == before + 2
    for off in ({"enabled": False}, {"default_ttl": 0}):
        client = connect(filled, caching=off)
        before = _gets(filled)
        client.hosts.get("web01")
        client.hosts.get("web01")
        assert _gets(filled) == before + 2


@pytest.mark.parametrize("version", ["2.4.0p18", "2.5.0p9"])
def test_status_queries_by_any_method_are_cached_for_seconds(connect: Any, clock: ManualClock, version: str) -> None:
    with SimulatedSite(version, hosts=2, services=5) as site, connect(site) as cmk:
        cmk.version()

        def asked(**filters: Any) -> tuple[int, list[str]]:
            before = len(site.requests)
            found = [service.name for service in cmk.services.each(**{"host": "host00000", **filters})]
            return len(site.requests) - before, found

        count, names = asked()
        assert (count, len(names)) == (1, 5)
        assert site.requests[-1].method == ("GET" if version.startswith("2.4") else "POST")
        assert asked() == (0, names)
        assert asked(search=names[0]) == (1, names[:1]), "another query has another cache key"
        assert asked(host="host00001")[0] == 1
        assert asked(fresh=True) == (1, names)
        clock.advance(6)
        assert asked() == (1, names)
        cmk.hosts.update("host00000", update_attributes={"alias": "new"})
        cmk.activation.activate()
        assert asked()[0] == 1, "an activation invalidates the status"


def test_configuration_is_cached_for_minutes_and_status_for_seconds(
    filled: SimulatedSite, cmk: Checkmk, clock: ManualClock
) -> None:
    cmk.activation.activate()
    cmk.hosts.get("web01")
    cmk.host_status.get("web01")
    before = _gets(filled)
    clock.advance(6)
    cmk.hosts.get("web01")
    assert _gets(filled) == before
    cmk.host_status.get("web01")
    assert _gets(filled) == before + 1
    clock.advance(60)
    cmk.hosts.get("web01")
    assert _gets(filled) == before + 2


@pytest.mark.parametrize(
    "write",
    [
        lambda cmk: cmk.hosts.update("web01", update_attributes={"alias": "two"}),
        lambda cmk: cmk.hosts.bulk_update([{"host_name": "web01", "update_attributes": {"alias": "two"}}]),
        lambda cmk: cmk.folders.update("/a", update_attributes={"tag_criticality": "test"}),
    ],
)
def test_writes_invalidate_cached_reads(filled: SimulatedSite, cmk: Checkmk, write: Any) -> None:
    before = cmk.hosts.get("web01", effective_attributes=True)
    write(cmk)
    assert cmk.hosts.get("web01", effective_attributes=True) != before


def test_writes_with_lost_answers_invalidate_cached_reads(filled: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.get("web01")
    filled.set_faults([Fault("reset_after", writes=True, times=1)])
    cmk.hosts.update("web01", update_attributes={"alias": "two"})
    assert cmk.hosts.get("web01").attributes["alias"] == "two"


def test_activation_invalidates_cached_status(filled: SimulatedSite, cmk: Checkmk) -> None:
    cmk.activation.activate()
    assert cmk.host_status.get("web01", ["alias"])["alias"] == "one"
    cmk.hosts.update("web01", update_attributes={"alias": "two"})
    cmk.activation.activate()
    assert cmk.host_status.get("web01", ["alias"])["alias"] == "two"


def test_etags_never_come_from_the_cache(filled: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.get("web01")
    filled.state.configuration.hosts["web01"].attributes["alias"] = "theirs"  # by another user in the GUI
    assert cmk.hosts.get("web01").attributes["alias"] == "one", "cached"
    assert cmk.hosts.get("web01").etag is None, "an answer from the cache has no ETag to send back"
    assert cmk.hosts.update("web01", update_attributes={"ipaddress": "10.0.0.1"}).attributes["alias"] == "theirs"


def test_errors_and_jobs_are_not_cached(filled: SimulatedSite, cmk: Checkmk) -> None:
    with pytest.raises(NotFoundError):
        cmk.hosts.get("new")
    filled.state.configuration.add_host("new", "/", {}, user="gui")
    assert cmk.hosts.get("new").name == "new"
    count = len(cmk.activation.pending())
    filled.state.configuration.add_host("newer", "/", {}, user="gui")
    assert len(cmk.activation.pending()) == count + 1


def test_answers_older_than_a_write_are_not_cached(filled: SimulatedSite, cmk: Checkmk) -> None:
    """The write happens between the start and the end of the read, so the answer is outdated."""
    filled.set_faults([Fault("drip", seconds=0.001, method="GET", times=1)])
    found: list[Any] = []
    slow = threading.Thread(target=lambda: found.append(cmk.folders.get("/a")))
    slow.start()
    while not any(request.path == "/objects/folder_config/~a" for request in filled.requests):
        pass
    cmk.folders.delete("/a", recursive=True)
    slow.join(10)
    assert found[0].path == "/a"
    assert cmk.folders.find("/a") is None


def test_cached_answers_are_private_copies(filled: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.get("web01").attributes["alias"] = "spoiled"  # type: ignore[index]
    assert cmk.hosts.get("web01").attributes["alias"] == "one"


def test_the_number_of_entries_is_bounded(filled: SimulatedSite, connect: Any) -> None:
    small = connect(filled, caching={"max_size": 3})
    for number in range(9):
        small.hosts.find(f"nope{number}")
        small.hosts.get("web01", effective_attributes=bool(number % 2))
        small.folders.get("/a")
        small.folders.get("/")
    assert small.metrics()["cache"]["size"] <= 3


# The storage


def test_the_least_recently_used_entry_is_evicted_first(clock: ManualClock) -> None:
    cache = LRUCache(max_size=2, default_ttl=10, clock=clock)
    cache.set("a", 1)
    cache.set("b", 2)
    assert cache.get("a") == 1
    cache.set("c", 3)
    assert (cache.get("a"), cache.get("b", "gone"), cache.get("c")) == (1, "gone", 3)
    assert cache.stats()["evictions"] == 1


def test_entries_expire(clock: ManualClock) -> None:
    cache = LRUCache(default_ttl=10, clock=clock)
    cache.set("a", None)
    cache.set("b", 1, ttl=0)
    cache.set("c", 1, ttl=20)
    assert cache.get("a", "missing") is None
    assert cache.get("b") is None
    clock.advance(10)
    assert cache.get("a", "missing") == "missing"
    assert cache.get("c") == 1
    stats = cache.stats()
    assert (stats["hits"], stats["misses"], stats["expirations"]) == (2, 2, 1)
    assert stats["hit_rate"] == 0.5
    assert LRUCache().stats()["hit_rate"] is None


def test_patterns_delete_matching_entries() -> None:
    cache = LRUCache()
    for key in ("hosts:get:web01", "hosts:list", "folders:get:web01"):
        cache.set(key, 1)
    assert cache.invalidate_pattern("hosts:*web01*") == 1
    assert cache.invalidate_pattern("hosts:*") == 1
    assert cache.delete("folders:get:web01")
    assert not cache.delete("folders:get:web01")
    cache.set("x", 1)
    cache.clear()
    assert cache.stats()["size"] == 0


@pytest.mark.parametrize("forget", [Checkmk.clear_cache, lambda cmk: cmk.invalidate_cache_pattern("hosts:*")])
def test_answers_under_way_during_a_clear_are_not_cached(filled: SimulatedSite, connect: Any, forget: Any) -> None:
    """A host is changed in the GUI and the cache is cleared while an answer from before is still arriving."""
    with connect(filled, clock=None) as cmk:
        cmk.version()
        before = _gets(filled)
        filled.set_faults([Fault("drip", path="host_config", seconds=0.001, times=1)])
        thread = threading.Thread(target=lambda: cmk.hosts.get("web01"))
        thread.start()
        while _gets(filled) == before:
            time.sleep(0.001)
        time.sleep(0.05)  # the site creates the answer now
        filled.state.configuration.hosts["web01"].attributes["alias"] = "changed in the GUI"
        forget(cmk)
        assert cmk.hosts.get("web01").attributes["alias"] == "changed in the GUI", (
            "a later read does not wait for the old answer"
        )
        assert thread.is_alive()
        thread.join()
        assert cmk.hosts.get("web01").attributes["alias"] == "changed in the GUI"


def test_answers_read_before_a_late_write_are_not_cached(
    filled: SimulatedSite, connect: Any, clock: ManualClock
) -> None:
    """The answer to the write is lost. A read happens before the site finally applies the write."""
    cmk = connect(filled, caching={"default_ttl": 1000})
    reader = connect(filled, caching={"default_ttl": 1000})
    cmk.hosts.get("web01")
    filled.set_faults([Fault("late", writes=True, seconds=0.4, times=1)])
    seen: list[Any] = []
    wait = clock.sleep

    def sleep(seconds: float) -> bool:
        seen.append(reader.hosts.get("web01").attributes["alias"])
        time.sleep(0.2)  # the site uses a real clock
        return wait(seconds)

    clock.sleep = sleep  # type: ignore[method-assign]
    cmk.hosts.update("web01", update_attributes={"alias": "two"})
    assert "one" in seen
    assert reader.hosts.get("web01").attributes["alias"] == "two"


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=60), st.integers(1, 4))
def test_it_behaves_like_the_model(steps: list[tuple[str, bool]], size: int) -> None:
    cache, model = LRUCache(max_size=size, clock=ManualClock()), {}
    for number, (key, is_set) in enumerate(steps):
        if is_set:
            model.pop(key, None)
            model[key] = number
            cache.set(key, number)
            while len(model) > size:
                del model[next(iter(model))]
        else:
            assert cache.get(key) == model.get(key)
            if key in model:
                model[key] = model.pop(key)
    assert cache.stats()["size"] == len(model)


def test_sixteen_threads_can_use_one_cache() -> None:
    cache = LRUCache(max_size=50)
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            for number in range(2000):
                key = f"{seed}:{number % 90}"
                cache.set(key, number)
                cache.get(key)
                if number % 100 == 0:
                    cache.invalidate_pattern(f"{seed}:*")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert cache.stats()["size"] <= 50


def test_storing_removes_expired_entries_from_time_to_time() -> None:
    clock = ManualClock()
    cache = LRUCache(max_size=10, default_ttl=5, cleanup_interval=30, clock=clock)
    for number in range(4):
        cache.set(str(number), number)
    clock.advance(29)
    cache.set("new", 1)
    assert cache.stats()["size"] == 5
    clock.advance(1)
    cache.set("newer", 1)
    assert (cache.stats()["size"], cache.stats()["expirations"]) == (2, 4)
    assert cache.get("new") == cache.get("newer") == 1
