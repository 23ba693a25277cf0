"""Services accept the client's filters and columns, and attributes as keywords."""

from __future__ import annotations

import inspect
from typing import Any, Iterator

import pytest

from checkmk_sync import Checkmk, ServiceState
from checkmk_sync.client.nouns import Hosts, HostStatuses, Services
from checkmk_sync.client.query import column
from checkmk_sync.errors import BadRequestError, NotFoundError
from checkmk_sync.services import (
    ApiClient,
    BaseService,
    CachedHostService,
    HostService,
    StreamingHostService,
    StreamingServiceService,
)
from checkmk_sync.testing import ManualClock, SimulatedSite

KINDS = [
    HostService,
    CachedHostService,
    ApiClient,
    lambda client: BaseService(client).api_client,
]


@pytest.fixture(scope="module")
def known() -> Iterator[SimulatedSite]:
    """A site that the tests do not change."""
    with SimulatedSite(hosts=25, services=20, clock=ManualClock()) as site, site.client() as cmk:
        cmk.folders.ensure("/linux")
        cmk.hosts.create("web01", "/linux", {"alias": "Web"})
        yield site


@pytest.fixture
def client(known: SimulatedSite) -> Iterator[Checkmk]:
    with known.client() as client:
        yield client


# Filters and columns


def _parameters(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters) - {"self"}


def test_services_accept_all_filters_of_the_client() -> None:
    taken = _parameters(StreamingHostService.list_hosts_streamed)
    assert _parameters(Hosts.each) == taken - {"batch_size"}
    for kind in (HostService, CachedHostService, ApiClient):
        assert _parameters(kind.list_hosts) == _parameters(Hosts.each)
        assert {"host_name", "effective_attributes"} == _parameters(kind.get_host)
    taken = _parameters(StreamingServiceService.list_all_services_streamed)
    renamed = {"state_filter": "state", "host_filter": "host"}
    assert _parameters(Services.each) == {renamed.get(name, name) for name in taken} - {"batch_size"}
    assert _parameters(ApiClient.get_host_status) <= _parameters(HostStatuses.get) | {"host_name"}


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"search": "host0000*"},
        {"folder": "/linux"},
        {"folder": "/linux", "search": "w*"},
        {"site": "s"},
        {"names": ["web01", "host00003", "nope"]},
        {"effective_attributes": True, "search": "web*"},
    ],
    ids=str,
)
def test_host_services_apply_every_filter(client: Checkmk, filters: Any) -> None:
    wanted = list(client.hosts.each(**filters))
    assert wanted
    assert [
        host for page in StreamingHostService(client).list_hosts_streamed(**filters) for host in page.items
    ] == wanted
    for make in KINDS:
        assert make(client).list_hosts(**filters) == wanted
    assert wanted[0].effective_attributes is None or "tag_agent" in wanted[0].effective_attributes


@pytest.mark.parametrize(
    ("given", "filters"),
    [
        ({"columns": ["plugin_output"]}, {"columns": ["plugin_output"]}),
        ({"query": column("description").glob("CPU*")}, {"query": column("description").glob("CPU*")}),
        ({"search": "File*", "sites": ["s"]}, {"search": "File*", "sites": ["s"]}),
        ({"host_filter": "host0000*", "columns": ("last_check",)}, {"host": "host0000*", "columns": ("last_check",)}),
        ({"state_filter": "ok"}, {"state": ServiceState.OK}),
        ({"state_filter": ["ok", ServiceState.WARNING], "host_filter": "host00001"}, None),
        ({"host_filter": "host00001", "fresh": True}, {"host": "host00001"}),
    ],
    ids=str,
)
def test_pages_of_services_apply_every_filter(client: Checkmk, given: Any, filters: Any) -> None:
    filters = filters or {"state": ["ok", "warning"], "host": "host00001"}
    wanted = [(row.host_name, row.columns) for row in client.services.each(**filters)]
    assert wanted
    pages = StreamingServiceService(client).list_all_services_streamed(batch_size=7, **given)
    assert [(row.host_name, row.columns) for page in pages for row in page.items] == wanted


# Attributes as keywords


@pytest.fixture
def changing() -> Iterator[Checkmk]:
    with SimulatedSite() as site, site.client() as cmk:
        cmk.hosts.create("web01", "/", {"ipaddress": "192.0.2.1"})
        yield cmk


@pytest.mark.parametrize("make", KINDS)
def test_keywords_set_attributes(changing: Checkmk, make: Any) -> None:
    service = make(changing)
    changed = service.update_host("web01", alias="y", labels={"env": "prod"}, inventory_failed="yes")
    wanted = {"ipaddress": "192.0.2.1", "alias": "y", "labels": {"env": "prod"}, "inventory_failed": True}
    assert changed.attributes == wanted
    assert service.get_host("web01").attributes == wanted
    assert service.create_host("web02", alias="two", parents="web01").attributes == {
        "alias": "two",
        "parents": ["web01"],
    }
    assert service.create_host("web03", folder="/").attributes == {}
    assert service.update_host(host_name="web03", alias="three").attributes == {"alias": "three"}


@pytest.mark.parametrize("make", KINDS)
def test_arguments_of_the_client_keep_their_meaning(changing: Checkmk, make: Any) -> None:
    service = make(changing)
    assert service.update_host("web01", update_attributes={"alias": "a"}).attributes["alias"] == "a"
    assert service.update_host("web01", remove_attributes=["ipaddress"]).attributes == {"alias": "a"}
    assert service.update_host("web01", attributes={"tag_criticality": "test"}).attributes == {
        "tag_criticality": "test"
    }
    assert service.update_host("web01", lambda found: {**found, "alias": "b"}).attributes["alias"] == "b"
    etag = changing.hosts.get("web01", fresh=True).etag
    assert service.update_host("web01", alias="c", etag=etag).attributes["alias"] == "c"
    assert service.create_host("web02", "/", {"alias": "two"}).attributes == {"alias": "two"}
    service.delete_host("web02")
    service.delete_host("web02", missing_ok=True)
    with pytest.raises(NotFoundError):
        service.delete_host("web02")


@pytest.mark.parametrize(
    "both",
    [
        {"attributes": {"alias": "x"}},
        {"update_attributes": {}},
        {"remove_attributes": ["alias"]},
        {"change": lambda attributes: attributes},
    ],
    ids=lambda both: next(iter(both)),
)
def test_keywords_and_other_changes_exclude_each_other(changing: Checkmk, both: Any) -> None:
    (name,) = both
    with pytest.raises(TypeError, match=rf"give attributes as keywords \(alias=\) or {name}=, not both"):
        HostService(changing).update_host("web01", alias="y", **both)
    with pytest.raises(TypeError, match=r"\(alias=\) or attributes=, not both"):
        HostService(changing).create_host("web02", attributes={}, alias="y")
    assert changing.hosts.get("web01", fresh=True).attributes == {"ipaddress": "192.0.2.1"}


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"allias": "x"}, "use alias="),
        ({"ip_address": "192.0.2.1"}, "use ipaddress="),
        ({"parent": "web01"}, "use parents="),
        ({"lables": {}}, "use labels="),
        ({"tag_criticallity": "prod"}, "use tag_criticality="),
        ({"update_attribute": {"alias": "x"}}, "use update_attributes="),
        ({"folder": "/linux"}, "to move a host, use client.hosts.move"),
    ],
    ids=str,
)
def test_misspelled_keywords_are_refused_before_anything_is_sent(
    changing: Checkmk, keywords: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(keywords))}=.*{message.replace('?', '[?]')}"):
        HostService(changing).update_host("web01", **keywords)
    if "folder" not in keywords:
        with pytest.raises(ValueError, match="; use "):
            HostService(changing).create_host("web02", **keywords)
    assert changing.hosts.find("web02") is None


def test_unknown_attributes_are_checked_by_the_site(changing: Checkmk) -> None:
    """An unknown keyword may be a custom attribute. A mapping may contain any name, even if it looks misspelled."""
    for given in ({"rack": "4"}, {"tag_rack": "4"}, {"update_attributes": {"allias": "x"}}):
        with pytest.raises(BadRequestError, match="Unknown field"):
            HostService(changing).update_host("web01", **given)
