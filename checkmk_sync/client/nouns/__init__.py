"""The nouns of the client, such as hosts and folders. The catalogue describes their requests."""

from __future__ import annotations

from .activation import Activation
from .discovery import Discovery
from .folders import Folders
from .hosts import Hosts
from .jobs import Jobs
from .monitoring import HostStatuses, Services
from .roles import Roles
from .rules import Rules, Rulesets
from .tag_groups import TagGroups

__all__ = [
    "Activation",
    "Discovery",
    "Folders",
    "HostStatuses",
    "Hosts",
    "Jobs",
    "Roles",
    "Rules",
    "Rulesets",
    "Services",
    "TagGroups",
]
