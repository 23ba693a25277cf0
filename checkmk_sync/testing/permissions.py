"""The permissions of users and roles."""

from __future__ import annotations

from typing import Any, Mapping

from .builtin_objects import BUILTIN_OBJECTS
from .data_files import rows

# All permissions that requests need, and some others. Checkmk has several hundred more.
_ROWS = rows("permissions")
PERMISSION_TITLES: Mapping[str, str] = {row["permission"]: row["title"] for row in _ROWS}
# The permissions of the built-in roles. Checkmk's own tests: only guests lack wato.edit.
PERMISSIONS: Mapping[str, frozenset[str]] = {
    role: frozenset(row["permission"] for row in _ROWS if role in row["roles"].split())
    for role in BUILTIN_OBJECTS["roles"]
}


def role_permissions(role: Mapping[str, Any]) -> frozenset[str]:
    """Return the permissions of a role: the permissions of its base, changed by the states of the role itself."""
    states = role["permissions"]
    on = {name for name, state in states.items() if state == "yes"}
    off = {name for name, state in states.items() if state == "no"}
    # cmk/gui/utils/roles.py, may_with_roles: changes of a built-in role do not change the roles that are based on it.
    return (PERMISSIONS[role["basedon"]] | on) - off
