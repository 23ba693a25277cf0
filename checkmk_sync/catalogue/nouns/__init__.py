"""The records of plain nouns, which need only the standard operations of the API, and their rows in NOUNS.

Import NOUNS from here. In ``catalogue.noun`` it is empty until this package has been imported.
"""

from __future__ import annotations

from ..noun import NOUNS
from .aux_tags import AuxTag
from .groups import ContactGroup, HostGroup, ServiceGroup
from .notification_rules import NotificationRule
from .passwords import Password
from .roles import Role
from .rules import Rule, Ruleset
from .tag_groups import TagGroup
from .time_periods import TimePeriod
from .users import User

__all__ = [
    "NOUNS",
    "AuxTag",
    "ContactGroup",
    "HostGroup",
    "NotificationRule",
    "Password",
    "Role",
    "Rule",
    "Ruleset",
    "ServiceGroup",
    "TagGroup",
    "TimePeriod",
    "User",
]
