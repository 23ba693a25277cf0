"""The client's requests and the simulated site's answers match the official OpenAPI documents."""

from __future__ import annotations

import re
from typing import Any, Iterator

import pytest

from checkmk_sync import Checkmk, Target, column
from checkmk_sync.catalogue import OPERATIONS
from checkmk_sync.catalogue.versions import CheckmkVersion
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.official_documents import DOCUMENTS, EDITIONS, LEFT_OUT, VERSIONS, document, watch


@pytest.fixture(params=VERSIONS)
def watched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> Iterator[Any]:
    version: str = request.param
    with SimulatedSite(version, EDITIONS[version], services=8, clock=clock, hosts=3) as site:
        checker = watch(monkeypatch, site, version)
        with site.client(clock=clock, caching={"enabled": False}) as cmk:
            yield cmk, checker


@pytest.mark.filterwarnings("ignore:Use of allowEmptyValue:DeprecationWarning")
def test_answers_of_typical_calls_match_the_official_document(watched: Any) -> None:
    cmk, checker = watched
    _folders(cmk)
    _hosts(cmk)
    _monitoring(cmk)
    _commands(cmk)
    _refusals(cmk)
    assert not checker.deviations, "\n".join(checker.deviations)
    assert checker.checked > 50


def _folders(cmk: Checkmk) -> None:
    cmk.version()
    cmk.folders.ensure("/a/b", title="B", attributes={"labels": {"x": "y"}, "tag_criticality": "test"})
    cmk.folders.update("/a", title="A", update_attributes={"tag_networking": "wan"})
    cmk.folders.update("/a", remove_attributes=["tag_networking"])
    cmk.folders.create("/c")
    cmk.folders.move("/c", "/a")
    assert len(list(cmk.folders.each())) == 4


def _hosts(cmk: Checkmk) -> None:
    attributes = {
        "ipaddress": "192.0.2.1",
        "alias": "Web 1",
        "labels": {"env": "prod"},
        "parents": [],
        "contactgroups": {"groups": ["all"], "use": True},
        "snmp_community": {"type": "v1_v2_community", "community": "public"},
    }
    cmk.hosts.create("web01", "/a/b", attributes)
    cmk.hosts.bulk_create([{"host_name": f"bulk{n}", "folder": "/a"} for n in range(3)])
    cmk.hosts.get("web01", effective_attributes=True)
    cmk.hosts.update("web01", update_attributes={"alias": "changed"})
    cmk.hosts.update("web01", lambda found: {**found, "alias": "again"})
    cmk.hosts.move("web01", "/a")
    cmk.hosts.create_cluster("cluster", ["bulk0", "bulk1"])
    cmk.hosts.set_nodes("cluster", ["bulk1"])
    cmk.hosts.delete("cluster")
    cmk.hosts.bulk_update([{"host_name": "bulk0", "update_attributes": {"alias": "x"}}])
    cmk.hosts.bulk_update([{"host_name": "bulk0", "remove_attributes": ["alias"]}])
    assert len(list(cmk.hosts.each())) == 7
    assert len(list(cmk.hosts.each(folder="/a"))) == 4
    assert len(list(cmk.hosts.each(names=["bulk1", "web01"]))) == 2


def _monitoring(cmk: Checkmk) -> None:
    cmk.discovery.bulk(["bulk0", "bulk1"])
    cmk.discovery.discover("web01")
    cmk.discovery.set_phase("web01", "df", "/", "ignored")
    assert cmk.activation.pending()
    cmk.activation.activate(wait_for_hosts=["web01"])
    cmk.activation.running()
    cmk.hosts.rename("bulk2", "renamed")
    if cmk.checkmk_version().at_least("2.3.0p7"):
        cmk.hosts.scan_parents(["bulk0"], gateways="/a", wait=False)
    list(cmk.host_status.each(search="web*", columns=["alias", "labels"]))
    cmk.host_status.get("web01", ["address"])
    list(cmk.services.each(host="web01", columns=["plugin_output"]))
    list(cmk.services.each())
    cmk.services.get("web01", "CPU load")
    assert cmk.hosts.bulk_delete(["bulk1", "renamed"]).ok
    cmk.hosts.delete("bulk0")
    cmk.folders.delete("/a/c")


def _commands(cmk: Checkmk) -> None:
    target, services = Target.host("web01", "host00000"), Target.services("web01", "CPU load")
    for part in (target, services):
        for number in range(2):
            assert cmk.downtimes.create(part, end="2h", comment=f"c{number}", flexible="30m" if number else None).ok
        assert cmk.comments.create(part, "c", persistent=True).ok
        assert [cmk.downtimes.get(d.id) for d in cmk.downtimes.each(part)]
        assert [cmk.comments.get(c.id) for c in cmk.comments.each(part)]
        assert cmk.downtimes.modify(part, extend="1h", comment="longer").ok
        assert cmk.downtimes.delete(id=next(iter(cmk.downtimes.each(part))).id).ok
        assert cmk.downtimes.delete(part).ok
        assert cmk.comments.delete(part).ok
    problems = Target.matching_services(column("state") != 0)
    assert cmk.acknowledgements.set(problems, comment="c").ok
    if cmk.checkmk_version().at_least("2.4.0p6"):
        assert cmk.acknowledgements.set(problems, comment="c", sticky=False, expires="1h").ok
        assert cmk.acknowledgements.remove(problems).ok


def _refusals(cmk: Checkmk) -> None:
    assert cmk.hosts.find("nope") is None
    assert cmk.folders.find("/nope") is None
    assert cmk.hosts.bulk_create([{"host_name": "web01"}]).not_applied
    assert cmk.hosts.bulk_update([{"host_name": "web01", "remove_attributes": ["ipv6address"]}]).applied
    with pytest.raises(Exception, match="409"):
        cmk.folders.delete("/a")
    with pytest.raises(Exception, match="400"):
        cmk.hosts.create("x", "/", {"bad": "x"})


@pytest.mark.parametrize("version", DOCUMENTS)
def test_every_row_of_the_catalogue_is_in_the_official_document(version: str) -> None:
    paths = document(version)["paths"]
    known = {(method.upper(), re.sub(r"\{[^}]*\}", "{}", path)) for path, ways in paths.items() for method in ways}
    parsed = CheckmkVersion.parse(version)
    for row in OPERATIONS:
        path = re.sub(r"\{[^}]*\}", "{}", row.path)
        if row.serves(parsed, "cre") and not LEFT_OUT.search(f"{row.method} {path}"):
            assert (row.method, path) in known, f"{row.noun}.{row.verb} is not in {version}"


@pytest.mark.parametrize("version", DOCUMENTS)
def test_if_match_is_sent_only_if_needed(version: str) -> None:
    paths = {re.sub(r"\{[^}]*\}", "{}", path): ways for path, ways in document(version)["paths"].items()}
    parsed = CheckmkVersion.parse(version)
    for row in OPERATIONS:
        described = paths.get(re.sub(r"\{[^}]*\}", "{}", row.path), {}).get(row.method.lower())
        if described is not None and row.serves(parsed, "cre"):
            needs = any(parameter.get("name") == "If-Match" for parameter in described.get("parameters", ()))
            assert row.if_match is needs, f"{row.noun}.{row.verb}"
