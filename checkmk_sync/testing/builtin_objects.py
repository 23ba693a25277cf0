"""The objects of plain nouns that exist on a new site, by noun and key, in the form in which they are stored."""

from __future__ import annotations

from typing import Any, Mapping

from .rulesets import RULESETS

__all__ = ["BUILTIN_OBJECTS", "WEEKDAYS"]

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
}
