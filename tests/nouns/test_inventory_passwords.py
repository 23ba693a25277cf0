"""Passwords in inventories: a line in the comment names the owner, and plans and reports never show a secret."""

from __future__ import annotations

import json
from typing import Any, Iterator, Optional

import pytest

from checkmk_sync import Checkmk, Status
from checkmk_sync.config.secrets import SecretSource
from checkmk_sync.errors import InventoryError, SettingsError
from checkmk_sync.sync import Plan, apply_plan, from_data, make_plan, plan_as_text, report_as_text
from checkmk_sync.testing import Fault, ManualClock, SimulatedSite

SNMP = {"name": "snmp", "title": "SNMP", "password": "geheim-snmp"}
LINE = "checkmk_sync/owner: cmdb snmp"


def _plan(cmk: Checkmk, *items: Any, owner: Optional[str] = "cmdb", **more: Any) -> Plan:
    adopt = more.pop("adopt", False)
    return make_plan(cmk, from_data({"passwords": list(items), **more}), owner=owner, adopt=adopt)


def _apply(cmk: Checkmk, *items: Any, **more: Any) -> Plan:
    plan = _plan(cmk, *items, **more)
    plan.raise_if_unsafe(allow_changes="100%", allow_deletions="100%")
    report = apply_plan(cmk, plan)
    assert report.ok, report_as_text(report)
    return plan


def _stored(site: SimulatedSite, name: str = "snmp") -> dict[str, Any]:
    return dict(site.state.configuration.objects["passwords"][name])


def _add(cmk: Checkmk, name: str, comment: str = "", secret: str = "theirs") -> None:
    """Create a password as a person would, without a mark."""
    cmk.passwords.create(name, title=name, password=secret, comment=comment, editable_by="admin")
    cmk.activation.activate()


# The mark


def test_the_mark_is_the_last_line_of_the_comment_and_not_part_of_it(site: SimulatedSite, cmk: Checkmk) -> None:
    _apply(cmk, {**SNMP, "comment": "For switches\nand routers"})
    assert _stored(site)["comment"] == f"For switches\nand routers\n{LINE}"
    assert _plan(cmk, {**SNMP, "comment": "For switches\nand routers"}).is_empty
    (change,) = _apply(cmk, {**SNMP, "comment": "For all"}).changes
    assert change.properties == {("comment",): ("For switches\nand routers", "For all")}
    assert _stored(site)["comment"] == f"For all\n{LINE}"
    _apply(cmk, {**SNMP, "comment": None})
    assert _stored(site)["comment"] == LINE


def test_a_comment_that_the_inventory_does_not_name_stays(site: SimulatedSite, cmk: Checkmk) -> None:
    _apply(cmk, SNMP)
    cmk.passwords.update("snmp", comment=f"Ask Carol.\n{LINE}\nDo not delete.")
    _apply(cmk, {**SNMP, "title": "New title"})
    assert _stored(site)["comment"] == f"Ask Carol.\n{LINE}\nDo not delete."
    assert _plan(cmk, {**SNMP, "title": "New title"}).is_empty
    (change,) = _plan(cmk, {**SNMP, "comment": "Ask Carol.\nDo not delete."}).changes
    assert change.properties["comment",][0] == "Ask Carol.\n\nDo not delete."


def test_without_an_owner_no_mark_is_written(site: SimulatedSite, cmk: Checkmk) -> None:
    _apply(cmk, SNMP, owner=None)
    assert _stored(site)["comment"] == ""


def test_only_the_passwords_of_the_owner_are_deleted(site: SimulatedSite, cmk: Checkmk) -> None:
    _apply(cmk, SNMP, {**SNMP, "name": "old"})
    _add(cmk, "precious")
    plan = _apply(cmk, SNMP)
    assert [f"{change.action.value} {change.name}" for change in plan.changes] == ["delete password old"]
    assert (plan.owned, plan.owned_by_kind) == (2, {"password": 2})
    assert set(site.state.configuration.objects["passwords"]) == {"snmp", "precious"}


def test_passwords_stay_if_the_inventory_names_none(cmk: Checkmk) -> None:
    _apply(cmk, SNMP)
    plan = make_plan(cmk, from_data({"host_groups": [{"name": "a", "alias": "A"}]}), owner="cmdb")
    assert plan.counts()["delete"] == 0


def test_a_clone_is_a_conflict_and_is_never_deleted(site: SimulatedSite, cmk: Checkmk) -> None:
    """The web interface copies the comment, so the mark still contains the key of the original."""
    _apply(cmk, SNMP)
    _add(cmk, "snmp_clone", LINE)
    plan = _plan(cmk, SNMP)
    assert not plan.changes
    (conflict,) = plan.conflicts
    assert conflict.text == (
        "password snmp_clone has the mark of the owner 'cmdb', but it is probably a clone of snmp; add it to the "
        "inventory and adopt it with --adopt, remove its line checkmk_sync/owner in the comment, or delete it by hand"
    )
    clone = {"name": "snmp_clone", "title": "snmp_clone"}
    assert [conflict.key for conflict in _plan(cmk, SNMP, clone).conflicts] == ["snmp_clone"]
    _apply(cmk, SNMP, clone, adopt=True)
    assert _stored(site, "snmp_clone")["comment"] == "checkmk_sync/owner: cmdb snmp_clone"
    assert _stored(site)["comment"] == LINE
    assert _apply(cmk, SNMP).counts()["delete"] == 1


def test_a_mark_with_a_key_that_is_gone_proves_nothing(cmk: Checkmk) -> None:
    _add(cmk, "left", "checkmk_sync/owner: cmdb gone")
    (conflict,) = _plan(cmk, SNMP).conflicts
    assert conflict.key == "left"


def test_passwords_without_an_owner_or_of_other_owners_are_conflicts(site: SimulatedSite, cmk: Checkmk) -> None:
    _add(cmk, "free", "Carol's")
    _add(cmk, "other", "checkmk_sync/owner: someone else other")
    items = [{"name": name, "title": name} for name in ("free", "other")]
    free, other = _plan(cmk, *items).conflicts
    assert str(free) == "password free already exists and belongs to no owner"
    assert other.text == (
        "password other already exists and belongs to the owner 'someone else'; remove it from the inventory, or have "
        "its line checkmk_sync/owner in the comment removed first"
    )
    absent = {"name": "free", "absent": True}
    assert [conflict.key for conflict in _plan(cmk, absent).conflicts] == ["free"]
    plan = _apply(cmk, items[0], adopt=True)
    assert "checkmk_sync/owner (not set) -> cmdb" in plan_as_text(plan)
    assert "label" not in plan_as_text(plan)
    assert _stored(site, "free")["comment"] == "Carol's\ncheckmk_sync/owner: cmdb free"
    assert _plan(cmk, items[0]).is_empty
    (unowned,) = _plan(cmk, items[0], owner=None).conflicts
    assert unowned.hint == "did you forget --owner cmdb?"


def test_a_password_that_changes_hands_after_the_plan_is_left_alone(site: SimulatedSite, cmk: Checkmk) -> None:
    _apply(cmk, SNMP)
    update, deletion = _plan(cmk, {**SNMP, "title": "New"}), _plan(cmk, {**SNMP, "name": "other"})
    cmk.passwords.update("snmp", comment="checkmk_sync/owner: carol snmp")
    for plan in (update, deletion):
        report = apply_plan(cmk, plan)
        (failure,) = [outcome for change, outcome in report.failures() if change.key == "snmp"]
        assert "now belongs to the owner 'carol'" in failure.reason
    assert _stored(site)["title"] == "SNMP"


# Secrets


@pytest.fixture
def changing(site: SimulatedSite, clock: ManualClock) -> Iterator[Checkmk]:
    secrets = {"snmp": SecretSource(value="from-the-configuration")}
    with site.client(clock=clock, secrets=secrets) as cmk:
        yield cmk


def test_a_secret_is_written_once_and_never_shown(site: SimulatedSite, cmk: Checkmk) -> None:
    plan = _plan(cmk, SNMP)
    assert "+ password snmp: password ***, title SNMP" in plan_as_text(plan)
    report = apply_plan(cmk, plan)
    assert _stored(site)["password"] == "geheim-snmp"
    shown = json.dumps([plan.to_dict(), report.to_dict()]) + f"{plan!r}{report!r}{report_as_text(report)}"
    assert "geheim" not in shown
    assert _plan(cmk, {**SNMP, "password": "another"}).is_empty


def test_secrets_always_writes_secrets_each_time_and_says_so(site: SimulatedSite, cmk: Checkmk) -> None:
    _apply(cmk, SNMP)
    new = {**SNMP, "password": "geheim-new"}
    for _ in range(2):
        plan = _apply(cmk, new, secrets="always")
        assert "~ password snmp: password changes" in plan_as_text(plan)
        assert plan.warnings == (
            "the secrets of 1 object are written even if they are unchanged, because of 'secrets: always'",
        )
        assert "geheim" not in plan_as_text(plan)
        assert _stored(site)["password"] == "geheim-new"
    assert _plan(cmk, {"name": "snmp", "title": "SNMP"}, secrets="always").is_empty


def test_a_lost_write_of_a_secret_cannot_be_proven_by_reading(site: SimulatedSite, cmk: Checkmk) -> None:
    _apply(cmk, SNMP)
    plan = _plan(cmk, {**SNMP, "password": "geheim-new"}, secrets="always")
    site.set_faults([Fault("reset_before", writes=True, times=1)])
    report = apply_plan(cmk, plan)
    assert _stored(site)["password"] == "geheim-snmp"
    assert [outcome.status for _, outcome in report.results] == [Status.UNKNOWN]
    assert not report.ok


def test_a_reference_is_resolved_when_the_plan_is_applied(site: SimulatedSite, changing: Checkmk) -> None:
    plan = _apply(changing, {**SNMP, "password": "secret:snmp"})
    assert "password secret:snmp" in plan_as_text(plan)
    assert _stored(site)["password"] == "from-the-configuration"
    assert "from-the-configuration" not in plan_as_text(plan) + repr(plan) + json.dumps(plan.to_dict())


def test_only_secret_fields_contain_references(site: SimulatedSite, changing: Checkmk) -> None:
    _apply(changing, {**SNMP, "title": "secret:snmp"})
    assert _stored(site)["title"] == "secret:snmp"
    hosts = from_data({"hosts": [{"name": "web01", "attributes": {"alias": "secret:snmp"}}]})
    assert apply_plan(changing, make_plan(changing, hosts)).ok
    assert site.state.configuration.hosts["web01"].attributes["alias"] == "secret:snmp"


def test_an_unknown_reference_is_a_mistake(changing: Checkmk) -> None:
    with pytest.raises(InventoryError) as caught:
        _plan(changing, {**SNMP, "password": "secret:snpm"}, {**SNMP, "name": "b", "password": "secret:zzz"})
    assert [problem.message for problem in caught.value.problems] == [
        "password snmp: password names the unknown secret 'snpm'; did you mean 'snmp'?",
        "password b: password names the unknown secret 'zzz'; use one of: snmp",
    ]


def test_without_secrets_in_the_configuration_a_reference_is_a_mistake(cmk: Checkmk) -> None:
    with pytest.raises(InventoryError, match="add it to the section 'secrets' of the configuration"):
        _plan(cmk, {**SNMP, "password": "secret:snmp"})


def test_a_secret_that_cannot_be_read_stops_the_run_before_anything_is_sent(
    site: SimulatedSite, clock: ManualClock
) -> None:
    with site.client(clock=clock, secrets={"x": SecretSource(env="NOT_SET_ANYWHERE")}) as cmk:
        plan = _plan(cmk, {**SNMP, "password": "secret:x"}, {**SNMP, "name": "other"})
        with pytest.raises(SettingsError, match="the secret 'x': the password from the environment variable NOT_SET"):
            apply_plan(cmk, plan)
    assert site.state.configuration.objects["passwords"] == {}
