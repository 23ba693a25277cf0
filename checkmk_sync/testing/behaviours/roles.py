"""The behaviour of roles of users."""

from __future__ import annotations

import re
from typing import Any, Optional

from ..builtin_objects import BUILTIN_OBJECTS
from ..configuration import Configuration
from ..endpoints import Context, SiteState
from ..permissions import PERMISSION_TITLES, role_permissions
from ..replies import Problem, bad_fields
from ..validation import Check, choice, mapping, member_of, refined
from .hooks import Values
from .standard import Behaviour
from .users import set_login

_BUILTIN = BUILTIN_OBJECTS["roles"]
_EXISTING = "The role should exist but it doesn't: {!r}"
_TAKEN = "The role should not exist but it does: {!r}"
_CUSTOM = "The role should be a custom role but it's not: {!r}"
_PERMISSION = member_of(PERMISSION_TITLES, "The specified permission name doesn't exist: {!r}")
_STATE = choice("yes", "no", "default")
_TWO_FACTORS = "enforce_two_factor_authentication"


def _invalid_id() -> Problem:
    text = "Invalid role ID. Only the characters a-z, A-Z, 0-9, _ and - are allowed."
    return Problem(400, "Invalid role id", text)


def _permissions(value: Any) -> Any:
    errors = mapping(value)
    if errors:
        return errors
    found = {name: _PERMISSION(name) or _STATE(state) for name, state in value.items()}
    return {name: problem for name, problem in found.items() if problem} or None


class Roles(Behaviour):
    """The behaviour of roles of users."""

    permission = "wato.users"
    parameter = "role_id"
    taken = _TAKEN
    found_first = True

    def checks(self, state: SiteState) -> dict[str, Check]:
        existing = member_of(state.configuration.objects["roles"], _EXISTING)
        not_builtin = "The role should be a builtin role but it's not: {!r}"
        return {
            "role_id": existing,
            "new_basedon": refined(existing, lambda key: None if key in _BUILTIN else not_builtin.format(key)),
            "new_permissions": _permissions,
        }

    def missing(self, context: Context, key: str) -> Problem:
        return bad_fields({"role_id": [_EXISTING.format(key)]}, 404)

    def protect(self, context: Context, key: str) -> None:
        if context.endpoint.method == "DELETE":
            raise bad_fields({"role_id": [_CUSTOM.format(key)]}, 404)

    def deletable(self, key: str) -> bool:
        return key not in _BUILTIN

    def key_after(self, context: Context, key: Optional[str]) -> str:
        roles, new = context.configuration.objects["roles"], context.body.get("new_role_id")
        if key is not None or new:
            return str(new or key)
        # Checkmk: a clone without an ID gets the ID of the original, followed by an x.
        clone = str(context.body["role_id"])
        while clone in roles:
            clone += "x"
        return clone

    def refuse(self, context: Context, key: str, values: Values) -> None:
        roles, new_key = context.configuration.objects["roles"], context.body.get("new_role_id", key)
        if key not in roles:
            if any("\ud800" <= letter <= "\udfff" for letter in key):  # Checkmk cannot save it as UTF-8
                raise _invalid_id()
            return
        # Checkmk refuses in this order: by the schema, then by the alias, the ID and the base.
        if new_key in roles and "new_role_id" in context.body:
            raise bad_fields({"new_role_id": [_TAKEN.format(new_key)]})
        alias = context.body.get("new_alias")
        owner = next((name for name, role in roles.items() if role["alias"] == alias and name != key), None)
        if owner is not None:
            raise Problem(400, "Invalid alias", f"This alias is already used in the role {owner}.")
        if new_key != key and key in _BUILTIN:
            raise Problem(400, "Invalid role id", "The ID of a built-in user role cannot be changed")
        if not re.match(r"^[-a-z0-9A-Z_]*$", new_key):
            raise _invalid_id()
        if key in _BUILTIN and values.get("new_basedon"):
            raise Problem(400, "Built-in role", "You can't edit the basedon value of a built-in role.")

    def complete(self, context: Context, values: Values) -> Values:
        roles = context.configuration.objects["roles"]
        original = roles[values["role_id"]] if "role_id" in values else values
        alias = values.get("new_alias", original["alias"])
        while "role_id" in values and any(role["alias"] == alias for role in roles.values()):
            alias += " (copy)"
        states = {**original["permissions"], **values.get("new_permissions", {})}
        return {
            "alias": alias,
            # A clone of a custom role has the same built-in base.
            "basedon": values.get("new_basedon", original["basedon"]),
            "builtin": values.get("builtin", False),
            "permissions": {name: state for name, state in states.items() if state != "default"},
            _TWO_FACTORS: values.get(_TWO_FACTORS, original.get(_TWO_FACTORS, False)),
        }

    def extensions(self, context: Context, values: Values, *, is_single: bool) -> Values:
        shown = {**values, "permissions": sorted(role_permissions(values))}
        if values["builtin"]:
            del shown["basedon"]
        if not context.profile.version.at_least("2.5.0b1"):
            del shown[_TWO_FACTORS]
        return shown

    def usages(self, configuration: Configuration, key: str) -> list[str]:
        return [name for name, user in configuration.objects["users"].items() if key in user.get("roles", ())]

    def in_use(self, key: str, usages: list[str]) -> Problem:
        return Problem(400, "A problem occured.", f"You cannot delete roles, that are still in use ({key})!")

    def after_write(self, context: Context, key: str, before: Optional[Values], after: Optional[Values]) -> None:
        # Checkmk: update_role() in cmk/gui/watolib/userroles.py of 2.2 does not rename the role in users. Later
        # versions may (CHECKMK_API_MORE).
        for name, user in context.configuration.objects["users"].items() if before is not None else ():
            if key in user.get("roles", ()):
                set_login(context.configuration, name)
