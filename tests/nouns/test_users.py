"""Users: nested options, comparison, permissions, and the simulated site."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk, User
from checkmk_sync.errors import AuthError, BadRequestError, CheckmkError, ConflictError, ForbiddenError
from checkmk_sync.sync import apply_plan, from_data, make_plan
from checkmk_sync.testing import SimulatedSite
from tests.raw_requests import Raw

USERS, JDOE = "/domain-types/user_config/collections/all", "/objects/user_config/jdoe"
PASSWORD = "correct-horse-battery"
STAR = {"If-Match": "*"}


def _bodies(site: SimulatedSite) -> list[Any]:
    return [request.body for request in site.requests if request.method in ("POST", "PUT")]


# Comparison


def test_a_field_that_the_site_does_not_return_is_not_compared(cmk: Checkmk, site: SimulatedSite) -> None:
    created = cmk.users.ensure("jdoe", fullname="Jane", authorized_sites=[site.site])
    assert (created.actions, created.not_compared) == (("create",), ())
    result = cmk.users.ensure("jdoe", authorized_sites=["all"])
    assert (result.changed, result.not_compared) == (False, ("authorized_sites",))
    assert cmk.users.ensure("jdoe", authorized_sites=["all"], update_secrets=True).changed
    cmk.users.update("jdoe", authorized_sites=[site.site])
    assert [body.get("authorized_sites") for body in _bodies(site)] == [[site.site], ["all"], [site.site]]


def test_an_option_with_a_wrong_value_in_answers_is_not_compared(cmk: Checkmk) -> None:
    cmk.users.create("jdoe", fullname="Jane")
    options = {"contextual_help_icon": "hide_icon"}
    result = cmk.users.ensure("jdoe", interface_options=options)
    assert (result.changed, result.not_compared) == (False, ("interface_options",))
    assert cmk.users.ensure("jdoe", interface_options={**options, "interface_theme": "dark"}).changed


def test_a_field_that_a_site_returns_is_compared(cmk: Checkmk) -> None:
    field = User.noun.by_name["authorized_sites"]
    assert field.same(["prod"], ["prod"])
    assert not field.same(["prod"], ["all"])


def test_a_plan_names_fields_that_it_cannot_compare(cmk: Checkmk, site: SimulatedSite) -> None:
    item = {"name": "jdoe", "fullname": "Jane", "authorized_sites": [site.site]}
    inventory = from_data({"users": [item]})
    assert apply_plan(cmk, make_plan(cmk, inventory, owner="cmdb")).ok
    plan = make_plan(cmk, inventory, owner="cmdb")
    assert plan.is_empty
    (warning,) = plan.warnings
    assert "the site does not show whether authorized_sites of user jdoe has the wanted value" in warning
    plan = make_plan(cmk, from_data({"users": [item], "secrets": "always"}), owner="cmdb")
    assert [list(change.properties) for change in plan.changes] == [[("authorized_sites",)]]


@pytest.mark.parametrize(
    "values",
    [
        {"roles": ["guest", "user"]},
        {"authorized_sites": ["all"]},
        {"contact_options": {"email": "jane@example.com"}},
        {"idle_timeout": {"option": "individual"}},
        {"disable_notifications": {}},
        {"disable_notifications": {"disable": True}},
        {
            "disable_notifications": {
                "timerange": {"start_time": "2026-01-01T08:00:00Z", "end_time": "2026-01-01T09:00:00+00:00"}
            }
        },
        {"interface_options": {"interface_theme": "dark", "mega_menu_icons": "entry"}},
        {"temperature_unit": "default"},
        {"disable_login": False},
    ],
    ids=str,
)
def test_equal_values_are_not_sent_again(cmk: Checkmk, values: dict[str, Any]) -> None:
    cmk.users.create(
        "jdoe",
        fullname="Jane",
        roles=["user", "guest"],
        contact_options={"email": "jane@example.com", "fallback_contact": False},
        idle_timeout={"option": "individual", "duration": 3600},
        disable_notifications={
            "disable": True,
            "timerange": {"start_time": "2026-01-01T08:00:00+00:00", "end_time": "2026-01-01T09:00:00Z"},
        },
        interface_options={"interface_theme": "dark", "main_menu_icons": "entry"},
    )
    assert not cmk.users.ensure("jdoe", **values).changed


@pytest.mark.parametrize(("version", "name"), [("2.4.0p18", "mega_menu_icons"), ("2.5.0p9", "main_menu_icons")])
def test_interface_options_have_the_names_of_the_version(version: str, name: str) -> None:
    with SimulatedSite(version) as site, site.client() as cmk:
        made = cmk.users.create("jdoe", fullname="Jane", interface_options={"main_menu_icons": "entry"})
        assert made.interface_options and made.interface_options[name] == "entry"
        assert _bodies(site)[-1]["interface_options"] == {name: "entry"}
        changed = cmk.users.update("jdoe", interface_options={"interface_theme": "light"})
        assert changed.interface_options and changed.interface_options[name] == "entry"  # others stay


def test_an_option_of_a_wrong_form_is_refused_before_anything_is_sent(cmk: Checkmk, site: SimulatedSite) -> None:
    for name, value in (
        ("idle_timeout", {"duration": 5}),
        ("contact_options", {}),
        ("disable_notifications", {"timerange": 1}),
    ):
        with pytest.raises(ValueError, match=f"{name} must have the form of"):
            cmk.users.create("jdoe", fullname="Jane", **{name: value})
    assert _bodies(site) == []


REMOVED: dict[str, Any] = {
    "disable_login": True,
    "roles": ["user"],
    "contact_options": {"email": "jane@example.com"},
    "pager_address": "555-0100",
    "idle_timeout": {"option": "disable"},
    "temperature_unit": "celsius",
}


def test_null_in_an_inventory_removes_a_value(cmk: Checkmk) -> None:
    cmk.users.create("jdoe", fullname="Jane", **REMOVED)
    inventory = from_data({"users": [{"name": "jdoe", "fullname": "Jane", **dict.fromkeys(REMOVED)}]})
    assert apply_plan(cmk, make_plan(cmk, inventory, owner="cmdb")).ok
    assert make_plan(cmk, inventory, owner="cmdb").is_empty
    found = cmk.users.get("jdoe", fresh=True)
    assert (found.disable_login, found.roles, found.temperature_unit) == (False, [], "default")
    assert found.idle_timeout == {"option": "global"}


@pytest.mark.parametrize("name", ["language", "password", "fullname"])
def test_values_that_cannot_be_removed_are_refused(name: str) -> None:
    with pytest.raises(CheckmkError, match=f"{name} must have a value; leave it out to keep the value of the site"):
        from_data({"users": [{"name": "jdoe", "fullname": "Jane", name: None}]})


def test_users_of_an_inventory_follow_their_roles_and_groups(cmk: Checkmk) -> None:
    inventory = {
        "users": [{"name": "jdoe", "fullname": "Jane", "roles": ["night"], "contactgroups": ["oncall"]}],
        "roles": [{"name": "night", "basedon": "user"}],
        "contact_groups": [{"name": "oncall", "alias": "On call"}],
    }
    plan = make_plan(cmk, from_data(inventory), owner="cmdb")
    assert [change.name for change in plan.changes] == ["contact group oncall", "user role night", "user jdoe"]
    assert apply_plan(cmk, plan).ok
    assert make_plan(cmk, from_data(inventory), owner="cmdb").is_empty
    absent = {section: [{"name": items[0]["name"], "absent": True}] for section, items in inventory.items()}
    assert apply_plan(cmk, make_plan(cmk, from_data(absent), owner="cmdb")).ok


def test_a_warning_is_dismissed(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.call("users.dismiss_warning", body={"warning": "notification_fallback"})
    with pytest.raises(BadRequestError):
        cmk.call("users.dismiss_warning", body={"warning": "unknown"})


@pytest.mark.parametrize(("version", "edition"), [("2.2.0p44", "cme"), ("2.5.0p9", "ultimatemt")])
def test_a_new_user_of_a_managed_edition_belongs_to_the_provider(version: str, edition: str) -> None:
    with SimulatedSite(version, edition) as site, site.client() as cmk:
        assert cmk.users.create("jdoe", fullname="Jane").customer == "provider"
        assert _bodies(site)[0]["customer"] == "provider"  # early versions require it
        assert cmk.users.ensure("jdoe", customer="global").actions == ("update",)
        with pytest.raises(BadRequestError, match="customer"):
            cmk.users.update("jdoe", customer="nobody")


# The simulated site


def test_roles_decide_what_a_user_may_do(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.roles.create("night", basedon="user", permissions={"wato.groups": "yes"})
    cmk.users.create("jdoe", fullname="Jane", password=PASSWORD, roles=["night"])
    with site.client("jdoe") as jane:
        jane.host_groups.create("linux", alias="Linux")
        with pytest.raises(ForbiddenError, match="User management"):
            jane.users.find("cmkadmin")
        cmk.roles.update("night", permissions={"wato.groups": "default"})
        with pytest.raises(ForbiddenError, match="Host & service groups"):
            jane.host_groups.delete("linux")
    cmk.roles.rename("night", "day")
    assert cmk.users.get("jdoe", fresh=True).roles == ["day"]
    with pytest.raises(BadRequestError, match=r"still in use \(day\)"):
        cmk.roles.delete("day")


def test_a_disabled_user_cannot_log_in(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.users.create("jdoe", fullname="Jane", password=PASSWORD, roles=["admin"], disable_login=True)
    with site.client("jdoe") as jane, pytest.raises(AuthError, match="User is locked"):
        jane.hosts.get("web01")


def test_a_user_without_permission_learns_nothing_about_users(site: SimulatedSite, raw: Raw) -> None:
    site.add_user("guest", PASSWORD, role="guest")
    raw.auth = {"Authorization": f"Bearer guest {PASSWORD}"}
    calls = (("GET", USERS), ("GET", JDOE), ("GET", "/objects/user_config/cmkadmin"), ("DELETE", JDOE))
    answers = [raw(method, path) for method, path in calls]
    answers.append(raw("POST", USERS, json={"username": "cmkadmin", "fullname": "x"}))
    assert {(answer.status_code, answer.json()["detail"]) for answer in answers} == {(403, answers[0].json()["detail"])}
    assert "'<b>User management</b>'" in answers[0].json()["detail"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"auth_option": {"auth_type": "automation"}}, "No authentication details provided for new user"),
        ({"auth_option": {"auth_type": "remove"}}, "Unsupported value: remove"),
        ({"auth_option": {"auth_type": "password", "password": "short"}}, "It must have at least 12 characters"),
        ({"auth_option": {"auth_type": "password", "password": "null-byte-\0-inside"}}, "must not contain null bytes"),
        ({"auth_option": {"auth_type": "automation", "secret": ""}}, "must not be empty"),
        ({"auth_option": {"auth_type": "automation", "secret": "x" * 73}}, "too long"),
        ({"contact_options": {"email": "", "fallback_contact": True}}, "Fallback contact option requires"),
        ({"roles": ["nope"]}, "The role should exist but it doesn't: 'nope'"),
        ({"contactgroups": ["nope"]}, "Group missing: 'nope'"),
        ({"authorized_sites": ["nope"]}, "The site 'nope' should exist but it doesn't."),
        ({"username": "a b"}, "Username 'a b' is not a valid checkmk username"),
        ({"username": "cmkadmin"}, "Username 'cmkadmin' already exists"),
        ({"colour": "red"}, "Unknown Attribute: 'colour'"),
    ],
)
def test_users_that_are_not_valid_are_refused(raw: Raw, body: Any, text: str) -> None:
    answer = raw("POST", USERS, json={"username": "jdoe", "fullname": "Jane", **body})
    assert answer.status_code == 400
    assert text in f"{answer.json()}".replace("\\'", "'")


def test_the_values_of_an_answer_are_a_valid_change(every_user: Raw) -> None:
    made = every_user("POST", USERS, json={"username": "jdoe", "fullname": "Jane"}).json()["extensions"]
    body = {name: value for name, value in made.items() if name != "auth_option"}
    answer = every_user("PUT", JDOE, STAR, json=body)
    assert (answer.status_code, answer.json()["extensions"]) == (200, made)


@pytest.fixture(params=["2.2.0p44", "2.4.0p18", "2.5.0p9"])
def every_user(request: pytest.FixtureRequest) -> Any:
    with SimulatedSite(request.param) as site:
        found = Raw(site)
        yield found
        found.session.close()


def test_nobody_deletes_the_own_account(raw: Raw, site: SimulatedSite) -> None:
    answer = raw("DELETE", f"/objects/user_config/{site.username}")
    assert (answer.status_code, answer.json()["detail"]) == (400, "You cannot delete your own account!")
    assert raw("GET", "/version").status_code == 200


def test_a_contact_group_of_a_user_cannot_be_deleted(cmk: Checkmk) -> None:
    cmk.contact_groups.create("oncall", alias="On call")
    cmk.users.create("jdoe", fullname="Jane Doe", contactgroups=["oncall"])
    with pytest.raises(ConflictError, match="still in use by: User: Jane Doe"):
        cmk.contact_groups.delete("oncall")
