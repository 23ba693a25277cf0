"""A complete run brings a site to the state of an inventory: apply, discover, activate and verify."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from checkmk_sync import Checkmk, Status
from checkmk_sync.catalogue.labels import ADOPTED_LABEL, OWNER_LABEL
from checkmk_sync.errors import ForbiddenError, SettingsError
from checkmk_sync.sync import Options, Report, Step, apply_plan, from_data, make_plan, report_as_text
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite

INVENTORY = {
    "folders": [{"path": "/linux", "title": "Linux servers", "attributes": {"tag_criticality": "prod"}}],
    "hosts": [
        {"name": "web01", "folder": "/linux/web", "attributes": {"ipaddress": "192.0.2.1"}, "labels": {"env": "prod"}},
        {"name": "web02", "folder": "/linux/web", "attributes": {"ipaddress": "192.0.2.2", "parents": ["web01"]}},
        {"name": "gw", "attributes": {"tag_agent": "no-agent"}},
    ],
}
VERSIONS = ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"]


def synchronise(cmk: Checkmk, inventory: Any, *, owner: Any = "cmdb", options: Any = None, **more: Any) -> Report:
    plan = make_plan(cmk, from_data(inventory), owner=owner, **more)
    plan.raise_if_unsafe(allow_changes="100%", allow_deletions="100%")
    return apply_plan(cmk, plan, options)


def is_done(cmk: Checkmk, inventory: Any, owner: Any = "cmdb") -> bool:
    return make_plan(cmk, from_data(inventory), owner=owner).is_empty


@pytest.fixture(params=VERSIONS)
def any_version(request: pytest.FixtureRequest, clock: ManualClock, connect: Any) -> Any:
    with SimulatedSite(request.param, services=6, clock=clock) as site:
        yield site, connect(site)


def test_a_complete_run_works_in_every_version(any_version: Any) -> None:
    site, cmk = any_version
    report = synchronise(cmk, INVENTORY)
    assert report.ok
    assert report.verified
    assert [f"{change.action.value} {change.name}" for change, _ in report.results] == [
        "create folder /linux", "create folder /linux/web", "create host gw", "create host web01", "create host web02",
    ]  # fmt: skip
    configuration = site.state.configuration
    assert configuration.folders["/linux"].title == "Linux servers"
    assert dict(configuration.hosts["web01"].attributes) == {
        "ipaddress": "192.0.2.1", "labels": {"env": "prod", OWNER_LABEL: "cmdb"},
    }  # fmt: skip
    assert configuration.changes == []
    assert report.discovered == 3
    assert report.without_services == ()
    assert len(list(cmk.services.each(host="web01"))) == 6
    assert is_done(cmk, INVENTORY)


def test_hosts_are_changed_moved_and_deleted(any_version: Any) -> None:
    site, cmk = any_version
    synchronise(cmk, INVENTORY)
    cmk.hosts.update(
        "web01", update_attributes={"alias": "by hand", "labels": {"env": "prod", "theirs": "1", OWNER_LABEL: "cmdb"}}
    )
    changed = {
        "hosts": [
            {
                "name": "web01",
                "folder": "/prod",
                "attributes": {"ipaddress": None, "alias": "new"},
                "labels": {"env": "live", "tier": "1"},
            },
            {"name": "gw", "attributes": {"tag_agent": "no-agent"}},
        ]
    }
    report = synchronise(cmk, changed)
    assert report.ok
    actions = [f"{change.action.value} {change.name}" for change, _ in report.results]
    assert actions == [
        "create folder /prod", "move host web01", "update host web01", "delete host web02",
        "delete folder /linux/web", "delete folder /linux",
    ]  # fmt: skip
    host = site.state.configuration.hosts["web01"]
    assert host.folder == "/prod"
    assert dict(host.attributes) == {
        "alias": "new", "labels": {"env": "live", "theirs": "1", "tier": "1", OWNER_LABEL: "cmdb"},
    }  # fmt: skip
    assert is_done(cmk, changed)


def test_the_owner_label_is_read_from_the_host_itself(site: SimulatedSite, cmk: Checkmk) -> None:
    """A host inherits the owner label of its folder, but that does not make it the owner's host."""
    synchronise(cmk, INVENTORY)
    cmk.hosts.create("foreign", "/linux/web")
    effective = cmk.hosts.get("foreign", effective_attributes=True).effective_attributes
    assert effective is not None
    assert effective["labels"][OWNER_LABEL] == "cmdb"
    report = synchronise(cmk, {"hosts": [INVENTORY["hosts"][2]]})
    assert report.ok
    assert set(site.state.configuration.hosts) == {"gw", "foreign"}
    assert "/linux/web" in site.state.configuration.folders


def test_without_an_owner_no_labels_are_written(site: SimulatedSite, cmk: Checkmk) -> None:
    assert synchronise(cmk, INVENTORY, owner=None).ok
    assert "labels" not in site.state.configuration.hosts["gw"].attributes
    assert synchronise(cmk, {"hosts": [{"name": "gw", "attributes": {"alias": "x"}}]}, owner=None).ok
    assert len(site.state.configuration.hosts) == 3


def test_adopt_takes_over_objects_without_an_owner(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("gw", "/", {"tag_agent": "no-agent"})
    cmk.activation.activate()
    assert make_plan(cmk, from_data(INVENTORY), owner="cmdb").conflicts
    assert synchronise(cmk, INVENTORY, adopt=True).ok
    assert site.state.configuration.hosts["gw"].attributes["labels"] == {OWNER_LABEL: "cmdb", ADOPTED_LABEL: "gw"}
    assert is_done(cmk, INVENTORY)


def test_an_owner_that_cannot_be_a_label_is_refused(cmk: Checkmk) -> None:
    for wrong in ("", " ", "a:b", "a\nb", " a"):
        with pytest.raises(SettingsError, match="is not valid: it (is empty|contains a|starts or ends)"):
            make_plan(cmk, from_data(INVENTORY), owner=wrong)


def test_progress_names_every_stage(cmk: Checkmk) -> None:
    steps: list[Step] = []
    apply_plan(cmk, make_plan(cmk, from_data(INVENTORY), owner="me"), watch=steps.append)
    stages = list(dict.fromkeys(step.stage for step in steps))
    assert stages == ["create folders", "create hosts", "discovery", "activation", "verification"]
    assert [step for step in steps if step.stage == "create hosts"][-1] == Step("create hosts", 3, 3)


def test_only_requested_stages_run(site: SimulatedSite, cmk: Checkmk) -> None:
    report = synchronise(cmk, INVENTORY, options=Options(discover=False, activate=False))
    assert report.ok
    assert report.activation is None
    assert len(site.state.configuration.changes) == 5
    plan = make_plan(cmk, from_data(INVENTORY), owner="cmdb")
    assert plan.own_pending == 5
    assert not plan.changes
    assert plan.undiscovered == ("gw", "web01", "web02")
    assert apply_plan(cmk, plan).ok
    assert is_done(cmk, INVENTORY)


def test_undiscovered_hosts_are_scanned_even_if_others_activated_them(site: SimulatedSite, cmk: Checkmk) -> None:
    synchronise(cmk, INVENTORY, options=Options(discover=False, activate=False))
    cmk.activation.activate()
    plan = make_plan(cmk, from_data(INVENTORY), owner="cmdb")
    assert plan.undiscovered == ("web01", "web02"), "a host that is only pinged needs no discovery"
    report = apply_plan(cmk, plan)
    assert report.ok
    assert len(list(cmk.services.each(host="web01"))) == 30
    assert is_done(cmk, INVENTORY)


def test_a_refused_change_does_not_stop_the_others(site: SimulatedSite, cmk: Checkmk) -> None:
    inventory = {"hosts": [*INVENTORY["hosts"], {"name": "bad", "attributes": {"nonsense": "x"}}]}
    report = synchronise(cmk, inventory)
    assert not report.ok
    assert not report.verified
    ((change, outcome),) = report.failures()
    assert (change.key, outcome.status) == ("bad", Status.NOT_APPLIED)
    assert "Unknown field" in outcome.reason
    assert "not applied: create host bad: 400 Bad Request" in report_as_text(report)
    assert report.discovered == 3
    assert site.state.configuration.changes == []


def test_a_failed_activation_is_reported_with_the_applied_changes(site: SimulatedSite, cmk: Checkmk) -> None:
    site.set_faults([Fault("fail_activation")])
    report = synchronise(cmk, INVENTORY)
    assert report.count(Status.APPLIED) == 5
    assert not report.ok
    assert "still pending" in str(report.errors["activation"])
    assert report.to_dict()["errors"]["activation"]["error"] == "ActivationError"
    assert "activation failed: " in report_as_text(report)
    assert synchronise(cmk, INVENTORY).ok
    assert is_done(cmk, INVENTORY)


def test_a_failed_discovery_is_in_the_report(site: SimulatedSite, cmk: Checkmk) -> None:
    site.set_faults([Fault("fail_discovery")])
    report = synchronise(cmk, INVENTORY)
    assert "ended as exception" in str(report.errors["discovery"])
    assert report.without_services == ("web01", "web02")
    assert "is the agent reachable" in report_as_text(report)
    assert synchronise(cmk, INVENTORY).ok


def test_changes_of_other_users_are_activated_only_on_request(site: SimulatedSite, cmk: Checkmk, connect: Any) -> None:
    site.add_user("carol", "carols secret")
    connect(site, username="carol").hosts.create("hers")
    report = synchronise(cmk, INVENTORY)
    assert report.count(Status.APPLIED) == 5
    assert isinstance(report.errors["activation"], ForbiddenError)
    assert "carol" in report_as_text(report)
    assert make_plan(cmk, from_data(INVENTORY), owner="cmdb").foreign_pending == 1
    assert synchronise(cmk, INVENTORY, options=Options(force_foreign=True)).ok


def test_a_late_write_is_found_by_the_verification(site: SimulatedSite, cmk: Checkmk) -> None:
    """The response is lost and the write is executed after the client stops waiting; the final read finds it."""
    plan = make_plan(cmk, from_data(INVENTORY), owner="cmdb")
    site.set_faults([Fault("reset_before", path="bulk-create", times=1)])

    def come_late(method: str, path: str) -> None:
        if "activate-changes" in path:
            site.on_request(None)
            for name, folder in (("gw", "/"), ("web01", "/linux/web"), ("web02", "/linux/web")):
                wanted: Any = next(host for host in INVENTORY["hosts"] if host["name"] == name)
                labels = {**wanted.get("labels", {}), OWNER_LABEL: "cmdb"}
                site.state.configuration.add_host(
                    name, folder, {**wanted["attributes"], "labels": labels}, user=site.username
                )

    site.on_request(come_late)
    report = apply_plan(cmk, plan)
    hosts = [outcome for change, outcome in report.results if change.kind == "host"]
    assert [(outcome.status, outcome.note) for outcome in hosts] == [
        (Status.APPLIED, "the site has the wanted state")
    ] * 3
    assert report.ok
    assert synchronise(cmk, INVENTORY).ok
    assert is_done(cmk, INVENTORY)


def test_a_write_without_visible_effect_stays_unknown(site: SimulatedSite, cmk: Checkmk) -> None:
    plan = make_plan(cmk, from_data(INVENTORY), owner="cmdb")
    site.set_faults([Fault("reset_before", path="bulk-create", times=1)])
    report = apply_plan(cmk, plan)
    statuses = {change.key: outcome.status for change, outcome in report.results if change.kind == "host"}
    assert statuses == {"gw": Status.UNKNOWN, "web01": Status.UNKNOWN, "web02": Status.NOT_APPLIED}, (
        "its parent does not exist"
    )
    assert report.count(Status.APPLIED) == 2
    assert not report.ok
    assert synchronise(cmk, INVENTORY).ok
    assert is_done(cmk, INVENTORY)


def test_concurrent_applies_converge() -> None:
    inventory = {
        "hosts": [
            {"name": f"h{n:03d}", "folder": f"/f{n % 4}", "attributes": {"alias": f"a{n}"}, "labels": {"n": str(n)}}
            for n in range(120)
        ]
    }
    with SimulatedSite(services=4, lock_hold=0.002) as site:
        clients = [site.client(batch_processing={"chunk_size": 20}) for _ in range(3)]
        plans = [make_plan(client, from_data(inventory), owner="cmdb") for client in clients]
        reports: list[Report] = []
        threads = [
            threading.Thread(target=lambda c=client, p=plan: reports.append(apply_plan(c, p)))
            for client, plan in zip(clients, plans)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [report.ok for report in reports] == [True] * 3, [report_as_text(report) for report in reports]
        created = [c["text"] for c in site.state.configuration.changes if c["action_name"] == "create-host"]
        assert created == []
        assert len(site.state.configuration.hosts) == 120
        assert is_done(clients[0], inventory)
        for client in clients:
            client.close()


@pytest.mark.slow
def test_ten_thousand_hosts_stay_within_the_request_budget(clock: ManualClock, connect: Any) -> None:
    """10,000 hosts in 100 nested folders take at most 250 requests. A second plan takes at most 10."""
    hosts = [
        {"name": f"h{n:05d}", "folder": f"/r{n % 90 % 10}/s{n % 90}", "attributes": {"ipaddress": "10.0.0.1"}}
        for n in range(10_000)
    ]
    with SimulatedSite(services=4, clock=clock, activation_time=20, discovery_time=20) as site:
        cmk = connect(site)
        report = synchronise(cmk, {"hosts": hosts})
        assert report.ok
        assert len(site.state.configuration.folders) == 1 + 100
        used = len(site.requests)
        assert used <= 250
        assert is_done(cmk, {"hosts": hosts})
        assert len(site.requests) - used <= 10


def test_an_interrupted_list_is_read_again(site: SimulatedSite, cmk: Checkmk) -> None:
    """An incomplete list would look as if hosts were missing."""
    synchronise(cmk, INVENTORY)
    site.set_faults([Fault("cut", path="collections/all", times=2)])
    assert is_done(cmk, INVENTORY)


def test_the_final_read_decides_the_outcomes(site: SimulatedSite, cmk: Checkmk) -> None:
    def undo(method: str, path: str) -> None:
        if "activate-changes" in path:
            site.on_request(None)
            site.state.configuration.remove_host("gw", user=site.username)

    site.on_request(undo)
    report = synchronise(cmk, INVENTORY)
    (outcome,) = (outcome for change, outcome in report.results if change.key == "gw")
    assert outcome.status is Status.NOT_APPLIED
    assert "no longer has this state" in outcome.note
    assert not report.verified
    assert report.count(Status.APPLIED) == 4
