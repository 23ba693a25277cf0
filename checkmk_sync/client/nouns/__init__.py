"""The nouns of the client, such as hosts and folders. The catalogue describes their requests."""

from __future__ import annotations

from .activation import Activation
from .discovery import Discovery
from .folders import Folders
from .hosts import Hosts
from .jobs import Jobs
from .monitoring import HostStatuses, Services
from .roles import Roles
from .tag_groups import TagGroups
from .users import Users

__all__ = [
    "Activation",
    "Discovery",
    "Folders",
    "HostStatuses",
    "Hosts",
    "Jobs",
    "Roles",
    "Services",
    "TagGroups",
    "Users",
]
