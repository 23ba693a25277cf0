"""The nouns of the client, such as hosts and folders. The catalogue describes their requests."""

from __future__ import annotations

from typing import Any, Mapping

from ..collection import Collection
from .activation import Activation
from .discovery import Discovery
from .folders import Folders
from .hosts import Hosts
from .jobs import Jobs
from .monitoring import HostStatuses, Services
from .rules import Rules, Rulesets

__all__ = [
    "OWN_COLLECTIONS",
    "Activation",
    "Discovery",
    "Folders",
    "HostStatuses",
    "Hosts",
    "Jobs",
    "Rules",
    "Rulesets",
    "Services",
]

# The plain nouns with methods of their own.
OWN_COLLECTIONS: Mapping[str, type[Collection[Any]]] = {"rules": Rules, "rulesets": Rulesets}
