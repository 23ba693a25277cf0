"""``client.hosts`` reads hosts, also in pages, and writes single hosts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from checkmk_sync import Checkmk, Host
from checkmk_sync.errors import BadRequestError, BrokenReplyError, CheckmkError, NotFoundError
from checkmk_sync.testing import Fault, SimulatedSite


@pytest.fixture
def filled(site: SimulatedSite, cmk: Checkmk) -> SimulatedSite:
    cmk.folders.ensure("/linux/web")
    cmk.hosts.bulk_create(
        {"host_name": f"web{n:02d}", "folder": "/linux/web", "attributes": {"alias": f"Web {n}"}} for n in range(25)
    )
    cmk.hosts.create("top", "/", {"labels": {"env": "prod"}, "ipaddress": "192.0.2.1"})
    return site


def test_get_returns_the_host_of_the_server(filled: SimulatedSite, cmk: Checkmk) -> None:
    host = cmk.hosts.get("top")
    assert (host.name, host.folder, host.labels) == ("top", "/", {"env": "prod"})
    assert host.attributes["ipaddress"] == "192.0.2.1"
    assert host.effective_attributes is None
    assert host.is_cluster is False
    assert host.etag is not None
    effective = cmk.hosts.get("top", effective_attributes=True).effective_attributes
    assert effective is not None
    assert effective["tag_agent"] == "cmk-agent"


def test_get_and_delete_raise_for_an_absent_host_and_find_returns_none(cmk: Checkmk) -> None:
    assert cmk.hosts.find("nope") is None
    with pytest.raises(NotFoundError, match="host_name: Host not found: 'nope'"):
        cmk.hosts.get("nope")
    with pytest.raises(NotFoundError):
        cmk.hosts.delete("nope")
    cmk.hosts.delete("nope", missing_ok=True)


def test_create_accepts_any_spelling_of_a_folder(filled: SimulatedSite, cmk: Checkmk) -> None:
    ident = filled.state.configuration.folders["/linux/web"].ident
    for number, folder in enumerate(["/linux/web", "~linux~web", "\\linux\\web", "/linux/web/", "linux/web"]):
        assert cmk.hosts.create(f"spelled{number}", folder).folder == "/linux/web"
    assert cmk.hosts.create("by-id", ident).folder == "/linux/web"
    with pytest.raises(BadRequestError, match="already exists"):
        cmk.hosts.create("by-id")
    with pytest.raises(BadRequestError, match="could not be found"):
        cmk.hosts.create("lost", "/nowhere")


def test_each_yields_all_hosts_or_the_requested_ones(filled: SimulatedSite, cmk: Checkmk) -> None:
    assert len({host.name for host in cmk.hosts.each()}) == 26
    assert [host.name for host in cmk.hosts.each(folder="/")] == ["top"]
    assert {host.name for host in cmk.hosts.each(names=["top", "web01", "nope"])} == {"top", "web01"}
    assert {host.name for host in cmk.hosts.each(site="s")} == {host.name for host in cmk.hosts.each()}
    assert list(cmk.hosts.each(site="other")) == []
    first = next(cmk.hosts.each(effective_attributes=True))
    assert first.effective_attributes is not None
    with pytest.raises(ValueError, match="accepts one of folder, site and names"):
        cmk.hosts.each(folder="/", site="s")


@pytest.mark.parametrize(("length", "urls"), [(10, 1), (73, 3), (240, 9)])
def test_many_names_are_split_over_several_urls(filled: SimulatedSite, cmk: Checkmk, length: int, urls: int) -> None:
    names = [f"web{n:02d}" for n in range(25)] + [f"missing{n}".ljust(length, "x") for n in range(200)]
    assert len(list(cmk.hosts.each(names=names))) == 25
    asked = [request.query for request in filled.requests if "hostnames=" in request.query]
    assert len(asked) == urls
    assert max(map(len, asked)) < 6100


def test_names_are_quoted_in_urls(filled: SimulatedSite, cmk: Checkmk) -> None:
    with pytest.raises(BadRequestError):
        list(cmk.hosts.each(names=["web01", *["ü" * 200] * 20]))


@pytest.mark.parametrize("version", ["2.2.0p44", "2.3.0p41"])
def test_many_names_cost_one_list_before_2_4(connect: Any, clock: Any, version: str) -> None:
    with SimulatedSite(version, hosts=300, clock=clock) as site:
        cmk = connect(site)
        cmk.version()
        names = [f"host{n:05d}" for n in range(250, 350)]
        assert [host.name for host in cmk.hosts.each(names=names)] == names[:50]
        assert [host.name for host in cmk.hosts.each(names=names[48:52])] == names[48:50]
        assert len(site.requests) == 1 + 1 + 4


@pytest.mark.parametrize("version", ["2.3.0p41", "2.4.0p18"])
def test_settling_a_bulk_call_sends_few_requests(connect: Any, clock: Any, version: str) -> None:
    """The site may be overloaded already."""
    with SimulatedSite(version, clock=clock) as site:
        cmk = connect(site)
        site.set_faults([Fault("reset_before", writes=True, times=1)])
        assert len(cmk.hosts.bulk_create([{"host_name": f"h{n}"} for n in range(200)]).unknown) == 200
        assert len(site.requests) < 20


@pytest.mark.parametrize("version", ["2.2.0p44", "2.3.0p41", "2.4.0p18"])
def test_a_name_given_twice_is_yielded_once(connect: Any, version: str) -> None:
    with SimulatedSite(version, hosts=3) as site, connect(site) as cmk:
        found = cmk.hosts.each(names=["host00001", "host00000", "host00001"])
        assert sorted(host.name for host in found) == ["host00000", "host00001"]


def test_pages_have_the_requested_size(filled: SimulatedSite, cmk: Checkmk) -> None:
    pages = list(cmk.hosts.pages(batch_size=10))
    assert [len(page.items) for page in pages] == [10, 10, 6]
    assert [page.batch_number for page in pages] == [1, 2, 3]
    assert [page.has_more for page in pages] == [True, True, False]
    assert [page.metadata["offset"] for page in pages] == [0, 10, 20]
    assert [page.total_batches for page in pages] == [None, None, 3]
    assert [len(page.items) for page in cmk.hosts.pages()] == [26]
    with pytest.raises(ValueError, match="at least 1"):
        cmk.hosts.pages(batch_size=-1)


def test_the_page_size_is_configured(filled: SimulatedSite, connect: Any) -> None:
    small = connect(filled, streaming={"default_batch_size": 20})
    assert [len(page.items) for page in small.hosts.pages()] == [20, 6]


def test_an_empty_site_has_no_pages(site: SimulatedSite, cmk: Checkmk) -> None:
    assert list(cmk.hosts.pages()) == []


@pytest.mark.parametrize("kind", ["cut", "truncate"])
def test_a_list_that_breaks_off_raises(filled: SimulatedSite, cmk: Checkmk, kind: str) -> None:
    filled.set_faults([Fault(kind, path="host_config/collections/all$", times=1)])
    with pytest.raises(BrokenReplyError):
        list(cmk.hosts.each())
    assert len(list(cmk.hosts.each())) == 26


def test_abandoned_pages_free_the_connection(connect: Any) -> None:
    with SimulatedSite(hosts=5000, services=2) as site:
        cmk = connect(site, limits={"reads_in_flight": 1})
        for _ in range(5):
            pages = cmk.hosts.pages(batch_size=10)
            assert len(next(pages).items) == 10
            pages.close()
        assert cmk.version().site == "s"


def test_a_read_during_an_open_stream_does_not_deadlock(connect: Any) -> None:
    with SimulatedSite(hosts=3000, services=2) as site:
        cmk = connect(site, limits={"reads_in_flight": 1})
        for number, host in enumerate(cmk.hosts.each()):
            if number % 1000 == 0:
                assert cmk.hosts.get(host.name).name == host.name


def test_update_accepts_each_kind_of_change(filled: SimulatedSite, cmk: Checkmk) -> None:
    merged = cmk.hosts.update("top", update_attributes={"alias": "Top"})
    assert set(merged.attributes) == {"alias", "ipaddress", "labels"}
    removed = cmk.hosts.update("top", remove_attributes=["alias"])
    assert set(removed.attributes) == {"ipaddress", "labels"}
    replaced = cmk.hosts.update("top", attributes={**removed.attributes, "alias": "only"})
    assert replaced.attributes["alias"] == "only"
    assert cmk.hosts.update("top", remove_attributes=["ipv6address"]) == replaced, "it was in this state already"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"attributes": {}, "update_attributes": {}},
        {"change": dict, "attributes": {}},
    ],
)
def test_updates_of_several_kinds_are_refused(cmk: Checkmk, arguments: Any) -> None:
    with pytest.raises(ValueError, match="give"):
        cmk.hosts.update("top", **arguments)
    with pytest.raises(TypeError, match="remove_attributes must be a list"):
        cmk.hosts.update("top", remove_attributes="alias")


def test_move_changes_the_folder(filled: SimulatedSite, cmk: Checkmk) -> None:
    assert cmk.hosts.move("top", "~linux~web").folder == "/linux/web"
    count = len(filled.requests)
    assert cmk.hosts.move("top", "/linux/web").folder == "/linux/web"
    assert [request.method for request in filled.requests[count:]] == ["GET"]


def test_unsupported_query_parameters_are_refused(connect: Any, clock: Any) -> None:
    """Dropping a filter would silently return other hosts."""
    with SimulatedSite("2.3.0p41", clock=clock) as site:
        with pytest.raises(CheckmkError, match="does not support site"):
            list(connect(site).hosts.each(site="s"))


def test_host_names_are_quoted_in_paths(filled: SimulatedSite, cmk: Checkmk) -> None:
    for name in ("../folder_config/~", "..", "web00?x=1", "web00#", "a/b", "a%2Fb", "web00;x"):
        with pytest.raises((NotFoundError, BadRequestError)):
            cmk.hosts.get(name)
        assert all(request.path.startswith("/objects/host_config/") for request in filled.requests[-1:])
    with pytest.raises(ValueError, match="empty"):
        cmk.hosts.get("")


def test_hosts_are_immutable_and_compare_by_value(filled: SimulatedSite, cmk: Checkmk) -> None:
    assert cmk.hosts.get("top") == cmk.hosts.get("top")
    assert isinstance(cmk.hosts.get("top"), Host)
    with pytest.raises(AttributeError):
        cmk.hosts.get("top").name = "x"  # type: ignore[misc]


def test_errors_do_not_contain_secrets_of_a_host(filled: SimulatedSite, cmk: Checkmk) -> None:
    with pytest.raises(BadRequestError) as caught:
        cmk.hosts.create("x", "/", {"snmp_community": {"type": "v1_v2_community", "community": "hunter2"}, "bad": 1})
    assert "hunter2" not in f"{caught.value!r} {caught.value.to_dict()}"


def test_attributes_and_meta_are_separated(site: SimulatedSite, cmk: Checkmk) -> None:
    created = cmk.hosts.create("web01", "/", {"ipaddress": "192.0.2.1"})
    listed = next(iter(cmk.hosts.each()))
    for host in (created, listed, cmk.hosts.get("web01", effective_attributes=True)):
        assert dict(host.attributes) == {"ipaddress": "192.0.2.1"}
        assert set(host.meta) == {"created_at", "created_by", "updated_at"}
        assert host.meta["created_by"] == site.username
        assert "meta_data" not in (host.effective_attributes or {})
    folder = cmk.folders.create("/linux", attributes={"tag_criticality": "prod"})
    assert (dict(folder.attributes), folder.meta["created_by"]) == ({"tag_criticality": "prod"}, site.username)
    assert cmk.hosts.update("web01", attributes=listed.attributes).attributes == listed.attributes


@pytest.mark.parametrize("version", ["2.3.0p41", "2.4.0p18"])
def test_hosts_are_searched_with_a_regular_expression(version: str) -> None:
    with SimulatedSite(version=version) as site, site.client() as cmk:
        cmk.hosts.bulk_create({"host_name": name} for name in ("web01", "WEB02", "db01"))
        found = cmk.hosts.each(search=re.compile(".*EB0", re.IGNORECASE), folder="/")
        assert [host.name for host in found] == ["web01", "WEB02"]
        assert [host.name for host in cmk.hosts.each(search="web*")] == ["web01"], "a pattern is case-sensitive"
