"""The behaviour of the server for each plain noun that does more than its row says.

The texts of refusals, and their order, are copied from Checkmk's endpoints (cmk/gui/openapi/endpoints, cmk/gui/fields).
"""

from __future__ import annotations

from typing import Mapping

from ...catalogue.nouns import NOUNS
from . import aux_tags, groups, notification_rules, passwords, roles, rules, tag_groups, time_periods, users
from .standard import Behaviour

_BEHAVIOURS: Mapping[str, type[Behaviour]] = {
    "aux_tags": aux_tags.AuxTags,
    "contact_groups": groups.ContactGroups,
    "host_groups": groups.HostGroups,
    "notification_rules": notification_rules.NotificationRules,
    "passwords": passwords.Passwords,
    "roles": roles.Roles,
    "rules": rules.Rules,
    "rulesets": rules.Rulesets,
    "service_groups": groups.ServiceGroups,
    "tag_groups": tag_groups.TagGroups,
    "time_periods": time_periods.TimePeriods,
    "users": users.Users,
}

for _noun in NOUNS.values():
    _BEHAVIOURS.get(_noun.name, Behaviour)(_noun).register()
