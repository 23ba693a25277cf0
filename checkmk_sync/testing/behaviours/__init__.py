"""The behaviour of the server for each plain noun that does more than its row says.

The texts of refusals, and their order, are copied from Checkmk's endpoints (cmk/gui/openapi/endpoints, cmk/gui/fields).
"""

from __future__ import annotations

from typing import Mapping

from ...catalogue.nouns import NOUNS
from .aux_tags import AuxTags
from .groups import ContactGroups, HostGroups, ServiceGroups
from .passwords import Passwords
from .standard import Behaviour
from .time_periods import TimePeriods

__all__: list[str] = []

_BEHAVIOURS: Mapping[str, type[Behaviour]] = {
    "aux_tags": AuxTags,
    "contact_groups": ContactGroups,
    "host_groups": HostGroups,
    "passwords": Passwords,
    "service_groups": ServiceGroups,
    "time_periods": TimePeriods,
}

for _noun in NOUNS.values():
    _BEHAVIOURS.get(_noun.name, Behaviour)(_noun).register()
