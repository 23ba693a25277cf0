"""Roles of users: clones, states of permissions, and renames."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk, Role
from checkmk_sync.errors import BadRequestError, CheckmkError, NotFoundError
from checkmk_sync.sync import apply_plan, from_data, make_plan
from checkmk_sync.testing import Fault, SimulatedSite
from tests.raw_requests import Raw

ROLES, ONE = "/domain-types/user_role/collections/all", "/objects/user_role"


def _writes(site: SimulatedSite) -> list[tuple[str, Any]]:
    return [(request.method, request.body) for request in site.requests if request.method in ("POST", "PUT")]


# The client


def test_a_role_is_cloned_and_then_gets_its_permissions(cmk: Checkmk, site: SimulatedSite) -> None:
    made = cmk.roles.create(Role("oncall", alias="On call", basedon="user", permissions={"wato.edit": "no"}))
    assert (made.alias, made.basedon) == ("On call", "user")
    assert "wato.use" in made.permissions
    assert "wato.edit" not in made.permissions
    assert _writes(site) == [
        ("POST", {"new_role_id": "oncall", "new_alias": "On call", "role_id": "user"}),
        ("PUT", {"new_permissions": {"wato.edit": "no"}}),
    ]


def test_a_new_role_needs_a_base(cmk: Checkmk) -> None:
    with pytest.raises(ValueError, match="a user role needs basedon"):
        cmk.roles.create("oncall")


def test_only_permissions_that_differ_are_sent(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.roles.create("oncall", basedon="user")
    assert not cmk.roles.ensure("oncall", permissions={"wato.edit": "yes", "wato.users": "no"}).changed
    assert cmk.roles.ensure("oncall", permissions={"wato.edit": "no"}).actions == ("update",)
    assert not cmk.roles.ensure("oncall", basedon="user", permissions={"wato.edit": "no"}).changed
    assert len(_writes(site)) == 2


def test_an_update_always_sends_a_default(cmk: Checkmk) -> None:
    cmk.roles.create("oncall", basedon="user", permissions={"wato.edit": "no"})
    assert "wato.edit" in cmk.roles.update("oncall", permissions={"wato.edit": "default"}).permissions


def test_a_default_is_not_compared(cmk: Checkmk) -> None:
    cmk.roles.create("oncall", basedon="user", permissions={"wato.edit": "no"})
    states = {"wato.edit": "default", "wato.users": "no"}
    result = cmk.roles.ensure("oncall", permissions=states)
    assert (result.changed, result.not_compared) == (False, ("permissions",))
    result = cmk.roles.ensure("oncall", permissions=states, update_secrets=True)
    assert (result.changed, result.not_compared) == (True, ())
    assert "wato.edit" in result.after.permissions
    assert cmk.roles.ensure("oncall", permissions={**states, "wato.users": "yes"}).changed


def test_a_default_cannot_be_proven_by_reading(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.roles.create("oncall", basedon="user", permissions={"wato.edit": "no"})
    site.set_faults([Fault("reset_after", writes=True, times=1)])
    with pytest.raises(CheckmkError) as caught:
        cmk.roles.update("oncall", permissions={"wato.edit": "default"})
    assert caught.value.attempted is not None
    assert caught.value.attempted.is_uncertain


@pytest.mark.parametrize("permissions", [{"wato.edit": True}, {"wato.edit": "on"}, ["wato.edit"]], ids=str)
def test_states_that_are_not_valid_are_refused(cmk: Checkmk, site: SimulatedSite, permissions: Any) -> None:
    with pytest.raises(ValueError, match="permissions must have the form of") as caught:
        cmk.roles.create("oncall", basedon="user", permissions=permissions)
    assert ("; the states of permissions are yes, no, default" in str(caught.value)) is isinstance(permissions, dict)
    assert _writes(site) == []


def test_a_new_base_changes_the_inherited_permissions(cmk: Checkmk) -> None:
    cmk.roles.create("oncall", basedon="admin", permissions={"wato.users": "no", "wato.passwords": "yes"})
    changed = cmk.roles.update("oncall", basedon="guest")
    assert changed.basedon == "guest"
    assert set(changed.permissions) == {"general.use", "wato.passwords"}


def test_built_in_roles_have_no_base_and_stay(cmk: Checkmk) -> None:
    found = {role.name: role.basedon for role in cmk.roles.each()}
    assert found == dict.fromkeys(("admin", "user", "guest", "agent_registration", "no_permissions"))
    assert cmk.roles.update("guest", alias="Visitor").alias == "Visitor"
    with pytest.raises(NotFoundError, match="should be a custom role"):
        cmk.roles.delete("guest")


def test_a_role_is_renamed_even_if_the_answer_is_lost(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.roles.create("oncall", basedon="user", permissions={"wato.edit": "no"})
    assert cmk.roles.rename("oncall", "night").name == "night"
    site.set_faults([Fault("reset_after", writes=True, times=1)])
    assert cmk.roles.rename("night", "day").name == "day"
    assert {role.name for role in cmk.roles.each()} >= {"day", "user"}
    assert cmk.roles.find("oncall") is None
    with pytest.raises(BadRequestError, match="should not exist but it does"):
        cmk.roles.rename("day", "user")


def test_roles_of_an_inventory_keep_other_permissions(cmk: Checkmk) -> None:
    cmk.roles.create("oncall", basedon="user", permissions={"wato.users": "yes"})
    item = {"name": "oncall", "basedon": "user", "permissions": {"wato.edit": "no", "wato.use": "default"}}
    inventory = from_data({"roles": [item]})
    assert apply_plan(cmk, make_plan(cmk, inventory, owner="cmdb")).ok
    assert make_plan(cmk, inventory, owner="cmdb").is_empty
    permissions = cmk.roles.get("oncall", fresh=True).permissions
    assert "wato.edit" not in permissions
    assert {"wato.users", "wato.use"} <= permissions.keys()


# The simulated site


def test_a_clone_gets_a_free_id_and_alias(raw: Raw) -> None:
    found = [raw("POST", ROLES, json={"role_id": role}).json() for role in ("admin", "admin", "adminx")]
    assert [(role["id"], role["title"]) for role in found] == [
        ("adminx", "Administrator (copy)"),
        ("adminxx", "Administrator (copy) (copy)"),
        ("adminxxx", "Administrator (copy) (copy) (copy)"),
    ]
    assert {role["extensions"]["basedon"] for role in found} == {"admin"}


def _permissions(raw: Raw, role: str) -> list[str]:
    found: list[str] = raw("GET", f"{ONE}/{role}").json()["extensions"]["permissions"]
    return found


def test_a_clone_has_the_states_of_the_original(raw: Raw) -> None:
    raw("PUT", f"{ONE}/user", json={"new_permissions": {"wato.edit": "no"}})
    raw("POST", ROLES, json={"role_id": "user"})
    assert "wato.edit" not in _permissions(raw, "userx")
    raw("PUT", f"{ONE}/userx", json={"new_permissions": {"wato.edit": "default"}})
    assert "wato.edit" in _permissions(raw, "userx")


def test_a_change_of_a_built_in_role_does_not_change_the_roles_based_on_it(raw: Raw) -> None:
    raw("POST", ROLES, json={"role_id": "user"})
    raw("PUT", f"{ONE}/user", json={"new_permissions": {"wato.edit": "no"}})
    assert ["wato.edit" in _permissions(raw, role) for role in ("user", "userx")] == [False, True]


def test_only_custom_roles_have_a_link_to_their_deletion(raw: Raw) -> None:
    raw("POST", ROLES, json={"role_id": "admin"})
    for role, methods in (("admin", {"GET", "PUT"}), ("adminx", {"GET", "PUT", "DELETE"})):
        assert {link["method"] for link in raw("GET", f"{ONE}/{role}").json()["links"]} == methods


@pytest.mark.parametrize(
    ("role", "body", "text"),
    [
        ("adminx", {"new_alias": "Guest user"}, "This alias is already used in the role guest."),
        ("adminx", {"new_role_id": "a b"}, "Invalid role ID. Only the characters a-z, A-Z, 0-9, _ and - are allowed."),
        ("admin", {"new_role_id": "root"}, "The ID of a built-in user role cannot be changed"),
        ("admin", {"new_basedon": "user"}, "You can't edit the basedon value of a built-in role."),
        ("adminx", {"new_basedon": "adminx"}, "The role should be a builtin role but it's not: 'adminx'"),
        ("adminx", {"new_permissions": {"made.up": "yes"}}, "The specified permission name doesn't exist: 'made.up'"),
        ("adminx", {"new_permissions": {"wato.edit": "on"}}, "'on' is not one of the enum values"),
    ],
)
def test_changes_that_are_not_valid_are_refused(raw: Raw, role: str, body: Any, text: str) -> None:
    raw("POST", ROLES, json={"role_id": "admin"})
    answer = raw("PUT", f"{ONE}/{role}", json=body)
    assert answer.status_code == 400
    assert text in f"{answer.json()}".replace('\\"', '"').replace("\\'", "'")


def test_only_recent_versions_have_the_empty_role_and_two_factors() -> None:
    for version, has_empty, has_factors in (
        ("2.3.0p41", False, False),
        ("2.4.0p18", True, False),
        ("2.5.0p9", True, True),
    ):
        with SimulatedSite(version) as site, site.client() as cmk:
            roles = {role.name: role for role in cmk.roles.each()}
            assert ("no_permissions" in roles) is has_empty
            assert (roles["admin"].enforce_two_factor_authentication is not None) is has_factors
