"""Passwords and secrets of users, which are never read back."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk, User
from checkmk_sync.errors import CheckmkError
from checkmk_sync.sync import apply_plan, from_data, make_plan, plan_as_text
from checkmk_sync.testing import Fault, SimulatedSite

PASSWORD, SECRET = "correct-horse-battery", "automation-secret"


def _bodies(site: SimulatedSite) -> list[Any]:
    return [request.body for request in site.requests if request.method in ("POST", "PUT")]


def test_a_login_is_sent_only_if_it_is_given(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.users.create("jdoe", fullname="Jane", password=PASSWORD)
    changed = cmk.users.update("jdoe", fullname="Jane Doe", roles=["user"])
    assert (changed.auth_type, changed.password) == ("password", None)
    assert _bodies(site) == [
        {"username": "jdoe", "fullname": "Jane", "auth_option": {"auth_type": "password", "password": PASSWORD}},
        {"fullname": "Jane Doe", "roles": ["user"]},
    ]


def test_an_automation_user_has_a_secret(cmk: Checkmk, site: SimulatedSite) -> None:
    made = cmk.users.create(User("robot", fullname="Robot", auth_type="automation", password=SECRET, roles=["admin"]))
    assert made.auth_type == "automation"
    cmk.users.update("robot", password=f"new-{SECRET}")
    assert [body["auth_option"] for body in _bodies(site)] == [
        {"auth_type": "automation", "secret": SECRET},
        {"auth_type": "automation", "secret": f"new-{SECRET}"},
    ]
    with site.client("robot") as robot:
        assert robot.users.get("robot").roles == ["admin"]


def test_other_parts_of_a_login_change_without_the_password(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.users.create("jdoe", fullname="Jane", password=PASSWORD)
    assert cmk.users.ensure("jdoe", enforce_password_change=True).actions == ("update",)
    assert not cmk.users.ensure("jdoe", enforce_password_change=True, password="never-sent-again").changed
    assert _bodies(site)[-1] == {"auth_option": {"auth_type": "password", "enforce_password_change": True}}
    assert len(_bodies(site)) == 2


def test_a_login_is_removed_even_if_the_answer_is_lost(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.users.create("jdoe", fullname="Jane", password=PASSWORD, roles=["admin"])
    site.set_faults([Fault("reset_after", writes=True, times=1)])
    assert cmk.users.remove_login("jdoe").auth_type is None
    assert cmk.users.remove_login("jdoe").auth_type is None
    assert len(_bodies(site)) == 2
    assert "jdoe" not in site.state.configuration.users


def test_no_secret_occurs_in_records_and_plans(cmk: Checkmk, site: SimulatedSite) -> None:
    item = {"name": "jdoe", "fullname": "Jane", "password": PASSWORD, "roles": ["user"]}
    plan = make_plan(cmk, from_data({"users": [item]}), owner="cmdb")
    assert apply_plan(cmk, plan).ok
    found = cmk.users.get("jdoe", fresh=True)
    assert PASSWORD not in f"{plan_as_text(plan)} {plan!r} {found!r} {User('jdoe', 'Jane', password=PASSWORD)!r}"
    assert PASSWORD in str(_bodies(site))
    assert make_plan(cmk, from_data({"users": [item]}), owner="cmdb").is_empty


@pytest.mark.parametrize("version", ["2.2.0p44", "2.3.0p41"])
def test_readable_secrets_need_a_version_that_has_them(version: str) -> None:
    with SimulatedSite(version) as site, site.client() as cmk:
        with pytest.raises(CheckmkError, match="'store_automation_secret' does not exist in Checkmk"):
            cmk.users.create(
                "robot", fullname="Robot", auth_type="automation", password=SECRET, store_automation_secret=True
            )


def test_a_new_secret_keeps_the_other_parts_of_a_login(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.users.create("robot", fullname="Robot", auth_type="automation", password=SECRET, store_automation_secret=True)
    assert cmk.users.update("robot", password=f"new-{SECRET}").store_automation_secret is True
    cmk.users.create("jdoe", fullname="Jane", password=PASSWORD, enforce_password_change=True)
    assert cmk.users.update("jdoe", password=f"new-{PASSWORD}").enforce_password_change is True


def test_a_program_becomes_a_person(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.users.create("robot", fullname="Robot", auth_type="automation", password=SECRET, store_automation_secret=True)
    changed = cmk.users.update("robot", auth_type="password", password=PASSWORD)
    assert (changed.auth_type, changed.store_automation_secret) == ("password", None)
    assert _bodies(site)[-1] == {"auth_option": {"auth_type": "password", "password": PASSWORD}}


def test_the_kind_of_a_login_changes_only_together_with_its_secret(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.users.create("robot", fullname="Robot", password=PASSWORD)
    for values in ({"auth_type": "automation"}, {"store_automation_secret": True}):
        with pytest.raises(ValueError, match="needs password; give both"):
            cmk.users.update("robot", **values)
    assert len(_bodies(site)) == 1
    wanted = {"auth_type": "automation", "password": SECRET, "store_automation_secret": True}
    assert cmk.users.ensure("robot", **wanted).actions == ("update",)
    assert not cmk.users.ensure("robot", **wanted).changed
    assert site.state.configuration.users["robot"].password == SECRET


def test_a_plan_sends_the_secret_with_the_kind_of_a_login(cmk: Checkmk, site: SimulatedSite) -> None:
    cmk.users.create("robot", fullname="Robot", password=PASSWORD)
    item = {"name": "robot", "fullname": "Robot", "auth_type": "automation", "password": SECRET}
    plan = make_plan(cmk, from_data({"users": [item]}), owner="cmdb")
    assert SECRET not in plan_as_text(plan)
    assert apply_plan(cmk, plan).ok
    assert make_plan(cmk, from_data({"users": [item]}), owner="cmdb").is_empty
    assert site.state.configuration.users["robot"].password == SECRET


def test_a_plan_needs_the_secret_to_change_the_kind_of_a_login(cmk: Checkmk) -> None:
    cmk.users.create("robot", fullname="Robot", password=PASSWORD)
    inventory = from_data({"users": [{"name": "robot", "fullname": "Robot", "auth_type": "automation"}]})
    with pytest.raises(CheckmkError, match="'auth_type' needs password; give both"):
        make_plan(cmk, inventory, owner="cmdb")
