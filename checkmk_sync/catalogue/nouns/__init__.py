"""The records of plain nouns, which need only the standard operations of the API, and their rows in NOUNS.

Import NOUNS from here. In ``catalogue.noun`` it is empty until this package has been imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..noun import NOUNS as NOUNS
from .aux_tags import AuxTag as AuxTag
from .groups import ContactGroup as ContactGroup
from .groups import HostGroup as HostGroup
from .groups import ServiceGroup as ServiceGroup
from .notification_rules import NotificationRule as NotificationRule
from .passwords import Password as Password
from .roles import Role as Role
from .rules import Rule as Rule
from .rules import Ruleset as Ruleset
from .tag_groups import TagGroup as TagGroup
from .time_periods import TimePeriod as TimePeriod
from .users import User as User

if not TYPE_CHECKING:  # type checkers read the imports
    __all__ = ["NOUNS", *sorted(noun.record.__name__ for noun in NOUNS.values())]  # noqa: PLE0604
