"""The objects of plain nouns that exist on a new site, by noun and key, in the form in which they are stored."""

from __future__ import annotations

from typing import Any, Mapping

from .rulesets import RULESETS


def _group(title: str, topic: str, *tags: tuple[str, ...]) -> Mapping[str, Any]:
    """Return a group of tags, each of which is given by its ID, its title and its auxiliary tags."""
    found = [{"id": ident, "title": name, "aux_tags": aux_tags} for ident, name, *aux_tags in tags]
    return {"title": title, "topic": topic, "tags": found}


def _role(key: str, alias: str) -> Mapping[str, Any]:
    more = {"enforce_two_factor_authentication": False}  # only later versions show it
    return {"alias": alias, "basedon": key, "builtin": True, "permissions": {}, **more}


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ALWAYS = [{"day": day, "time_ranges": [{"start": "00:00", "end": "24:00"}]} for day in WEEKDAYS]

BUILTIN_OBJECTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "contact_groups": {"all": {"alias": "Everything"}},
    # Checkmk: the built-in time period has no exclude in answers.
    "time_periods": {"24X7": {"alias": "Always", "active_time_ranges": _ALWAYS, "exceptions": []}},
    "rulesets": {name: {"name": name, "help": "", **facts} for name, facts in RULESETS.items()},
    "aux_tags": {
        "ip-v4": {"title": "IPv4", "topic": "Address", "help": ""},
        "ip-v6": {"title": "IPv6", "topic": "Address", "help": ""},
        "snmp": {"title": "Monitoring via SNMP", "topic": "Monitoring agents", "help": ""},
        "tcp": {"title": "Monitoring via Checkmk Agent", "topic": "Monitoring agents", "help": ""},
        "checkmk-agent": {"title": "Monitoring via Checkmk Agent (TCP)", "topic": "Monitoring agents", "help": ""},
        "ping": {"title": "Only ping this device", "topic": "Monitoring agents", "help": ""},
    },
    "users": {"cmkadmin": {"fullname": "cmkadmin", "roles": ["admin"], "contactgroups": ["all"]}},
    "roles": {
        "admin": _role("admin", "Administrator"),
        "user": _role("user", "Normal monitoring user"),
        "guest": _role("guest", "Guest user"),
        "agent_registration": _role("agent_registration", "Agent registration user"),
        "no_permissions": _role("no_permissions", "Empty role"),
    },
    "tag_groups": {
        # These two are part of a new site's sample configuration. The others are built in.
        "criticality": _group(
            "Criticality",
            "Tags",
            ("prod", "Productive system"),
            ("critical", "Business critical"),
            ("test", "Test system"),
            ("offline", "Do not monitor this host"),
        ),
        "networking": _group(
            "Networking Segment",
            "Tags",
            ("lan", "Local network (low latency)"),
            ("wan", "WAN (high latency)"),
            ("dmz", "DMZ (low latency, secure access)"),
        ),
        "agent": _group(
            "Checkmk agent / API integrations",
            "Monitoring agents",
            ("cmk-agent", "API integrations if configured, else Checkmk agent", "tcp", "checkmk-agent"),
            ("all-agents", "Configured API integrations and Checkmk agent", "tcp", "checkmk-agent"),
            ("special-agents", "Configured API integrations, no Checkmk agent", "tcp"),
            ("no-agent", "No API integrations, no Checkmk agent"),
        ),
        "piggyback": _group(
            "Piggyback",
            "Monitoring agents",
            ("auto-piggyback", "Use piggyback data from other hosts if present"),
            ("piggyback", "Always use and expect piggyback data"),
            ("no-piggyback", "Never use piggyback data"),
        ),
        "snmp_ds": _group(
            "SNMP",
            "Monitoring agents",
            ("no-snmp", "No SNMP"),
            ("snmp-v2", "SNMP v2 or v3", "snmp"),
            ("snmp-v1", "SNMP v1", "snmp"),
        ),
        "address_family": _group(
            "IP address family",
            "Address",
            ("ip-v4-only", "IPv4 only", "ip-v4"),
            ("ip-v6-only", "IPv6 only", "ip-v6"),
            ("ip-v4v6", "IPv4/IPv6 dual-stack", "ip-v4", "ip-v6"),
            ("no-ip", "No IP"),
        ),
    },
}
