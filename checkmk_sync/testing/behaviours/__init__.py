"""The behaviour of the server for each plain noun, where it does more than the row of the noun says.

The texts and the order of refusals are those of Checkmk's endpoints (cmk/gui/openapi/endpoints, cmk/gui/fields).
"""

from __future__ import annotations

from typing import Mapping

from .aux_tags import AUX_TAGS
from .behaviour import Behaviour, Values
from .groups import CONTACT_GROUPS, HOST_GROUPS, SERVICE_GROUPS
from .notification_rules import NOTIFICATION_RULES
from .passwords import PASSWORDS
from .roles import ROLES
from .rules import RULES, RULESETS_BEHAVIOUR
from .tag_groups import TAG_GROUPS
from .time_periods import TIME_PERIODS
from .users import USERS

__all__ = ["BEHAVIOURS", "Behaviour", "Values"]

BEHAVIOURS: Mapping[str, Behaviour] = {
    "aux_tags": AUX_TAGS,
    "contact_groups": CONTACT_GROUPS,
    "host_groups": HOST_GROUPS,
    "notification_rules": NOTIFICATION_RULES,
    "passwords": PASSWORDS,
    "roles": ROLES,
    "rules": RULES,
    "rulesets": RULESETS_BEHAVIOUR,
    "service_groups": SERVICE_GROUPS,
    "tag_groups": TAG_GROUPS,
    "time_periods": TIME_PERIODS,
    "users": USERS,
}
