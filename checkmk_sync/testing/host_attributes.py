"""Host and folder attributes: which there are, what they may hold, what they are by default."""

from __future__ import annotations

from typing import Any, Container, Mapping

from .validation import NULL, Check, choice, flag, listed, pattern, text
from .values import CONTACT_FLAGS, IPMI, LOCKED_BY, SNMP, address, contact_groups, labels, network_scan
from .version_profile import VersionProfile

__all__ = ["DEFAULT_SCAN", "HOST_NAME", "AttributeRules"]

HOST_NAME = r"^[-0-9a-zA-Z_.]+\Z"

# Agent, address family, piggyback and SNMP are built in, the others come with the sample configuration of a new site.
_TAG_GROUPS: Mapping[str, tuple[str, ...]] = {
    "address_family": ("ip-v4-only", "ip-v6-only", "ip-v4v6", "no-ip"),
    "agent": ("cmk-agent", "all-agents", "special-agents", "no-agent"),
    "criticality": ("prod", "critical", "test", "offline"),
    "networking": ("lan", "wan", "dmz"),
    "piggyback": ("auto-piggyback", "piggyback", "no-piggyback"),
    "snmp_ds": ("no-snmp", "snmp-v2", "snmp-v1"),
}
_NAME = pattern(HOST_NAME)
_CONTACT_GROUPS = frozenset({"all"})  # the one that a new site has
_SHARED: Mapping[str, Check] = {
    **{f"tag_{group}": choice(*tags) for group, tags in _TAG_GROUPS.items()},
    "contactgroups": contact_groups(_CONTACT_GROUPS),
    "management_ipmi_credentials": IPMI,
    "management_protocol": choice("none", "snmp", "ipmi"),
    "management_snmp_community": SNMP,
    "snmp_community": SNMP,
}
_HOST_ONLY: Mapping[str, Check] = {
    "alias": text,
    "inventory_failed": flag,
    "locked_attributes": listed(text),
    "locked_by": LOCKED_BY,
}
_SOME_EDITIONS: Mapping[str, Check] = {
    "waiting_for_discovery": flag,
    "bake_agent_package": flag,
    "cmk_agent_connection": choice("pull-agent", "push-agent"),
}
_SCAN_RESULT = "network_scan_result"  # can be read only
_NULLABLE = frozenset({"management_ipmi_credentials", "management_snmp_community"})
_CONTACT_DEFAULTS = dict.fromkeys(CONTACT_FLAGS, False)
# What is effective where no scan is configured; it runs as whoever asks.
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
    # Checkmk: the first tag of a group is the default.
    **{f"tag_{group}": tags[0] for group, tags in _TAG_GROUPS.items()},
    "waiting_for_discovery": False,
}


class AttributeRules:
    """The attributes of one site: its version and edition decide which there are, its hosts who can be a parent."""

    def __init__(self, profile: VersionProfile, site: str, hosts: Container[str], users: Container[str]) -> None:
        extra = {name: check for name, check in _SOME_EDITIONS.items() if name in profile.host_attributes}
        shared = {
            **_SHARED,
            "labels": labels(with_colons=not profile.checks_labels),
            "network_scan": network_scan(_TAG_GROUPS["criticality"], users),
            "parents": listed(self._parent),
            "site": self._of_site,
        }
        name = profile.host_name_begins + r"[-0-9a-zA-Z_.]*" + ("|" if profile.takes_empty_addresses else "")
        ipv4, ipv6 = address(4, host_name=name), address(6, host_name=name)
        self._site, self._hosts = site, hosts
        self._host = {
            **shared,
            **_HOST_ONLY,
            "additional_ipv4addresses": listed(ipv4),
            "additional_ipv6addresses": listed(ipv6),
            "ipaddress": ipv4,
            "ipv6address": ipv6,
            "management_address": address(4, 6, host_name=name),
            **extra,
        }
        self._folder = {name: check for name, check in {**shared, **extra}.items() if name != "waiting_for_discovery"}
        self.defaults = {name: value for name, value in _DEFAULTS.items() if name in self._host or name == _SCAN_RESULT}
        self.defaults["site"] = site
        self.defaults["network_scan"] = DEFAULT_SCAN
        self.defaults["locked_by"] = {"site_id": site, "program_id": "", "instance_id": ""}

    def _of_site(self, value: Any) -> Any:
        if value == self._site:
            return None
        return text(value) or [f"The site {value!r} should exist but it doesn't."]

    def _parent(self, value: Any) -> Any:
        """Checkmk: a parent is a host that exists when the call comes in, not one that the call creates."""
        return _NAME(value) or (None if value in self._hosts else [f"Host not found: {value!r}"])

    def wrong_of_host(self, attributes: Any) -> Any:
        """What the server says of wrong attributes, in their shape; None where all is well."""
        return _wrong(self._host, attributes)

    def wrong_of_folder(self, attributes: Any) -> Any:
        return _wrong(self._folder, attributes)

    @staticmethod
    def completed(attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Attributes as the server stores them: what is left out of contact groups and scans is filled in."""
        stored = dict(attributes)
        if "contactgroups" in stored:
            stored["contactgroups"] = {**_CONTACT_DEFAULTS, **stored["contactgroups"]}
        if "network_scan" in stored:
            stored["network_scan"] = _scan_stored(stored["network_scan"])
        return stored


def _wrong(known: Mapping[str, Check], attributes: Any) -> Any:
    # Not by a table of fields: most attributes are absent from most of the thousands of hosts in a bulk call.
    if not isinstance(attributes, dict):
        return {"_schema": ["Invalid input type."]}
    wrong: dict[str, Any] = {}
    for name, value in attributes.items():
        if name not in known:
            wrong[name] = ["Unknown field."]
        elif value is not None:
            said = known[name](value)
            if said:
                wrong[name] = said
        elif name not in _NULLABLE:
            wrong[name] = NULL
    return wrong or None


def _scan_stored(scan: Mapping[str, Any]) -> dict[str, Any]:
    """Checkmk: times lose their seconds and are answered with zeros."""
    times = [{edge: f"{time[edge][:5]}:00" for edge in ("start", "end")} for time in scan["time_allowed"]]
    stored = {**_SCAN_DEFAULTS, **scan, "time_allowed": times}
    if "translate_names" in scan:
        stored["translate_names"] = {"convert_case": "nop", **scan["translate_names"]}
    return stored
