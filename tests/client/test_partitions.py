"""Services of many hosts are read in parts. Faults do not lose, duplicate or reorder services."""

from __future__ import annotations

import json
import random
import threading
import time
from typing import Any, Iterator
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk, ServiceState, column
from checkmk_sync.client import partitions
from checkmk_sync.client.nouns.monitoring import MAX_QUERY_CHARS
from checkmk_sync.errors import BrokenReplyError, CheckmkError
from checkmk_sync.testing import SimulatedSite

HOSTS, SERVICES = 40, 12
LIST = "/domain-types/service/collections/all"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make parts so small that the few hosts of a test need many."""
    monkeypatch.setattr(partitions, "TARGET_BYTES", 20_000)
    monkeypatch.setattr(partitions, "SAMPLE", 4)


@pytest.fixture(params=["2.4.0p18", "2.5.0p9"])
def site(request: pytest.FixtureRequest) -> Iterator[SimulatedSite]:
    with SimulatedSite(request.param, hosts=HOSTS, services=SERVICES) as site:
        yield site


def _client(site: SimulatedSite, **options: Any) -> Checkmk:
    options.setdefault("recovery", {"retry": {"base_delay": 0.01}})
    client: Checkmk = site.client(**options)
    return client


def _wanted(site: SimulatedSite) -> list[tuple[str, str]]:
    return sorted((row["host_name"], row["description"]) for row in site.state.monitoring.service_rows())


def _parts(site: SimulatedSite) -> int:
    return sum(1 for request in site.requests if request.path.endswith(LIST))


def test_services_are_yielded_in_the_order_of_their_hosts(site: SimulatedSite) -> None:
    with _client(site) as client:
        found = [(service.host_name, service.name) for service in client.services.each()]
    assert sorted(found) == _wanted(site)
    assert [host for host, _ in found] == sorted(host for host, _ in found)
    assert _parts(site) > 5


@pytest.mark.parametrize("kind", ["cut", "truncate", "reset_before", "status"])
@pytest.mark.parametrize("part", [0, 3])
def test_a_broken_part_is_repeated_alone(site: SimulatedSite, kind: str, part: int) -> None:
    with _client(site) as client:
        list(client.services.each())
        whole = _parts(site)
        site.set_faults([{"kind": kind, "path": f"{LIST}$", "skip": part, "times": 1}])
        found = [(service.host_name, service.name) for service in client.services.each()]
    assert sorted(found) == _wanted(site)
    assert site.counts()["struck"] == {kind: 1}
    assert _parts(site) <= 2 * whole + 1


def test_a_part_that_stays_broken_raises_after_correct_services(site: SimulatedSite) -> None:
    site.set_faults([{"kind": "truncate", "path": f"{LIST}$", "skip": 3}])
    found = []
    with _client(site, recovery={"retry": {"max_retries": 1, "base_delay": 0.01}}) as client:
        with pytest.raises(BrokenReplyError):
            for service in client.services.each():
                found.append((service.host_name, service.name))
    assert 0 < len(found) < HOSTS * SERVICES
    assert len(set(found)) == len(found)
    assert {name for name, _ in found} == {f"host{n:05d}" for n in range(len(found) // SERVICES)}


def test_parts_that_are_too_large_are_halved(site: SimulatedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "FIRST_GUESS_BYTES", 1)
    with _client(site, streaming={"memory_limit_mb": 1, "max_concurrent_batches": 40}) as client:
        found = [(service.host_name, service.name) for service in client.services.each(columns=["long_plugin_output"])]
    assert sorted(found) == _wanted(site)


def test_filters_are_evaluated_by_the_server(site: SimulatedSite) -> None:
    with _client(site) as client:
        bad = [ServiceState.CRITICAL, ServiceState.WARNING]
        found = list(client.services.each(state=bad, host="host000*", search="C*", query=column("check_period") == ""))
        bytes_before = client.metrics()["counters"]["bytes_received"]
        some = list(client.services.each(state=bad))
        bytes_of_some = client.metrics()["counters"]["bytes_received"] - bytes_before
    assert all(service.state in bad and service.name.startswith("C") for service in found)
    assert some and all(service.state in bad for service in some)
    assert bytes_of_some < 60_000  # all services together are more than 200,000 bytes


def test_parts_are_read_in_parallel_if_no_lock_is_needed() -> None:
    with SimulatedSite("2.4.0p18", hosts=HOSTS, services=SERVICES, latency=0.02) as site:
        with _client(site, streaming={"max_concurrent_batches": 3}) as client:
            most = _most_at_once(site, client)
        assert most == 3
    with SimulatedSite("2.5.0p9", hosts=HOSTS, services=SERVICES, latency=0.02) as site:
        with _client(site, streaming={"max_concurrent_batches": 3}) as client:
            assert _most_at_once(site, client) == 1


def test_parts_are_read_one_by_one_if_the_query_needs_the_post_form() -> None:
    names = column("description").one_of([f"A service with a long name, number {n:04d}" for n in range(90)])
    with SimulatedSite("2.4.0p18", hosts=HOSTS, services=SERVICES, latency=0.02) as site:
        with _client(site, streaming={"max_concurrent_batches": 3}) as client:
            assert _most_at_once(site, client, query=names | (column("state") >= 0)) == 1
        assert {request.method for request in site.requests if request.path.endswith(LIST)} == {"POST"}


def test_the_number_of_threads_is_limited_by_reads_in_flight() -> None:
    with SimulatedSite("2.4.0p18", hosts=HOSTS, services=SERVICES, latency=0.02) as site:
        with _client(site, streaming={"max_concurrent_batches": 30}, limits={"reads_in_flight": 2}) as client:
            assert _most_at_once(site, client) == 2


@pytest.mark.parametrize("kind", ["cut", "truncate"])
def test_an_index_that_breaks_off_is_read_again(site: SimulatedSite, kind: str) -> None:
    with _client(site) as client:
        client.version()
        site.set_faults([{"kind": kind, "path": "/domain-types/host/", "times": 1}])
        found = [(service.host_name, service.name) for service in client.services.each()]
    assert sorted(found) == _wanted(site)
    assert site.counts()["struck"] == {kind: 1}


def test_abandoning_a_stream_closes_its_connections() -> None:
    with SimulatedSite(hosts=HOSTS, services=SERVICES) as site, _client(site) as client:
        site.set_faults([{"kind": "slow", "seconds": 8, "path": f"{LIST}$", "skip": 1}])
        services = client.services.each()
        next(services)
        started = time.monotonic()
        services.close()
        while any(thread.name.startswith("checkmk-sync-read") for thread in threading.enumerate()):
            assert time.monotonic() - started < 4
            time.sleep(0.01)
        assert client.hosts.get("host00000").name == "host00000", "the slot of the read is free"


def test_pages_shrink_inside_a_part(site: SimulatedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "TARGET_BYTES", 10**9)
    with _client(site, streaming={"memory_limit_mb": 1, "max_concurrent_batches": 1}) as client:
        pages = list(client.services.pages(1000))
        assert sum(len(page.items) for page in pages) == HOSTS * SERVICES
        assert len(pages) > 1, "65,536 bytes of JSON take a MiB when decoded"
        sizes = [after.metadata["bytes"] - before.metadata["bytes"] for before, after in zip(pages, pages[1:])]
        assert max(sizes) < 80_000


def test_a_host_with_too_many_services_is_decoded_in_pieces(
    site: SimulatedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "DECODED_FACTOR", 10**6)
    with _client(site, streaming={"max_concurrent_batches": 1}) as client:
        monkeypatch.setattr(partitions, "TARGET_BYTES", 1)
        assert sorted((service.host_name, service.name) for service in client.services.each()) == _wanted(site)
        site.set_faults([{"kind": "truncate", "path": f"{LIST}$", "skip": 3, "times": 1}])
        assert sorted((service.host_name, service.name) for service in client.services.each()) == _wanted(site)


def _most_at_once(site: SimulatedSite, client: Checkmk, **filters: Any) -> int:
    names: set[str] = set()
    for _ in client.services.each(**filters):
        names |= {thread.name for thread in threading.enumerate() if thread.name.startswith("checkmk-sync-read")}
    return len(names)


def test_queries_do_not_grow_with_the_number_of_hosts(site: SimulatedSite) -> None:
    with _client(site) as client:
        list(client.services.each())
    assert max(len(request.query or "") for request in site.requests) < MAX_QUERY_CHARS


def test_abandoning_a_stream_ends_its_threads(site: SimulatedSite) -> None:
    with _client(site) as client:
        services = client.services.each()
        next(services)
        services.close()
        deadline = time.monotonic() + 5
        while any(thread.name.startswith("checkmk-sync-read") for thread in threading.enumerate()):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        before = len(site.requests)
        assert client.version().site == site.site
        assert len(site.requests) == before + 1


def test_hosts_without_services_and_empty_sites_yield_nothing() -> None:
    with SimulatedSite(hosts=0) as site, _client(site) as client:
        assert list(client.services.each()) == []
        site.seed_monitoring({"services": [{"host_name": "lonely", "description": "CPU load", "state": 0}]})
        assert [service.name for service in client.services.each()] == ["CPU load"]


@given(
    st.dictionaries(st.text("abc-._09Z", min_size=1, max_size=4), st.integers(0, 9), max_size=30),
    st.integers(1, 4),
    st.integers(50, 4000),
    st.sets(st.integers(0, 60), max_size=8),
    st.integers(0, 3),
    st.randoms(use_true_random=False),
)
def test_every_service_is_yielded_exactly_once(
    hosts: dict[str, int], workers: int, share: int, broken: set[int], in_order: int, shuffle: random.Random
) -> None:
    """The server is a list of hosts with random names and counts. Limits and broken answers are random too."""
    rows = [
        {"extensions": {"host_name": name, "description": str(n), "state": 0, "has_been_checked": 1}}
        for name, count in hosts.items()
        for n in range(count)
    ]
    shuffle.shuffle(rows)
    calls = iter(range(10**6))

    def read(part: Any, limit: float) -> bytes:

        body = json.dumps(
            {"value": [row for row in rows if _fits(part.to_dict(), row["extensions"]["host_name"])]}
        ).encode()
        if len(body) > limit:
            raise partitions.ReplyTooLargeError("too large", limit_bytes=int(limit))
        return body[: len(body) // 2] if next(calls) in broken else body

    def again(whole: Any) -> Any:
        for _ in range(100):
            try:
                return whole()
            except BrokenReplyError:
                continue
        raise CheckmkError("always broken")

    earlier_reads: list[bool] = []  # after the first read, the index lacks some hosts although their services exist

    def is_first(name: str) -> bool:
        if next(calls) in broken:
            raise BrokenReplyError("the answer ended in the middle of its JSON")
        return not any(other < name for other in hosts)

    def index() -> Iterator[list[tuple[str, int]]]:
        names = [host for host in sorted(hosts.items()) if not earlier_reads or shuffle.random() < 0.7]
        earlier_reads.append(True)
        if in_order < 2:
            shuffle.shuffle(names)
        for name in names:
            yield [name]
            if next(calls) in broken:
                raise BrokenReplyError("the answer ended in the middle of its JSON")

    reader = partitions.Partitions(
        index,
        read,
        is_first=is_first,
        workers=workers,
        share_bytes=share,
        again=again,
    )
    sizes: list[int] = []
    found = [(item["host_name"], item["description"]) for block in reader.blocks(sizes.append) for item in block]
    assert sorted(found) == sorted((row["extensions"]["host_name"], row["extensions"]["description"]) for row in rows)
    assert [host for host, _ in found] == sorted(host for host, _ in found)
    assert broken or sum(sizes) >= sum(len(json.dumps(row)) for row in rows)


def _fits(node: dict[str, Any], name: str) -> bool:
    if not node:
        return True
    if node["op"] == "and":
        return all(_fits(part, name) for part in node["expr"])
    return name >= node["right"] if node["op"] == ">=" else name < node["right"]


def test_parts_grow_if_a_filter_excludes_most_services() -> None:
    with SimulatedSite(hosts=400, services=30) as site, _client(site) as client:
        assert list(client.services.each(search="No such service")) == []
        assert _parts(site) < 40
        assert any("num_services" in (request.query or "") for request in site.requests)


@pytest.mark.parametrize("order", ["sorted", "reversed", "two sites"])
def test_services_are_yielded_while_the_index_arrives(order: str) -> None:
    """The first part is read before the index is complete, unless unsorted hosts make it impossible to guess."""
    names = [f"h{n:04d}" for n in range(1000)]
    rows = {"sorted": names, "reversed": names[::-1], "two sites": names[500:] + names[:500]}[order]
    with SimulatedSite("2.4.0p18", hosts=0) as site, _client(site) as client:
        hosts = [{"name": name, "num_services": 1} for name in rows]
        services = [{"host_name": name, "description": "CPU load", "state": 0} for name in rows]
        site.seed_monitoring({"hosts": hosts, "services": services})
        with client.services.each() as found:
            first = next(found)
            asked = sum(request.path.endswith("/host/collections/all") for request in site.requests)
            assert asked == {"sorted": 2, "reversed": 1, "two sites": 2}[order], (
                "a query whether an earlier host exists"
            )
            assert order == "sorted" or found.received_bytes > 200_000, "the whole index"
            assert [first.host_name, *(service.host_name for service in found)] == names
        guessed = next(unquote(request.query or "") for request in site.requests if request.path.endswith(LIST))
        assert order == "reversed" or ('">="' in guessed and '"<"' in guessed), "a wrong guess reads at most one part"
