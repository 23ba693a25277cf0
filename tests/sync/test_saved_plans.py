"""A saved plan is applied as it was reviewed, or refused: it is read again what the plan changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import PlanChangedError, UnsafePlanError
from checkmk_sync.sync import (
    Plan,
    Report,
    Step,
    apply_plan,
    from_data,
    load_plan,
    make_plan,
    report_as_text,
    save_plan,
)
from checkmk_sync.testing import SimulatedSite
from tests.conftest import MakeClient
from tests.sync.weekly import SECRETS, state_of

RULESET = "checkgroup_parameters:cpu_load"
TAGS = [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}]


def _rule(name: str, **values: Any) -> dict[str, Any]:
    return {"name": name, "ruleset": RULESET, "folder": "/", "value": {"levels": (1.0, 2.0)}, **values}


BEFORE: dict[str, Any] = {
    "folders": [{"path": "/f", "title": "F"}, {"path": "/old"}],
    "hosts": [
        {"name": "web01", "folder": "/f", "attributes": {"alias": "A", "contactgroups": {"groups": ["all"]}}},
        {"name": "db01", "folder": "/f"},
        {"name": "gone", "folder": "/old", "attributes": {"alias": "G"}},
        {"name": "name1", "folder": "/f"},
        {"name": "child", "folder": "/f", "attributes": {"parents": ["name1"]}},
    ],
    "host_groups": [{"name": "linux", "alias": "L"}, {"name": "unused", "alias": "U"}],
    "tag_groups": [{"name": "use", "title": "Use", "tags": TAGS}],
    "rules": [_rule("r1"), _rule("r2"), _rule("r3")],
}
AFTER: dict[str, Any] = {
    "folders": [{"path": "/f", "title": "FF"}, {"path": "/new"}],
    "hosts": [
        {"name": "web01", "folder": "/f", "attributes": {"alias": "B"}, "labels": {"env": "prod"}},
        {"name": "db01", "folder": "/new"},
        {"name": "web02", "folder": "/new"},
        {"name": "name2", "folder": "/f", "previous_name": "name1"},
        {"name": "child", "folder": "/f", "attributes": {"parents": ["name2", "web02"]}},
    ],
    "host_groups": [
        {"name": "linux", "alias": "LL"},
        {"name": "unused", "absent": True},
        {"name": "new", "alias": "N"},
    ],
    "tag_groups": [{"name": "use", "title": "Use", "tags": [TAGS[0]]}],
    "rules": [_rule("r3"), _rule("r1", disabled=True), _rule("r4")],
}


@pytest.fixture
def cmk(site: SimulatedSite, connect: MakeClient) -> Checkmk:
    site.add_user("carol", "carols-secret")
    client = connect(site, secrets=SECRETS)
    assert apply_plan(client, make_plan(client, from_data(BEFORE), owner="cmdb")).ok
    return client


@pytest.fixture
def hers(site: SimulatedSite, cmk: Checkmk, connect: MakeClient) -> Checkmk:
    return connect(site, username="carol")


@pytest.fixture
def saved(cmk: Checkmk, tmp_path: Path) -> Plan:
    plan = make_plan(cmk, from_data(AFTER), owner="cmdb")
    plan = plan.with_permissions(allow_changes="100%", allow_deletions="100%")
    save_plan(plan, tmp_path / "plan.json")
    return load_plan(tmp_path / "plan.json")


def _apply(cmk: Checkmk, plan: Plan) -> Report:
    plan.raise_if_unsafe()
    report = apply_plan(cmk, plan)
    assert report.ok and report.verified, report_as_text(report)
    return report


def _wanted(cmk: Checkmk) -> bool:
    return make_plan(cmk, from_data(AFTER), owner="cmdb").is_empty


def test_a_saved_plan_is_applied(cmk: Checkmk, saved: Plan) -> None:
    report = _apply(cmk, saved)
    assert report.to_dict()["checksum"] == saved.checksum
    assert [change for change, _ in report.results] == list(saved.changes)
    assert _wanted(cmk)


def test_foreign_changes_elsewhere_do_not_matter(cmk: Checkmk, hers: Checkmk, saved: Plan) -> None:
    hers.hosts.update("web01", update_attributes={"ipaddress": "192.0.2.1"})
    hers.hosts.update("db01", update_attributes={"alias": "D"})
    hers.folders.create("/hers")
    hers.hosts.create("hers", "/f")
    hers.host_groups.create("theirs", alias="T")
    hers.rules.create(ruleset=RULESET, folder="/", value={"levels": (9.0, 9.0)})
    hers.activation.activate(force_foreign_changes=True)
    _apply(cmk, saved)
    assert cmk.hosts.get("web01", fresh=True).attributes["ipaddress"] == "192.0.2.1"
    assert cmk.hosts.get("db01", fresh=True).attributes["alias"] == "D"
    assert _wanted(cmk)


def _of_rule(name: str, cmk: Checkmk) -> str:
    found = [rule for rule in cmk.rules.each(ruleset=RULESET) if name in str(rule.comment)]
    assert found[0].id is not None
    return found[0].id


# Each change of another user in what the plan changes, and the objects that the error names.
TOUCHED: dict[str, tuple[Callable[[Checkmk], Any], str]] = {
    "updated": (
        lambda cmk: cmk.hosts.update("web01", update_attributes={"alias": "C"}),
        "attributes.alias of host web01",
    ),
    "removed": (lambda cmk: cmk.hosts.update("web01", remove_attributes=["alias"]), "attributes.alias of host web01"),
    "labelled": (
        lambda cmk: cmk.hosts.update("web01", lambda now: {**now, "labels": {**now["labels"], "env": "test"}}),
        "labels.env of host web01",
    ),
    "moved": (lambda cmk: cmk.hosts.move("db01", "/"), "folder of host db01"),
    "deleted": (lambda cmk: cmk.hosts.delete("web01"), "host web01 was deleted or renamed after the plan was made"),
    "created": (lambda cmk: cmk.hosts.create("web02", "/"), "host web02 exists"),
    "title": (lambda cmk: cmk.folders.update("/f", title="Hers"), "title of folder /f"),
    "deleted later": (
        lambda cmk: cmk.hosts.update("gone", update_attributes={"alias": "X"}),
        "attributes.alias of host gone",
    ),
    "filled folder": (lambda cmk: cmk.hosts.create("hers", "/old"), "folder /old contains host hers"),
    "folder below": (lambda cmk: cmk.folders.create("/old/hers"), "folder /old contains folder /old/hers"),
    "group": (lambda cmk: cmk.host_groups.update("linux", alias="Hers"), "alias of host group linux"),
    "deleted group": (lambda cmk: cmk.host_groups.update("unused", alias="Hers"), "alias of host group unused"),
    "new group": (lambda cmk: cmk.host_groups.create("new", alias="Hers"), "host group new exists"),
    "tags": (
        lambda cmk: cmk.tag_groups.update("use", tags=[*TAGS, {"id": "c", "title": "C"}]),
        "tags of host tag group use",
    ),
    "rule": (lambda cmk: cmk.rules.update(_of_rule("r1", cmk), disabled=True, description="x") and None, ""),
    "deleted rule": (
        lambda cmk: cmk.rules.update(_of_rule("r2", cmk), description="Hers"),
        "description of rule r2",
    ),
    "new name": (lambda cmk: cmk.hosts.create("name2", "/"), "host name2 exists"),
    "old name": (
        lambda cmk: cmk.hosts.delete("child") or cmk.hosts.delete("name1"),
        "host name2 was deleted or renamed",
    ),
    "parents": (
        lambda cmk: cmk.hosts.update("child", update_attributes={"parents": ["db01"]}),
        "attributes.parents of host child",
    ),
}


@pytest.mark.every_case
@pytest.mark.parametrize("name", TOUCHED)
def test_a_plan_is_refused_if_its_objects_have_changed(
    site: SimulatedSite, cmk: Checkmk, hers: Checkmk, saved: Plan, name: str
) -> None:
    change, named = TOUCHED[name]
    change(hers)
    if not named:  # another user has already made the change
        hers.activation.activate(force_foreign_changes=True)
        _apply(cmk, saved)
        return
    before = state_of(site)
    with pytest.raises(PlanChangedError) as caught:
        apply_plan(cmk, saved)
    assert str(caught.value).startswith("the site has changed since the plan was made: ")
    assert named in str(caught.value)
    assert str(caught.value).endswith("; make a new plan and review it")
    assert state_of(site) == before


def test_another_site_is_refused(saved: Plan) -> None:
    with SimulatedSite() as other, other.client() as client:
        with pytest.raises(
            PlanChangedError, match=r"^the plan was made for http.*, not for http.*; make a plan for this"
        ):
            apply_plan(client, saved)
        assert other.state.configuration.changes == []


def test_the_limits_and_confirmations_of_the_plan_apply(cmk: Checkmk, saved: Plan, tmp_path: Path) -> None:
    saved.raise_if_unsafe()
    plain = make_plan(cmk, from_data(AFTER), owner="cmdb")
    save_plan(plain, tmp_path / "plain.json")
    loaded = load_plan(tmp_path / "plain.json")
    assert str(loaded.refusal()) == str(plain.refusal())
    with pytest.raises(UnsafePlanError, match="at most"):
        loaded.raise_if_unsafe()
    loaded.raise_if_unsafe(allow_changes="100%", allow_deletions="100%")


@pytest.mark.parametrize("steps", [2, 5, 8, 11, 14, 17, 20, 23])
def test_a_stopped_run_is_continued(cmk: Checkmk, saved: Plan, tmp_path: Path, steps: int) -> None:
    """The changes that were made before are left out, and everything else is as planned."""
    seen: list[Step] = []

    def stop(step: Step) -> None:
        seen.append(step)
        if len(seen) == steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_plan(cmk, saved, watch=stop)
    again = apply_plan(cmk, load_plan(tmp_path / "plan.json"))
    assert again.ok and again.verified, report_as_text(again)
    assert _wanted(cmk)
    last = apply_plan(cmk, load_plan(tmp_path / "plan.json"))
    assert last.ok, report_as_text(last)
    assert [change.name for change, _ in last.results if change.action.value != "move"] == []
