"""Changes that others make after the plan are neither overwritten nor deleted."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from checkmk_sync import Checkmk, Status
from checkmk_sync.catalogue.labels import OWNER_LABEL
from checkmk_sync.errors import GatewayError, NotOwnedError
from checkmk_sync.sync import Action, Plan, Report, apply_plan, from_data, make_plan
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite

FIRST = {
    "folders": [{"path": "/x", "title": "X"}, {"path": "/old"}],
    "hosts": [{"name": name, "labels": {"env": "prod"}} for name in ("changed", "moved", "gone", "kept")],
}
SECOND = {
    "folders": [{"path": "/x", "title": "New", "labels": {"tier": "1"}}],
    "hosts": [
        {"name": "changed", "attributes": {"alias": "new"}, "labels": {"env": "test"}},
        {"name": "moved", "folder": "/x", "labels": {"env": "prod"}},
        {"name": "kept", "labels": {"env": "test"}},
    ],
}


@pytest.fixture(params=["2.2.0p44", "2.3.0p41", "2.4.0p18"])
def site(request: pytest.FixtureRequest, clock: ManualClock) -> Any:
    with SimulatedSite(request.param, clock=clock) as running:
        yield running


@pytest.fixture
def plan(cmk: Checkmk) -> Plan:
    """Apply the first inventory, and return the plan for the second."""
    assert apply_plan(cmk, make_plan(cmk, from_data(FIRST), owner="me")).ok
    return make_plan(cmk, from_data(SECOND), owner="me")


def _labels(site: SimulatedSite, name: str) -> dict[str, str]:
    configuration = site.state.configuration
    held: Any = configuration.folders[name] if name.startswith("/") else configuration.hosts[name]
    return dict(held.attributes.get("labels", {}))


def _label(site: SimulatedSite, name: str, **labels: str) -> None:
    """Set labels as another user. ``owner`` is the owner of the object."""
    given = {OWNER_LABEL if key == "owner" else key: value for key, value in labels.items()}
    with site.client() as other:
        change: Any = lambda now: {**now, "labels": {**now.get("labels", {}), **given}}  # noqa: E731
        other.folders.update(name, change) if name.startswith("/") else other.hosts.update(name, change)


def _refused(report: Report) -> dict[str, str]:
    """Return the reasons of the changes that were refused because the objects are not ours, by change."""
    failures = [(change, outcome) for change, outcome in report.failures() if not outcome.note.startswith("held back")]
    found = {f"{change.action.value} {change.key}": outcome for change, outcome in failures}
    assert all(isinstance(outcome.error, NotOwnedError) for outcome in found.values()), found
    assert all(outcome.status is Status.NOT_APPLIED for outcome in found.values())
    return {name: outcome.reason for name, outcome in found.items()}


def test_labels_that_others_set_after_the_plan_are_kept(site: SimulatedSite, cmk: Checkmk, plan: Plan) -> None:
    for name in ("changed", "/x"):
        _label(site, name, team="dba")
    assert apply_plan(cmk, plan).ok
    assert _labels(site, "changed") == {"env": "test", "team": "dba", OWNER_LABEL: "me"}
    assert _labels(site, "/x") == {"tier": "1", "team": "dba", OWNER_LABEL: "me"}


def test_objects_with_a_new_owner_are_not_changed(site: SimulatedSite, cmk: Checkmk, plan: Plan) -> None:
    configuration = site.state.configuration
    for name in ("changed", "moved", "/x"):
        _label(site, name, owner="them")
    report = apply_plan(cmk, plan)
    why = "{} now belongs to the owner 'them'; its owner changed after the plan was made"
    assert _refused(report) == {
        "update /x": why.format("folder /x"),
        "update changed": why.format("host changed"),
        "move moved": why.format("host moved"),
    }
    assert not report.ok
    assert not report.verified
    assert (configuration.folders["/x"].title, configuration.hosts["moved"].folder) == ("X", "/")
    assert "alias" not in configuration.hosts["changed"].attributes
    assert _labels(site, "changed") == {"env": "prod", OWNER_LABEL: "them"}
    assert _labels(site, "kept")["env"] == "test", "the others are applied"


def test_objects_with_a_new_owner_are_not_deleted(site: SimulatedSite, cmk: Checkmk, plan: Plan) -> None:
    for name in ("gone", "/old"):
        _label(site, name, owner="them")
    report = apply_plan(cmk, plan)
    why = "{} now belongs to the owner 'them'; its owner changed after the plan was made"
    assert _refused(report) == {"delete gone": why.format("host gone"), "delete /old": why.format("folder /old")}
    assert "gone" in site.state.configuration.hosts
    assert "/old" in site.state.configuration.folders


def test_a_host_adopted_by_another_owner_is_not_changed(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("x", "/", {"alias": "a"})
    plan = make_plan(cmk, from_data({"hosts": [{"name": "x", "attributes": {"alias": "b"}}]}), owner="me", adopt=True)
    _label(site, "x", owner="them")
    assert list(_refused(apply_plan(cmk, plan))) == ["update x"]
    assert dict(site.state.configuration.hosts["x"].attributes) == {"alias": "a", "labels": {OWNER_LABEL: "them"}}


def test_a_host_that_another_run_of_ours_adopted_is_changed(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("x", "/", {"alias": "a"})
    plan = make_plan(cmk, from_data({"hosts": [{"name": "x", "attributes": {"alias": "b"}}]}), owner="me", adopt=True)
    _label(site, "x", owner="me")
    assert apply_plan(cmk, plan).ok
    assert site.state.configuration.hosts["x"].attributes["alias"] == "b"


def test_a_matching_object_of_another_owner_does_not_count_as_applied(
    site: SimulatedSite, cmk: Checkmk, plan: Plan
) -> None:
    _label(site, "kept", env="test", owner="them")
    assert list(_refused(apply_plan(cmk, plan))) == ["update kept"]


def test_objects_that_no_longer_exist_are_reported(site: SimulatedSite, cmk: Checkmk, plan: Plan) -> None:
    for name in ("changed", "gone"):
        cmk.hosts.delete(name)
    report = apply_plan(cmk, plan)
    assert _refused(report) == {"update changed": "host changed was deleted or renamed after the plan was made"}
    (deleted,) = (outcome for change, outcome in report.results if change.key == "gone")
    assert (deleted.status, deleted.note) == (Status.APPLIED, "was already deleted")


def test_a_folder_that_changes_before_the_write_is_read_and_merged_again(
    site: SimulatedSite, cmk: Checkmk, plan: Plan
) -> None:
    raced: list[str] = []

    def race(method: str, path: str) -> None:
        if method == "PUT" and "folder_config" in path and not raced:
            raced.append(path)
            _label(site, "/x", late="1")

    site.on_request(race)
    assert apply_plan(cmk, plan).ok
    assert raced
    assert _labels(site, "/x") == {"tier": "1", "late": "1", OWNER_LABEL: "me"}


@pytest.mark.slow
def test_each_stage_reads_the_objects_again_only_once(site: SimulatedSite, cmk: Checkmk) -> None:
    hosts = [{"name": f"h{n:03d}"} for n in range(300)]
    assert apply_plan(cmk, make_plan(cmk, from_data({"hosts": hosts}), owner="me")).ok
    wanted = [{**host, "attributes": {"alias": "new"}} for host in hosts[:150]]
    plan = make_plan(cmk, from_data({"hosts": wanted}), owner="me")
    before = len(site.requests)
    assert apply_plan(cmk, plan).ok
    lists = [r for r in site.requests[before:] if r.method == "GET" and "host_config" in r.path]
    assert len(lists) == 1 + 1 + 1, "updates, deletes, verification"


def test_objects_that_cannot_be_reread_are_not_changed(site: SimulatedSite, connect: Any, plan: Plan) -> None:
    cmk = connect(site, recovery={"retry": {"max_retries": 0}, "circuit_breaker": {"failure_threshold": 99}})
    site.set_faults([Fault("status", method="GET", path="host_config")])
    before = len(site.state.configuration.changes)
    report = apply_plan(cmk, plan)
    hosts = {change.action: outcome for change, outcome in report.results if change.kind == "host"}
    assert {outcome.status for outcome in hosts.values()} == {Status.NOT_APPLIED}
    assert isinstance(hosts[Action.MOVE].error, GatewayError)
    assert isinstance(hosts[Action.UPDATE].error, GatewayError)
    assert not [change for change in site.state.configuration.changes[before:] if "host" in change["action_name"]]
    site.set_faults([])


def test_expired_credentials_stop_the_run_when_objects_are_read_again(
    site: SimulatedSite, connect: Any, plan: Plan
) -> None:
    site.add_user("robot", "robots secret")
    cmk = connect(site, username="robot")
    hosts_only = dataclasses.replace(plan, changes=tuple(c for c in plan.changes if c.kind == "host"))
    site.state.configuration.users["robot"].password = "another"
    report = apply_plan(cmk, hosts_only)
    assert "Wrong credentials" in str(report.errors["credentials"])
    assert {outcome.status for _, outcome in report.results} == {Status.NOT_APPLIED}
    assert sum(request.status == 401 for request in site.requests) == 1


def test_a_removal_does_not_change_the_folder_of_a_new_owner(site: SimulatedSite, cmk: Checkmk) -> None:
    with_tag = {"folders": [{"path": "/x", "attributes": {"tag_criticality": "test"}}]}
    assert apply_plan(cmk, make_plan(cmk, from_data(with_tag), owner="me")).ok
    without = {"folders": [{"path": "/x", "attributes": {"tag_criticality": None}}]}
    plan = make_plan(cmk, from_data(without), owner="me")
    _label(site, "/x", owner="other")
    assert "'other'" in _refused(apply_plan(cmk, plan))["update /x"]
    assert site.state.configuration.folders["/x"].attributes["tag_criticality"] == "test"


def test_a_mask_in_place_of_a_secret_is_not_written_back(site: SimulatedSite, cmk: Checkmk) -> None:
    wanted: dict[str, Any] = {"type": "v3_auth_no_privacy", "auth_protocol": "MD5-96", "security_name": "bob"}
    stored = {**wanted, "auth_password": "12345678"}
    hosts = [{"name": "a", "attributes": {"snmp_community": stored}}]
    assert apply_plan(cmk, make_plan(cmk, from_data({"hosts": hosts}), owner="me")).ok
    changed = {**wanted, "security_name": "eve"}
    plan = make_plan(cmk, from_data({"hosts": [{"name": "a", "attributes": {"snmp_community": changed}}]}), owner="me")
    attributes = site.state.configuration.hosts["a"].attributes
    attributes["snmp_community"] = {**stored, "auth_password": "***"}
    ((_, outcome),) = apply_plan(cmk, plan).failures()
    assert "the site's snmp_community of host a is not usable" in outcome.reason
    assert attributes["snmp_community"]["security_name"] == "bob"


def test_a_change_by_others_after_the_last_reading_is_kept(site: SimulatedSite, cmk: Checkmk) -> None:
    period: dict[str, Any] = {"name": "p", "alias": "P", "active_time_ranges": [{"day": "all"}]}
    assert apply_plan(cmk, make_plan(cmk, from_data({"time_periods": [period]}))).ok
    plan = make_plan(cmk, from_data({"time_periods": [{**period, "alias": "New"}]}))
    stored, reads = site.state.configuration.objects["time_periods"], []

    def change(method: str, path: str) -> None:
        reads.append(path)
        if sum(read.endswith("/time_period/p") for read in reads) == 2:  # after the first reading of the run
            stored["p"] = {**stored["p"], "alias": "Theirs"}

    site.on_request(change)
    assert apply_plan(cmk, plan).count(Status.NOT_APPLIED) == 1
    assert stored["p"]["alias"] == "Theirs"
