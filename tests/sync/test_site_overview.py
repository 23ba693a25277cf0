"""The overview of a site finds the hosts, owners and problems that somebody should look at."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.catalogue.labels import OWNER_LABEL
from checkmk_sync.sync import (
    Finding,
    SiteOverview,
    apply_plan,
    from_data,
    make_plan,
    overview_as_html,
    overview_as_text,
    site_overview,
)
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.conftest import Run
from tests.sync.test_pages import parts

CONTACTS = {"contactgroups": {"groups": ["all"], "use": True}}


def names(overview: SiteOverview, check: str) -> list[str]:
    return [finding.name for finding in overview.findings if finding.check == check]


def host(name: str, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "folder": "/x", "attributes": {**CONTACTS, **attributes}}


def test_a_site_without_findings(cmk: Checkmk) -> None:
    inventory = {"hosts": [host("a", ipaddress="192.0.2.1"), host("b", ipaddress="192.0.2.2"), host("c")]}
    assert apply_plan(cmk, make_plan(cmk, from_data(inventory), owner="me")).ok
    overview = site_overview(cmk, owners=["me"], problem_days=1)
    assert (overview.hosts, overview.folders, overview.owners, overview.findings) == (3, 2, {"me": 4}, ())
    assert overview_as_text(overview) == (
        f"{cmk.settings.base_url}: 3 hosts in 2 folders; owners: me (4 objects)\nNo findings."
    )


def test_hosts_without_services_or_contact_groups_are_found(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("new", "/", CONTACTS)
    cmk.hosts.create("nobody", "/")
    cmk.activation.activate(wait_for_hosts=["new", "nobody"])
    cmk.discovery.bulk(["nobody"])
    cmk.activation.activate()
    cmk.hosts.create("later", "/")
    overview = site_overview(cmk)
    assert names(overview, "never discovered") == ["later", "new"]
    assert names(overview, "no contact group") == ["nobody"], "the core does not know the host that is not active"


def test_hosts_on_which_a_scan_found_nothing_are_found(clock: ManualClock) -> None:
    with SimulatedSite(services=2, clock=clock) as site, site.client(clock=clock) as cmk:
        assert apply_plan(cmk, make_plan(cmk, from_data({"hosts": [host("quiet")]}), owner="me")).ok
        overview = site_overview(cmk)
    assert (names(overview, "no services"), names(overview, "never discovered")) == (["quiet"], [])


def test_equal_addresses_are_found(cmk: Checkmk) -> None:
    hosts = [host("a", ipaddress="192.0.2.1"), host("b", ipaddress="192.0.2.1"), host("c", ipaddress="192.0.2.2")]
    hosts += [host("d", ipv6address="FD00::1", tag_address_family="ip-v6-only"), host("e", ipv6address="fd00::1")]
    hosts += [host("f", ipaddress="192.0.2.1", tag_address_family="no-ip")]
    apply_plan(cmk, make_plan(cmk, from_data({"hosts": hosts})))
    overview = site_overview(cmk)
    assert names(overview, "same address") == ["a", "b", "d", "e"]
    assert overview.findings[0] == Finding(
        "same address", "host", "a", "/x", "192.0.2.1 is the address of 2 hosts: a, b"
    )


def test_clones_of_owned_hosts_are_found(site: SimulatedSite, cmk: Checkmk) -> None:
    assert apply_plan(cmk, make_plan(cmk, from_data({"hosts": [host("a"), host("b")]}), owner="me")).ok
    site.add_user("anna", "annas-secret")
    with Checkmk(site.url, site.site, "anna", "annas-secret", clock=cmk.clock) as anna:
        anna.hosts.create("a-copy", "/x", {**CONTACTS, "labels": dict(cmk.hosts.get("a").labels)})
        for client in (cmk, anna):  # the creator of most hosts counts, not the user who looks
            overview = site_overview(client)
            assert names(overview, "probably a clone") == ["a-copy"]
    (text,) = [finding.text for finding in overview.findings if finding.check == "probably a clone"]
    assert "it is probably a clone of a" in text


def test_owners_without_an_inventory_are_found(cmk: Checkmk) -> None:
    for owner in ("cmdb", "netbox"):
        cmk.hosts.create(owner, "/", {**CONTACTS, "labels": {OWNER_LABEL: owner}})
    assert names(site_overview(cmk), "unknown owner") == []
    overview = site_overview(cmk, owners=["cmdb", "dns"])
    assert (overview.owners, names(overview, "unknown owner")) == ({"cmdb": 1, "netbox": 1}, ["netbox"])


def test_problems_that_nobody_handles_are_found(clock: ManualClock) -> None:
    with SimulatedSite(hosts=30, services=10, clock=clock) as site, site.client(clock=clock) as cmk:
        assert names(site_overview(cmk), "old problem") == []
        problems = [str(problem.object) for problem in cmk.problems()]
        clock.sleep(8 * 24 * 3600)
        overview = site_overview(cmk)
        assert sorted(names(overview, "old problem")) == sorted(problems)
        assert names(site_overview(cmk, problem_days=9), "old problem") == []
        finding = next(finding for finding in overview.findings if finding.check == "old problem")
        assert (finding.kind, finding.folder) in (("service", "/"), ("host", "/"))
        assert " since 20" in finding.text


def test_all_findings_are_on_the_page_and_in_the_data(cmk: Checkmk) -> None:
    apply_plan(cmk, make_plan(cmk, from_data({"hosts": [host("a"), {"name": "b"}]}), owner="me"))
    overview = site_overview(cmk)
    _, _, data = parts(overview_as_html(overview))
    assert [(entry["tag"], entry["name"]) for entry in data["entries"]] == [("no contact group", "b")]
    assert data["counts"] == overview.counts == overview.to_dict()["counts"]
    assert overview_as_text(overview).splitlines()[1] == "    1 no contact group: b"


def test_the_command_prints_text_or_json_and_writes_a_page(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Any
) -> None:
    page = tmp_path / "site.html"
    shown = sync("site", "--html", str(page))
    assert shown.code == 0
    assert "3 hosts in 1 folder; owners: none" in shown.out
    assert parts(page.read_text("utf-8"))[2]["hosts"] == 3
    data = sync("site", "--json", "--owner", "cmdb", "--problem-days", "0").data
    assert data["hosts"] == 3
    assert {finding["check"] for finding in data["findings"]} <= set(data["counts"])


@pytest.mark.parametrize("option", [("--problem-days", "-1"), ("--html", "/dev/null")])
def test_the_command_refuses_bad_input(site_for_cli: SimulatedSite, sync: Run, option: tuple[str, str]) -> None:
    assert sync("site", *option).code == 2
