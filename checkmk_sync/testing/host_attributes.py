"""The attributes of hosts and folders: their names, valid values and defaults."""

from __future__ import annotations

from typing import Any, Container, Mapping, Optional, Sequence

from .data_files import document
from .validation import Check, Field, boolean, choice, list_of, member_of, object_with, pattern, string
from .values import address, attribute_check, labels, network_scan
from .version_profile import VersionProfile

Names = Container[str]

HOST_NAME = pattern(r"^[-0-9a-zA-Z_.]+\Z")

_SCAN_RESULT = "network_scan_result"  # read-only
_NULLABLE = frozenset({"management_ipmi_credentials", "management_snmp_community"})
_DEFAULTS: Mapping[str, Any] = document("attribute_defaults")
# The effective network scan of folders without their own. Checkmk: it runs as the user who sends the request.
DEFAULT_SCAN: Mapping[str, Any] = _DEFAULTS["network_scan"]
_SCAN_DEFAULTS: Mapping[str, Any] = {"scan_interval": 86400, "set_ip_address": True, "max_parallel_pings": 100}


class AttributeRules:
    """The valid attributes of one site, which depend on its version, edition, hosts, users and contact groups."""

    def __init__(
        self, profile: VersionProfile, sites: Sequence[str], hosts: Names, objects: Mapping[str, Names]
    ) -> None:
        self.custom: set[str] = set()  # the names of the custom attributes
        self._criticality: set[Optional[str]] = set()
        snmp, group = attribute_check("snmp_community"), member_of(objects["contact_groups"], "Group missing: {!r}")
        shared = {
            "contactgroups": attribute_check("contactgroups", group=group),
            "labels": labels(with_colons=not profile.checks_labels),
            "management_ipmi_credentials": attribute_check("management_ipmi_credentials"),
            "management_protocol": choice("none", "snmp", "ipmi"),
            "management_snmp_community": snmp,
            "network_scan": network_scan(self._criticality, objects["users"]),
            # Checkmk: a parent must exist before the call. A host that the same call creates is not accepted.
            "parents": list_of(member_of(hosts, "Host not found: {!r}", HOST_NAME)),
            "site": member_of(sites, "The site {!r} should exist but it doesn't."),
            "snmp_community": snmp,
        }
        if profile.is_commercial:
            shared["bake_agent_package"] = boolean
        if profile.can_push:
            shared["cmk_agent_connection"] = choice("pull-agent", "push-agent")
        name = profile.first_character_of_host_names + r"[-0-9a-zA-Z_.]*"
        name += "|" if profile.takes_empty_addresses else ""
        ipv4, ipv6 = address(4, host_name=name), address(6, host_name=name)
        host = {
            **shared,
            "additional_ipv4addresses": list_of(ipv4),
            "additional_ipv6addresses": list_of(ipv6),
            "alias": string,
            "inventory_failed": boolean,
            "ipaddress": ipv4,
            "ipv6address": ipv6,
            "locked_attributes": list_of(string),
            "locked_by": attribute_check("locked_by"),
            "management_address": address(4, 6, host_name=name),
        }
        if profile.version.at_least("2.4.0b1"):
            host["waiting_for_discovery"] = boolean
        self._host, self._folder = host, shared
        self._defaults = {name: value for name, value in _DEFAULTS.items() if name in host or name == _SCAN_RESULT}
        self._defaults["site"] = sites[0]
        self._defaults["locked_by"] = {"site_id": sites[0], "program_id": "", "instance_id": ""}

    def set_tag_groups(self, groups: Mapping[str, Mapping[str, Any]]) -> None:
        """Make each tag group an attribute. Must be called again if the groups or custom attributes change."""
        tags = {group: [tag["id"] for tag in values["tags"]] for group, values in groups.items()}
        self._criticality.clear()
        self._criticality.update(tags.get("criticality", ()))
        # A tag without an ID is null. A group with one tag is a checkbox, which null clears.
        fields = {
            f"tag_{group}": Field(choice(*filter(None, ids)), nullable=None in ids or len(ids) == 1)
            for group, ids in tags.items()
        }
        fields.update(dict.fromkeys(self.custom, Field(string)))
        self.host_errors = object_with({**_all_known(self._host), **fields})
        self.folder_errors = object_with({**_all_known(self._folder), **fields})
        # Checkmk: the first tag of a group is its default. A checkbox is not set.
        first = {f"tag_{group}": ids[0] if len(ids) > 1 else None for group, ids in tags.items()}
        self.defaults = {**self._defaults, **first, **dict.fromkeys(self.custom, "")}


def with_defaults(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes as the server stores them, with the defaults of contact groups and network scans."""
    stored = dict(attributes)
    if "contactgroups" in stored:
        stored["contactgroups"] = {**_DEFAULTS["contactgroups"], **stored["contactgroups"]}
    if "network_scan" in stored:
        scan = stored["network_scan"] = {**_SCAN_DEFAULTS, **stored["network_scan"]}
        # Checkmk drops the seconds of times, and returns zeros.
        scan["time_allowed"] = [{edge: f"{time[edge][:5]}:00" for edge in time} for time in scan["time_allowed"]]
        if "translate_names" in scan:
            scan["translate_names"] = {"convert_case": "nop", **scan["translate_names"]}
    return stored


def _all_known(checks: Mapping[str, Check]) -> dict[str, Field]:
    return {name: Field(check, nullable=name in _NULLABLE) for name, check in checks.items()}
