"""The attributes of hosts and folders: their names, valid values and defaults."""

from __future__ import annotations

from typing import Any, Container, Mapping, Optional, Sequence

from .validation import NULL, Check, boolean, choice, list_of, member_of, pattern, string
from .values import CONTACT_FLAGS, IPMI, LOCKED_BY, SNMP, address, contact_groups, labels, network_scan
from .version_profile import VersionProfile

__all__ = ["DEFAULT_SCAN", "HOST_NAME", "AttributeRules"]

_TAG = "tag_"
HOST_NAME = r"^[-0-9a-zA-Z_.]+\Z"

_SHARED: Mapping[str, Check] = {
    "management_ipmi_credentials": IPMI,
    "management_protocol": choice("none", "snmp", "ipmi"),
    "management_snmp_community": SNMP,
    "snmp_community": SNMP,
}
_HOST_ONLY: Mapping[str, Check] = {
    "alias": string,
    "inventory_failed": boolean,
    "locked_attributes": list_of(string),
    "locked_by": LOCKED_BY,
}
_SOME_EDITIONS: Mapping[str, Check] = {
    "waiting_for_discovery": boolean,
    "bake_agent_package": boolean,
    "cmk_agent_connection": choice("pull-agent", "push-agent"),
}
_SCAN_RESULT = "network_scan_result"  # read-only
_NULLABLE = frozenset({"management_ipmi_credentials", "management_snmp_community"})
_CONTACT_DEFAULTS = dict.fromkeys(CONTACT_FLAGS, False)
# The effective network scan of folders without their own. Checkmk: it runs as the user who sends the request.
DEFAULT_SCAN: Mapping[str, Any] = {
    "addresses": [],
    "exclude_addresses": [],
    "scan_interval": 86400,
    "set_ip_address": True,
    "tag_criticality": "offline",
    "time_allowed": [{"start": "00:00:00", "end": "23:59:59"}],
}
_SCAN_DEFAULTS: Mapping[str, Any] = {"scan_interval": 86400, "set_ip_address": True, "max_parallel_pings": 100}
_DEFAULTS: Mapping[str, Any] = {
    "additional_ipv4addresses": [],
    "additional_ipv6addresses": [],
    "alias": "",
    "bake_agent_package": False,
    "cmk_agent_connection": "pull-agent",
    "contactgroups": {"groups": [], **_CONTACT_DEFAULTS},
    "inventory_failed": False,
    "ipaddress": "",
    "ipv6address": "",
    "labels": {},
    "locked_attributes": [],
    "management_address": "",
    "management_ipmi_credentials": None,
    "management_protocol": "none",
    "management_snmp_community": None,
    _SCAN_RESULT: {"start": None, "end": None, "state": "running", "output": ""},
    "parents": [],
    "snmp_community": None,
    "waiting_for_discovery": False,
}


class AttributeRules:
    """The valid attributes of one site, which depend on its version, edition and configuration.

    The arguments for its hosts, users, contact groups and tag groups reflect their current state.
    """

    def __init__(
        self,
        profile: VersionProfile,
        site: str,
        *,
        hosts: Container[str],
        users: Container[str],
        groups: Container[str],
        tag_groups: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self._tag_groups = tag_groups
        extra = {name: check for name, check in _SOME_EDITIONS.items() if name in profile.optional_host_attributes}
        shared = {
            **_SHARED,
            "contactgroups": contact_groups(groups),
            "labels": labels(with_colons=not profile.checks_labels),
            "network_scan": network_scan(lambda: self._tags("criticality"), users),
            # Checkmk: a parent must exist before the call. A host that the same call creates is not accepted.
            "parents": list_of(member_of(hosts, "Host not found: {!r}", pattern(HOST_NAME))),
            "site": member_of((site,), "The site {!r} should exist but it doesn't."),
        }
        name = profile.first_character_of_host_names + r"[-0-9a-zA-Z_.]*"
        name += "|" if profile.takes_empty_addresses else ""
        ipv4, ipv6 = address(4, host_name=name), address(6, host_name=name)
        self._host = {
            **shared,
            **_HOST_ONLY,
            "additional_ipv4addresses": list_of(ipv4),
            "additional_ipv6addresses": list_of(ipv6),
            "ipaddress": ipv4,
            "ipv6address": ipv6,
            "management_address": address(4, 6, host_name=name),
            **extra,
        }
        self._folder = {name: check for name, check in {**shared, **extra}.items() if name != "waiting_for_discovery"}
        self._defaults = {
            name: value for name, value in _DEFAULTS.items() if name in self._host or name == _SCAN_RESULT
        }
        self._defaults["site"] = site
        self._defaults["network_scan"] = DEFAULT_SCAN
        self._defaults["locked_by"] = {"site_id": site, "program_id": "", "instance_id": ""}

    @property
    def defaults(self) -> dict[str, Any]:
        """The values of attributes that are not set."""
        # Checkmk: the first tag of a group is its default. A group with one tag is a checkbox, which is not set.
        tags = {_TAG + group: self._tags(group) for group in self._tag_groups}
        return {**self._defaults, **{name: ids[0] if len(ids) > 1 else None for name, ids in tags.items()}}

    def _tags(self, group: str) -> Sequence[Optional[str]]:
        return [tag["id"] for tag in self._tag_groups.get(group, {}).get("tags", ())]

    def host_errors(self, attributes: Any) -> Any:
        """Return the errors of host attributes by name, or None if all are valid."""
        return self._errors(self._host, attributes)

    def folder_errors(self, attributes: Any) -> Any:
        return self._errors(self._folder, attributes)

    @staticmethod
    def with_defaults(attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the attributes as the server stores them, with the defaults of contact groups and network scans."""
        stored = dict(attributes)
        if "contactgroups" in stored:
            stored["contactgroups"] = {**_CONTACT_DEFAULTS, **stored["contactgroups"]}
        if "network_scan" in stored:
            scan = stored["network_scan"] = {**_SCAN_DEFAULTS, **stored["network_scan"]}
            # Checkmk drops the seconds of times, and returns zeros.
            scan["time_allowed"] = [{edge: f"{time[edge][:5]}:00" for edge in time} for time in scan["time_allowed"]]
            if "translate_names" in scan:
                scan["translate_names"] = {"convert_case": "nop", **scan["translate_names"]}
        return stored

    def _errors(self, known: Mapping[str, Check], attributes: Any) -> Any:
        # A loop over the given attributes is faster than a table of fields, because most hosts of a bulk call have few.
        if not isinstance(attributes, dict):
            return {"_schema": ["Invalid input type."]}
        errors: dict[str, Any] = {}
        for name, value in attributes.items():
            tags = self._tags(name[len(_TAG) :]) if name.startswith(_TAG) else ()
            if name not in known and not tags:
                errors[name] = ["Unknown field."]
            elif value is not None:
                value_errors = choice(*filter(None, tags))(value) if tags else known[name](value)
                if value_errors:
                    errors[name] = value_errors
            # A tag without an id is null. A group with one tag is a checkbox, which null clears.
            elif name not in _NULLABLE and None not in tags and len(tags) != 1:
                errors[name] = NULL
        return errors or None
