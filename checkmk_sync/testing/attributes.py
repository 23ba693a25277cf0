"""Host and folder attributes: which there are, what they may hold, what they are by default."""

from __future__ import annotations

import re
from typing import Any, Callable, Container, Mapping, Optional

from .profile import Profile

__all__ = ["AttributeRules", "Messages"]

# Messages have the shape of the input: {"labels": {"key": ["text"]}}, lists of texts for leaves.
Messages = dict[str, Any]
Check = Callable[[Any], Any]  # what is wrong with a value: None, a list of texts, or a dict of them

HOST = re.compile(r"[-0-9a-zA-Z_.]+")


def _string(value: Any) -> Any:
    return None if isinstance(value, str) else ["Not a valid string."]


def _boolean(value: Any) -> Any:
    return None if isinstance(value, bool) else ["Not a valid boolean."]


def _strings(value: Any) -> Any:
    if not isinstance(value, list):
        return ["Not a valid list."]
    wrong = {str(index): ["Not a valid string."] for index, entry in enumerate(value) if not isinstance(entry, str)}
    return wrong or None


def _hosts(value: Any) -> Any:
    wrong = _strings(value)
    if wrong is None:
        bad = [entry for entry in value if not HOST.fullmatch(entry)]
        wrong = {str(value.index(entry)): [f"{entry!r} is not a host name."] for entry in bad} or None
    return wrong


def _one_of(*allowed: str) -> Check:
    def check(value: Any) -> Any:
        if isinstance(value, str) and value in allowed:
            return None
        return [f"{value!r} is not one of the enum values: {list(allowed)!r}"]

    return check


def _labels_of_any_text(value: Any) -> Any:
    """Checkmk: up to 2.2 nothing but the types of labels is checked."""
    if not isinstance(value, dict):
        return ["Not a valid mapping type."]
    return {key: ["Not a valid string."] for key, text in value.items() if not isinstance(text, str)} or None


def _labels(value: Any) -> Any:
    if not isinstance(value, dict):
        return ["Not a valid mapping type."]
    wrong: Messages = {}
    for key, text in value.items():
        if not isinstance(text, str):
            wrong[key] = ["Not a valid string."]
        elif ":" in text or ":" in key or not key:
            wrong[key] = [f"Invalid label: {key!r}: {text!r}. A label is KEY:VALUE with exactly one colon."]
    return wrong or None


def _record(required: Mapping[str, Check], optional: Optional[Mapping[str, Check]] = None) -> Check:
    fields = {**required, **(optional or {})}

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            return ["Invalid input type."]
        wrong: Messages = {name: ["Missing data for required field."] for name in required if name not in value}
        for name, entry in value.items():
            said = fields[name](entry) if name in fields else ["Unknown field."]
            if said:
                wrong[name] = said
        return wrong or None

    return check


_SNMP = {
    "v1_v2_community": ("community",),
    "v3_no_auth_no_privacy": ("security_name",),
    "v3_auth_no_privacy": ("auth_protocol", "security_name", "auth_password"),
    "v3_auth_privacy": ("auth_protocol", "security_name", "auth_password", "privacy_protocol", "privacy_password"),
}


def _snmp(value: Any) -> Any:
    if not isinstance(value, dict) or value.get("type") not in _SNMP:
        return [f"Unsupported value for 'type'; it is one of {sorted(_SNMP)}."]
    return _record({"type": _string, **dict.fromkeys(_SNMP[value["type"]], _string)})(value)


def _nullable(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _anything(_: Any) -> Any:
    return None


def _groups(value: Any) -> Any:
    """A fresh site has one contact group, "all"."""
    wrong = _strings(value)
    if wrong is None:
        said = {str(index): [f"Group missing: {name!r}"] for index, name in enumerate(value) if name != "all"}
        wrong = said or None
    return wrong


_CONTACT_GROUPS = _record(
    {"groups": _groups},
    dict.fromkeys(("use", "use_for_services", "recurse_use", "recurse_perms"), _boolean),
)
_CONTACT_DEFAULTS = {"use": False, "use_for_services": False, "recurse_use": False, "recurse_perms": False}
_IPMI = _record({"username": _string, "password": _string})
_LOCKED_BY = _record({"site_id": _string, "program_id": _string, "instance_id": _string})

_TAGS: Mapping[str, Check] = {
    "tag_address_family": _one_of("ip-v4-only", "ip-v6-only", "ip-v4v6", "no-ip"),
    "tag_agent": _one_of("cmk-agent", "all-agents", "special-agents", "no-agent"),
    "tag_criticality": _one_of("prod", "critical", "test", "offline"),
    "tag_networking": _one_of("lan", "wan", "dmz"),
    "tag_piggyback": _one_of("auto-piggyback", "piggyback", "no-piggyback"),
    "tag_snmp_ds": _one_of("no-snmp", "snmp-v2", "snmp-v1"),
}
_SHARED: Mapping[str, Check] = {
    **_TAGS,
    "contactgroups": _CONTACT_GROUPS,
    "labels": _labels,
    "management_ipmi_credentials": _nullable(_IPMI),
    "management_protocol": _one_of("none", "snmp", "ipmi"),
    "management_snmp_community": _nullable(_snmp),
    "network_scan": _anything,
    "site": _string,
    "snmp_community": _snmp,
}
_HOST_ONLY: Mapping[str, Check] = {
    "additional_ipv4addresses": _strings,
    "additional_ipv6addresses": _strings,
    "alias": _string,
    "inventory_failed": _boolean,
    "ipaddress": _string,
    "ipv6address": _string,
    "locked_attributes": _strings,
    "locked_by": _LOCKED_BY,
    "management_address": _string,
}
_SOME_EDITIONS: Mapping[str, Check] = {
    "waiting_for_discovery": _boolean,
    "bake_agent_package": _boolean,
    "cmk_agent_connection": _one_of("push-agent", "pull-agent"),
}
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
    "parents": [],
    "snmp_community": None,
    "tag_address_family": "ip-v4-only",
    "tag_agent": "cmk-agent",
    "tag_criticality": "prod",
    "tag_networking": "lan",
    "tag_piggyback": "auto-piggyback",
    "tag_snmp_ds": "no-snmp",
    "waiting_for_discovery": False,
}


class AttributeRules:
    """The attributes of one site: its version and edition decide which there are, its hosts who can be a parent."""

    def __init__(self, profile: Profile, site: str, hosts: Container[str]) -> None:
        extra = {name: check for name, check in _SOME_EDITIONS.items() if name in profile.host_attributes}
        shared = {**_SHARED, **extra, "parents": self._parents}
        if not profile.checks_labels:
            shared["labels"] = _labels_of_any_text
        self._site, self._hosts = site, hosts
        self._host = {**shared, **_HOST_ONLY}
        self._folder = {name: check for name, check in shared.items() if name != "waiting_for_discovery"}
        self.defaults = {name: value for name, value in _DEFAULTS.items() if name in self._host}
        self.defaults["site"] = site

    def wrong(self, attributes: Any, *, of_folder: bool = False) -> Any:
        """What the server says of wrong attributes, in their shape; None where all is well."""
        if not isinstance(attributes, dict):
            return ["Invalid input type."]
        known = self._folder if of_folder else self._host
        wrong: Messages = {}
        for name, value in attributes.items():
            said = known[name](value) if name in known else ["Unknown field."]
            if name == "site" and said is None and value != self._site:
                said = [f"Site {value!r} does not exist."]
            if said:
                wrong[name] = said
        return wrong or None

    def _parents(self, value: Any) -> Any:
        """Checkmk: a parent is a host that exists when the call comes in, not one that the call creates."""
        wrong = _hosts(value)
        if wrong is None:
            missing = {str(i): [f"Host not found: {name!r}"] for i, name in enumerate(value) if name not in self._hosts}
            wrong = missing or None
        return wrong

    @staticmethod
    def completed(attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Attributes as the server stores them: what is left out of contact groups is filled in."""
        stored = dict(attributes)
        if "contactgroups" in stored:
            stored["contactgroups"] = {**_CONTACT_DEFAULTS, **stored["contactgroups"]}
        return stored
