"""The records of plain nouns, which need only the standard operations of the API, and their rows in NOUNS.

Import NOUNS from here. In ``catalogue.noun`` it is empty until this package has been imported.
"""

from __future__ import annotations

from ..noun import NOUNS
from .aux_tags import AuxTag
from .groups import ContactGroup, HostGroup, ServiceGroup
from .passwords import Password
from .time_periods import TimePeriod

__all__ = ["NOUNS", "AuxTag", "ContactGroup", "HostGroup", "Password", "ServiceGroup", "TimePeriod"]
