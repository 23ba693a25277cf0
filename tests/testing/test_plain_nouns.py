"""The simulated site treats groups, time periods, passwords and auxiliary tags like Checkmk.

Sources: Checkmk's endpoints (cmk/gui/openapi/endpoints) and their tests, as in docs/conformance.md.
"""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.nouns.examples import example_body
from tests.raw_requests import Raw

HOST_GROUPS, CONTACT_GROUPS, PERIODS, PASSWORDS, TAGS = (
    f"/domain-types/{domain}/collections/all"
    for domain in ("host_group_config", "contact_group_config", "time_period", "password", "aux_tag")
)
STAR = {"If-Match": "*"}
PERMISSIONS = {
    "aux_tags": "wato.hosttags",
    "contact_groups": "wato.users",
    "host_groups": "wato.groups",
    "notification_rules": "general.edit_notifications",
    "passwords": "wato.passwords",
    "roles": "wato.users",
    "rules": "wato.rulesets",
    "service_groups": "wato.groups",
    "tag_groups": "wato.hosttags",
    "time_periods": "wato.timeperiods",
    "users": "wato.users",
}


@pytest.fixture
def managed(clock: ManualClock) -> Iterator[Raw]:
    with SimulatedSite(edition="managed", clock=clock) as site:
        found = Raw(site)
        yield found
        found.session.close()


def _period(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "alias": name.title(), "active_time_ranges": [{"day": "all"}], **more}


def _password(ident: str, **more: Any) -> dict[str, Any]:
    return {"ident": ident, "title": ident, "password": "x", **more}


def _fields(answer: Any) -> Any:
    assert answer.status_code == 400, answer.text
    return answer.json()["fields"]


# Permissions


KINDS = [name for name, noun in NOUNS.items() if noun.supports("create")]


@pytest.mark.parametrize("noun", KINDS)
def test_each_noun_needs_its_permission(clock: ManualClock, noun: str) -> None:
    with SimulatedSite(clock=clock) as site:
        site.add_user("reader", "x" * 10, without=["wato.edit"])
        site.add_user("other", "x" * 10, without=[PERMISSIONS[noun]])
        raw = Raw(site)
        rows = {row.verb: row for row in NOUNS[noun].operations if row.verb in ("list", "create")}
        query = {f"{field.wire}_name": field.example for field in NOUNS[noun].fields if field.filters}
        body = example_body(NOUNS[noun], needed=True)
        lacking = 403 if noun == "users" else 401
        for user, reading, writing in (("reader", 200, 401), ("other", lacking, lacking)):
            raw.auth = {"Authorization": f"Bearer {user} {'x' * 10}"}
            assert raw("GET", rows["list"].path, params=query).status_code == reading
            answer = raw("POST", rows["create"].path, json=body)
            assert answer.status_code == writing
            assert "lack the permission" in answer.json()["detail"]
        raw.session.close()


# Groups


def test_groups_and_time_periods_share_one_set_of_aliases(raw: Raw) -> None:
    assert raw("POST", PERIODS, json=_period("work")).status_code == 200
    assert raw("POST", HOST_GROUPS, json={"name": "a", "alias": "A"}).status_code == 200
    for alias, owner in (
        ("Work", "timeperiod work"),
        ("A", "the host group a"),
        ("Everything", "the contact group all"),
    ):
        answer = raw("POST", CONTACT_GROUPS, json={"name": "b", "alias": alias})
        assert answer.status_code == 400
        assert answer.json()["detail"] == f"This alias is already used in {owner}."
    answer = raw("POST", PERIODS, json=_period("other", alias="A"))
    assert _fields(answer) == {"alias": ["Time period alias 'A' already exists."]}
    assert raw("PUT", "/objects/host_group_config/a", STAR, json={"alias": "A"}).status_code == 200


def test_the_refusal_of_an_unknown_group_depends_on_the_call(every: Raw) -> None:
    for method, title, detail in (
        ("GET", "Not Found", "'nope'"),
        ("PUT", "Not Found", "'nope'"),
        ("DELETE", "Unknown group problem", "Unknown host group: nope"),
    ):
        body = {"json": {"alias": "x"}} if method == "PUT" else {}
        answer = every(method, "/objects/host_group_config/nope", STAR, **body)
        assert (answer.status_code, answer.json()["title"], answer.json()["detail"]) == (404, title, detail)
    answer = every("GET", "/objects/host_group_config/no%20pe")
    assert answer.status_code == 404
    assert "does not match pattern" in answer.json()["fields"]["name"][0]


def test_a_bulk_call_with_an_invalid_entry_changes_nothing(every: Raw) -> None:
    actions = "/domain-types/host_group_config/actions"
    new = [{"name": "a", "alias": "A"}, {"name": "b", "alias": "B"}]
    assert every("POST", f"{actions}/bulk-create/invoke", json={"entries": new}).status_code == 200
    again = [{"name": "c", "alias": "C"}, {"name": "b", "alias": "D"}]
    answer = every("POST", f"{actions}/bulk-create/invoke", json={"entries": again})
    assert _fields(answer) == {"entries": {"1": {"name": ["Group 'b' already exists."]}}}
    twice = [{"name": "c", "alias": "C"}, {"name": "c", "alias": "C"}]
    answer = every("POST", f"{actions}/bulk-create/invoke", json={"entries": twice})
    assert _fields(answer)["entries"][0].startswith("Duplicate entry found at entry #2: ")
    changes = [{"name": "a", "attributes": {"alias": "New"}}, {"name": "nope", "attributes": {"alias": "x", "y": 1}}]
    answer = every("PUT", f"{actions}/bulk-update/invoke", json={"entries": changes})
    assert _fields(answer) == {
        "entries": {"1": {"name": ["Group missing: 'nope'"], "attributes": {"y": ["Unknown field."]}}}
    }
    assert {group["title"] for group in every("GET", HOST_GROUPS).json()["value"]} == {"A", "B"}


def test_a_bulk_deletion_stops_at_the_first_refusal(every: Raw) -> None:
    for name in "abc":
        assert every("POST", HOST_GROUPS, json={"name": name, "alias": name}).status_code == 200
    path = "/domain-types/host_group_config/actions/bulk-delete/invoke"
    answer = every("POST", path, json={"entries": ["a", "nope", "b"]})
    assert (answer.status_code, answer.json()["title"]) == (404, "Unknown group problem")
    assert [group["id"] for group in every("GET", HOST_GROUPS).json()["value"]] == ["b", "c"]


def test_hosts_can_have_contact_groups_that_exist(every: Raw) -> None:
    hosts, attributes = "/domain-types/host_config/collections/all", {"contactgroups": {"groups": ["ops"]}}
    host = {"host_name": "web", "folder": "/", "attributes": attributes}
    answer = every("POST", hosts, json=host)
    assert _fields(answer) == {"attributes": {"contactgroups": {"groups": {"0": ["Group missing: 'ops'"]}}}}
    assert every("POST", CONTACT_GROUPS, json={"name": "ops", "alias": "Ops"}).status_code == 200
    assert every("POST", hosts, json=host).status_code == 200
    answer = every("DELETE", "/objects/contact_group_config/ops")
    detail = "Unable to delete group. It is still in use by: Host: web"
    assert (answer.status_code, answer.json()["detail"]) == (409, detail)
    assert every("DELETE", "/objects/contact_group_config/all").status_code == 409
    assert every("DELETE", "/objects/host_config/web").status_code == 204
    assert every("DELETE", "/objects/contact_group_config/ops").status_code == 204


@pytest.mark.parametrize("header", ["foo bar", '"0123"', 'W/"x"', "*"])
def test_a_group_is_updated_only_with_its_etag(raw: Raw, header: str) -> None:
    raw("POST", HOST_GROUPS, json={"name": "a", "alias": "A"})
    status = raw("PUT", "/objects/host_group_config/a", {"If-Match": header}, json={"alias": "B"}).status_code
    assert status == (200 if header == "*" else 412)
    assert raw("PUT", "/objects/host_group_config/a", json={"alias": "C"}).status_code == 428


def test_inventory_paths_exist_from_2_4_on(every: Raw) -> None:
    knows_them = every.site.state.profile.version.at_least("2.4.0b1")
    group = {"name": "a", "alias": "A", "inventory_paths": {"type": "forbid_all"}}
    answer = every("POST", CONTACT_GROUPS, json=group)
    if not knows_them:
        assert _fields(answer) == {"inventory_paths": ["Unknown field."]}
        return
    assert answer.json()["extensions"]["inventory_paths"] == {"type": "forbid_all"}
    answer = every(
        "PUT", "/objects/contact_group_config/a", STAR, json={"alias": "A", "inventory_paths": {"type": "x"}}
    )
    assert _fields(answer) == {"inventory_paths": {"type": ["Unsupported value: x"]}}
    everything = every("GET", "/objects/contact_group_config/all").json()
    assert everything["extensions"].get("inventory_paths", {"type": "allow_all"}) == {"type": "allow_all"}


# Customers


def test_only_the_managed_edition_has_customers(managed: Raw, raw: Raw) -> None:
    answer = raw("POST", HOST_GROUPS, json={"name": "a", "alias": "A", "customer": "global"})
    assert _fields(answer) == {"customer": ["Unknown field."]}
    answer = managed("POST", HOST_GROUPS, json={"name": "a", "alias": "A", "customer": "acme"})
    assert _fields(answer) == {"customer": ["Customer missing: 'acme'"]}
    answer = managed("POST", HOST_GROUPS, json={"name": "a", "alias": "A"})
    assert answer.json()["extensions"]["customer"] == "provider"


# Passwords


def test_passwords_are_never_returned(every: Raw) -> None:
    owner = {} if every.site.state.profile.version.at_least("2.3.0p23") else {"owner": "admin"}
    made = every("POST", PASSWORDS, json=_password("a", password="tell-nobody", **owner))
    changed = every("PUT", "/objects/password/a", STAR, json={"password": "tell-nobody-again"})
    for answer in (made, changed, every("GET", "/objects/password/a"), every("GET", PASSWORDS)):
        assert answer.status_code == 200
        assert "tell-nobody" not in answer.text
    assert made.headers["ETag"] != changed.headers["ETag"]
    shows_etag = every.site.state.profile.version.at_least("2.3.0b1")
    assert ("ETag" in every("GET", "/objects/password/a").headers) is shows_etag


def test_the_owner_of_a_password_was_renamed(every: Raw) -> None:
    is_renamed = every.site.state.profile.version.at_least("2.3.0p23")
    answer = every("POST", PASSWORDS, json=_password("a", editable_by="all"))
    if is_renamed:
        assert answer.json()["extensions"]["owned_by"] == answer.json()["extensions"]["editable_by"] == "all"
    else:
        assert _fields(answer) == {
            "owner": ["Missing data for required field."], "editable_by": ["Unknown field."],
        }  # fmt: skip
    answer = every("POST", PASSWORDS, json=_password("b", owner="admin"))
    assert answer.json()["extensions"]["owned_by"] == "admin"
    assert ("editable_by" in answer.json()["extensions"]) is is_renamed
    both = every("PUT", "/objects/password/b", STAR, json={"owner": "all", "editable_by": "all"})
    assert both.status_code == 400


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"ident": "1a"}, "'1a' does not match pattern. An identifier must only consist of letters, digits"),
        (
            {"editable_by": "nope"},
            "Specified contact group does not exist or you do not have the necessary permissions",
        ),
        ({"shared": ["all", "nope"]}, "The password cannot be shared with specified group: 'nope'"),
        ({"password": ""}, "string '' is too short. The minimum length is 1."),
    ],
)
def test_values_of_passwords_are_checked(raw: Raw, values: dict[str, Any], text: str) -> None:
    assert text in str(_fields(raw("POST", PASSWORDS, json={**_password("a"), **values})))


def test_deleting_a_password_needs_an_etag_from_2_5_on(every: Raw) -> None:
    every("POST", PASSWORDS, json=_password("a", owner="admin"))
    needs_etag = every.site.state.profile.version.at_least("2.5.0b1")
    assert every("DELETE", "/objects/password/a").status_code == (428 if needs_etag else 204)


# Auxiliary tags


def test_built_in_auxiliary_tags_can_only_be_read(every: Raw) -> None:
    assert every("GET", "/objects/aux_tag/ping").json()["extensions"].keys() == {"topic", "help"}
    assert "ETag" not in every("GET", "/objects/aux_tag/ping").headers
    text = "The aux_tag 'ping' should be an existing custom aux tag but it's not."
    for method, path in (("PUT", "ping"), ("POST", "ping/actions/delete/invoke")):
        answer = every(method, f"/objects/aux_tag/{path}", **({"json": {"title": "x"}} if method == "PUT" else {}))
        assert (answer.status_code, answer.json()["fields"]) == (404, {"aux_tag_id": [text]})


def test_values_of_auxiliary_tags_are_checked(every: Raw) -> None:
    tag = {"title": "T", "topic": "P"}
    for ident, text in (
        ("ping", "The aux_tag 'ping' should not exist but it does."),
        ("criticality", "The id 'criticality' is already in use by a tag group."),
        ("a\n", r"'a\n' does not match pattern '^[-0-9a-zA-Z_]+\\Z'."),
    ):
        assert _fields(every("POST", TAGS, json={**tag, "aux_tag_id": ident})) == {"aux_tag_id": [text]}
    made = every("POST", TAGS, json={**tag, "aux_tag_id": "a"})
    assert made.json()["extensions"] == {"topic": "P", "help": ""}
    assert "At least one" in _fields(every("PUT", "/objects/aux_tag/a", json={}))["_schema"][0]
    assert every("PUT", "/objects/aux_tag/nope", json={}).status_code == 404


# All nouns


@pytest.mark.parametrize("noun", KINDS)
def test_every_write_adds_a_pending_change(site: SimulatedSite, raw: Raw, noun: str) -> None:
    rows = {row.verb: row for row in NOUNS[noun].operations if row.serves(site.state.profile.version, "cre")}
    body, change = (example_body(NOUNS[noun], verb, needed=True) for verb in ("create", "update"))
    made = raw("POST", rows["create"].path, json=body)
    assert made.status_code == 200
    key = made.json()["id"]
    assert raw("PUT", rows["update"].url({"key": key}), STAR, json=change).status_code == 200
    assert raw(rows["delete"].method, rows["delete"].url({"key": key}), STAR).status_code == 204
    singular = NOUNS[noun].singular
    assert [change["text"] for change in site.state.configuration.changes] == [
        f"{action} {singular} {key}" for action in ("Created", "Edited", "Deleted")
    ]


def test_a_reset_restores_the_objects_of_a_new_site(site: SimulatedSite, raw: Raw) -> None:
    raw("POST", HOST_GROUPS, json={"name": "a", "alias": "A"})
    site.reset()
    assert site.state.configuration.objects["host_groups"] == {}
    assert set(site.state.configuration.objects["contact_groups"]) == {"all"}
