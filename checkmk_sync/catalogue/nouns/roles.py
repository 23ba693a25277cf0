"""Roles of users."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Optional

from ..noun import ALWAYS, CRUD, Option, Record, attr, key, noun

_STATES = ("yes", "no", "default")


def _as_states(names: Iterable[str]) -> dict[str, str]:
    # The site answers with the names of the permissions that are on.
    return dict.fromkeys(names, "yes")


def _checked(states: Mapping[str, str]) -> Mapping[str, str]:
    if not all(state in _STATES for state in states.values()):
        raise ValueError(f"the states of permissions are {', '.join(_STATES)}")
    return states


def _is_as_wanted(found: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    # Only the site knows the permissions that a role has by default.
    return all((name in found) is (state == "yes") for name, state in wanted.items() if state != "default")


@noun(
    "roles",
    "user role",
    "user_role",
    CRUD,
    rank=12,
    if_match={},
    touches=("users",),
    options=(Option("new_role_id", {"update": ALWAYS}, type=str),),
)
class Role(Record):
    """A set of permissions for users. A new role is a clone of another one."""

    name: str = key("ID of the role.", wire="new_role_id", required=False, example="oncall")
    alias: Optional[str] = attr(
        "Title of the role.", wire="new_alias", at=("extensions", "alias"), default=None, example="On call"
    )
    basedon: Optional[str] = attr(
        "Built-in role with the permissions that the role has by default. Built-in roles do not have this field.",
        wire="new_basedon",
        created_as="role_id",
        at=("extensions", "basedon"),
        default=None,
        required=True,
        partial=True,
        refers_to="roles",
        example="user",
    )
    permissions: Any = attr(
        "States of permissions by name: yes, no, or default for the state that Checkmk gives to the built-in role.",
        wire="new_permissions",
        created_as=None,
        at=("extensions", "permissions"),
        default=None,
        decode=_as_states,
        canonical=_checked,
        matches=_is_as_wanted,
        shows=lambda _found, wanted: "default" not in wanted.values(),
        example={"general.edit_profile": "no", "wato.activate": "yes"},
    )
    enforce_two_factor_authentication: Optional[bool] = attr(
        "Whether users with the role must use two factors to log in.", default=None, since="2.5.0b1", example=True
    )
