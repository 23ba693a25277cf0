"""Attributes of users that a site defines itself."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from checkmk_sync.errors import BadRequestError, CheckmkError
from checkmk_sync.sync import from_data, make_plan, plan_as_text
from checkmk_sync.testing import SimulatedSite

PASSWORD, SECRET = "correct-horse-battery", "automation-secret"


def _bodies(site: SimulatedSite) -> list[Any]:
    return [request.body for request in site.requests if request.method in ("POST", "PUT")]


@pytest.fixture
def custom() -> Iterator[SimulatedSite]:
    with SimulatedSite(user_attributes=["phone", "desk", "api_token"]) as site:
        yield site


def test_custom_attributes_are_members_of_the_object(custom: SimulatedSite) -> None:
    with custom.client() as cmk:
        made = cmk.users.create("jdoe", fullname="Jane", custom_attributes={"phone": "12", "desk": "4"})
        assert made.custom_attributes == {"phone": "12", "desk": "4"}
        changed = cmk.users.update("jdoe", custom_attributes={"phone": "34"})
        assert changed.custom_attributes == {"phone": "34", "desk": "4"}
        assert not cmk.users.ensure("jdoe", custom_attributes={"phone": "34"}).changed
        assert [user.custom_attributes for user in cmk.users.each() if user.name == "jdoe"] == [
            {"phone": "34", "desk": "4"}
        ]
        assert cmk.users.get("cmkadmin").custom_attributes is None
    assert _bodies(custom)[1:] == [{"phone": "34"}]


def test_a_general_call_accepts_custom_attributes(custom: SimulatedSite) -> None:
    with custom.client() as cmk:
        body = {"username": "jdoe", "fullname": "Jane", "phone": "12"}
        assert cmk.call("users.create", body=body).data["extensions"]["phone"] == "12"
        with pytest.raises(CheckmkError, match="does not support start_url"):
            cmk.call("users.create", body={**body, "username": "jim", "start_url": "x"})


def test_the_site_refuses_unknown_custom_attributes(custom: SimulatedSite) -> None:
    with custom.client() as cmk, pytest.raises(BadRequestError, match="Unknown Attribute: 'fone'"):
        cmk.users.create("jdoe", fullname="Jane", custom_attributes={"fone": "12"})


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"phone": 12}, "the values of custom attributes are strings"),
        ({"fullname": "Jim"}, "must not contain 'fullname', which belongs to another field"),
        ({"start_url": "x"}, "must not contain 'start_url', which belongs to another field"),
    ],
)
def test_custom_attributes_that_are_not_valid_are_not_sent(custom: SimulatedSite, attributes: Any, text: str) -> None:
    with custom.client() as cmk, pytest.raises(ValueError, match=text):
        cmk.users.create("jdoe", fullname="Jane", custom_attributes=attributes)
    assert _bodies(custom) == []


def test_a_plan_warns_about_custom_attributes_that_no_user_has(custom: SimulatedSite) -> None:
    with custom.client() as cmk:
        cmk.users.create("jdoe", fullname="Jane", custom_attributes={"phone": "12"})
        item = {"name": "jdoe", "fullname": "Jane", "custom_attributes": {"phone": "34", "fone": "5"}}
        plan = make_plan(cmk, from_data({"users": [item]}), owner="cmdb")
        assert plan.warnings == (
            "the custom attribute 'fone' of user jdoe is not used by any object of the site; does it exist?",
        )


def test_custom_attributes_that_are_secrets_are_not_shown(custom: SimulatedSite) -> None:
    with custom.client() as cmk:
        item = {"name": "jdoe", "fullname": "Jane", "custom_attributes": {"api_token": SECRET}}
        plan = make_plan(cmk, from_data({"users": [item]}), owner="cmdb")
        made = cmk.users.create("jdoe", fullname="Jane", custom_attributes={"api_token": SECRET})
        assert SECRET not in f"{plan_as_text(plan)} {plan!r} {made!r}"
