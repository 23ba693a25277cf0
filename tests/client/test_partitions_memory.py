"""The parts in memory are limited by the number of parallel reads and by their bytes."""

from __future__ import annotations

import threading
import time
from typing import Any, Iterator

import pytest

from checkmk_sync.http import adapter
from checkmk_sync.testing import SimulatedSite

HOSTS, SERVICES = 120, 30


class Bodies:
    """The number and the bytes of limited answers in memory: the current values and the largest ones so far."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.sizes: list[int] = []
        self.most = self.most_bytes = 0

    def counted(self, body: bytes) -> bytes:
        bodies = self

        class Body(bytes):
            def __del__(self) -> None:
                with bodies.lock:
                    bodies.sizes.remove(len(self))

        with self.lock:
            self.sizes.append(len(body))
            self.most = max(self.most, len(self.sizes))
            self.most_bytes = max(self.most_bytes, sum(self.sizes))
        return Body(body)


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> Bodies:
    counter, read_body = Bodies(), adapter.CheckmkAdapter._read_body

    def read_and_count(self: adapter.CheckmkAdapter, exchange: Any, response: Any) -> None:
        read_body(self, exchange, response)
        if exchange.call.body_limit is not None:
            exchange.response_body = counter.counted(exchange.response_body)

    monkeypatch.setattr(adapter.CheckmkAdapter, "_read_body", read_and_count)
    return counter


@pytest.fixture(scope="module")
def site() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=HOSTS, services=SERVICES) as site:
        yield site


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_at_most_one_part_per_worker_is_in_memory(site: SimulatedSite, bodies: Bodies, workers: int) -> None:
    streaming = {"max_concurrent_batches": workers, "memory_limit_mb": 1}
    with site.client(streaming=streaming) as client:
        services = client.services.each()
        found: list[Any] = [next(services) for _ in range(200)]  # the first part contains fewer services
        _wait_for(lambda: len(bodies.sizes) == workers - 1)  # read ahead while another part is yielded
        for service in services:
            found.append(service)
            if len(found) % 500 == 0:
                assert len(bodies.sizes) < workers
    assert len({(service.host_name, service.name) for service in found}) == HOSTS * SERVICES == len(found)
    assert bodies.most <= workers
    assert bodies.most_bytes <= 2**20
    assert bodies.sizes == []


def _wait_for(what: Any) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.002)
