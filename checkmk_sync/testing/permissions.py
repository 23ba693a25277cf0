"""The permissions of users and roles."""

from __future__ import annotations

from typing import Any, Mapping

# The permissions that requests need.
PERMISSION_TITLES: Mapping[str, str] = {
    "general.use": "Use the GUI at all",
    "general.see_all": "See all host and services",
    "wato.use": "Use Setup",
    "wato.edit": "Make changes, perform actions",
    "wato.activate": "Activate configuration",
    "wato.activateforeign": "Activate foreign changes",
    "wato.services": "Manage services",
    "wato.groups": "Host & service groups",
    "wato.users": "User management",
    "wato.timeperiods": "Time periods",
    "wato.passwords": "Password management",
    "wato.hosttags": "Manage tags",
    "general.edit_notifications": "Edit personal notification settings",
    "wato.rulesets": "Rulesets",
    "action.acknowledge": "Acknowledge",
    "action.addcomment": "Add comments",
    "action.downtimes": "Set/remove downtimes",
}
# Further permissions, which roles have but no request needs. Checkmk has several hundred more.
_ADMIN_ONLY = {
    *("wato.activateforeign", "wato.groups", "wato.users", "wato.timeperiods", "wato.hosttags", "wato.all_folders"),
    *("wato.auditlog", "wato.backups", "wato.clear_auditlog", "wato.edit_all_passwords", "wato.global", "wato.icons"),
    *("wato.notifications", "wato.seeall", "wato.sites", "wato.snapshots", "general.edit_foreign_views"),
    *("general.server_side_requests", "general.message", "general.agent_pairing", "bi.see_all"),
}
_OF_USERS = {
    *("action.notifications", "action.reschedule"),
    *("general.change_password", "general.edit_profile", "general.edit_views"),
    *("wato.diag_host", "wato.download_agents", "wato.edit_folders", "wato.edit_hosts", "wato.manage_folders"),
    *("wato.manage_hosts", "wato.move_hosts", "wato.parentscan", "wato.rename_hosts"),
    "wato.see_all_folders",
}
PERMISSION_NAMES = frozenset({*PERMISSION_TITLES, *_ADMIN_ONLY, *_OF_USERS})
# The permissions of the built-in roles. Checkmk's own tests: only guests lack wato.edit.
PERMISSIONS: Mapping[str, frozenset[str]] = {
    "admin": PERMISSION_NAMES,
    "user": PERMISSION_NAMES - _ADMIN_ONLY,
    "guest": frozenset({"general.use"}),
    "agent_registration": frozenset({"general.agent_pairing"}),
    "no_permissions": frozenset(),
}


def role_permissions(role: Mapping[str, Any]) -> frozenset[str]:
    """Return the permissions of a role: the permissions of its base, changed by the states of the role itself."""
    states = role["permissions"]
    on = {name for name, state in states.items() if state == "yes"}
    off = {name for name, state in states.items() if state == "no"}
    # cmk/gui/utils/roles.py, may_with_roles: changes of a built-in role do not change the roles that are based on it.
    return (PERMISSIONS[role["basedon"]] | on) - off
