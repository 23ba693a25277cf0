"""The records of plain nouns: objects for which the standard operations of the API are enough."""

from __future__ import annotations

from .aux_tags import AuxTag
from .groups import ContactGroup, HostGroup, ServiceGroup
from .passwords import Password
from .time_periods import TimePeriod

__all__ = ["AuxTag", "ContactGroup", "HostGroup", "Password", "ServiceGroup", "TimePeriod"]
