"""The behaviour of the server for each plain noun that does more than its row says.

The texts of refusals, and their order, are copied from Checkmk's endpoints (cmk/gui/openapi/endpoints, cmk/gui/fields).
"""

from __future__ import annotations

from typing import Mapping

from ...catalogue.nouns import NOUNS
from .aux_tags import AuxTags
from .groups import ContactGroups, HostGroups, ServiceGroups
from .notification_rules import NotificationRules
from .passwords import Passwords
from .roles import Roles
from .rules import Rules, Rulesets
from .standard import Behaviour
from .tag_groups import TagGroups
from .time_periods import TimePeriods
from .users import Users

_BEHAVIOURS: Mapping[str, type[Behaviour]] = {
    "aux_tags": AuxTags,
    "contact_groups": ContactGroups,
    "host_groups": HostGroups,
    "notification_rules": NotificationRules,
    "passwords": Passwords,
    "roles": Roles,
    "rules": Rules,
    "rulesets": Rulesets,
    "service_groups": ServiceGroups,
    "tag_groups": TagGroups,
    "time_periods": TimePeriods,
    "users": Users,
}

for _noun in NOUNS.values():
    _BEHAVIOURS.get(_noun.name, Behaviour)(_noun).register()
