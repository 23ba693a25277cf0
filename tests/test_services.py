"""Service classes provide the client's calls as methods, with caching, pages, batches and metrics."""

from __future__ import annotations

import dataclasses
from typing import Any, Iterator

import pytest

from checkmk_sync import Checkmk, ServiceState
from checkmk_sync.batch import BatchOperationsMixin
from checkmk_sync.errors import NotFoundError
from checkmk_sync.services import (
    BaseService,
    CachedHostService,
    HostService,
    StreamingHostService,
    StreamingServiceService,
)
from checkmk_sync.testing import SimulatedSite


@pytest.fixture
def site() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=25, services=20) as site:
        yield site


@pytest.fixture
def client(site: SimulatedSite) -> Iterator[Checkmk]:
    with site.client() as client:
        yield client


@pytest.mark.parametrize("kind", [HostService, CachedHostService])
def test_hosts_can_be_created_changed_and_deleted(site: SimulatedSite, client: Checkmk, kind: Any) -> None:
    service = kind(client)
    assert service.create_host("web01", attributes={"alias": "one"}).name == "web01"
    assert service.get_host("web01").attributes["alias"] == "one"
    assert service.update_host("web01", update_attributes={"alias": "two"}).attributes["alias"] == "two"
    assert service.get_host("web01").attributes["alias"] == "two"
    assert [host.name for host in service.list_hosts(search="web*", folder="/")] == ["web01"]
    assert len(service.list_hosts()) == 26
    service.delete_host("web01")
    with pytest.raises(NotFoundError):
        service.get_host("web01")
    assert len(service.list_hosts()) == 25


@pytest.mark.parametrize("kind", [HostService, CachedHostService])
def test_bulk_operations_use_the_bulk_endpoints(site: SimulatedSite, client: Checkmk, kind: Any) -> None:
    service = kind(client)
    names = [f"db{n}" for n in range(10)]
    created = service.bulk_create_hosts({"host_name": name, "folder": "/"} for name in names)
    updated = service.bulk_update_hosts({"host_name": name, "update_attributes": {"alias": "x"}} for name in names)
    assert len(created.applied) == len(updated.applied) == 10
    assert sum("bulk" in request.path for request in site.requests) == 2
    assert {host.attributes["alias"] for host in service.list_hosts(search="db*")} == {"x"}


def test_hosts_are_cached_until_a_client_writes(site: SimulatedSite, client: Checkmk) -> None:
    service = CachedHostService(client)
    first = service.list_hosts(search="host0000?")
    before = len(site.requests)
    assert service.list_hosts(search="host0000?") == first
    assert service.get_host("host00001") == service.get_host("host00001")
    assert len(site.requests) == before + 1
    client.hosts.update("host00001", update_attributes={"alias": "new"})  # not through the service
    assert service.get_host("host00001").attributes["alias"] == "new"
    with site.client() as other:
        other.hosts.delete("host00002")
    assert len(service.list_hosts(search="host0000?")) == 9
    service.list_hosts(search="host0000?").clear()
    assert len(service.list_hosts(search="host0000?")) == 9
    service.get_host("host00001")
    before = len(site.requests)
    assert service.invalidate_cache_pattern("hosts:*host00001*") == 1
    service.get_host("host00001")
    assert len(site.requests) == before + 1


def test_the_settings_of_a_service_can_differ_from_the_client(site: SimulatedSite, client: Checkmk) -> None:
    settings = client.settings
    config = dataclasses.replace(
        settings,
        caching=dataclasses.replace(settings.caching, max_size=1),
        streaming=dataclasses.replace(settings.streaming, default_batch_size=10),
        batch_processing=dataclasses.replace(settings.batch_processing, max_concurrent=3),
    )
    cached = CachedHostService(client, config)
    for name in ("host00001", "host00002"):
        cached.get_host(name)
    assert cached.cache.stats()["size"] == 1
    assert [len(page.items) for page in StreamingHostService(client, config).list_hosts_streamed()] == [10, 10, 5]
    assert HostService(client, config).batch_processor.max_concurrent == 3


def test_hosts_and_services_are_returned_in_pages(client: Checkmk) -> None:
    hosts = StreamingHostService(client)
    hosts.default_batch_size = 20
    assert [len(page.items) for page in hosts.list_hosts_streamed()] == [20, 5]
    assert [page.batch_number for page in hosts.list_hosts_streamed(batch_size=4, search="host0000*")] == [1, 2, 3]
    services = StreamingServiceService(client)
    assert sum(len(page.items) for page in services.list_all_services_streamed(batch_size=200)) == 500
    bad = [ServiceState.CRITICAL, ServiceState.WARNING]
    found = [item for page in services.list_all_services_streamed(state_filter=bad) for item in page.items]
    assert found and {item.state for item in found} <= set(bad)
    of_one = services.list_all_services_streamed(host_filter="host00003")
    assert {item.host_name for page in of_one for item in page.items} == {"host00003"}


def test_a_custom_service_can_run_batches(site: SimulatedSite, client: Checkmk) -> None:
    class Racks(BatchOperationsMixin, BaseService):
        def mount(self, racks: dict[str, str]) -> Any:
            return self.batch_update(list(racks.items()), "rack", self._mount)

        def _mount(self, item: tuple[str, str]) -> None:
            name, rack = item
            self.client.hosts.update(name, update_attributes={"alias": rack})

    result = Racks(client).mount({"host00001": "r1", "host00002": "r2", "nobody": "r3"})
    assert (result.progress.success, result.progress.failed) == (2, 1)
    assert client.hosts.get("host00002").attributes["alias"] == "r2"


def test_operations_of_a_service_are_measured(client: Checkmk) -> None:
    HostService(client).list_hosts()
    assert client.metrics()["timings"]["host_operations.list"]["count"] == 1
