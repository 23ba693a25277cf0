"""The behaviour of host, service and contact groups."""

from __future__ import annotations

from typing import Mapping

from ..configuration import Configuration
from ..endpoints import Context, SiteState
from ..replies import Problem
from ..validation import REQUIRED, Check, Field, list_of, object_by_type, object_with, string
from .hooks import Values
from .standard import Behaviour

_ALIAS_OWNERS: Mapping[str, str] = {
    "host_groups": "the host group",
    "service_groups": "the service group",
    "contact_groups": "the contact group",
    "time_periods": "timeperiod",
}


def alias_refusal(configuration: Configuration, noun: str, key: str, alias: str) -> str:
    """Return the text of the refusal of an alias that another object has, or an empty string."""
    # Checkmk: groups and time periods share one set of aliases (cmk/gui/watolib/groups.py, is_alias_used).
    for owner, text in _ALIAS_OWNERS.items():
        for name, values in configuration.objects[owner].items():
            if values["alias"] == alias and (owner, name) != (noun, key):
                return f"This alias is already used in {text} {name}."
    return ""


class _Groups(Behaviour):
    taken = "Group {!r} already exists."
    absent = "Group missing: {!r}"
    kind: str

    def missing(self, context: Context, key: str) -> Problem:
        if context.endpoint.method in ("GET", "PUT"):
            return super().missing(context, key)
        return Problem(404, "Unknown group problem", f"Unknown {self.kind} group: {key}")

    def refuse(self, context: Context, key: str, values: Values) -> None:
        text = alias_refusal(context.configuration, f"{self.kind}_groups", key, values["alias"])
        if text:
            raise Problem(400, "A problem occured.", text)

    def extensions(self, context: Context, values: Values, *, is_single: bool) -> Values:
        # Checkmk: lists do not show the alias, which is the title. The document of 2.5 does not allow it at all.
        shows_alias = is_single and not context.profile.version.at_least("2.5.0b1")
        return {name: value for name, value in values.items() if name != "alias" or shows_alias}

    def in_use(self, _key: str, usages: list[str]) -> Problem:
        detail = f"Unable to delete group. It is still in use by: {', '.join(usages)}"
        return Problem(409, "Group in use problem", detail)


class HostGroups(_Groups):
    """The behaviour of host groups."""

    permission, kind = "wato.groups", "host"


class ServiceGroups(_Groups):
    """The behaviour of service groups."""

    permission, kind = "wato.groups", "service"


_RESTRICTION = object_by_type(
    {"no_restriction": {}, "restrict_all": {}, "restrict_values": {"values": Field(list_of(string), REQUIRED)}}
)
_PATH = object_with(
    {"path": Field(string, REQUIRED), **dict.fromkeys(("attributes", "columns", "nodes"), Field(_RESTRICTION))}
)
_INVENTORY_PATHS = object_by_type(
    {"allow_all": {}, "forbid_all": {}, "specific_paths": {"paths": Field(list_of(_PATH), REQUIRED)}}
)


class ContactGroups(_Groups):
    """The behaviour of contact groups."""

    permission, kind = "wato.users", "contact"

    def checks(self, state: SiteState) -> dict[str, Check]:
        return {"inventory_paths": _INVENTORY_PATHS}

    def complete(self, context: Context, values: Values) -> Values:
        if not context.profile.version.at_least("2.4.0b1"):
            return values
        return {"inventory_paths": {"type": "allow_all"}, **values}

    def usages(self, configuration: Configuration, key: str) -> list[str]:
        folders = [(f"Folder: {folder.title}", folder.attributes) for folder in configuration.folders.values()]
        hosts = [(f"Host: {host.name}", host.attributes) for host in configuration.hosts.values()]
        users = configuration.objects["users"].values()
        # A rule of every new site assigns all hosts to the group "all".
        found = ["Ruleset: Assignment of hosts to contact groups"] if key == "all" else []
        found += [f"User: {user['fullname']}" for user in users if key in user.get("contactgroups", ())]
        return found + [
            text for text, values in folders + hosts if key in values.get("contactgroups", {}).get("groups", ())
        ]
