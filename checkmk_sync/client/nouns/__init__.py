"""The nouns of the client, such as hosts and folders. The catalogue describes their requests."""

from __future__ import annotations

from typing import Any, Mapping

from .acknowledgements import Acknowledgements as Acknowledgements
from .activation import Activation as Activation
from .comments import Comments as Comments
from .discovery import Discovery as Discovery
from .downtimes import Downtimes as Downtimes
from .folders import Folders as Folders
from .host_attributes import HostAttributes as HostAttributes
from .hosts import Hosts as Hosts
from .jobs import Jobs as Jobs
from .monitoring import HostStatuses as HostStatuses
from .monitoring import Services as Services
from .roles import Roles as Roles
from .rules import Rules as Rules
from .rules import Rulesets as Rulesets
from .tag_groups import TagGroups as TagGroups
from .users import Users as Users

# The plain nouns with methods that their rows cannot describe.
COLLECTIONS: Mapping[str, Any] = {
    "roles": Roles,
    "rules": Rules,
    "rulesets": Rulesets,
    "tag_groups": TagGroups,
    "users": Users,
}
