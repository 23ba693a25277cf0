"""The nouns of the client, such as hosts and folders. The catalogue describes their requests."""

from __future__ import annotations

from typing import Any, Mapping

from .acknowledgements import Acknowledgements
from .activation import Activation
from .comments import Comments
from .discovery import Discovery
from .downtimes import Downtimes
from .folders import Folders
from .host_attributes import HostAttributes
from .hosts import Hosts
from .jobs import Jobs
from .monitoring import HostStatuses, Services
from .roles import Roles
from .rules import Rules, Rulesets
from .tag_groups import TagGroups
from .users import Users

__all__ = [
    "COLLECTIONS",
    "Acknowledgements",
    "Activation",
    "Comments",
    "Discovery",
    "Downtimes",
    "Folders",
    "HostAttributes",
    "HostStatuses",
    "Hosts",
    "Jobs",
    "Roles",
    "Rules",
    "Rulesets",
    "Services",
    "TagGroups",
    "Users",
]

# The plain nouns with methods that their rows cannot describe.
COLLECTIONS: Mapping[str, Any] = {
    "roles": Roles,
    "rules": Rules,
    "rulesets": Rulesets,
    "tag_groups": TagGroups,
    "users": Users,
}
