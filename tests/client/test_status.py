"""``client.host_status`` and ``client.services`` read the monitoring state with the cheapest request."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from checkmk_sync import Checkmk, HostState, ServiceState, column
from checkmk_sync.errors import ApiError, BadRequestError, NotFoundError
from checkmk_sync.testing import ManualClock, SimulatedSite

VERSIONS = ["2.2.0p44", "2.3.0p22", "2.3.0p41", "2.4.0p18", "2.5.0p9"]


@pytest.fixture(params=VERSIONS)
def monitored(request: pytest.FixtureRequest, clock: ManualClock) -> Any:
    with SimulatedSite(request.param, hosts=30, services=8, clock=clock) as site:
        yield site


def test_hosts_are_read_in_every_version(monitored: SimulatedSite, connect: Any) -> None:
    cmk = connect(monitored)
    found = list(cmk.host_status.each(columns=["address", "num_services"]))
    assert len(found) == 30
    assert found[3].name == "host00003"
    assert found[3]["address"] == "10.0.0.3"
    assert found[3]["num_services"] == 8
    one = cmk.host_status.get("host00003", ["alias"])
    assert (one.state, one["alias"]) == (HostState.UP, "host00003")
    assert [host.name for host in cmk.host_status.each(search="host0001*")] == [f"host0001{n}" for n in range(10)]


def test_services_are_read_in_every_version(monitored: SimulatedSite, connect: Any) -> None:
    cmk = connect(monitored)
    assert sum(1 for _ in cmk.services.each()) == 240
    assert sum(1 for _ in cmk.services.each(host="host00001")) == 8
    assert sum(1 for _ in cmk.services.each(host="host0002?")) == 80
    names = {found.name for found in cmk.services.each(host="host00001", search="Filesystem*")}
    assert names == {"Filesystem /", "Filesystem /var", "Filesystem /home"}
    one = cmk.services.get("host00001", "Filesystem /", ["plugin_output"])
    assert (one.host_name, one.name) == ("host00001", "Filesystem /")
    assert one["plugin_output"].startswith("Used")


def test_few_sends_one_request(monitored: SimulatedSite, connect: Any) -> None:
    cmk = connect(monitored)
    cmk.version()
    used = len(monitored.requests)
    query = (column("description") == "Check_MK") & (column("host_num_services") > 0)
    found = cmk.services.few(query, columns=["last_check"])
    assert len(monitored.requests) - used == 1
    assert {row.name for row in found} == {"Check_MK"}
    assert all(row["last_check"] > 0 for row in found)
    assert {row.host_name for row in found} == {host.name for host in cmk.host_status.each()}


def test_states_are_filtered_by_the_server(monitored: SimulatedSite, connect: Any) -> None:
    cmk = connect(monitored)
    everything = list(cmk.services.each())
    bad = list(cmk.services.each(state=[ServiceState.CRITICAL, ServiceState.WARNING]))
    wanted = {(s.host_name, s.name) for s in everything if s.state in (ServiceState.CRITICAL, ServiceState.WARNING)}
    assert {(s.host_name, s.name) for s in bad} == wanted
    assert wanted
    assert [host.name for host in cmk.host_status.each(state=HostState.DOWN)] == ["host00019"]
    ok = sum(1 for _ in cmk.services.each(state=ServiceState.OK))
    assert ok == sum(found.state is ServiceState.OK for found in everything)


def test_pending_is_a_separate_state(clock: ManualClock, connect: Any) -> None:
    with SimulatedSite(hosts=2, services=4, check_delay=60, clock=clock) as site:
        cmk = connect(site, caching={"enabled": False})
        assert {found.state for found in cmk.services.each()} == {ServiceState.PENDING}
        assert cmk.host_status.get("host00000").state is HostState.PENDING
        clock.advance(61)
        assert not list(cmk.services.each(state=ServiceState.PENDING))
        assert cmk.host_status.get("host00000").state is HostState.UP


def test_pages_contain_every_item_once(monitored: SimulatedSite, connect: Any) -> None:
    cmk = connect(monitored)
    assert [len(page.items) for page in cmk.services.pages(batch_size=100)] == [100, 100, 40]
    assert [len(page.items) for page in cmk.host_status.pages()] == [30]


def test_objects_unknown_to_the_core_are_not_found(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("new")
    with pytest.raises(NotFoundError, match="host was not found"):
        cmk.host_status.get("new")
    with pytest.raises(NotFoundError, match="service was not found"):
        cmk.services.get("new", "CPU load")
    assert list(cmk.services.each(host="new")) == []
    with pytest.raises(NotFoundError, match="Host not found"):
        list(cmk.services.each(host="nowhere"))
    with pytest.raises(BadRequestError, match="Unknown column"):
        list(cmk.host_status.each(columns=["nothing"]))


@pytest.mark.parametrize(
    ("version", "short", "long"),
    [
        ("2.2.0p44", "GET", None),
        ("2.3.0p22", "GET", None),
        ("2.3.0p41", "GET", "POST"),
        ("2.4.0p18", "GET", "POST"),
        ("2.5.0p9", "POST", "POST"),
    ],
)
def test_the_form_without_the_lock_is_preferred(
    clock: ManualClock, connect: Any, version: str, short: str, long: Optional[str]
) -> None:
    """POST takes the site's configuration lock. GET is limited by the length of a URL, and was removed after 2.4. If
    there is no POST form, the web server refuses queries that are too long."""
    with SimulatedSite(version, hosts=3, services=3, clock=clock) as site:
        cmk = connect(site)
        list(cmk.services.each())
        assert site.requests[-1].method == short
        names = [f"a-rather-long-host-name-{n:04d}" for n in range(300)]
        found = cmk.services.each(query=column("host_name").one_of(names))
        if long is None:
            with pytest.raises(ApiError, match="414"):
                list(found)
        else:
            list(found)
            assert site.requests[-1].method == long


def test_status_reads_do_not_wait_for_writes(connect: Any) -> None:
    """Runs in real time. While a write holds the lock, a GET returns and the writes queue."""
    with SimulatedSite(hosts=3, services=3) as site, site.client() as cmk:
        cmk.version()
        with site.state.configuration.lock:
            assert len(list(cmk.host_status.each())) == 3


def test_sites_are_queried_by_name(monitored: SimulatedSite, connect: Any) -> None:
    cmk = connect(monitored)
    assert len(list(cmk.host_status.each(sites=["s"]))) == 30
    with pytest.raises(BadRequestError, match="should exist but it doesn't"):
        list(cmk.host_status.each(sites=["other"]))


@pytest.mark.parametrize("count", [1, 30, 150, 300])
@pytest.mark.parametrize("version", ["2.2.0p44", "2.4.0p18", "2.5.0p9"])
def test_monitored_uses_the_form_of_the_version(version: str, count: int, clock: ManualClock, connect: Any) -> None:
    """GET is preferred if the URL is short enough, because the POST form takes the configuration lock."""
    with SimulatedSite(version, hosts=count, clock=clock) as site:
        cmk = connect(site)
        names = [f"host{number:05d}" for number in range(count)]
        assert cmk.host_status.monitored([*names, "nobody"]) == set(names)
        (asked,) = (request for request in site.requests if request.path.endswith("/collections/all"))
        assert asked.method == ("POST" if version == "2.5.0p9" or (version, count) == ("2.4.0p18", 150) else "GET")
        assert len(asked.query) < 8000
