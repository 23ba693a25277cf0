"""Hosts with a previous name are renamed instead of deleted and created, so that they keep their history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.catalogue.labels import ADOPTED_LABEL, OWNER_LABEL
from checkmk_sync.errors import InventoryError, SettingsError, UnsafePlanError
from checkmk_sync.sync import Options, from_data, load, make_plan, plan_as_markdown, plan_as_text, to_data
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run
from tests.sync.test_apply import any_version, is_done, synchronise

__all__ = ["any_version"]  # a fixture
OLD = {"hosts": [{"name": "web01"}, {"name": "db01", "attributes": {"parents": ["web01"]}}]}
NEW: dict[str, Any] = {
    "hosts": [
        {"name": "web01.example.com", "previous_name": "web01", "folder": "/linux", "labels": {"env": "prod"}},
        {"name": "db01", "attributes": {"parents": ["web01.example.com"]}},
    ]
}
BOTH = {"hosts": [{"name": "a2", "previous_name": "a1"}, {"name": "b2", "previous_name": "b1"}]}


def _actions(plan: Any) -> list[str]:
    return [f"{change.action.value} {change.name}" for change in plan.changes]


def test_a_rename_comes_first_and_the_other_changes_follow_under_the_new_name(any_version: Any) -> None:
    site, cmk = any_version
    synchronise(cmk, OLD)
    born = site.state.configuration.hosts["web01"].created_at
    plan = make_plan(cmk, from_data(NEW), owner="cmdb")
    assert _actions(plan) == [
        "rename host web01.example.com", "create folder /linux", "move host web01.example.com",
        "update host web01.example.com",
    ]  # fmt: skip
    assert plan.renames == ()
    assert "= host web01.example.com: renamed from web01\n" in plan_as_text(plan)
    assert "Plan: 1 to rename, 1 to create" in plan_as_text(plan)
    assert "| rename | host | `web01.example.com` | renamed from `web01` |" in plan_as_markdown(plan)
    assert plan.to_dict()["changes"][0]["properties"] == {"name": ["web01", "web01.example.com"]}
    report = synchronise(cmk, NEW)
    assert report.verified, report.failures
    host = site.state.configuration.hosts["web01.example.com"]
    assert (host.created_at, host.folder) == (born, "/linux")
    assert "web01" not in site.state.configuration.hosts
    assert is_done(cmk, NEW)


def _with_rules(hosts: dict[str, Any], *names: str) -> dict[str, Any]:
    ruleset, value = "checkgroup_parameters:filesystem", {"levels": [80.0, 90.0]}
    rules = [
        {"name": operator, "ruleset": ruleset, "folder": "/", "value": value, "conditions": {"host_name": condition}}
        for operator in ("one_of", "none_of")
        for condition in [{"operator": operator, "match_on": [*names, "~web.*"]}]
    ]
    return {**hosts, "rules": rules}


def test_the_conditions_of_rules_follow_a_rename(any_version: Any) -> None:
    _, cmk = any_version
    assert synchronise(cmk, _with_rules(OLD, "web01", "db01")).verified
    wanted = _with_rules({"hosts": [{"name": "web", "previous_name": "web01"}, OLD["hosts"][1]]}, "db01", "web")
    wanted["hosts"][1] = {"name": "db01", "attributes": {"parents": ["web"]}}
    assert _actions(make_plan(cmk, from_data(wanted), owner="cmdb")) == ["rename host web"]
    wanted["rules"][0]["comment"] = "changed"
    assert _actions(make_plan(cmk, from_data(wanted), owner="cmdb")) == ["rename host web", "update rule one_of"]
    report = synchronise(cmk, wanted)
    assert report.verified, report.failures
    assert is_done(cmk, wanted)


def test_several_renames_are_activated_one_after_the_other(any_version: Any) -> None:
    site, cmk = any_version
    synchronise(cmk, {"hosts": [{"name": "a1"}, {"name": "b1"}]})
    cmk.folders.create("/pending")
    report = synchronise(cmk, BOTH)
    assert report.verified
    assert report.to_dict()["activated_changes"] == 3, "a folder and two renames, in three activations"
    assert sorted(site.state.configuration.hosts) == ["a2", "b2"]
    assert is_done(cmk, BOTH)


def test_a_run_that_ended_between_two_renames_is_continued(any_version: Any) -> None:
    site, cmk = any_version
    synchronise(cmk, {"hosts": [{"name": "a1"}, {"name": "b1"}]})
    cmk.hosts.rename("a1", "a2")  # its change is pending
    assert _actions(make_plan(cmk, from_data(BOTH), owner="cmdb")) == ["rename host b2"]
    assert synchronise(cmk, BOTH).verified
    assert sorted(site.state.configuration.hosts) == ["a2", "b2"]


def test_an_adopted_host_whose_label_was_not_changed_still_belongs_to_its_owner(any_version: Any) -> None:
    site, cmk = any_version
    site.add_user("carol", "carols-secret")
    with site.client("carol") as hers:
        hers.hosts.create("web01", "/", {"labels": {OWNER_LABEL: "cmdb", ADOPTED_LABEL: "web01"}})
    cmk.activation.activate(force_foreign_changes=True)
    site.state.configuration.rename_host("web01", "www", user="carol")  # killed before the label was changed
    wanted = {"hosts": [{"name": "www", "previous_name": "web01"}]}
    assert make_plan(cmk, from_data({"hosts": [{"name": "www"}]}), owner="cmdb").conflicts
    assert synchronise(cmk, wanted, options=Options(force_foreign=True)).verified
    assert site.state.configuration.hosts["www"].attributes["labels"][ADOPTED_LABEL] == "www"
    assert is_done(cmk, wanted)


def test_pending_changes_of_others_stop_the_run_before_anything_is_sent(any_version: Any) -> None:
    site, cmk = any_version
    synchronise(cmk, OLD)
    site.add_user("carol", "carols-secret")
    with site.client("carol") as hers:
        hers.hosts.create("hers", "/")
    before = dict(site.state.configuration.hosts)
    report = synchronise(cmk, NEW)
    assert not report.ok
    assert len(report.results) == 4
    assert all(outcome.status.value == "not applied" for _, outcome in report.results)
    assert site.state.configuration.hosts == before
    assert "/linux" not in site.state.configuration.folders
    report = synchronise(cmk, NEW, options=Options(activate=False))
    assert "activate" in str(report.results[0][1].reason)


def test_an_adopted_host_is_renamed_and_one_of_another_owner_is_not(any_version: Any) -> None:
    site, cmk = any_version
    cmk.hosts.create("web01", "/")
    cmk.activation.activate()
    wanted = {"hosts": [{"name": "www", "previous_name": "web01"}]}
    plan = make_plan(cmk, from_data(wanted), owner="cmdb")
    assert [conflict.key for conflict in plan.conflicts] == ["web01"]
    assert synchronise(cmk, wanted, adopt=True).verified
    assert site.state.configuration.hosts["www"].attributes["labels"] == {OWNER_LABEL: "cmdb", ADOPTED_LABEL: "www"}
    cmk.activation.activate()
    other = {"hosts": [{"name": "web", "previous_name": "www"}]}
    assert make_plan(cmk, from_data(other), owner="other", adopt=True).conflicts


def test_two_existing_names_are_a_conflict_and_no_existing_name_is_a_creation(cmk: Checkmk) -> None:
    wanted = from_data({"hosts": [{"name": "www", "previous_name": "web01"}]})
    assert _actions(make_plan(cmk, wanted, owner="cmdb")) == ["create host www"]
    synchronise(cmk, {"hosts": [{"name": "www"}, {"name": "web01"}]})
    (conflict,) = make_plan(cmk, wanted, owner="cmdb").conflicts
    assert "cannot be the new name of web01, because hosts with both names exist" in conflict.text


@pytest.mark.parametrize(
    ("hosts", "message"),
    [
        ([{"name": "a", "previous_name": "b"}, {"name": "b", "previous_name": "a"}], "chains and swaps"),
        ([{"name": "c", "previous_name": "b"}, {"name": "b", "previous_name": "a"}], "chains and swaps"),
        ([{"name": "b", "previous_name": "a"}, {"name": "c", "previous_name": "a"}], "also the previous name of b"),
        ([{"name": "a", "previous_name": "a"}], "itself a host in the inventory"),
    ],
)
def test_ambiguous_previous_names_are_mistakes(cmk: Checkmk, hosts: Any, message: str) -> None:
    with pytest.raises(InventoryError, match=message):
        make_plan(cmk, from_data({"hosts": hosts}))


def test_previous_names_are_read_from_tables_and_kept_in_data(tmp_path: Path) -> None:
    path = tmp_path / "hosts.csv"
    path.write_text("name,previous_name\nwww,web01\ndb,\n")
    desired = load(path)
    assert [wanted.previous for wanted in desired.of_kind("host")] == ["web01", None]
    assert from_data(to_data(desired)) == desired


def test_a_probable_rename_is_made_with_an_option(
    cmk: Checkmk, sync: Run, site_for_cli: SimulatedSite, tmp_path: Path
) -> None:
    synchronise(cmk, {"hosts": [{"name": "web01"}]})
    inventory = {"hosts": [{"name": "web01.example.com"}]}
    plan = make_plan(cmk, from_data(inventory), owner="cmdb")
    with pytest.raises(UnsafePlanError, match="rename it with --rename web01=web01.example.com, or"):
        plan.raise_if_unsafe()
    with pytest.raises(SettingsError, match="the inventory has no host 'x'"):
        make_plan(cmk, from_data(inventory), renames={"web01": "x"})
    others = "".join(f", {{name: h{number}}}" for number in range(9))
    path = tmp_path / "hosts.yaml"
    path.write_text(f"hosts: [{{name: web01}}{others}]")
    assert sync("apply", str(path), "--owner", "cmdb", "--yes").code == 0
    path.write_text(f"hosts: [{{name: web01.example.com}}{others}]")
    command = ["apply", str(path), "--owner", "cmdb", "--yes", "--rename", "web01=web01.example.com"]
    for _ in range(2):
        assert sync(*command).code == 0
    assert "web01.example.com" in site_for_cli.state.configuration.hosts
    assert "web01" not in site_for_cli.state.configuration.hosts
    refused = sync(*command, "--rename", "web01=h1")
    assert (refused.code, "a host cannot have two new names" in refused.err) == (2, True)
