"""``cached`` and ``CachingService`` cache the results of any function, are thread-safe, and return private copies."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any, AsyncIterator, Iterator, Optional

import pytest

from checkmk_sync import Checkmk, ServiceState
from checkmk_sync.cache import CachingService, LRUCache, cached
from checkmk_sync.metrics import timed
from checkmk_sync.recovery import resilient


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


def test_positional_and_keyword_arguments_share_a_key() -> None:
    service = Service()
    service.details("web01")
    service.details(name="web01")
    service.details("web01", False)
    service.details("web01", deep=True)
    assert service.calls == [("web01", False), ("web01", True)]


def test_overridden_methods_have_their_own_keys() -> None:
    class Deeper(Service):
        @cached(key_prefix="hosts")
        def details(self, name: str, deep: bool = False) -> Any:
            return {**super().details(name, deep), "deeper": True}

    service = Deeper()
    assert service.details("web01") == service.details("web01") == {"name": "web01", "tags": [], "deeper": True}
    assert len(service.calls) == 1


def test_recursive_methods_do_not_deadlock() -> None:
    class Tree(CachingService):
        @cached()
        def depth(self, of: int, asked: bool = False) -> int:
            return of if self.calls else self.calls.append(of) or self.depth(of)  # type: ignore[attr-defined]

    tree = Tree()
    tree.calls = []  # type: ignore[attr-defined]
    assert tree.depth(3) == 3


class Plain:
    pass


class Masked(str):
    def __repr__(self) -> str:
        return "***"


class Counted(dict):  # type: ignore[type-arg]
    count = 0


@pytest.mark.parametrize(
    "argument", [Plain(), object, len, [Plain()], {"of": Plain()}, threading.Lock(), Masked("a"), Counted(a=1)]
)
def test_ambiguous_arguments_are_refused(argument: Any) -> None:
    """Two such arguments can have the same address or repr."""
    service = Service()
    with pytest.raises(TypeError, match="do not tell them apart"):
        service.details(argument)
    assert service.calls == []


def test_arguments_are_distinguished_by_type_and_not_by_order() -> None:
    calls: list[Any] = []

    @cached()
    def seen(of: Any = None, **more: Any) -> int:
        calls.append((of, more))
        return len(calls)

    one, other = (dataclasses.make_dataclass("Host", ["name"]) for _ in range(2))
    one.__module__, other.__module__ = "one", "other"
    unlike = [
        one("x"),
        other("x"),
        1,
        1.0,
        True,
        "1",
        b"1",
        None,
        [1],
        (1,),
        {1},
        {"a": 1},
        ["a,b"],
        ["a", "b"],
        "a,b",
        ServiceState.OK,
    ]
    assert [seen(of) for of in unlike] == list(range(1, len(unlike) + 1))
    assert seen({"b": 1, "a": {2, 3}}) == seen({"a": {3, 2}, "b": 1})
    assert seen(a=1, b=2) == seen(b=2, a=1)


def test_uncacheable_results_are_refused() -> None:
    with pytest.raises(TypeError, match="only once"):

        @cached()
        def each() -> Iterator[int]:
            yield 1

    with pytest.raises(TypeError, match="only once"):

        @cached()
        async def each_later() -> AsyncIterator[int]:
            yield 1

    @cached()
    def lock() -> Any:
        return threading.Lock()

    with pytest.raises(TypeError, match=r"the result of .*lock cannot be cached"):
        lock()


def test_decorators_without_parentheses_are_refused() -> None:
    def function() -> None: ...

    for decorator in (cached, timed, resilient):
        with pytest.raises(TypeError, match="parentheses"):
            decorator(function)  # type: ignore[operator]


def test_nothing_is_cached_unless_enabled() -> None:
    service = Service()
    service.config = Checkmk("https://mon.example.com", "s", "u", "x", caching={"enabled": False}).settings
    service.details("web01")
    service.details("web01")
    assert len(service.calls) == 2


class Refusal(Exception):
    def __init__(self, status: int, *, why: str) -> None:
        super().__init__(f"{status}: {why}")


def test_uncopyable_exceptions_reach_all_waiting_threads() -> None:
    started, go_on = threading.Event(), threading.Event()

    @cached()
    def refused() -> None:
        started.set()
        go_on.wait(5)
        raise Refusal(500, why="out of order")

    seen: list[str] = []

    def call() -> None:
        try:
            refused()
        except Refusal as error:
            seen.append(str(error))

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    started.wait(5)
    go_on.set()
    for thread in threads:
        thread.join()
    assert seen == ["500: out of order"] * 3


def test_none_is_cached_but_exceptions_are_not() -> None:
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


def test_patterns_match_entries_of_the_decorator() -> None:
    service = Service()
    service.details("web01")
    service.details("web02")
    assert service.invalidate_cache_pattern("hosts:*web01*") == 1
    service.details("web01")
    service.details("web02")
    assert len(service.calls) == 3


def test_cached_values_are_private_copies() -> None:
    service = Service()
    service.details("web01")["tags"].append("spoiled")
    assert service.details("web01")["tags"] == []
    service.details("web01")["tags"].append("spoiled too")
    assert service.details("web01")["tags"] == []


def test_each_service_and_each_function_has_its_own_cache() -> None:
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


def test_values_computed_before_an_invalidation_are_not_cached() -> None:
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


def test_mutable_values_are_copied(clock: Any) -> None:
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
    cache = LRUCache(max_size=100, max_bytes=10, size_of=len)
    for key in "abc":
        cache.set(key, "x" * 4)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (None, "xxxx", "xxxx")
    assert cache.stats()["bytes"] == 8
    cache.set("huge", "x" * 100)
    assert cache.get("huge") is None
    assert cache.stats()["bytes"] == 8, "a value that does not fit evicts nothing"


def test_the_default_size_is_the_size_of_the_pickled_value() -> None:
    cache = LRUCache(max_bytes=1000)
    cache.set("rows", [{"name": "x" * 50}] * 4)
    assert 50 < cache.stats()["bytes"] < 1000
    cache.set("rows", ["x" * n for n in range(100, 120)])
    assert cache.get("rows") is None


@pytest.mark.parametrize("bounds", [{"max_size": 0}, {"max_size": -1}, {"max_bytes": 0}])
def test_impossible_sizes_are_refused(bounds: Any) -> None:
    with pytest.raises(ValueError, match="max_size must be at least 1"):
        LRUCache(**bounds)


def test_expired_entries_are_cleaned_up(clock: Any) -> None:
    cache = LRUCache(default_ttl=10, clock=clock)
    cache.set("a", 1)
    cache.set("b", 1, ttl=100)
    clock.advance(50)
    assert cache.cleanup_expired() == 1
    assert cache.stats()["size"] == 1
