"""``cached`` and ``CachingService``: for people's own functions, safe in threads, private in their values."""

from __future__ import annotations

import threading
import time
from typing import Any, Optional

import pytest

from checkmk_sync.cache import CachingService, LRUCache, cached


class Service(CachingService):
    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.answer: Any = None

    @cached(ttl=300, key_prefix="hosts")
    def details(self, name: str, deep: bool = False) -> Any:
        self.calls.append((name, deep))
        return self.answer if self.answer is not None else {"name": name, "tags": []}

    @cached(key_prefix="hosts")
    def missing(self, name: str) -> Optional[str]:
        self.calls.append(name)
        return None


def test_the_key_is_the_same_however_arguments_are_given() -> None:
    service = Service()
    service.details("web01")
    service.details(name="web01")
    service.details("web01", False)
    service.details("web01", deep=True)
    assert service.calls == [("web01", False), ("web01", True)]


def test_none_is_kept_and_exceptions_are_not() -> None:
    service = Service()
    assert service.missing("x") is None
    assert service.missing("x") is None
    assert service.calls == ["x"]
    tries: list[int] = []

    @cached(key_prefix="flaky")
    def flaky() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("once")
        return "ok"

    with pytest.raises(OSError):
        flaky()
    assert flaky() == flaky() == "ok"
    assert len(tries) == 2


def test_patterns_find_what_the_decorator_kept() -> None:
    service = Service()
    service.details("web01")
    service.details("web02")
    assert service.invalidate_cache_pattern("hosts:*web01*") == 1
    service.details("web01")
    service.details("web02")
    assert len(service.calls) == 3


def test_values_are_private() -> None:
    service = Service()
    service.details("web01")["tags"].append("spoiled")
    assert service.details("web01")["tags"] == []
    service.details("web01")["tags"].append("spoiled too")
    assert service.details("web01")["tags"] == []


def test_services_do_not_share_and_functions_have_a_cache_of_their_own() -> None:
    one, other = Service(), Service()
    one.details("web01")
    other.details("web01")
    assert len(other.calls) == 1

    @cached(ttl=60)
    def double(number: int) -> int:
        return 2 * number

    assert double(2) == double(2) == 4
    assert double.cache.stats()["hits"] == 1  # type: ignore[attr-defined]


def test_threads_share_one_call() -> None:
    calls: list[int] = []

    class Slow(CachingService):
        @cached(ttl=60, key_prefix="slow")
        def value(self) -> list[int]:
            calls.append(1)
            time.sleep(0.05)
            return [1]

    slow = Slow()
    results: list[list[int]] = []

    def claim() -> None:
        found = slow.value()
        found.append(2)
        results.append(found)

    threads = [threading.Thread(target=claim) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert len({id(result) for result in results}) == 16 and all(result == [1, 2] for result in results)


def test_what_was_computed_before_an_invalidation_is_not_kept() -> None:
    started, go_on = threading.Event(), threading.Event()

    class Slow(CachingService):
        version = "old"

        @cached(ttl=60, key_prefix="hosts")
        def value(self) -> str:
            found = self.version
            started.set()
            go_on.wait(5)
            return found

    slow = Slow()
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(slow.value()))
    thread.start()
    started.wait(5)
    slow.version = "new"
    slow.invalidate_cache_pattern("hosts:*")
    go_on.set()
    assert slow.value() == "new"
    thread.join()
    assert results == ["old"]
    assert slow.value() == "new"


def test_a_cache_hands_out_copies_of_what_can_change(clock: Any) -> None:
    cache = LRUCache(clock=clock)
    mutable = {"a": [1]}
    cache.set("key", mutable)
    mutable["a"].append(2)
    assert cache.get("key") == {"a": [1]}
    cache.get("key")["a"].append(3)
    assert cache.get("key") == {"a": [1]}
    shared = ("x", 1, None, frozenset({2}))
    cache.set("key", shared)
    assert cache.get("key") is shared
    lock_holder = [threading.Lock]  # pickles
    cache.set("key", lock_holder)
    assert cache.get("key") == lock_holder and cache.get("key") is not lock_holder


def test_sizes_are_bounded() -> None:
    cache = LRUCache(max_size=100, max_bytes=10)
    for key in "abc":
        cache.set(key, "x" * 4)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (None, "xxxx", "xxxx")
    assert cache.stats()["bytes"] == 8
    cache.set("huge", "x" * 100)
    assert cache.get("huge") is None
    assert cache.stats()["bytes"] == 0


def test_expired_entries_are_cleaned_up(clock: Any) -> None:
    cache = LRUCache(default_ttl=10, clock=clock)
    cache.set("a", 1)
    cache.set("b", 1, ttl=100)
    clock.advance(50)
    assert cache.cleanup_expired() == 1
    assert cache.stats()["size"] == 1
