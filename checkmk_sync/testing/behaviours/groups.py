"""The behaviour of host, service and contact groups."""

from __future__ import annotations

from typing import Any

from ..configuration import Configuration
from ..endpoints import Context, SiteState
from ..replies import Problem
from ..validation import REQUIRED, Check, Field, list_of, object_by_type, object_with, string
from .behaviour import Behaviour, Values, alias_refusal

__all__ = ["CONTACT_GROUPS", "HOST_GROUPS", "SERVICE_GROUPS"]


def _extensions(context: Context, values: Values, is_single: bool) -> Values:
    # Checkmk: lists do not show the alias, which is the title. The document of 2.5 does not allow it at all.
    shows_alias = is_single and not context.profile.version.at_least("2.5.0b1")
    return {name: value for name, value in values.items() if name != "alias" or shows_alias}


def _in_use(_key: str, usages: list[str]) -> Problem:
    detail = f"Unable to delete group. It is still in use by: {', '.join(usages)}"
    return Problem(409, "Group in use problem", detail)


def _group(kind: str, permission: str, **more: Any) -> Behaviour:
    def missing(context: Context, key: str) -> Problem:
        if context.endpoint.method in ("GET", "PUT"):
            return Problem(404, "Not Found", repr(key))
        return Problem(404, "Unknown group problem", f"Unknown {kind} group: {key}")

    def refuse(context: Context, key: str, values: Values) -> None:
        text = alias_refusal(context.configuration, f"{kind}_groups", key, values["alias"])
        if text:
            raise Problem(400, "A problem occured.", text)

    return Behaviour(
        permission,
        taken="Group {!r} already exists.",
        absent="Group missing: {!r}",
        missing=missing,
        refuse=refuse,
        extensions=_extensions,
        in_use=_in_use,
        **more,
    )


# Contact groups

_TYPE = {"type": Field(string, REQUIRED)}
_RESTRICTION = object_by_type(
    {
        "no_restriction": object_with(_TYPE),
        "restrict_all": object_with(_TYPE),
        "restrict_values": object_with({**_TYPE, "values": Field(list_of(string), REQUIRED)}),
    }
)
_PATH = object_with(
    {"path": Field(string, REQUIRED), **dict.fromkeys(("attributes", "columns", "nodes"), Field(_RESTRICTION))}
)
_INVENTORY_PATHS = object_by_type(
    {
        "allow_all": object_with(_TYPE),
        "forbid_all": object_with(_TYPE),
        "specific_paths": object_with({**_TYPE, "paths": Field(list_of(_PATH), REQUIRED)}),
    }
)


def _checks(_state: SiteState) -> dict[str, Check]:
    return {"inventory_paths": _INVENTORY_PATHS}


def _complete(context: Context, values: Values) -> Values:
    if not context.profile.version.at_least("2.4.0b1"):
        return values
    return {"inventory_paths": {"type": "allow_all"}, **values}


def _usages(configuration: Configuration, key: str) -> list[str]:
    folders = [(f"Folder: {folder.title}", folder.attributes) for folder in configuration.folders.values()]
    hosts = [(f"Host: {host.name}", host.attributes) for host in configuration.hosts.values()]
    users = configuration.objects["users"].values()
    # A rule of every new site assigns all hosts to the group "all".
    found = ["Ruleset: Assignment of hosts to contact groups"] if key == "all" else []
    found += [f"User: {user['fullname']}" for user in users if key in user.get("contactgroups", ())]
    return found + [
        text for text, values in folders + hosts if key in values.get("contactgroups", {}).get("groups", ())
    ]


HOST_GROUPS = _group("host", "wato.groups")
SERVICE_GROUPS = _group("service", "wato.groups")
CONTACT_GROUPS = _group("contact", "wato.users", checks=_checks, complete=_complete, usages=_usages)
