"""Host tag groups: groups in use, renamed tags, and the attributes of hosts that they define."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checkmk_sync import Checkmk, TagGroup
from checkmk_sync.errors import (
    ApiError,
    BadRequestError,
    CheckmkError,
    ConflictError,
    ForbiddenError,
    InventoryError,
    UnexpectedReplyError,
)
from checkmk_sync.sync import from_data
from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import Run, Screen
from tests.raw_requests import Raw

GROUPS, HOSTS = "/domain-types/host_tag_group/collections/all", "/domain-types/host_config/collections/all"
RULESET = "host_groups"
LIVE, LAB = {"id": "live", "title": "Live"}, {"id": "lab", "title": "Laboratory"}


def _group(ident: str, *tags: Any) -> dict[str, Any]:
    return {"id": ident, "title": ident.title(), "tags": list(tags)}


@pytest.fixture
def used(cmk: Checkmk) -> Checkmk:
    """Return the client of a site with a group that a folder and a host use."""
    cmk.tag_groups.create("env", title="Environment", tags=[LIVE, LAB])
    cmk.folders.create("/labs", attributes={"tag_env": "lab"})
    cmk.hosts.create("web01", "/", {"tag_env": "live"})
    return cmk


# The client


def test_deleting_a_group_in_use_is_refused_with_its_users(used: Checkmk) -> None:
    with pytest.raises(ForbiddenError, match="used by hosts web01; folders /labs"):
        used.tag_groups.delete("env")
    assert used.tag_groups.get("env", fresh=True).title == "Environment"


@pytest.mark.parametrize("options", [{"repair": True}, {"mode": "delete"}, {"mode": "remove"}], ids=str)
def test_a_group_in_use_is_deleted_only_if_the_caller_asks_for_it(used: Checkmk, options: dict[str, Any]) -> None:
    used.hosts.get("web01")  # fills the cache
    used.tag_groups.delete("env", **options)
    assert used.tag_groups.find("env", fresh=True) is None
    assert "tag_env" not in used.hosts.get("web01").attributes
    assert "tag_env" not in used.folders.get("/labs").attributes


def test_tags_in_use_are_renamed_or_removed_only_if_the_caller_asks_for_it(used: Checkmk, site: SimulatedSite) -> None:
    new = [{"id": "prod", "title": "Live"}, {"id": "other", "title": "Other"}]
    with pytest.raises(ForbiddenError, match="used by hosts web01; folders /labs"):
        used.tag_groups.update("env", tags=new)
    assert used.tag_groups.update("env", title="Env").title == "Env"  # no tag changes
    site.set_faults([Fault("reset_after", writes=True, times=1)])
    changed = used.tag_groups.update("env", tags=new, repair=True)
    assert [tag["id"] for tag in changed.tags] == ["prod", "other"]
    assert used.hosts.get("web01").attributes["tag_env"] == "prod"
    assert "tag_env" not in used.folders.get("/labs").attributes


@pytest.mark.parametrize(
    ("options", "left"),
    [({"repair": True}, {"is_not": []}), ({"mode": "remove"}, {"is": [], "is_not": [], "one_of": []})],
    ids=str,
)
def test_rules_that_use_a_deleted_group(cmk: Checkmk, options: dict[str, Any], left: dict[str, Any]) -> None:
    cmk.tag_groups.create("env", title="Environment", tags=[LIVE, LAB])
    for operator, value in (("is", "live"), ("is_not", "live"), ("one_of", ["live", "lab"])):
        condition = {"key": "env", "operator": operator, "value": value}
        cmk.rules.create(
            ruleset=RULESET, folder="/", value="linux", description=operator, conditions={"host_tags": [condition]}
        )
    with pytest.raises(ForbiddenError, match=r"rulesets \(host_groups\)"):
        cmk.tag_groups.delete("env")
    cmk.tag_groups.delete("env", **options)
    assert {
        rule.description: (rule.conditions or {}).get("host_tags", []) for rule in cmk.rules.each(ruleset=RULESET)
    } == left


def test_a_renamed_tag_is_renamed_in_rules(cmk: Checkmk) -> None:
    cmk.tag_groups.create("env", title="Environment", tags=[LIVE, LAB])
    conditions = {"host_tags": [{"key": "env", "operator": "is", "value": "live"}]}
    rule = cmk.rules.create(ruleset=RULESET, folder="/", value="linux", conditions=conditions)
    tags = [{"id": "prod", "title": "Live"}, LAB]
    with pytest.raises(ForbiddenError, match=f"used by rules {rule.id} of {RULESET}"):
        cmk.tag_groups.update("env", tags=tags)
    cmk.tag_groups.update("env", tags=tags, repair=True)
    changed = cmk.rules.get(rule.key_value).conditions or {}
    assert changed["host_tags"] == [{"key": "env", "operator": "is", "value": "prod"}]


def test_a_mode_needs_a_version_that_has_it() -> None:
    with SimulatedSite("2.3.0p41") as site, site.client() as cmk:
        cmk.tag_groups.create("env", title="Environment", tags=[LIVE])
        with pytest.raises(CheckmkError, match="'tag_groups delete' of Checkmk .* does not support mode"):
            cmk.tag_groups.delete("env", mode="remove")
        cmk.tag_groups.delete("env", repair=True)


def test_built_in_groups_cannot_be_written(cmk: Checkmk) -> None:
    assert cmk.tag_groups.get("agent").tags[0]["id"] == "cmk-agent"
    for write in (lambda: cmk.tag_groups.update("agent", title="x"), lambda: cmk.tag_groups.delete("agent")):
        with pytest.raises(ApiError, match="The built-in host tag group agent cannot be") as caught:
            write()
        assert caught.value.status == 405


@pytest.mark.parametrize("tag", [{"id": True, "title": "On"}, {"id": "on", "title": 1}])
def test_ids_and_titles_are_strings(cmk: Checkmk, tag: dict[str, Any]) -> None:
    """YAML reads ``yes`` as true."""
    with pytest.raises(ValueError, match="tags must have the form of "):
        cmk.tag_groups.create("power", title="Power", tags=[tag])


def test_the_order_of_tags_counts_but_not_that_of_auxiliary_tags(cmk: Checkmk) -> None:
    tag = {"id": "a", "title": "A", "aux_tags": ["tcp", "snmp"]}
    cmk.tag_groups.create("env", title="Environment", tags=[tag, LIVE])
    same = [{**tag, "aux_tags": ["snmp", "tcp"]}, {**LIVE, "aux_tags": []}]
    assert not cmk.tag_groups.ensure("env", tags=same).changed
    assert cmk.tag_groups.ensure("env", tags=same[::-1]).changed


@pytest.mark.parametrize(("version", "name"), [("2.2.0p21", "ident"), ("2.2.0p22", "id")])
def test_ids_have_the_name_of_the_version(version: str, name: str) -> None:
    with SimulatedSite(version) as site, site.client() as cmk:
        made = cmk.tag_groups.create(TagGroup("env", title="Environment", tags=[LIVE, LAB]))
        assert made.tags[0]["id"] == "live"
        assert not cmk.tag_groups.ensure("env", tags=[LIVE, LAB]).changed
        cmk.tag_groups.update("env", tags=[LAB])
        created, updated = [request.body for request in site.requests if request.method in ("POST", "PUT")]
        assert created[name] == "env"
        assert created["tags"] == [{name: "live", "title": "Live"}, {name: "lab", "title": "Laboratory"}]
        assert updated == {"tags": [{name: "lab", "title": "Laboratory"}]}


def test_an_auxiliary_tag_in_use_cannot_be_deleted(cmk: Checkmk) -> None:
    cmk.aux_tags.create("vlan", title="VLAN", topic="Network")
    cmk.tag_groups.create("env", title="Environment", tags=[{**LIVE, "aux_tags": ["vlan"]}])
    with pytest.raises(ConflictError, match='used by the following tag groups: "Environment"'):
        cmk.aux_tags.delete("vlan")
    cmk.tag_groups.delete("env")
    cmk.aux_tags.delete("vlan")


def test_options_are_checked(used: Checkmk) -> None:
    with pytest.raises(ValueError, match="'tag_groups delete' does not have the option 'force'"):
        used.tag_groups.delete("env", force=True)
    with pytest.raises(ValueError, match="mode must be one of abort, delete, remove, not 'now'"):
        used.tag_groups.delete("env", mode="now")
    with pytest.raises(ValueError, match="does not have the option 'repair'"):
        used.host_groups.delete("x", repair=True)


def test_the_users_of_a_group_are_found(used: Checkmk) -> None:
    one_of = {"key": "env", "operator": "one_of", "value": ["live", "lab"]}
    rule = used.rules.create(ruleset=RULESET, folder="/", value="linux", conditions={"host_tags": [one_of]})
    users = used.host_attributes.used_by("tag_env")
    assert (users.hosts, users.folders, [found.id for found in users.rules]) == (("web01",), ("/labs",), [rule.id])
    assert str(users) == f"hosts web01; folders /labs; rules {rule.id} of {RULESET}"
    assert not used.host_attributes.used_by("tag_env", ["other"])
    assert used.host_attributes.used_by("tag_env", ["lab"]).rules == ()


def test_rules_of_deprecated_rulesets_use_groups(used: Checkmk) -> None:
    condition = {"host_tags": [{"key": "env", "operator": "is", "value": "lab"}]}
    value = {"name": "x"}
    rule = used.rules.create(ruleset="active_checks:http", folder="/", value=value, conditions=condition)
    assert [found.id for found in used.host_attributes.used_by("tag_env").rules] == [rule.id]
    assert f"rule {rule.id} of active_checks:http, which is deleted" in used.tag_groups.affected("env", repair=True)


@pytest.mark.parametrize("tags", [[{"id": 5, "title": "Lab"}], [{"id": "lab", "title": "Lab", "aux_tags": [["tcp"]]}]])
def test_answers_with_wrong_types_are_unexpected(used: Checkmk, site: SimulatedSite, tags: Any) -> None:
    site.state.configuration.objects["tag_groups"]["env"]["tags"] = tags
    for call in (used.host_attributes.read, lambda: used.tag_groups.update("env", tags=[LIVE])):
        with pytest.raises(UnexpectedReplyError, match="'extensions.tags' in the answer cannot be read: IDs and"):
            call()
    with pytest.raises(InventoryError, match="tags must have the form of"):
        from_data({"tag_groups": [{"name": "env", "tags": tags}]})


def test_without_the_permission_to_see_rules_the_refusal_is_as_the_site_wrote_it(site: SimulatedSite) -> None:
    site.add_user("tagger", "secret", without=["wato.rulesets"])
    with site.client() as cmk:
        cmk.tag_groups.create("env", title="Environment", tags=[LIVE])
        cmk.hosts.create("web01", "/", {"tag_env": "live"})
    with site.client("tagger") as cmk, pytest.raises(ForbiddenError, match=r"hosts \(web01\)") as caught:
        cmk.tag_groups.delete("env")
    assert "used by hosts" not in str(caught.value)


# Commands


def test_commands_change_users_only_with_an_option_and_after_a_question(
    site_for_cli: SimulatedSite, sync: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = json.dumps([LIVE])
    with site_for_cli.client() as cmk:
        cmk.tag_groups.create("env", title="Environment", tags=[LIVE, LAB])
        cmk.hosts.create("web01", "/", {"tag_env": "lab"})
        conditions = {"host_tags": [{"key": "env", "operator": "is", "value": "live"}]}
        rule = cmk.rules.create(ruleset=RULESET, folder="/", value="linux", conditions=conditions)
        refused = sync("tag-groups", "update", "env", "--tags", tags)
        assert (refused.code, "used by hosts web01" in refused.err) == (2, True)
        refused = sync("tag-groups", "update", "env", "--tags", tags, "--repair")
        assert (refused.code, "give --yes" in refused.err) == (2, True)
        monkeypatch.setattr("sys.stdin", Screen("n\n"))
        refused = sync("tag-groups", "update", "env", "--tags", tags, "--repair")
        assert (refused.code, "  host web01\n" in refused.err) == (2, True)
        assert sync("tag-groups", "update", "env", "--tags", tags, "--repair", "--yes").code == 0
        assert "tag_env" not in cmk.hosts.get("web01", fresh=True).attributes
        monkeypatch.setattr("sys.stdin", Screen("n\n"))
        shown = sync("tag-groups", "delete", "env", "--mode", "delete").err
        assert f"rule {rule.id} of {RULESET}, which is deleted" in shown
        monkeypatch.setattr("sys.stdin", Screen("n\n"))
        assert "whose condition changes" in sync("tag-groups", "delete", "env", "--mode", "remove").err
        monkeypatch.setattr("sys.stdin", Screen("n\n"))
        assert "The site refuses, because it is in use" in sync("tag-groups", "delete", "env").err
        assert sync("tag-groups", "delete", "env", "--yes").code == 2
        assert sync("tag-groups", "delete", "env", "--mode", "remove", "--yes").code == 0
        assert (cmk.rules.get(rule.id, fresh=True).conditions or {}).get("host_tags", []) == []


# The simulated site


def test_a_tag_group_is_an_attribute_of_hosts_and_folders(used: Checkmk) -> None:
    with pytest.raises(BadRequestError, match="'nope' is not one of the enum values"):
        used.hosts.create("web02", "/", {"tag_env": "nope"})
    used.hosts.create("web02", "/", {})
    used.hosts.create("web03", "/labs", {})
    effective = {host.name: host.effective_attributes or {} for host in used.hosts.each(effective_attributes=True)}
    assert [effective[name]["tag_env"] for name in ("web02", "web03")] == ["live", "lab"]  # the first tag is default
    used.tag_groups.delete("env", repair=True)
    with pytest.raises(BadRequestError, match="Unknown field"):
        used.hosts.update("web02", update_attributes={"tag_env": "live"})


def test_the_tag_of_a_group_with_one_tag_can_be_null(cmk: Checkmk, raw: Raw) -> None:
    cmk.tag_groups.create("one", title="One", tags=[LIVE])
    cmk.tag_groups.create("two", title="Two", tags=[LIVE, LAB])
    for name, status in (("tag_one", 200), ("tag_two", 400)):
        body = {"host_name": name, "folder": "/", "attributes": {name: None}}
        assert raw("POST", HOSTS, json=body).status_code == status


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (_group("a b", LIVE), {"id": "Invalid tag ID: 'a b'. Only the characters a-z, A-Z, 0-9, _ and - are allowed."}),
        (_group("agent", LIVE), {"id": "The specified tag group id is already in use: 'agent'"}),
        (_group("tcp", LIVE), {"id": "The specified tag group id is already in use: 'tcp'"}),
        (_group("x", {"title": "A"}), {"tags": "Cannot use an empty tag ID for single entry"}),
        (
            _group("x", LIVE, LIVE),
            {"tags": "Tags IDs must be unique. You've used the following at least twice: 'live'"},
        ),
    ],
)
def test_groups_that_are_not_valid_are_refused(raw: Raw, body: Any, fields: Any) -> None:
    answer = raw("POST", GROUPS, json=body)
    assert answer.status_code == 400
    assert answer.json()["fields"] == {name: [text] for name, text in fields.items()}


def test_one_tag_of_several_can_lack_an_id(raw: Raw) -> None:
    answer = raw("POST", GROUPS, json=_group("x", {"title": "None"}, LIVE))
    assert [tag["id"] for tag in answer.json()["extensions"]["tags"]] == [None, "live"]


def test_an_unknown_group_is_not_found(raw: Raw) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = raw(method, "/objects/host_tag_group/nope", {"If-Match": "*"}, json={} if method == "PUT" else None)
        assert (answer.status_code, answer.json()["fields"]) == (404, {"name": ["Host tag group missing: 'nope'"]})


def test_repair_and_mode_exclude_each_other(used: Checkmk, raw: Raw) -> None:
    answer = raw("DELETE", "/objects/host_tag_group/env?repair=true&mode=delete")
    assert (answer.status_code, answer.json()["title"]) == (400, "Cannot use both repair and mode")
    answer = raw("DELETE", "/objects/host_tag_group/env?mode=now")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("version", "accepted"),
    [("2.2.0p21", ["ident"]), ("2.2.0p22", ["id", "ident"]), ("2.3.0p41", ["id", "ident"]), ("2.4.0p18", ["id"])],
)
def test_some_versions_accept_both_names_of_ids(version: str, accepted: list[str]) -> None:
    with SimulatedSite(version) as site:
        raw, (last,) = Raw(site), accepted[-1:]

        def create(name: str, **group: str) -> Any:
            facts = {"title": "x", "topic": "y", "tags": [{name: "live", "title": "Live"}]}
            return raw("POST", GROUPS, json={**facts, **group})

        answers = {name: create(name, **{name: f"by_{name}"}) for name in ("id", "ident")}
        assert [name for name, answer in answers.items() if answer.status_code == 200] == accepted
        created = answers[last].json()
        assert (created["id"], created["extensions"]["tags"][0]["id"]) == (f"by_{last}", "live")
        assert create(last, **{last: created["id"]}).status_code == 400
        assert create(last).json()["fields"] == {accepted[0]: ["Missing data for required field."]}
