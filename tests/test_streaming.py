"""Pages need bounded memory, report reliably whether more pages follow, and free their resources when abandoned."""

from __future__ import annotations

import threading
import time
from typing import Any, Iterator, Optional, Sequence

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import BrokenReplyError, UnexpectedReplyError
from checkmk_sync.streaming import Stream, StreamBatch, StreamingMixin, batches
from checkmk_sync.testing import SimulatedSite


@pytest.fixture(scope="module")
def site() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=3000, services=4) as site:
        yield site


@pytest.fixture
def client(site: SimulatedSite) -> Iterator[Checkmk]:
    with site.client() as client:
        yield client


def test_a_page_contains_its_position_and_the_bytes_received(client: Checkmk) -> None:
    pages = list(client.hosts.pages(1000))
    assert [(page.batch_number, len(page.items), page.has_more, page.total_batches) for page in pages] == [
        (1, 1000, True, None),
        (2, 1000, True, None),
        (3, 1000, False, 3),
    ]
    assert [page.metadata["offset"] for page in pages] == [0, 1000, 2000]
    received = [page.metadata["bytes"] for page in pages]
    assert 0 < received[0] < received[1] < received[2] <= client.metrics()["counters"]["bytes_received"]
    elapsed = [page.metadata["elapsed_s"] for page in pages]
    assert 0 < elapsed[0] <= elapsed[1] <= elapsed[2] < 60
    assert abs(pages[0].timestamp - time.time()) < 60


@pytest.mark.parametrize("noun", ["hosts", "host_status", "services"])
def test_the_page_size_comes_from_the_settings(site: SimulatedSite, noun: str) -> None:
    with site.client(streaming={"default_batch_size": 7}) as client:
        pages = getattr(client, noun).pages()
        assert [len(next(pages).items) for _ in range(3)] == [7, 7, 7]
        pages.close()


def test_pages_shrink_to_keep_the_memory_limit(site: SimulatedSite) -> None:
    with site.client(streaming={"memory_limit_mb": 1}) as client:
        pages = list(client.hosts.pages(3000))
    assert len(pages) > 2
    assert sum(len(page.items) for page in pages) == 3000
    assert max(after.metadata["bytes"] - page.metadata["bytes"] for page, after in zip(pages, pages[1:])) < 500_000


@pytest.mark.parametrize("way", ["close", "forget"])
def test_an_abandoned_stream_frees_its_connection_and_threads(site: SimulatedSite, way: str) -> None:
    with site.client(limits={"reads_in_flight": 1}) as client:
        for _ in range(3):
            pages = client.hosts.pages(10)
            next(pages)
            if way == "close":
                pages.close()
            del pages  # this alone must free everything, before the garbage collector runs
        assert client.version().site == site.site
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith("checkmk-sync-read")]


def test_an_incomplete_answer_raises_after_the_earlier_pages(site: SimulatedSite) -> None:
    site.set_faults([{"kind": "cut", "path": "/domain-types/host_config/collections/all", "times": 1}])
    found: list[str] = []
    with site.client() as client:
        with pytest.raises(BrokenReplyError):
            for page in client.hosts.pages(100):
                assert page.items
                found += [host.name for host in page.items]
    assert found == [f"host{n:05d}" for n in range(len(found))]
    assert 0 < len(found) < 3000


@pytest.mark.parametrize("version", ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"])
def test_hosts_are_found_by_pattern_and_folder(version: str) -> None:
    with SimulatedSite(version, hosts=30) as site, site.client() as client:
        client.folders.create("/web")
        client.hosts.bulk_create({"host_name": f"web.{n}", "folder": "/web"} for n in range(5))
        client.hosts.create("web.9")
        site.seed_monitoring({"hosts": []})  # the search must read the configuration, not the monitoring core
        assert {host.name for host in client.hosts.each(search="web.*")} == {*(f"web.{n}" for n in range(5)), "web.9"}
        assert [host.name for host in client.hosts.each(search="web?9")] == ["web.9"]
        assert len(list(client.hosts.each(search="web.*", folder="/web"))) == 5
        assert [page.batch_number for page in client.hosts.pages(2, search="w*", folder="/web")] == [1, 2, 3]
        assert list(client.hosts.each(search="eb.*")) == []


def test_a_search_for_hosts_first_reads_only_names(site: SimulatedSite, client: Checkmk) -> None:
    found = client.hosts.each(search="host0000?")
    assert len(list(found)) == 10
    assert found.received_bytes < 500_000  # complete hosts need four times as much


def test_many_matching_hosts_are_read_with_few_requests(site: SimulatedSite, client: Checkmk) -> None:
    before = len(site.requests)
    assert len(list(client.hosts.each(search="host*"))) == 3000
    assert len(site.requests) - before <= 3


class Listing(StreamingMixin):
    """A user's own service."""

    def __init__(self, items: Sequence[int]) -> None:
        self.items, self.asked = items, 0

    def fetch(self, limit: int, offset: int, factor: int = 1) -> list[int]:
        self.asked += 1
        return [item * factor for item in self.items[offset : offset + limit]]


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 25])
def test_pages_come_from_any_function_with_limit_and_offset(count: int) -> None:
    listing = Listing(range(count))
    pages = list(listing.stream_paginated_data(listing.fetch, batch_size=10, factor=2))
    assert [item for page in pages for item in page.items] == [2 * n for n in range(count)]
    assert [page.has_more for page in pages] == [True] * (len(pages) - 1) + [False] * bool(pages)
    assert all(len(page.items) == 10 for page in pages[:-1])


def test_default_batch_size_can_be_assigned() -> None:
    listing = Listing(range(250))
    assert [len(page.items) for page in listing.stream_paginated_data(listing.fetch)] == [100, 100, 50]
    listing.default_batch_size = 125
    assert [len(page.items) for page in listing.stream_paginated_data(listing.fetch)] == [125, 125]


def test_functions_that_ignore_limit_and_offset_are_detected() -> None:
    listing = Listing(())
    everything = list(range(25))
    pages = list(listing.stream_paginated_data(lambda limit, offset: everything, batch_size=10))
    assert [len(page.items) for page in pages] == [10, 10, 5]
    first = list(range(10))
    with pytest.raises(UnexpectedReplyError, match="offset 10"):
        list(listing.stream_paginated_data(lambda limit, offset: first, batch_size=10))


ROWS = list(range(1000))


@pytest.mark.parametrize(
    ("fetch", "total"),
    [
        (lambda limit, offset: ["alike"] * 250 if offset == 0 else [], 250),
        (lambda limit, offset: (["alike"] * 250)[offset : offset + limit], 250),
        (lambda limit, offset: ROWS[offset : offset + min(limit, 50)], 1000),
        (lambda limit, offset: ROWS[offset : offset + limit + 5], 1000),
        (lambda limit, offset: range(1000)[offset : offset + limit], 1000),
        (lambda limit, offset: (row for row in ROWS[offset : offset + limit]), 1000),
        (lambda limit, offset: {"items": ROWS[offset : offset + limit]}, 1000),
        (lambda limit, offset: ROWS[:30], 30),
    ],
    ids=[
        "alike at once",
        "alike",
        "capped",
        "more than asked",
        "range",
        "generator",
        "mapping",
        "same short page each time",
    ],
)
def test_no_item_is_lost_if_pages_are_capped_oversized_or_repeated(fetch: Any, total: int) -> None:
    pages = list(Listing(()).stream_paginated_data(fetch, batch_size=100))
    assert sum(len(page.items) for page in pages) == total
    assert all(len(page.items) == 100 for page in pages[:-1])


@pytest.mark.parametrize(
    ("page", "kind"), [(None, "None"), (7, "an int"), ("text", "a string"), ({"rows": []}, "a dict")]
)
def test_a_page_must_contain_a_list_of_items(page: Any, kind: str) -> None:
    with pytest.raises(TypeError, match=f"have a list as 'items', not {kind}$"):
        list(Listing(()).stream_paginated_data(lambda limit, offset: page))


def test_a_slow_item_does_not_delay_other_items() -> None:
    gate, done = threading.Event(), threading.Semaphore(0)

    def work(number: int) -> None:
        if number == 0:
            assert gate.wait(10)
        else:
            done.release()

    def numbers() -> Iterator[int]:
        yield from range(20)
        for _ in range(19):
            assert done.acquire(timeout=10)
        gate.set()

    assert Listing(()).process_stream(numbers(), work, max_concurrent=3) == 20


def test_pages_can_be_objects_with_items() -> None:
    listing = Listing(())
    whole = list(range(15))

    def fetch(limit: int, offset: int) -> StreamBatch[int]:
        return StreamBatch(whole[offset : offset + limit], 1, True)

    assert [page.items for page in listing.stream_paginated_data(fetch, 10)] == [whole[:10], whole[10:]]


def test_processing_takes_only_as_many_items_as_it_has_threads() -> None:
    taken: list[int] = []
    done: list[int] = []
    gate = threading.Semaphore(0)

    def endless() -> Iterator[int]:
        for number in range(10**9):
            taken.append(number)
            gate.release()
            yield number

    def work(number: int) -> None:
        gate.acquire(timeout=5)
        if number == 50:
            raise OSError("number 50")
        done.append(number)

    with pytest.raises(OSError, match="number 50"):
        Listing(()).process_stream(endless(), work, max_concurrent=4)
    assert len(taken) <= 55
    assert sorted(done)[:50] == list(range(50))


def test_pages_are_processed_item_by_item(client: Checkmk) -> None:
    names: list[str] = []
    count = Listing(()).process_stream(client.hosts.pages(100), lambda host: names.append(host.name), max_concurrent=3)
    assert count == 3000 == len(set(names))


@pytest.mark.parametrize("size", [0, -1])
def test_the_page_size_must_be_at_least_one(size: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        batches([1], size)


def test_a_failure_is_raised_instead_of_an_empty_page() -> None:
    def failing(until: Optional[int]) -> Iterator[Any]:
        yield from range(until or 0)
        raise OSError("gone")

    found = []
    with pytest.raises(OSError, match="gone"):
        for page in batches(failing(5), 2):
            found.append(page.items)
    assert found == [[0, 1], [2, 3]]
    with pytest.raises(OSError, match="gone"):
        next(batches(failing(None), 2))


def test_pages_continue_a_partly_read_stream_and_close_it() -> None:
    closed: list[bool] = []

    def blocks(_received: Any) -> Any:
        try:
            yield list(range(100))
            yield [100]
        finally:
            closed.append(True)

    stream: Stream[int] = Stream(blocks)
    assert next(stream) == 0
    pages = batches(stream, 10)
    assert next(pages).items == list(range(1, 11))
    pages.close()  # type: ignore[attr-defined]
    assert closed and list(stream) == [], (
        "a closed stream yields nothing, because items that were already read are lost"
    )

    stream = Stream(blocks)
    next(stream)
    assert [item for page in batches(stream, 10) for item in page.items] == list(range(1, 101))
